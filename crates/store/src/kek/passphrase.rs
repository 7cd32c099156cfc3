//! A key from a passphrase, which wraps every data key of a keyring.
//!
//! ```text
//! description  kind 1 | memory KiB 4 | passes 4 | lanes 4 | salt 16 | verifier (nonce 24 | tag 16)
//! ```

use std::collections::BTreeSet;
use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::KekError;
use super::secret::Passphrase;
use crate::data_key::DataKey;
use crate::fields::Fields;
use crate::wrapping::{WrappingId, WrappingKeys};
use crate::{Binding, DataKeyId};

pub(super) const KIND: u8 = 1;
const NONCE_BYTES: usize = 24;

/// The cost of deriving a key-encryption key from a passphrase by Argon2id (RFC 9106).
///
/// A keyring records the cost it was created with, and opens with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl KdfParams {
    /// 64 MiB, 3 passes, 1 lane.
    pub const fn production() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }

    /// 256 KiB, 1 pass, 1 lane: for throw-away clusters and tests only, where the passphrase is
    /// random or protects nothing.
    pub const fn light() -> Self {
        Self { memory_kib: 256, passes: 1, lanes: 1 }
    }

    /// Whether deriving costs no more than a node can afford. A damaged header may say anything.
    const fn is_affordable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 64 && self.lanes <= 16
    }
}

/// How a passphrase becomes a key.
struct Derivation {
    kdf: KdfParams,
    salt: [u8; 16],
}

impl Derivation {
    fn encode(&self) -> Vec<u8> {
        let KdfParams { memory_kib, passes, lanes } = self.kdf;
        let mut bytes = vec![KIND];
        for number in [memory_kib, passes, lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        (fields.u8()? == KIND).then_some(())?;
        let kdf =
            KdfParams { memory_kib: fields.u32()?, passes: fields.u32()?, lanes: fields.u32()? };
        let salt = fields.array()?;
        kdf.is_affordable().then_some(Self { kdf, salt })
    }

    fn key(&self, passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, KekError> {
        let KdfParams { memory_kib, passes, lanes } = self.kdf;
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(KekError::Derive)?;
        let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.secret_bytes(),
                &self.salt,
                key.as_mut(),
                memory.as_mut_slice(),
            )
            .map_err(KekError::Derive)?;
        Ok(key)
    }
}

/// The key of a passphrase.
pub(crate) struct PassphraseKey {
    description: Vec<u8>,
    key: Zeroizing<[u8; 32]>,
}

impl PassphraseKey {
    /// A key for a new keyring.
    pub(crate) fn generate(
        binding: Binding,
        passphrase: &Passphrase,
        kdf: KdfParams,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, KekError> {
        let mut salt = [0; 16];
        rng.try_fill_bytes(&mut salt)?;
        let derivation = Derivation { kdf, salt };
        let key = derivation.key(passphrase)?;
        let mut description = derivation.encode();
        let verifier = seal(&key, &[], &verifier_aad(&description, binding), rng)?;
        description.extend_from_slice(&verifier);
        Ok(Self { description, key })
    }

    /// The key of a keyring with this description. `None` where that is no description of a passphrase.
    ///
    /// # Errors
    /// When the passphrase is not that of the keyring, or there is too little memory.
    pub(crate) fn open(
        description: &[u8],
        binding: Binding,
        passphrase: &Passphrase,
    ) -> Result<Option<Self>, KekError> {
        let mut fields = Fields::new(description);
        let Some(derivation) = Derivation::decode(&mut fields) else { return Ok(None) };
        let key = derivation.key(passphrase)?;
        let aad = verifier_aad(&derivation.encode(), binding);
        open(&key, fields.rest(), &aad).ok_or(KekError::Wrong)?;
        Ok(Some(Self { description: description.to_vec(), key }))
    }
}

fn verifier_aad(derivation: &[u8], binding: Binding) -> Vec<u8> {
    [b"quorate/v1/keyring/verifier", binding.as_bytes().as_slice(), derivation].concat()
}

fn seal(
    key: &[u8; 32],
    secret: &[u8],
    aad: &[u8],
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, rand_core::Error> {
    let mut nonce = [0; NONCE_BYTES];
    rng.try_fill_bytes(&mut nonce)?;
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: secret, aad })
        .expect("a few bytes are not too long for the cipher");
    Ok([&nonce[..], &sealed].concat())
}

fn open(key: &[u8; 32], sealed: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, msg) = sealed.split_at_checked(NONCE_BYTES)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(XNonce::from_slice(nonce), Payload { msg, aad }).ok().map(Zeroizing::new)
}

impl WrappingKeys for PassphraseKey {
    fn description(&self) -> Vec<u8> {
        self.description.clone()
    }

    fn are_destroyed(&self) -> bool {
        false
    }

    fn wrap(
        &mut self,
        _: WrappingId,
        (_, data_key): (&DataKeyId, &DataKey),
        aad: &[u8],
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, KekError> {
        Ok(seal(&self.key, data_key.secret_bytes(), aad, rng)?)
    }

    fn unwrap(
        &mut self,
        _: WrappingId,
        wrapped: &[u8],
        aad: &[u8],
    ) -> Result<Option<DataKey>, KekError> {
        Ok(open(&self.key, wrapped, aad).and_then(|secret| DataKey::from_slice(&secret)))
    }

    fn destroy(&mut self, _: WrappingId) -> Result<(), KekError> {
        Ok(())
    }

    fn settle(&mut self, _: u64) -> Result<(), KekError> {
        Ok(())
    }

    fn tidy(&mut self, _: &BTreeSet<WrappingId>, _: u64) -> Result<(), KekError> {
        Ok(())
    }
}

impl fmt::Debug for PassphraseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassphraseKey(<redacted>)")
    }
}

#[cfg(test)]
#[path = "passphrase_tests.rs"]
mod tests;
