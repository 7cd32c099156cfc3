//! The signature of one input, as the scheme makes it, as a PSBT carries it, and as a witness.

use bitcoin::secp256k1::{self, Message, Secp256k1, schnorr};
use bitcoin::{EcdsaSighashType, Witness, ecdsa, taproot};

use super::inputs::Sighash;
use super::owner::Form;

const IN_PARTIAL_SIG: u8 = 0x02;
const IN_TAP_KEY_SIG: u8 = 0x13;
/// Recovery ids are 0 to 3 (SEC 1, section 4.1.6). Bitcoin has no use for them.
const RECOVERY_ID_MAX: u8 = 3;

/// A signature, with the type of what it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputSignature {
    Taproot(taproot::Signature),
    Ecdsa(ecdsa::Signature),
}

impl InputSignature {
    /// What a scheme made: 64 bytes (BIP-340), or r, s and the recovery id.
    pub(super) fn from_scheme(bytes: &[u8], sighash: Sighash) -> Option<Self> {
        match sighash {
            Sighash::Taproot(sighash_type) => {
                let signature = schnorr::Signature::from_slice(bytes).ok()?;
                Some(Self::Taproot(taproot::Signature { signature, sighash_type }))
            }
            Sighash::SegwitV0 => {
                let (recovery_id, compact) = bytes.split_last()?;
                let signature = secp256k1::ecdsa::Signature::from_compact(compact).ok()?;
                let signature = ecdsa::Signature::sighash_all(signature);
                (*recovery_id <= RECOVERY_ID_MAX).then_some(Self::Ecdsa(signature))
            }
        }
    }

    /// What a PSBT carries, in its only encoding.
    pub(super) fn from_bytes(bytes: &[u8], form: &Form) -> Option<Self> {
        let signature = match form {
            Form::Taproot { .. } => Self::Taproot(taproot::Signature::from_slice(bytes).ok()?),
            Form::KeyHash { .. } => Self::Ecdsa(ecdsa::Signature::from_slice(bytes).ok()?),
        };
        (signature.to_bytes() == bytes).then_some(signature)
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Taproot(signature) => signature.to_vec(),
            Self::Ecdsa(signature) => signature.to_vec(),
        }
    }

    /// What it is over; nothing where nobody would have been asked for that.
    pub(super) fn sighash(self) -> Option<Sighash> {
        match self {
            Self::Taproot(signature) => Some(Sighash::Taproot(signature.sighash_type)),
            Self::Ecdsa(signature) => {
                (signature.sighash_type == EcdsaSighashType::All).then_some(Sighash::SegwitV0)
            }
        }
    }

    /// Whether it is a signature of the digest that the network takes and relays.
    pub(super) fn verifies(self, digest: [u8; 32], form: &Form) -> bool {
        let (secp, message) = (Secp256k1::verification_only(), Message::from_digest(digest));
        match (self, form) {
            (Self::Taproot(given), Form::Taproot { output_key, .. }) => {
                secp.verify_schnorr(&given.signature, &message, output_key).is_ok()
            }
            (Self::Ecdsa(given), Form::KeyHash { key }) => {
                is_low(given.signature)
                    && secp.verify_ecdsa(&message, &given.signature, &key.0).is_ok()
            }
            (Self::Taproot(_), Form::KeyHash { .. }) | (Self::Ecdsa(_), Form::Taproot { .. }) => {
                false
            }
        }
    }

    pub(super) fn witness(&self, form: &Form) -> Witness {
        match (self, form) {
            (Self::Ecdsa(signature), Form::KeyHash { key }) => Witness::p2wpkh(signature, &key.0),
            (Self::Taproot(signature), _) => Witness::p2tr_key_spend(signature),
            // Does not verify, so no witness is asked for.
            (Self::Ecdsa(_), Form::Taproot { .. }) => Witness::new(),
        }
    }

    /// The key of the field that carries it.
    pub(super) fn field(form: &Form) -> Vec<u8> {
        match form {
            Form::Taproot { .. } => vec![IN_TAP_KEY_SIG],
            Form::KeyHash { key } => [&[IN_PARTIAL_SIG], key.to_bytes().as_slice()].concat(),
        }
    }
}

/// Nodes relay only the lower of the two values of s (BIP-146).
fn is_low(signature: secp256k1::ecdsa::Signature) -> bool {
    let mut normal = signature;
    normal.normalize_s();
    normal == signature
}
