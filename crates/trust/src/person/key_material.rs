//! The public key inside a credential, whatever it is wrapped in.

use std::fmt;

use ed25519_dalek::Verifier as _;
use ssh_key::{Algorithm, EcdsaCurve};

use crate::{PublicKey, verify_ed25519};

/// The bare public key of a credential. Two credentials with equal material are one key: a file and an
/// `ssh-ed25519` line may hold the same one, and a security key may be listed under two application
/// strings. Whoever counts distinct keys compares this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyMaterial(Point);

/// Canonical encodings of points that were checked, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Point {
    Ed25519(PublicKey),
    /// Uncompressed, so that one point has one encoding.
    P256(p256::EncodedPoint),
}

impl KeyMaterial {
    pub(super) fn ed25519(bytes: &[u8]) -> Option<Self> {
        PublicKey::from_bytes(bytes).ok().map(Self::from)
    }

    /// OpenSSH writes points uncompressed and reads no others (RFC 5656, section 3.1, leaves it open).
    pub(super) fn p256(point: &p256::EncodedPoint) -> Option<Self> {
        let on_curve = p256::ecdsa::VerifyingKey::from_encoded_point(point).is_ok();
        // Only the uncompressed encoding has the other coordinate.
        (on_curve && point.y().is_some()).then_some(Self(Point::P256(*point)))
    }

    pub(super) fn point(&self) -> &Point {
        &self.0
    }

    /// Verifies a signature as SSH encodes it: 64 bytes of Ed25519, strictly, or two mpints of ECDSA
    /// with SHA-256.
    ///
    /// ECDSA signatures are malleable: `(r, n - s)` verifies where `(r, s)` does, and hardware makes
    /// both. That is harmless as long as nobody takes a signature's bytes for an id, which nothing
    /// here does: persons are counted, and statements are known by the digest of their text.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Point::Ed25519(key) => verify_ed25519(key.as_bytes(), message, signature),
            Point::P256(point) => p256_signature(signature).is_some_and(|signature| {
                p256::ecdsa::VerifyingKey::from_encoded_point(point)
                    .is_ok_and(|key| key.verify(message, &signature).is_ok())
            }),
        }
    }
}

fn p256_signature(mpints: &[u8]) -> Option<p256::ecdsa::Signature> {
    let algorithm = Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 };
    let signature = ssh_key::Signature::new(algorithm, mpints).ok()?;
    // Refuses zero and whatever is not below the order.
    p256::ecdsa::Signature::try_from(&signature).ok()
}

impl From<PublicKey> for KeyMaterial {
    fn from(key: PublicKey) -> Self {
        Self(Point::Ed25519(key))
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Point::Ed25519(key) => write!(f, "ed25519:{key}"),
            Point::P256(point) => write!(f, "p256:{}", hex::encode(point.as_bytes())),
        }
    }
}
