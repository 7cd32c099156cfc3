//! A node's share of a key, ready to sign.

use std::fmt;

use frost_core::VerifyingKey;
use frost_core::keys::{KeyPackage, SigningShare, VerifyingShare};
use quorate_model::ParticipantId;

use crate::suite::{Suite, identifier};
use crate::{CertifiedKey, SecretShare};

/// A node's share with the public facts it needs, checked against them. Zeroized when dropped.
pub struct KeyShare<S: Suite> {
    pub(super) output: KeyPackage<S>,
}

/// Why a share and its certified key do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyShareError {
    /// The bytes are no scalar or element of the scheme.
    #[error("the stored share or key cannot be decoded")]
    Malformed,
    /// The share is not the one that was certified: the record is damaged or another's.
    #[error("the stored share does not match the verifying share that was certified")]
    Mismatch,
}

impl<S: Suite> KeyShare<S> {
    /// Puts a stored share together with its certified key.
    ///
    /// # Errors
    /// [`KeyShareError`], also where the share is not the certified one.
    pub fn new(
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
    ) -> Result<Self, KeyShareError> {
        let malformed = |_: frost_core::Error<S>| KeyShareError::Malformed;
        let id = identifier::<S>(me).map_err(malformed)?;
        let share = SigningShare::<S>::deserialize(share.secret_bytes()).map_err(malformed)?;
        let certified_share = certified.verifying_shares.get(&me).ok_or(KeyShareError::Mismatch)?;
        let certified_share =
            VerifyingShare::<S>::deserialize(certified_share).map_err(malformed)?;
        let verifying_share = VerifyingShare::from(share);
        if verifying_share != certified_share {
            return Err(KeyShareError::Mismatch);
        }
        let group =
            VerifyingKey::<S>::deserialize(&certified.group_verifying_key).map_err(malformed)?;
        let threshold = certified.threshold.get();
        let package = KeyPackage::new(id, share, verifying_share, group, threshold);
        Ok(Self { output: S::output_key_package(package) })
    }
}

impl<S: Suite> fmt::Debug for KeyShare<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyShare({}, <redacted>)", S::SCHEME)
    }
}
