//! Sealed values: each opens only where it was written.
//!
//! ```text
//! format 1 | serial 8 | generation 8 | nonce 24 | XChaCha20-Poly1305 ciphertext
//! ```
//!
//! `serial` names the data key and `generation` the transaction. Associated data is the format, the
//! generation, the node's binding, and the tree and key with their lengths.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead as _, Payload};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::Binding;
use crate::data_key::DataKey;
use crate::fields::Fields;
use crate::keyring::Keyring;

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Where a value belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) binding: &'a Binding,
    pub(crate) tree: &'a str,
    pub(crate) key: &'a [u8],
}

impl Place<'_> {
    fn aad(&self, generation: u64) -> Vec<u8> {
        let mut aad = vec![FORMAT];
        aad.extend_from_slice(&generation.to_be_bytes());
        aad.extend_from_slice(self.binding.as_bytes());
        for field in [self.tree.as_bytes(), self.key] {
            aad.extend_from_slice(&(field.len() as u64).to_be_bytes());
            aad.extend_from_slice(field);
        }
        aad
    }
}

/// Seals a value for its place, in the transaction of this generation.
pub(crate) fn seal(
    place: Place<'_>,
    (serial, data_key): (u64, &DataKey),
    generation: u64,
    value: &[u8],
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_BYTES];
    rng.try_fill_bytes(&mut nonce)?;
    let payload = Payload { msg: value, aad: &place.aad(generation) };
    let ciphertext = data_key
        .cipher()
        .encrypt(XNonce::from_slice(&nonce), payload)
        .expect("no value is too long for the cipher");
    let (serial, generation) = (serial.to_be_bytes(), generation.to_be_bytes());
    Ok([&[FORMAT][..], &serial, &generation, &nonce, &ciphertext].concat())
}

/// Opens a value at its place.
pub(crate) fn open(
    place: Place<'_>,
    keyring: &Keyring,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut fields = Fields::new(sealed);
    match fields.u8().ok_or(SealError::Truncated)? {
        FORMAT => {}
        format => return Err(SealError::Format { format }),
    }
    let serial = fields.u64().ok_or(SealError::Truncated)?;
    let generation = fields.u64().ok_or(SealError::Truncated)?;
    let nonce: [u8; NONCE_BYTES] = fields.array().ok_or(SealError::Truncated)?;
    let data_key = keyring.by_serial(serial).ok_or(SealError::DataKeyMissing { serial })?;
    let payload = Payload { msg: fields.rest(), aad: &place.aad(generation) };
    data_key
        .cipher()
        .decrypt(XNonce::from_slice(&nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| SealError::Mismatch)
}

/// Why a value was not sealed or not opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The value is shorter than its header.
    #[error("the sealed value is cut short")]
    Truncated,
    /// The value has a format of a later version, or is damaged there.
    #[error("the sealed value has format {format}, this version reads format 1")]
    Format {
        /// The format's number.
        format: u8,
    },
    /// The data key was erased, or the value is damaged there.
    #[error("the data key with serial {serial} is not in the keyring: it was erased")]
    DataKeyMissing {
        /// The data key's serial.
        serial: u64,
    },
    /// The value was damaged, moved here from elsewhere, or written by another node.
    #[error("the sealed value does not belong here, or is damaged")]
    Mismatch,
    /// No random bytes.
    #[error("the source of randomness failed")]
    Randomness(#[from] rand_core::Error),
}

#[cfg(test)]
mod tests;
