//! Ed25519 keys of nodes, services and people, and their signatures (RFC 8032).

use std::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use quorate_model::Digest;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// An Ed25519 public key. Only canonical encodings of points of prime order exist as values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// An Ed25519 signature, as bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// An Ed25519 signing key. Zeroized when dropped; neither shown, copied nor serialised by accident.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Why a key or a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not 32 bytes of a canonical point of prime order.
    #[error("not an Ed25519 public key (32 bytes, canonical, of prime order)")]
    PublicKey,
    /// Not 64 bytes.
    #[error("not an Ed25519 signature (64 bytes)")]
    SignatureLength,
    /// The signature is not this key's over this digest.
    #[error("the signature does not verify")]
    BadSignature,
    /// Not the text of a note: too short, or without its final newline.
    #[error("not the text of a note (longer than a digest, ending with a newline)")]
    Note,
    /// Not an unencrypted PKCS#8 PEM of an Ed25519 key.
    #[error("not a PKCS#8 PEM file of an Ed25519 private key")]
    PrivateKey,
}

impl PublicKey {
    /// # Errors
    /// [`CredentialError::PublicKey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CredentialError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| CredentialError::PublicKey)?;
        let point = CompressedEdwardsY(bytes).decompress().ok_or(CredentialError::PublicKey)?;
        let canonical = point.compress().to_bytes() == bytes;
        // The identity is torsion-free as well, so both are asked.
        let prime_order = point.is_torsion_free() && !point.is_small_order();
        if canonical && prime_order { Ok(Self(bytes)) } else { Err(CredentialError::PublicKey) }
    }

    /// The 32 bytes of the compressed point.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies strictly: canonical scalar, no points of small order.
    ///
    /// # Errors
    /// [`CredentialError::BadSignature`].
    pub fn verify(&self, digest: &Digest, signature: &Signature) -> Result<(), CredentialError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0)
            .map_err(|_| CredentialError::PublicKey)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(digest.as_bytes(), &signature).map_err(|_| CredentialError::BadSignature)
    }
}

impl std::str::FromStr for PublicKey {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        let key = Self::from_bytes(&hex::decode(text).map_err(|_| CredentialError::PublicKey)?)?;
        if key.to_string() == text { Ok(key) } else { Err(CredentialError::PublicKey) }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Verifies an Ed25519 signature over any message, strictly (RFC 8032, section 5.1.7, without the
/// cofactor, small-order points refused).
pub fn verify_ed25519(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) =
        (PublicKey::from_bytes(public_key), Signature::from_bytes(signature))
    else {
        return false;
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    ed25519_dalek::VerifyingKey::from_bytes(&key.0)
        .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

impl Signature {
    /// # Errors
    /// [`CredentialError::SignatureLength`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CredentialError> {
        bytes.try_into().map(Self).map_err(|_| CredentialError::SignatureLength)
    }

    /// The 64 bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl SigningKey {
    /// Draws a new key.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(ed25519_dalek::SigningKey::generate(rng))
    }

    /// Reads an unencrypted PKCS#8 PEM file's text (what `openssl genpkey -algorithm ed25519` writes).
    ///
    /// # Errors
    /// [`CredentialError::PrivateKey`].
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, CredentialError> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(text)
            .map(Self)
            .map_err(|_| CredentialError::PrivateKey)
    }

    /// Renders a PKCS#8 PEM file's text.
    ///
    /// # Errors
    /// [`CredentialError::PrivateKey`], if the encoder fails.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, CredentialError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| CredentialError::PrivateKey)
    }

    /// The same key once more: for a backup, nothing else.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// A key by its 32 secret bytes (the seed of RFC 8032, section 5.1.5).
    pub fn from_secret_bytes(bytes: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(bytes))
    }

    /// The 32 secret bytes. For sealing, nothing else.
    pub fn secret_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key that verifies.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a domain-tagged digest.
    pub fn sign(&self, digest: &Digest) -> Signature {
        Signature(self.0.sign(digest.as_bytes()).to_bytes())
    }

    /// Signs the text of a C2SP signed note as it stands, which is what that format asks for
    /// (c2sp.org/signed-note). [`verify_ed25519`] verifies it.
    ///
    /// Everything else that this key signs is a digest of 32 bytes. A longer text is the only
    /// other message there is, so that no note can stand for a statement, nor a statement for a note.
    ///
    /// # Errors
    /// [`CredentialError::Note`].
    pub fn sign_note(&self, text: &str) -> Result<Signature, CredentialError> {
        if text.len() <= NO_LONGER_THAN_A_DIGEST || !text.ends_with('\n') {
            return Err(CredentialError::Note);
        }
        Ok(Signature(self.0.sign(text.as_bytes()).to_bytes()))
    }
}

const NO_LONGER_THAN_A_DIGEST: usize = 32;

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    #[test]
    fn a_key_survives_its_file_and_stays_out_of_debug() {
        let key = SigningKey::generate(&mut OsRng);
        let pem = key.to_pkcs8_pem().unwrap();
        let again = SigningKey::from_pkcs8_pem(&pem).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(format!("{key:?}"), "SigningKey(<redacted>)");
    }

    #[test]
    fn a_point_of_small_order_is_no_key() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(CredentialError::PublicKey));
    }

    #[test]
    fn a_point_of_mixed_order_is_no_key() {
        let key = SigningKey::generate(&mut OsRng).public_key();
        let point = CompressedEdwardsY(key.0).decompress().unwrap();
        let [_, torsion, ..] = curve25519_dalek::constants::EIGHT_TORSION;
        let mixed = (point + torsion).compress().to_bytes();
        assert_eq!(PublicKey::from_bytes(&mixed), Err(CredentialError::PublicKey));
    }

    #[test]
    fn a_non_canonical_encoding_is_no_key() {
        // y = p + 3, which reduces to 3.
        let mut bytes = [0xff; 32];
        bytes[0] = 0xf0;
        bytes[31] = 0x7f;
        assert_eq!(PublicKey::from_bytes(&bytes), Err(CredentialError::PublicKey));
    }

    #[test]
    fn a_note_is_signed_as_it_stands() {
        let key = SigningKey::generate(&mut OsRng);
        let text = "a text that is longer than any digest\n";
        let signature = key.sign_note(text).unwrap();
        let verifies = |text: &str| {
            verify_ed25519(key.public_key().as_bytes(), text.as_bytes(), signature.as_bytes())
        };
        assert!(verifies(text));
        assert!(!verifies("a text that is longer than any digesu\n"));
    }

    #[test]
    fn what_could_be_a_digest_is_not_signed_as_a_note() {
        let key = SigningKey::generate(&mut OsRng);
        let of_length = |length: usize| format!("{}\n", "x".repeat(length - 1));
        assert_eq!(key.sign_note(&of_length(32)), Err(CredentialError::Note));
        assert!(key.sign_note(&of_length(33)).is_ok());
        assert_eq!(key.sign_note(&"x".repeat(40)), Err(CredentialError::Note));
    }

    #[test]
    fn a_signature_binds_key_and_digest() {
        let (key, other) = (SigningKey::generate(&mut OsRng), SigningKey::generate(&mut OsRng));
        let digest = Digest::new([7; 32]);
        let signature = key.sign(&digest);
        assert!(key.public_key().verify(&digest, &signature).is_ok());
        assert!(other.public_key().verify(&digest, &signature).is_err());
        assert!(key.public_key().verify(&Digest::new([8; 32]), &signature).is_err());
    }
}
