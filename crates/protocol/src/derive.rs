//! Children of a key: BIP-32's public derivation (CKDpub), which needs no secret.
//!
//! A child's secret is the key's secret plus a tweak that anybody can compute from the certified group
//! key, the certified chain code and the path. So each holder adds the tweak to its share, each by itself,
//! and the shares of the child are a sharing of the child's secret: Lagrange coefficients sum to one. For
//! `frost-secp256k1-tr` the group key is the internal key: it is derived first, and BIP-341's output
//! tweak comes last, as BIP-86 has it.
//!
//! Sources: BIP-32, "Public parent key → public child key" and its note on leaked private keys; BIP-86;
//! SLIP-10, "Public parent key → public child key", which says that Ed25519 has none.
//!
//! **Warning:** who has the *secret* of a child, and the chain code, has the secret of the key. No machine
//! ever has either, and no command exports one.

use hmac::{Hmac, Mac as _};
use k256::elliptic_curve::PrimeField as _;
use k256::elliptic_curve::sec1::ToEncodedPoint as _;
use k256::{ProjectivePoint, PublicKey, Scalar};
use quorate_model::{DerivationPath, Scheme};
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::{CertifiedKey, SecretShare};

/// Length of a compressed point (SEC 1, section 2.3.3).
const COMPRESSED_BYTES: usize = 33;

/// A key that a path leads to. Everything in it is public, and the same at whoever derives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildKey {
    /// The verifying key, in the scheme's own encoding: as a group verifying key.
    pub verifying_key: Vec<u8>,
    /// The child's own chain code.
    pub chain_code: [u8; 32],
    /// What the child's secret is more than the key's, modulo the order of the group: 32 bytes, big
    /// endian. Zero for `m`.
    pub tweak: [u8; 32],
}

/// Why there is no such child.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The scheme has no derivation without the secret key.
    #[error(
        "a key of {0} has no children: SLIP-10 derives Ed25519 keys from a whole secret key only. \
         Use path m, and another key for another address"
    )]
    NoChildren(Scheme),
    /// BIP-32: the left half of the HMAC is not below the group's order, or the child is the point at
    /// infinity. Less likely than one in 2^127.
    #[error("the key has no child at {0}: use the next index")]
    NoChild(DerivationPath),
    /// Not a compressed point, or not a scalar, of secp256k1.
    #[error("the key cannot be decoded: ask for its certificate again")]
    Malformed,
}

impl CertifiedKey {
    /// The child of the group key at a path, from what every holder voted for.
    ///
    /// # Errors
    /// [`DeriveError`].
    pub fn child(&self, path: &DerivationPath) -> Result<ChildKey, DeriveError> {
        derive(self.scheme, &self.group_verifying_key, &self.chain_code, path)
    }
}

/// The child of a key of any scheme.
pub(crate) fn derive(
    scheme: Scheme,
    key: &[u8],
    chain_code: &[u8; 32],
    path: &DerivationPath,
) -> Result<ChildKey, DeriveError> {
    if path.is_root() {
        let (verifying_key, chain_code) = (key.to_vec(), *chain_code);
        return Ok(ChildKey { verifying_key, chain_code, tweak: [0; 32] });
    }
    if !scheme.has_children() {
        return Err(DeriveError::NoChildren(scheme));
    }
    derive_secp256k1(key, chain_code, path)
}

/// BIP-32 without any scheme: the child of a compressed point of secp256k1 and a chain code.
///
/// # Errors
/// [`DeriveError::NoChild`] where BIP-32 says to go on with the next index, [`DeriveError::Malformed`]
/// where the key is no such point.
pub fn derive_secp256k1(
    key: &[u8],
    chain_code: &[u8; 32],
    path: &DerivationPath,
) -> Result<ChildKey, DeriveError> {
    let mut key = point(key)?;
    let mut chain_code = *chain_code;
    let mut tweak = Scalar::ZERO;
    for index in path.indexes() {
        let (left, right) = halves(&key, &chain_code, *index)?;
        let added = scalar(left).ok_or_else(|| DeriveError::NoChild(path.clone()))?;
        key = add(&key, &added).ok_or_else(|| DeriveError::NoChild(path.clone()))?;
        tweak += added;
        chain_code = right;
    }
    Ok(ChildKey { verifying_key: compressed(&key), chain_code, tweak: tweak.to_bytes().into() })
}

impl ChildKey {
    /// A holder's share of the child, from its share of the key.
    ///
    /// # Errors
    /// [`DeriveError::Malformed`], where the bytes are no scalar.
    pub(crate) fn share_of(&self, share: &[u8]) -> Result<SecretShare, DeriveError> {
        let share = <[u8; 32]>::try_from(share).map(Zeroizing::new);
        let share = share.ok().and_then(|bytes| scalar(*bytes)).map(Zeroizing::new);
        let share = share.ok_or(DeriveError::Malformed)?;
        let tweak = scalar(self.tweak).ok_or(DeriveError::Malformed)?;
        let child = Zeroizing::new(*share + tweak);
        let bytes = Zeroizing::new(<[u8; 32]>::from(child.to_bytes()));
        SecretShare::from_bytes(bytes.as_slice()).ok_or(DeriveError::Malformed)
    }

    /// A holder's verifying share of the child, from its verifying share of the key.
    ///
    /// # Errors
    /// [`DeriveError::Malformed`], where the bytes are no point, or the child's share would be zero.
    pub(crate) fn verifying_share_of(&self, share: &[u8]) -> Result<Vec<u8>, DeriveError> {
        let tweak = scalar(self.tweak).ok_or(DeriveError::Malformed)?;
        let child = add(&point(share)?, &tweak).ok_or(DeriveError::Malformed)?;
        Ok(compressed(&child))
    }
}

/// BIP-32: I = HMAC-SHA512(Key = c, Data = serP(K) || ser32(i)), in its two halves.
fn halves(
    key: &PublicKey,
    chain_code: &[u8; 32],
    index: u32,
) -> Result<([u8; 32], [u8; 32]), DeriveError> {
    let hmac = Hmac::<Sha512>::new_from_slice(chain_code).map_err(|_| DeriveError::Malformed)?;
    let hash = hmac.chain_update(compressed(key)).chain_update(index.to_be_bytes()).finalize();
    let hash = hash.into_bytes();
    let (left, right) = hash.split_at(32);
    let half = |half: &[u8]| half.try_into().map_err(|_| DeriveError::Malformed);
    Ok((half(left)?, half(right)?))
}

/// BIP-32's parse256; `None` for what is not below the group's order.
fn scalar(bytes: [u8; 32]) -> Option<Scalar> {
    Scalar::from_repr(bytes.into()).into()
}

/// A point plus a multiple of the generator; `None` for the point at infinity.
fn add(key: &PublicKey, tweak: &Scalar) -> Option<PublicKey> {
    let sum = key.to_projective() + ProjectivePoint::GENERATOR * tweak;
    PublicKey::from_affine(sum.to_affine()).ok()
}

fn point(bytes: &[u8]) -> Result<PublicKey, DeriveError> {
    let encoded = (bytes.len() == COMPRESSED_BYTES).then_some(bytes);
    let point = encoded.and_then(|bytes| PublicKey::from_sec1_bytes(bytes).ok());
    point.ok_or(DeriveError::Malformed)
}

/// BIP-32's serP.
fn compressed(key: &PublicKey) -> Vec<u8> {
    key.to_encoded_point(true).as_bytes().to_vec()
}

#[cfg(test)]
mod tests;
