//! FROST(secp256k1, SHA-256), RFC 9591 section 6.5.

use frost_core::VerifyingKey;
use frost_core::keys::{KeyPackage, PublicKeyPackage};
use quorate_model::Scheme;

use super::Suite;

/// FROST(secp256k1, SHA-256).
pub type Secp256k1 = frost_secp256k1::Secp256K1Sha256;

impl Suite for Secp256k1 {
    const SCHEME: Scheme = Scheme::FrostSecp256k1;

    fn output_key_package(package: KeyPackage<Self>) -> KeyPackage<Self> {
        package
    }

    fn output_public_key_package(package: PublicKeyPackage<Self>) -> PublicKeyPackage<Self> {
        package
    }

    // The format is FROST's own (R ‖ z, 65 bytes), so FROST's verifier is the one there is.
    fn verify(group_verifying_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let key = VerifyingKey::<Self>::deserialize(group_verifying_key);
        let signature = frost_core::Signature::<Self>::deserialize(signature);
        matches!((key, signature), (Ok(k), Ok(s)) if k.verify(message, &s).is_ok())
    }
}
