//! A PKCS#11 token, which holds a wrapping key for each data key.
//!
//! A wrapping key is an AES-256 key that is made in the token, sensitive and not extractable. It wraps
//! one data key, by AES-GCM. `CKA_ID` is the node's binding, and `CKA_LABEL` is
//!
//! ```text
//! OWNER/DATA KEY/SERIAL/REVISION          such as quorate/0a1b2c3d4e5f6071/node-1/btc/0/4/4
//! OWNER/DATA KEY/SERIAL/REVISION/new      as long as the keyring that uses it is not known to be durable
//! ```
//!
//! ```text
//! description  kind 1 | label of the token
//! wrapping     nonce 12 | AES-256-GCM ciphertext 32 | tag 16
//! ```

mod error;
mod module;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

pub use self::error::TokenError;
use super::KekError;
use super::secret::SecretSource;
use crate::data_key::DataKey;
use crate::wrapping::{WrappingId, WrappingKeys};
use crate::{Binding, DataKeyId};

const KIND: u8 = 2;
const NONCE_BYTES: usize = 12;
const TAG_BITS: u64 = 128;
const NEW: &str = "/new";

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// What the labels of this node's keys begin with: its cluster and what it is there. For people only.
    pub owner: String,
}

impl Token {
    /// Whether a keyring with this description is wrapped by this token.
    pub(super) fn is_of(&self, description: &[u8]) -> bool {
        description == self.description()
    }

    fn description(&self) -> Vec<u8> {
        [&[KIND], self.label.as_bytes()].concat()
    }
}

/// This node's wrapping keys, in an open session.
pub(super) struct TokenKeys {
    session: Session,
    token: Token,
    binding: Binding,
    keys: BTreeMap<WrappingId, Key>,
}

struct Key {
    handle: ObjectHandle,
    label: String,
}

impl Key {
    fn is_new(&self) -> bool {
        self.label.ends_with(NEW)
    }
}

impl TokenKeys {
    /// Logs in and finds the wrapping keys of this node.
    pub(super) fn open(
        token: &Token,
        pin: &SecretSource,
        binding: Binding,
    ) -> Result<Self, KekError> {
        let session = module::log_in(token, pin)?;
        let keys = find(&session, binding)?;
        Ok(Self { session, token: token.clone(), binding, keys })
    }

    fn key(&self, id: WrappingId) -> Result<&Key, TokenError> {
        let WrappingId { serial, revision } = id;
        let missing = || TokenError::KeyMissing { label: format!("{serial}/{revision}") };
        self.keys.get(&id).ok_or_else(missing)
    }

    fn delete(&mut self, id: WrappingId) -> Result<(), TokenError> {
        let handle = self.key(id)?.handle;
        let failed = |error| TokenError::new("destroying a wrapping key", error);
        self.session.destroy_object(handle).map_err(failed)?;
        self.keys.remove(&id);
        Ok(())
    }
}

/// Every wrapping key of the node with this binding.
fn find(session: &Session, binding: Binding) -> Result<BTreeMap<WrappingId, Key>, TokenError> {
    let failed = |error| TokenError::new("listing wrapping keys", error);
    let ours = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Token(true),
        Attribute::Id(binding.as_bytes().to_vec()),
    ];
    let mut keys = BTreeMap::new();
    for handle in session.find_objects(&ours).map_err(failed)? {
        let found = session.get_attributes(handle, &[AttributeType::Label]).map_err(failed)?;
        let label = match found.as_slice() {
            [Attribute::Label(label)] => String::from_utf8_lossy(label).into_owned(),
            _ => String::new(),
        };
        match read_label(&label) {
            Some(id) if !keys.contains_key(&id) => keys.insert(id, Key { handle, label }),
            Some(_) | None => return Err(TokenError::Stranger { label }),
        };
    }
    Ok(keys)
}

fn read_label(label: &str) -> Option<WrappingId> {
    let label = label.strip_suffix(NEW).unwrap_or(label);
    let mut parts = label.rsplit('/');
    let (revision, serial) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(WrappingId { serial, revision })
}

/// What a label says of a data key.
fn name(id: &DataKeyId) -> String {
    match id {
        DataKeyId::Root => "root".to_owned(),
        DataKeyId::Share { key, epoch } => format!("{key}/{epoch}"),
    }
}

impl WrappingKeys for TokenKeys {
    fn description(&self) -> Vec<u8> {
        self.token.description()
    }

    fn are_destroyed(&self) -> bool {
        true
    }

    fn wrap(
        &mut self,
        id: WrappingId,
        (data_key_id, data_key): (&DataKeyId, &DataKey),
        aad: &[u8],
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, KekError> {
        let WrappingId { serial, revision } = id;
        let owner = &self.token.owner;
        let label = format!("{owner}/{}/{serial}/{revision}{NEW}", name(data_key_id));
        let template = template(label.clone(), self.binding);
        let failed = |error| TokenError::new("making a wrapping key", error);
        let handle = self.session.generate_key(&Mechanism::AesKeyGen, &template).map_err(failed)?;
        self.keys.insert(id, Key { handle, label });
        let mut nonce = [0; NONCE_BYTES];
        rng.try_fill_bytes(&mut nonce)?;
        let mut wrapped = nonce.to_vec();
        let failed = |error| TokenError::new("wrapping a data key", error);
        let mechanism = gcm(&mut nonce, aad).map_err(failed)?;
        let sealed = self.session.encrypt(&mechanism, handle, data_key.secret_bytes());
        wrapped.extend_from_slice(&sealed.map_err(failed)?);
        Ok(wrapped)
    }

    fn unwrap(
        &mut self,
        id: WrappingId,
        wrapped: &[u8],
        aad: &[u8],
    ) -> Result<Option<DataKey>, KekError> {
        let handle = self.key(id)?.handle;
        let Some((nonce, sealed)) = wrapped.split_first_chunk::<NONCE_BYTES>() else {
            return Ok(None);
        };
        let mut nonce = *nonce;
        let failed = |error| TokenError::new("unwrapping a data key", error);
        let mechanism = gcm(&mut nonce, aad).map_err(failed)?;
        match self.session.decrypt(&mechanism, handle, sealed).map(Zeroizing::new) {
            Ok(secret) => Ok(DataKey::from_slice(&secret)),
            Err(Error::Pkcs11(
                RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange,
                _,
            )) => Ok(None),
            Err(error) => Err(failed(error).into()),
        }
    }

    fn settle(&mut self, id: WrappingId) -> Result<(), KekError> {
        let key = self.key(id)?;
        let Some(label) = key.label.strip_suffix(NEW).map(str::to_owned) else { return Ok(()) };
        let failed = |error| TokenError::new("naming a wrapping key", error);
        let named = [Attribute::Label(label.clone().into_bytes())];
        self.session.update_attributes(key.handle, &named).map_err(failed)?;
        self.keys.entry(id).and_modify(|key| key.label = label);
        Ok(())
    }

    fn destroy(&mut self, id: WrappingId) -> Result<(), KekError> {
        Ok(self.delete(id)?)
    }

    fn tidy(&mut self, used: &BTreeSet<WrappingId>, revision: u64) -> Result<(), KekError> {
        let unused = || self.keys.iter().filter(|(id, _)| !used.contains(id));
        if let Some((_, key)) = unused().find(|(id, key)| id.revision > revision && !key.is_new()) {
            return Err(TokenError::LaterKeys { label: key.label.clone() }.into());
        }
        let unused: Vec<_> = unused().map(|(id, _)| *id).collect();
        unused.into_iter().try_for_each(|id| self.delete(id))?;
        used.iter().try_for_each(|id| self.settle(*id))
    }
}

/// An AES-256 key that stays in the token, and does nothing but wrap and unwrap.
fn template(label: String, binding: Binding) -> [Attribute; 16] {
    [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Modifiable(true),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Label(label.into_bytes()),
        Attribute::Id(binding.as_bytes().to_vec()),
    ]
}

fn gcm<'a>(nonce: &'a mut [u8; NONCE_BYTES], aad: &'a [u8]) -> Result<Mechanism<'a>, Error> {
    GcmParams::new(nonce, aad, TAG_BITS.into()).map(Mechanism::AesGcm)
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys").field("token", &self.token).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_which_wrapping_it_is_of() {
        let id = Some(WrappingId { serial: 4, revision: 7 });
        assert_eq!(read_label("quorate/0a1b/node-1/btc/0/4/7"), id);
        assert_eq!(read_label("quorate/0a1b/node-1/btc/0/4/7/new"), id);
        assert_eq!(read_label("quorate/0a1b/node-1/root/4/7"), id);
        for bad in ["", "new", "/new", "7", "x/7", "4/x", "4/7/old"] {
            assert_eq!(read_label(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_description_is_of_one_token() {
        let token = |label: &str| Token {
            module: "/lib/p11.so".into(),
            label: label.to_owned(),
            owner: "quorate".to_owned(),
        };
        let description = token("one").description();
        assert!(token("one").is_of(&description));
        assert!(!token("other").is_of(&description) && !token("one").is_of(b"\x01one"));
    }
}
