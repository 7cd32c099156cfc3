//! A PKCS#11 token, which holds a wrapping key for each data key.
//!
//! A wrapping key is an AES-256 key that is made in the token, sensitive and not extractable. It wraps
//! one data key, by AES-GCM. Beside them is a *mark*, a data object that says which revision of the keyring
//! is durable: a keyring of an earlier one was put back, and what a later one needs is not destroyed. An
//! object is made or destroyed, and never changed.
//!
//! ```text
//! wrapping key  CKA_ID the node's binding    CKA_LABEL OWNER/DATA KEY/SERIAL/REVISION
//! mark          CKA_APPLICATION as below     CKA_LABEL OWNER/durable/REVISION
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
    keys: BTreeMap<WrappingId, ObjectHandle>,
    /// By revision; where there are several, the last counts.
    marks: BTreeMap<u64, ObjectHandle>,
}

impl TokenKeys {
    /// Logs in and finds the wrapping keys of this node.
    pub(super) fn open(
        token: &Token,
        pin: &SecretSource,
        binding: Binding,
    ) -> Result<Self, KekError> {
        let session = module::log_in(token, pin)?;
        let keys = find(&session, &which_keys(binding), read_key)?;
        let marks = find(&session, &which_marks(binding), read_mark)?;
        Ok(Self { session, token: token.clone(), binding, keys, marks })
    }

    fn key(&self, id: WrappingId) -> Result<ObjectHandle, TokenError> {
        let WrappingId { serial, revision } = id;
        let missing = || TokenError::KeyMissing { label: format!("{serial}/{revision}") };
        self.keys.get(&id).copied().ok_or_else(missing)
    }

    /// Destroys every mark but that of a revision.
    fn unmark(&mut self, kept: Option<u64>) -> Result<(), TokenError> {
        let failed = |error| TokenError::new("destroying a mark", error);
        let old: Vec<_> = self.marks.keys().copied().filter(|mark| Some(*mark) != kept).collect();
        for mark in old {
            let Some(handle) = self.marks.get(&mark) else { continue };
            self.session.destroy_object(*handle).map_err(failed)?;
            self.marks.remove(&mark);
        }
        Ok(())
    }
}

/// Every object of a kind, by what its label says.
fn find<T: Ord>(
    session: &Session,
    which: &[Attribute],
    read: fn(&str) -> Option<T>,
) -> Result<BTreeMap<T, ObjectHandle>, TokenError> {
    let failed = |error| TokenError::new("listing objects", error);
    let mut objects = BTreeMap::new();
    for handle in session.find_objects(which).map_err(failed)? {
        let found = session.get_attributes(handle, &[AttributeType::Label]).map_err(failed)?;
        let label = match found.as_slice() {
            [Attribute::Label(label)] => String::from_utf8_lossy(label).into_owned(),
            _ => String::new(),
        };
        let twice = match read(&label) {
            Some(name) => objects.insert(name, handle).is_some(),
            None => true,
        };
        if twice {
            return Err(TokenError::Stranger { label });
        }
    }
    Ok(objects)
}

fn which_keys(binding: Binding) -> [Attribute; 3] {
    [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Token(true),
        Attribute::Id(binding.as_bytes().to_vec()),
    ]
}

fn which_marks(binding: Binding) -> [Attribute; 3] {
    [
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Application(format!("quorate {}", hex::encode(binding.as_bytes())).into_bytes()),
    ]
}

fn read_key(label: &str) -> Option<WrappingId> {
    let mut parts = label.rsplit('/');
    let (revision, serial) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(WrappingId { serial, revision })
}

fn read_mark(label: &str) -> Option<u64> {
    label.rsplit_once("/durable/")?.1.parse().ok()
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
        let label = format!("{owner}/{}/{serial}/{revision}", name(data_key_id));
        let template = [&which_keys(self.binding)[..], &key_template(label)].concat();
        let failed = |error| TokenError::new("making a wrapping key", error);
        let handle = self.session.generate_key(&Mechanism::AesKeyGen, &template).map_err(failed)?;
        self.keys.insert(id, handle);
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
        let handle = self.key(id)?;
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

    fn destroy(&mut self, id: WrappingId) -> Result<(), KekError> {
        let failed = |error| TokenError::new("destroying a wrapping key", error);
        self.session.destroy_object(self.key(id)?).map_err(failed)?;
        self.keys.remove(&id);
        Ok(())
    }

    fn settle(&mut self, revision: u64) -> Result<(), KekError> {
        if !self.marks.contains_key(&revision) {
            let label = format!("{}/durable/{revision}", self.token.owner).into_bytes();
            let mark = [Attribute::Private(true), Attribute::Label(label)];
            let template = [&which_marks(self.binding)[..], &mark].concat();
            let failed = |error| TokenError::new("making a mark", error);
            let handle = self.session.create_object(&template).map_err(failed)?;
            self.marks.insert(revision, handle);
        }
        Ok(self.unmark(Some(revision))?)
    }

    fn tidy(&mut self, used: &BTreeSet<WrappingId>, revision: u64) -> Result<(), KekError> {
        if let Some((settled, _)) =
            self.marks.last_key_value().filter(|(mark, _)| **mark > revision)
        {
            return Err(TokenError::PutBack { settled: *settled, found: revision }.into());
        }
        let unused: Vec<_> = self.keys.keys().copied().filter(|id| !used.contains(id)).collect();
        unused.into_iter().try_for_each(|id| self.destroy(id))?;
        if used.is_empty() { Ok(self.unmark(None)?) } else { self.settle(revision) }
    }
}

/// An AES-256 key that stays in the token, and does nothing but wrap and unwrap.
fn key_template(label: String) -> [Attribute; 13] {
    [
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Modifiable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Label(label.into_bytes()),
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
    fn a_label_says_what_an_object_is() {
        let id = Some(WrappingId { serial: 4, revision: 7 });
        assert_eq!(read_key("quorate/0a1b/node-1/btc/0/4/7"), id);
        assert_eq!(read_key("quorate/0a1b/node-1/root/4/7"), id);
        for bad in ["", "/", "7", "x/7", "4/x", "4/7/old"] {
            assert_eq!(read_key(bad), None, "{bad}");
        }
        assert_eq!(read_mark("quorate/0a1b/node-1/durable/7"), Some(7));
        for bad in ["", "7", "durable/x", "node-1/durable/x", "node-1/root/4/7"] {
            assert_eq!(read_mark(bad), None, "{bad}");
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
