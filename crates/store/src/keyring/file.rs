//! The bytes of a keyring.
//!
//! ```text
//! header    magic 16 | format 1 | binding 32 | length 2 | description of the wrapping keys
//! body      revision 8 | complete since 8 | count 4 | count times entry
//! entry     serial 8 | wrapped at revision 8 | id length 2 | id | length 2 | wrapped data key
//! seal      nonce 24 | tag 16      over all of the above, by the root data key: none was taken or added
//! checksum  SHA-256 of all of the above        no key needed: tells damage from a wrong key
//! ```
//!
//! Numbers are big-endian. How a data key is wrapped is for the wrapping keys to say.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead as _, Payload};
use quorate_model::Digest;
use rand_core::CryptoRngCore;
use sha2::{Digest as _, Sha256};

use super::KeyringError;
use crate::data_key::DataKey;
use crate::fields::Fields;
use crate::wrapping::WrappingId;
use crate::{Binding, DataKeyId};

const MAGIC: &[u8; 16] = b"quorate keyring\n";
const FORMAT: u8 = 2;
const NONCE_BYTES: usize = 24;
const SEAL_BYTES: usize = NONCE_BYTES + 16;
const CHECKSUM_BYTES: usize = 32;

/// A keyring whose data keys are wrapped.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) binding: Binding,
    pub(super) description: Vec<u8>,
    pub(super) revision: u64,
    /// The revision with which the present wrapping keys took over from others.
    pub(super) complete_since: u64,
    pub(super) entries: Vec<Entry>,
}

/// A data key, wrapped.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: DataKeyId,
    pub(super) wrapping: WrappingId,
    pub(super) wrapped: Vec<u8>,
}

/// What a wrapped data key is bound to.
pub(super) fn aad(binding: Binding, id: &DataKeyId, wrapping: WrappingId) -> Vec<u8> {
    let WrappingId { serial, revision } = wrapping;
    let (serial, revision) = (serial.to_be_bytes(), revision.to_be_bytes());
    [b"quorate/v1/keyring/data-key", &binding.as_bytes()[..], &serial, &revision, &id.encode()]
        .concat()
}

/// Checks what needs no key. Returns the keyring, and all bytes but the checksum.
pub(super) fn check(bytes: &[u8]) -> Result<(Wrapped, &[u8]), KeyringError> {
    let (sealed, checksum) =
        bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(damaged("it is too short"))?;
    if !sealed.starts_with(MAGIC) {
        return Err(damaged("it does not begin as a keyring does"));
    }
    // Before the format, so that damage there is not taken for a later version.
    if *checksum != *Sha256::digest(sealed) {
        return Err(damaged("its checksum is wrong"));
    }
    let mut fields = Fields::new(sealed);
    fields.bytes(MAGIC.len()).ok_or(damaged("it is too short"))?;
    match fields.u8().ok_or(damaged("it is too short"))? {
        FORMAT => {}
        format => return Err(KeyringError::Format { format }),
    }
    let (body, _) = fields.split_last(SEAL_BYTES).ok_or(damaged("it is too short"))?;
    let wrapped = read(body).ok_or(damaged("its entries are not valid"))?;
    Ok((wrapped, sealed))
}

fn read(mut fields: Fields<'_>) -> Option<Wrapped> {
    let binding = Binding::new(Digest::new(fields.array()?));
    let description = fields.prefixed()?.to_vec();
    let (revision, complete_since) = (fields.u64()?, fields.u64()?);
    let mut entries = Vec::new();
    for _ in 0..fields.u32()? {
        let wrapping = WrappingId { serial: fields.u64()?, revision: fields.u64()? };
        let id = DataKeyId::decode(fields.prefixed()?)?;
        let wrapped = fields.prefixed()?.to_vec();
        entries.push(Entry { id, wrapping, wrapped });
    }
    let wrapped = Wrapped { binding, description, revision, complete_since, entries };
    fields.finish().map(|()| wrapped)
}

/// Checks the seal of what [`check`] returned.
pub(super) fn verify(sealed: &[u8], root: &DataKey) -> Result<(), KeyringError> {
    let (aad, seal) = sealed.split_last_chunk::<SEAL_BYTES>().ok_or(damaged("it is too short"))?;
    let (nonce, tag) = seal.split_at(NONCE_BYTES);
    let opened =
        root.keyring_cipher().decrypt(XNonce::from_slice(nonce), Payload { msg: tag, aad });
    opened.map(|_| ()).map_err(|_| damaged("it was altered"))
}

/// The bytes of a keyring.
pub(super) fn encode(
    wrapped: &Wrapped,
    root: &DataKey,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, KeyringError> {
    let Wrapped { binding, description, revision, complete_since, entries } = wrapped;
    let mut bytes = MAGIC.to_vec();
    bytes.push(FORMAT);
    bytes.extend_from_slice(binding.as_bytes());
    put(&mut bytes, description)?;
    bytes.extend_from_slice(&revision.to_be_bytes());
    bytes.extend_from_slice(&complete_since.to_be_bytes());
    let count = u32::try_from(entries.len()).map_err(|_| KeyringError::Full)?;
    bytes.extend_from_slice(&count.to_be_bytes());
    for Entry { id, wrapping, wrapped } in entries {
        bytes.extend_from_slice(&wrapping.serial.to_be_bytes());
        bytes.extend_from_slice(&wrapping.revision.to_be_bytes());
        put(&mut bytes, &id.encode())?;
        put(&mut bytes, wrapped)?;
    }
    let mut nonce = [0; NONCE_BYTES];
    rng.try_fill_bytes(&mut nonce)?;
    let tag = root
        .keyring_cipher()
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: &[], aad: &bytes })
        .expect("a keyring is not too long for the cipher");
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&tag);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    Ok(bytes)
}

/// Appends a field with its length before it.
fn put(bytes: &mut Vec<u8>, field: &[u8]) -> Result<(), KeyringError> {
    let length = u16::try_from(field.len()).map_err(|_| KeyringError::Full)?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(field);
    Ok(())
}

pub(super) const fn damaged(what: &'static str) -> KeyringError {
    KeyringError::Damaged { what }
}
