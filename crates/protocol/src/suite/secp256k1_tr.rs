//! FROST over secp256k1 with BIP-340 signatures under a BIP-341 output key.

use frost_core::keys::{KeyPackage, PublicKeyPackage};
use frost_secp256k1_tr::keys::Tweak as _;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::point::AffineCoordinates as _;
use k256::elliptic_curve::sec1::ToEncodedPoint as _;
use k256::schnorr::signature::hazmat::PrehashVerifier as _;
use k256::schnorr::{Signature, VerifyingKey};
use k256::{ProjectivePoint, PublicKey, Scalar, U256};
use quorate_model::Scheme;
use sha2::{Digest as _, Sha256};

use super::Suite;

/// FROST(secp256k1, SHA-256) with BIP-340 signatures and BIP-341 tweaks.
pub type Secp256k1Tr = frost_secp256k1_tr::Secp256K1Sha256TR;

impl Suite for Secp256k1Tr {
    const SCHEME: Scheme = Scheme::FrostSecp256k1Tr;

    fn output_key_package(package: KeyPackage<Self>) -> KeyPackage<Self> {
        package.tweak(None::<&[u8]>)
    }

    fn output_public_key_package(package: PublicKeyPackage<Self>) -> PublicKeyPackage<Self> {
        package.tweak(None::<&[u8]>)
    }

    fn verify(group_verifying_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = output_key(group_verifying_key) else { return false };
        let Ok(signature) = Signature::try_from(signature) else { return false };
        // "Prehash" is k256's name for handing over the BIP-340 message as it is.
        key.verify_prehash(message, &signature).is_ok()
    }
}

/// The BIP-341 output key without scripts: Q = lift_x(P) + int(hashTapTweak(P))·G.
fn output_key(internal: &[u8]) -> Option<VerifyingKey> {
    let internal = PublicKey::from_sec1_bytes(internal).ok()?;
    let x = internal.as_affine().x();
    let tag = Sha256::digest(b"TapTweak");
    let hash = Sha256::new().chain_update(tag).chain_update(tag).chain_update(x).finalize();
    let even = lift_x_even(&internal);
    let tweak = <Scalar as Reduce<U256>>::reduce_bytes(&hash);
    let output = (even + ProjectivePoint::GENERATOR * tweak).to_affine();
    VerifyingKey::from_bytes(output.x().as_slice()).ok()
}

fn lift_x_even(key: &PublicKey) -> ProjectivePoint {
    let odd = key.to_encoded_point(true).as_bytes().first() == Some(&0x03);
    if odd { -key.to_projective() } else { key.to_projective() }
}
