//! Why a Solana message is refused.

/// Why a Solana message is refused. Instructions are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// What the `solana-message` crate does not decode.
    #[error("the bytes are no legacy or version 0 message: {reason}")]
    Undecodable {
        /// Its reason.
        reason: String,
    },
    /// Bytes after the message, or a length that is not in its shortest form.
    #[error(
        "from byte {offset} on the bytes are not what the message serialises to: remove what \
         follows the message, or serialise it again"
    )]
    NotCanonical {
        /// Where they first differ.
        offset: usize,
    },
    /// A version that is not decoded.
    #[error("message version {0} is not decoded: send a legacy or a version 0 message")]
    Version(u8),
    /// Header, accounts and instructions contradict each other.
    #[error("the message is inconsistent ({reason}): build it again")]
    Inconsistent {
        /// What `solana-message` says.
        reason: String,
    },
    /// Not exactly one signature.
    #[error(
        "the message needs {required} signatures: only messages that the key alone signs are decoded"
    )]
    Signers {
        /// How many it needs.
        required: u8,
    },
    /// Another fee payer than the group key.
    #[error("the message is to be signed by {found}, not by the key's account {payer}")]
    Payer {
        /// The first account of the message.
        found: String,
        /// The account of the group key.
        payer: String,
    },
    /// One account twice: the network refuses such a message.
    #[error("account {account} is listed twice: build the message again")]
    RepeatedAccount {
        /// Which.
        account: String,
    },
    /// Accounts that stand in an address lookup table, not in the message.
    #[error(
        "the message takes accounts from the address lookup table {table}, which its bytes do not \
         show: build it without tables"
    )]
    LookupTable {
        /// The first table.
        table: String,
    },
    /// An instruction of a program that is not decoded.
    #[error("instruction {instruction} calls {program}, which is not decoded: leave it out")]
    UnknownProgram {
        /// Which instruction.
        instruction: usize,
        /// The program's id.
        program: String,
    },
    /// An instruction of a known program that is not decoded.
    #[error(
        "instruction {instruction} is no {program} instruction that is decoded: use {supported}"
    )]
    UnknownInstruction {
        /// Which instruction.
        instruction: usize,
        /// The program's name.
        program: &'static str,
        /// What is decoded.
        supported: &'static str,
    },
    /// More or fewer accounts than the instruction is defined with.
    #[error(
        "instruction {instruction} has {found} accounts, {expected} are decoded: build it again"
    )]
    AccountCount {
        /// Which instruction.
        instruction: usize,
        /// How many it is defined with.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Somebody else's funds or authority.
    #[error("the {role} of instruction {instruction} is {account}, not the key's own account")]
    NotOurs {
        /// Which instruction.
        instruction: usize,
        /// What the account is there for.
        role: &'static str,
        /// The account.
        account: String,
    },
    /// The network takes a nonce as durable only where the first instruction advances it.
    #[error("instruction {instruction} advances a nonce account: only the first one may")]
    NonceNotFirst {
        /// Which instruction.
        instruction: usize,
    },
    /// Another account where the sysvar of recent blockhashes belongs.
    #[error("instruction {instruction} names {account} for the sysvar of recent blockhashes")]
    NonceSysvar {
        /// Which instruction.
        instruction: usize,
        /// The account.
        account: String,
    },
    /// A memo that is no UTF-8 text: the program refuses it.
    #[error("the memo of instruction {instruction} is no UTF-8 text: write it as text")]
    Memo {
        /// Which instruction.
        instruction: usize,
    },
    /// A limit or a price twice: the network refuses such a message.
    #[error("instruction {instruction} sets the compute budget a second time: leave it out")]
    RepeatedBudget {
        /// Which instruction.
        instruction: usize,
    },
    /// A price for an unknown number of units.
    #[error(
        "the message sets a compute unit price without a limit, so its fee is not fixed: add \
         SetComputeUnitLimit"
    )]
    PriceWithoutLimit,
    /// A limit above the network's own.
    #[error(
        "a limit of {units} compute units is above the network's {}: lower it",
        super::budget::UNITS_MAX
    )]
    TooManyUnits {
        /// What the message asks for.
        units: u32,
    },
    /// A priority fee over 2^64 - 1 lamports.
    #[error("the priority fee exceeds all lamports that there are: lower the price")]
    FeeOverflow,
    /// Nothing happens.
    #[error("the message has no instruction with an effect: add a transfer")]
    NoEffect,
}
