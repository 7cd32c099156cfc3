//! Keys that seal values, and what they are called.

use std::fmt;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hkdf::Hkdf;
use quorate_model::{Epoch, KeyId};
use rand_core::{CryptoRngCore, Error as RandomnessError};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::fields::Fields;

/// Which data key seals a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataKeyId {
    /// The one for all records but shares. It exists as long as the store does.
    Root,
    /// The one for the shares of one sharing, erased when the sharing is.
    Share {
        /// The key that is shared.
        key: KeyId,
        /// The generation of the sharing.
        epoch: Epoch,
    },
}

impl DataKeyId {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Root => vec![0],
            Self::Share { key, epoch } => {
                let mut bytes = vec![1];
                bytes.extend_from_slice(&epoch.0.to_be_bytes());
                bytes.extend_from_slice(key.as_str().as_bytes());
                bytes
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        match fields.u8()? {
            0 => fields.finish().map(|()| Self::Root),
            1 => {
                let epoch = Epoch(fields.u64()?);
                let key = std::str::from_utf8(fields.rest()).ok()?.parse().ok()?;
                Some(Self::Share { key, epoch })
            }
            _ => None,
        }
    }
}

impl fmt::Display for DataKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the root data key"),
            Self::Share { key, epoch } => write!(f, "the share data key of {key} epoch {epoch}"),
        }
    }
}

/// 32 secret bytes, from which a key for each use is derived.
pub(crate) struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// `None` where there are not 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        (bytes.len() == key.len()).then(|| key.copy_from_slice(bytes))?;
        Some(Self(key))
    }

    pub(crate) fn random(rng: &mut dyn CryptoRngCore) -> Result<Self, RandomnessError> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    pub(crate) fn secret_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals values.
    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.derive(b"quorate/v1/store/seal").as_ref().into())
    }

    /// Seals the keyring. Only the root data key does that.
    pub(crate) fn keyring_cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.derive(b"quorate/v1/store/keyring").as_ref().into())
    }

    /// Keys the fingerprints of records. Only the root data key does that.
    pub(crate) fn fingerprint_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"quorate/v1/store/fingerprint")
    }

    fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.0.as_ref())
            .expand(purpose, key.as_mut())
            .expect("HKDF-SHA256 gives up to 8160 bytes");
        key
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_encoding() {
        let share = DataKeyId::Share { key: "treasury-btc".parse().unwrap(), epoch: Epoch(7) };
        for id in [DataKeyId::Root, share] {
            assert_eq!(DataKeyId::decode(&id.encode()), Some(id));
        }
        for bad in [&[][..], &[0, 0], &[2], &[1, 0, 0], &[1, 0, 0, 0, 0, 0, 0, 0, 0, b'-']] {
            assert_eq!(DataKeyId::decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn each_use_has_its_own_key() {
        let key = DataKey::from_slice(&[7; 32]).unwrap();
        assert_ne!(*key.fingerprint_key(), *key.derive(b"quorate/v1/store/seal"));
        assert_eq!(format!("{key:?}"), "DataKey(<redacted>)");
    }
}
