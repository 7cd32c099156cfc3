//! The ciphersuites, behind one trait.

mod ed25519;
mod secp256k1;
mod secp256k1_tr;

pub use ed25519::Ed25519;
pub use secp256k1::Secp256k1;
pub use secp256k1_tr::Secp256k1Tr;

use frost_core::keys::{KeyPackage, PublicKeyPackage};
use quorate_model::{ParticipantId, Scheme};

/// A FROST ciphersuite and what quorate needs to know beyond it.
pub trait Suite: frost_core::Ciphersuite {
    /// The scheme that this suite is.
    const SCHEME: Scheme;

    /// The package that signs for the address of the group key: itself, or its BIP-341 tweak.
    fn output_key_package(package: KeyPackage<Self>) -> KeyPackage<Self>;

    /// The public package that belongs to [`Suite::output_key_package`].
    fn output_public_key_package(package: PublicKeyPackage<Self>) -> PublicKeyPackage<Self>;

    /// Verifies a signature under the output key, with a verifier that is not FROST's own where the
    /// scheme's signatures are a standard format.
    fn verify(group_verifying_key: &[u8], message: &[u8], signature: &[u8]) -> bool;
}

/// The identifier of a participant in a suite's field.
pub(crate) fn identifier<S: Suite>(
    id: ParticipantId,
) -> Result<frost_core::Identifier<S>, frost_core::Error<S>> {
    frost_core::Identifier::try_from(id.get())
}

/// The participant behind an identifier of ours, which is the scalar of a small number. Only errors
/// ask, so a search will do.
pub(crate) fn participant<S: Suite>(id: &frost_core::Identifier<S>) -> Option<ParticipantId> {
    (1..=u16::MAX)
        .filter_map(|number| ParticipantId::new(number).ok())
        .find(|candidate| identifier::<S>(*candidate).as_ref() == Ok(id))
}

/// Runs an expression for the suite of a FROST scheme, and another for ECDSA, which is no suite:
/// `with_suite!(scheme, S => f::<S>(..), ecdsa => g())`.
#[macro_export]
macro_rules! with_suite {
    ($scheme:expr, $suite:ident => $body:expr, ecdsa => $ecdsa:expr) => {
        match $scheme {
            quorate_model::Scheme::FrostEd25519 => {
                type $suite = $crate::suite::Ed25519;
                $body
            }
            quorate_model::Scheme::FrostSecp256k1Tr => {
                type $suite = $crate::suite::Secp256k1Tr;
                $body
            }
            quorate_model::Scheme::FrostSecp256k1 => {
                type $suite = $crate::suite::Secp256k1;
                $body
            }
            quorate_model::Scheme::EcdsaSecp256k1 => $ecdsa,
        }
    };
}
