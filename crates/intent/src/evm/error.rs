//! Why an EVM payload is refused.

use quorate_model::ChainId;

use super::TypedDataError;

/// Why an EVM payload is refused. Items of lists are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvmError {
    /// What `alloy` does not decode.
    #[error("the bytes are no unsigned transaction: {reason}")]
    Undecodable {
        /// Its reason.
        reason: String,
    },
    /// Bytes after the payload, a signature in it, or a number or a length that is not in its shortest
    /// form.
    #[error(
        "from byte {offset} on the bytes are not what is signed: send the unsigned fields, serialised \
         by the chain's rules, and nothing after them"
    )]
    NotCanonical {
        /// Where they first differ.
        offset: usize,
    },
    /// A legacy transaction that is valid on every chain.
    #[error("the transaction names no chain: add chain id, 0 and 0 (EIP-155)")]
    NoChainId,
    /// For another chain.
    #[error("the payload is for chain {found}, the request for chain {expected}")]
    ChainId {
        /// The chain id of the payload, as it writes it.
        found: String,
        /// The chain id of the request's network.
        expected: ChainId,
    },
    /// The network refuses it (EIP-1559).
    #[error("the priority fee is above the maximum fee per gas: lower it")]
    PriorityFee,
    /// The network refuses it (EIP-4844).
    #[error(
        "a blob transaction names 1 or more blobs by hashes that begin with 01: build it again"
    )]
    Blobs,
    /// The network refuses it (EIP-7702).
    #[error("a transaction of type 4 has at least one authorization: send it as type 2")]
    NoAuthorization,
    /// An authorisation in a transaction that no account signed.
    #[error("authorization {index} has no valid signature: leave it out")]
    AuthorizationSignature {
        /// Which.
        index: usize,
    },
    /// What is no authorisation.
    #[error(
        "the bytes are no authorization: expected 05 and the RLP of chain id, address and nonce \
         (EIP-7702), not {reason}"
    )]
    Authorization {
        /// What alloy says.
        reason: String,
    },
    /// A known selector before other bytes than its function's arguments.
    #[error(
        "a call has the selector of {signature}, but not its arguments in their canonical encoding: \
         encode it again"
    )]
    Arguments {
        /// The function.
        signature: &'static str,
    },
    /// Calls in calls in calls.
    #[error("calls are nested deeper than {max} levels: flatten the batch")]
    TooDeep {
        /// How many levels are decoded.
        max: usize,
    },
    /// More calls than effects can be decided on.
    #[error("the calls have more than {max} effects: split the batch")]
    TooManyEffects {
        /// How many are decoded.
        max: usize,
    },
    /// A batch of transactions that is cut short or malformed.
    #[error("the batch is malformed at byte {offset}: encode it again")]
    Batch {
        /// Where the transaction begins that is not understood.
        offset: usize,
    },
    /// Neither a call nor a delegatecall.
    #[error("{operation} is no operation of a Safe: use 0 (call)")]
    Operation {
        /// What it says.
        operation: String,
    },
    /// What a delegatecall would ignore.
    #[error("a delegatecall moves no value: set the value to 0")]
    DelegatedValue,
    /// What a Safe pays to whom brings the transaction has no upper bound in the bytes.
    #[error("the Safe refunds gas at a price: set gasPrice to 0, so that what it pays is known")]
    Refund,
    /// Two lists of one transfer.
    #[error("a batch transfer has {ids} token ids and {amounts} amounts: give each id an amount")]
    BatchLengths {
        /// Of one list.
        ids: usize,
        /// Of the other.
        amounts: usize,
    },
    /// A message that would be something else without its prefix.
    #[error("the message is {what}: sign it as what it is")]
    Ambiguous {
        /// What it is as well.
        what: &'static str,
    },
    /// More than a person reads.
    #[error("the message has {bytes} bytes, {max} are shown to people: shorten it")]
    LongMessage {
        /// How many it has.
        bytes: usize,
        /// How many are decoded.
        max: usize,
    },
    /// Typed data that is refused.
    #[error(transparent)]
    TypedData(#[from] TypedDataError),
    /// A signature that is not the key's.
    #[error(
        "the signature is not that of the key over this payload: expected r, s (the lower one) and a \
         recovery id of 0 or 1"
    )]
    Signature,
}

/// What somebody else's decoder says, cut to what a person reads.
pub(super) fn reason(error: &impl ToString) -> String {
    crate::quote::quoted(&error.to_string())
}
