//! Why a PSBT is refused.

use std::fmt;

/// A map of a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The map of the whole transaction.
    Global,
    /// The map of an input, counted from 0.
    Input(usize),
    /// The map of an output, counted from 0.
    Output(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("the global map"),
            Self::Input(index) => write!(f, "input {index}"),
            Self::Output(index) => write!(f, "output {index}"),
        }
    }
}

/// Why a PSBT is refused. Inputs and outputs are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PsbtError {
    /// No magic bytes.
    #[error("no PSBT: it must begin with the bytes 70736274ff (send it binary, not as Base64)")]
    Magic,
    /// A key or a value that is cut short, or a length that is not in its shortest form.
    #[error("the PSBT is malformed at byte {offset}: serialise it again with its own software")]
    Malformed {
        /// Where.
        offset: usize,
    },
    /// One key twice in one map.
    #[error("the field at byte {offset} repeats a key of its map: serialise the PSBT again")]
    RepeatedField {
        /// Where the second one begins.
        offset: usize,
    },
    /// Bytes after the last map.
    #[error("the PSBT ends at byte {offset}, but bytes follow: remove them")]
    TrailingBytes {
        /// Where the PSBT ends.
        offset: usize,
    },
    /// Neither version 0 nor version 2.
    #[error("PSBT version {0} is unknown: versions 0 and 2 are decoded")]
    Version(u32),
    /// A field that its version requires.
    #[error("{place} lacks {field}, which its PSBT version requires: build the PSBT again")]
    MissingField {
        /// Where.
        place: Place,
        /// The field's name in BIP-174 or BIP-370.
        field: &'static str,
    },
    /// A field with a value outside its definition.
    #[error("{field} of {place} has no valid value: build the PSBT again")]
    FieldValue {
        /// Where.
        place: Place,
        /// The field's name in BIP-174 or BIP-370.
        field: &'static str,
    },
    /// A field that the decoder does not know, or that may not stand there.
    #[error("{place} has a field of type {key_type:#04x}, which is not decoded: remove the field")]
    UnknownField {
        /// Where.
        place: Place,
        /// The first byte of its key.
        key_type: u8,
    },
    /// What the `bitcoin` crate does not decode.
    #[error("the PSBT cannot be decoded: {reason}")]
    Undecodable {
        /// Its reason.
        reason: String,
    },
    /// The maps do not come back the same when written again.
    #[error("a field of the PSBT is not in its only encoding: serialise the PSBT again")]
    NotCanonical,
    /// BIP-370's flags say that inputs or outputs may still be added.
    #[error("the PSBT is still being built (PSBT_GLOBAL_TX_MODIFIABLE is not 0): finish it first")]
    Modifiable,
    /// Inputs require lock times of both kinds (BIP-370).
    #[error(
        "input {input} requires another kind of lock time than an input before it: spend them apart"
    )]
    LockTimes {
        /// The first input that does.
        input: usize,
    },
    /// A transaction version that is not standard.
    #[error("transaction version {0} is unknown: use 1, 2 or 3")]
    TransactionVersion(i32),
    /// Nothing is spent.
    #[error("the transaction has no inputs: add what it spends")]
    NoInputs,
    /// Everything would be fee.
    #[error("the transaction has no outputs, all would be fee: add one")]
    NoOutputs,
    /// Over [`crate::SIGNING_MESSAGES_MAX`].
    #[error(
        "the transaction has {inputs} inputs, the limit is {}: split it",
        crate::SIGNING_MESSAGES_MAX
    )]
    TooManyInputs {
        /// How many it has.
        inputs: usize,
    },
    /// One outpoint twice.
    #[error("input {input} spends the same output as an input before it: remove it")]
    RepeatedInput {
        /// The second of them.
        input: usize,
    },
    /// No `witness_utxo`.
    #[error(
        "input {input} lacks PSBT_IN_WITNESS_UTXO: add it, the signature covers every input's \
         amount and script"
    )]
    MissingWitnessUtxo {
        /// Which input.
        input: usize,
    },
    /// No `non_witness_utxo` of a P2WPKH input.
    #[error(
        "input {input} lacks PSBT_IN_NON_WITNESS_UTXO: add the whole previous transaction, a P2WPKH \
         signature does not cover the amounts of other inputs"
    )]
    MissingPreviousTransaction {
        /// Which input.
        input: usize,
    },
    /// The previous transaction is not the one spent, or says otherwise than `witness_utxo`.
    #[error(
        "PSBT_IN_NON_WITNESS_UTXO of input {input} does not agree with its outpoint and \
         PSBT_IN_WITNESS_UTXO: take both from the chain"
    )]
    PreviousTransaction {
        /// Which input.
        input: usize,
    },
    /// An input with another script than the group key's.
    #[error(
        "input {input} is not paid to {address}, the key's own address: this key cannot spend it, \
         and inputs of several owners are not supported"
    )]
    NotOurs {
        /// Which input.
        input: usize,
        /// The key's own address.
        address: String,
    },
    /// Another internal key than the group key.
    #[error("PSBT_{map}_TAP_INTERNAL_KEY of {place} is not the group key: remove or correct it",
        map = match place { Place::Input(_) => "IN", Place::Global | Place::Output(_) => "OUT" })]
    InternalKey {
        /// Which input, or which output to the key itself.
        place: Place,
    },
    /// A field that contradicts spending by the key alone, or a signature that is already there.
    #[error(
        "{place} has {field}, which does not go with an unsigned input or an output of this key: \
         remove it"
    )]
    Unexpected {
        /// Where.
        place: Place,
        /// The field's name in BIP-174 or BIP-371.
        field: &'static str,
    },
    /// A signature hash type other than ALL, and than Taproot's DEFAULT.
    #[error(
        "input {input} asks for signature hash type {sighash_type:#04x}: only ALL (0x01), and \
         DEFAULT (0x00) of Taproot, cover the whole transaction"
    )]
    SighashType {
        /// Which input.
        input: usize,
        /// What it asks for.
        sighash_type: u32,
    },
    /// An output script without an address that the decoder knows.
    #[error("the script of output {output} ({script}) has no known form: pay to an address")]
    UnknownScript {
        /// Which output.
        output: usize,
        /// The script, in hexadecimal digits (the first 100 of them).
        script: String,
    },
    /// A sum over 2^64 - 1 satoshis.
    #[error("the amounts of the {0} overflow: they cannot be real")]
    Overflow(&'static str),
    /// The outputs are worth more than the inputs.
    #[error("outputs of {outputs} sat exceed inputs of {inputs} sat: correct the amounts")]
    NegativeFee {
        /// Worth of the inputs, in satoshis.
        inputs: u64,
        /// Worth of the outputs, in satoshis.
        outputs: u64,
    },
    /// Not one signature for each input.
    #[error("{signatures} signatures for {inputs} inputs: give one for each, in their order")]
    SignatureCount {
        /// How many inputs.
        inputs: usize,
        /// How many signatures.
        signatures: usize,
    },
    /// A signature that does not verify.
    #[error("the signature of input {input} does not verify under the key: sign this PSBT again")]
    Signature {
        /// Which input.
        input: usize,
    },
    /// An input without a signature.
    #[error("input {input} has no signature of the key: sign it first")]
    Unsigned {
        /// Which input.
        input: usize,
    },
}
