//! FROST(Ed25519, SHA-512), RFC 9591 section 6.1.

use frost_core::keys::{KeyPackage, PublicKeyPackage};
use quorate_model::Scheme;

use super::Suite;

/// FROST(Ed25519, SHA-512).
pub type Ed25519 = frost_ed25519::Ed25519Sha512;

impl Suite for Ed25519 {
    const SCHEME: Scheme = Scheme::FrostEd25519;

    fn output_key_package(package: KeyPackage<Self>) -> KeyPackage<Self> {
        package
    }

    fn output_public_key_package(package: PublicKeyPackage<Self>) -> PublicKeyPackage<Self> {
        package
    }

    fn verify(group_verifying_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        quorate_trust::verify_ed25519(group_verifying_key, message, signature)
    }
}
