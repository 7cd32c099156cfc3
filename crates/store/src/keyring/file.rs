//! The bytes of a keyring.
//!
//! ```text
//! header    magic 16 | format 1 | memory KiB 4 | passes 4 | lanes 4 | salt 16 | binding 32
//! verifier  nonce 24 | tag 16                  over the header: tells a wrong key from damage
//! body      revision 8 | count 4 | count times (serial 8 | id length 2 | id | nonce 24 | key 48)
//! seal      nonce 24 | tag 16                  over all of the above: no key was taken or added
//! checksum  SHA-256 of all of the above        no key needed: tells damage from a wrong key
//! ```
//!
//! Numbers are big-endian. Every use of the key-encryption key has associated data that begins
//! with its own purpose byte and the header.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use quorate_model::Digest;
use rand_core::CryptoRngCore;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::KeyringError;
use crate::data_key::DataKey;
use crate::fields::Fields;
use crate::{Binding, DataKeyId, KdfParams};

const MAGIC: &[u8; 16] = b"quorate keyring\n";
const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 16 + 1 + 12 + 16 + 32;
const NONCE_BYTES: usize = 24;
const SEAL_BYTES: usize = NONCE_BYTES + 16;
const CHECKSUM_BYTES: usize = 32;

const VERIFIER: u8 = 1;
const KEY: u8 = 2;
const SEAL: u8 = 3;

/// What is known of a keyring without the key-encryption key.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kdf: KdfParams,
    pub(super) salt: [u8; 16],
    pub(super) binding: Binding,
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let KdfParams { memory_kib, passes, lanes } = self.kdf;
        let mut bytes = MAGIC.to_vec();
        bytes.push(FORMAT);
        for number in [memory_kib, passes, lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(self.binding.as_bytes());
        bytes
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let kdf =
            KdfParams { memory_kib: fields.u32()?, passes: fields.u32()?, lanes: fields.u32()? };
        let (salt, binding) = (fields.array()?, Binding::new(Digest::new(fields.array()?)));
        kdf.is_affordable().then_some(Self { kdf, salt, binding })
    }
}

/// What a keyring holds.
pub(super) struct Contents {
    pub(super) revision: u64,
    pub(super) keys: BTreeMap<u64, (DataKeyId, DataKey)>,
}

/// Checks what needs no key. Returns the header, and all bytes but the checksum.
pub(super) fn check(bytes: &[u8]) -> Result<(Header, &[u8]), KeyringError> {
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
    let header = Header::decode(&mut fields).ok_or(damaged("its header is not valid"))?;
    Ok((header, sealed))
}

/// Opens what [`check`] returned.
pub(super) fn open(
    header: &Header,
    sealed: &[u8],
    kek: &XChaCha20Poly1305,
) -> Result<Contents, KeyringError> {
    let (body, seal) = sealed.split_last_chunk::<SEAL_BYTES>().ok_or(damaged("it is too short"))?;
    let mut fields = Fields::new(body);
    let header_bytes = fields.bytes(HEADER_BYTES).ok_or(damaged("it is too short"))?;
    let verifier = fields.bytes(SEAL_BYTES).ok_or(damaged("it is too short"))?;
    unwrap(kek, &aad(VERIFIER, header, &[]), verifier).ok_or(KeyringError::WrongKek)?;
    debug_assert_eq!(header_bytes, header.encode());
    unwrap(kek, &aad(SEAL, header, &[body]), seal).ok_or(damaged("it was altered"))?;
    read_body(header, fields, kek).ok_or(damaged("a data key in it is not valid"))
}

fn read_body(header: &Header, mut fields: Fields<'_>, kek: &XChaCha20Poly1305) -> Option<Contents> {
    let revision = fields.u64()?;
    let mut keys = BTreeMap::new();
    for _ in 0..fields.u32()? {
        let serial = fields.u64()?;
        let id_length = fields.u16()?;
        let id = fields.bytes(id_length.into())?;
        let wrapped = fields.bytes(SEAL_BYTES + 32)?;
        let key = unwrap(kek, &aad(KEY, header, &[&serial.to_be_bytes(), id]), wrapped)?;
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(key.get(..32)?);
        keys.insert(serial, (DataKeyId::decode(id)?, DataKey::new(secret)));
    }
    fields.finish().map(|()| Contents { revision, keys })
}

/// The bytes of a keyring with these keys.
pub(super) fn encode<'a>(
    header: &Header,
    revision: u64,
    keys: impl Iterator<Item = (u64, &'a DataKeyId, &'a DataKey)>,
    kek: &XChaCha20Poly1305,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, KeyringError> {
    let mut body = Vec::new();
    let mut count = 0_u32;
    for (serial, id, key) in keys {
        let (serial, id) = (serial.to_be_bytes(), id.encode());
        let id_length = u16::try_from(id.len()).map_err(|_| KeyringError::Full)?;
        body.extend_from_slice(&serial);
        body.extend_from_slice(&id_length.to_be_bytes());
        body.extend_from_slice(&id);
        let aad = aad(KEY, header, &[&serial, &id]);
        body.extend_from_slice(&wrap(kek, &aad, key.secret_bytes(), rng)?);
        count = count.checked_add(1).ok_or(KeyringError::Full)?;
    }
    let mut bytes = header.encode();
    bytes.extend_from_slice(&wrap(kek, &aad(VERIFIER, header, &[]), &[], rng)?);
    bytes.extend_from_slice(&revision.to_be_bytes());
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.extend_from_slice(&body);
    let seal = wrap(kek, &aad(SEAL, header, &[&bytes]), &[], rng)?;
    bytes.extend_from_slice(&seal);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    Ok(bytes)
}

/// Purpose and header have a fixed length, and so has every field but the last.
fn aad(purpose: u8, header: &Header, fields: &[&[u8]]) -> Vec<u8> {
    let mut aad = vec![purpose];
    aad.extend_from_slice(&header.encode());
    fields.iter().for_each(|field| aad.extend_from_slice(field));
    aad
}

fn wrap(
    kek: &XChaCha20Poly1305,
    aad: &[u8],
    secret: &[u8],
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, KeyringError> {
    let mut nonce = [0; NONCE_BYTES];
    rng.try_fill_bytes(&mut nonce)?;
    let sealed = kek
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: secret, aad })
        .expect("a few bytes are not too long for the cipher");
    Ok([&nonce[..], &sealed].concat())
}

fn unwrap(kek: &XChaCha20Poly1305, aad: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = wrapped.split_at_checked(NONCE_BYTES)?;
    let payload = Payload { msg: sealed, aad };
    kek.decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
}

const fn damaged(what: &'static str) -> KeyringError {
    KeyringError::Damaged { what }
}
