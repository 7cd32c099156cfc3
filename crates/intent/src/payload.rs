//! What comes in, and what comes out.

use quorate_model::{Digest, Network, PayloadFormat, Scheme, Tag, Transcript};

use crate::Intent;

/// Bytes that a service wants signed, and the format they are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A partially signed Bitcoin transaction (BIP-174 or BIP-370), serialised.
    BitcoinPsbt(Vec<u8>),
    /// A serialised Solana message, legacy or v0.
    SolanaMessage(Vec<u8>),
    /// What is signed of an EVM transaction (EIP-2718, EIP-155).
    EvmTransaction(Vec<u8>),
    /// A personal message (EIP-191), without its prefix.
    EvmMessage(Vec<u8>),
    /// Typed data (EIP-712), in JSON.
    EvmTypedData(Vec<u8>),
    /// An authorisation to run code in the key's account (EIP-7702).
    EvmAuthorization(Vec<u8>),
    /// A digest of 32 bytes, signed as it is, for any network.
    RawDigest(Vec<u8>),
}

impl Payload {
    /// Bytes in a format, as a sign request names it.
    pub fn new(format: PayloadFormat, bytes: Vec<u8>) -> Self {
        match format {
            PayloadFormat::BitcoinPsbt => Self::BitcoinPsbt(bytes),
            PayloadFormat::SolanaMessage => Self::SolanaMessage(bytes),
            PayloadFormat::EvmTransaction => Self::EvmTransaction(bytes),
            PayloadFormat::EvmMessage => Self::EvmMessage(bytes),
            PayloadFormat::EvmTypedData => Self::EvmTypedData(bytes),
            PayloadFormat::EvmAuthorization => Self::EvmAuthorization(bytes),
            PayloadFormat::RawDigest => Self::RawDigest(bytes),
        }
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::BitcoinPsbt(bytes)
            | Self::SolanaMessage(bytes)
            | Self::EvmTransaction(bytes)
            | Self::EvmMessage(bytes)
            | Self::EvmTypedData(bytes)
            | Self::EvmAuthorization(bytes)
            | Self::RawDigest(bytes) => bytes,
        }
    }

    /// The format.
    pub const fn payload_format(&self) -> PayloadFormat {
        match self {
            Self::BitcoinPsbt(_) => PayloadFormat::BitcoinPsbt,
            Self::SolanaMessage(_) => PayloadFormat::SolanaMessage,
            Self::EvmTransaction(_) => PayloadFormat::EvmTransaction,
            Self::EvmMessage(_) => PayloadFormat::EvmMessage,
            Self::EvmTypedData(_) => PayloadFormat::EvmTypedData,
            Self::EvmAuthorization(_) => PayloadFormat::EvmAuthorization,
            Self::RawDigest(_) => PayloadFormat::RawDigest,
        }
    }

    /// The format's name on every surface.
    pub const fn format(&self) -> &'static str {
        self.payload_format().as_str()
    }

    /// The digest of format and bytes.
    pub fn digest(&self) -> Digest {
        Transcript::new(Tag::Payload).text(self.format()).bytes(self.as_bytes()).finish()
    }
}

/// The group key that is asked to sign, as the decoder needs it.
#[derive(Debug, Clone, Copy)]
pub struct PayingKey<'a> {
    /// The group verifying key in the scheme's own encoding: 32 bytes for Ed25519, 33 bytes
    /// (compressed SEC1) for secp256k1 schemes. For `frost-secp256k1-tr` this is the BIP-341
    /// *internal* key; the output key is its tweak with no script tree. `ecdsa-secp256k1` is used as it
    /// is.
    pub group_verifying_key: &'a [u8],
    /// The scheme of the key: on Bitcoin it says which outputs are the key's own.
    pub scheme: Scheme,
    /// The network that the request is bound to.
    pub network: Network,
}

/// A payload decoded, with what has to be signed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// What the payload does.
    pub intent: Intent,
    /// The messages to sign, in the payload's order: a 32-byte sighash (BIP-341 or, for P2WPKH,
    /// BIP-143) for each input of a PSBT, the whole message of a Solana transaction, or the one 32-byte
    /// Keccak-256 digest of an EVM payload, or a raw digest. Never empty.
    pub signing_messages: Vec<Vec<u8>>,
    /// What the payload uses up, each once; none where its chain has no such thing.
    pub claims: Vec<Claim>,
}

/// Something of a chain that one transaction can use and no second one: of two different payloads with
/// one claim, the network takes one at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// What is used up, by a name without spaces that stands for nothing else:
    /// `outpoint:<txid>:<index>` for an output that a PSBT spends, `nonce:<CAIP-2 id>:<address>:<nonce>` for
    /// the nonce of an EVM account.
    pub what: String,
    /// What can never differ between two payloads with the claim, such as what an output is worth
    /// (`<satoshis> sat`); empty where there is no such thing.
    pub value: String,
}
