//! A node's share of a key, ready to sign.

use std::fmt;

use frost_core::VerifyingKey;
use frost_core::keys::{KeyPackage, SigningShare, VerifyingShare};
use quorate_model::{DerivationPath, ParticipantId};
use zeroize::Zeroizing;

use crate::derive::derive;
use crate::suite::{Suite, identifier};
use crate::{CertifiedKey, DeriveError, SecretShare};

/// A node's share with the public facts it needs, checked against them. Zeroized when dropped.
pub struct KeyShare<S: Suite> {
    /// Of the group key itself, before any derivation or output tweak.
    root: KeyPackage<S>,
    /// What signs at path `m`: most signatures are its, and the output tweak costs a multiplication.
    output: KeyPackage<S>,
    chain_code: [u8; 32],
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
        let root = KeyPackage::new(id, share, verifying_share, group, threshold);
        let output = S::output_key_package(root.clone());
        Ok(Self { root, output, chain_code: certified.chain_code })
    }

    pub(super) fn secret_share(&self) -> Option<SecretShare> {
        SecretShare::from_bytes(&Zeroizing::new(self.root.signing_share().serialize()))
    }

    /// What signs for the address at a path: the share plus the path's tweak, and then the scheme's
    /// output tweak. It is made for each use and zeroized when dropped.
    pub(super) fn child(&self, path: &DerivationPath) -> Result<KeyPackage<S>, DeriveError> {
        if path.is_root() {
            return Ok(self.output.clone());
        }
        let malformed = |_: frost_core::Error<S>| DeriveError::Malformed;
        let group = self.root.verifying_key().serialize().map_err(malformed)?;
        let child = derive(S::SCHEME, &group, &self.chain_code, path)?;
        let share = Zeroizing::new(self.root.signing_share().serialize());
        let share = child.share_of(&share)?;
        let share = SigningShare::<S>::deserialize(share.secret_bytes()).map(Zeroizing::new);
        let verifying_share = self.root.verifying_share().serialize().map_err(malformed)?;
        let verifying_share = child.verifying_share_of(&verifying_share)?;
        let package = KeyPackage::new(
            *self.root.identifier(),
            *share.map_err(malformed)?,
            VerifyingShare::deserialize(&verifying_share).map_err(malformed)?,
            VerifyingKey::deserialize(&child.verifying_key).map_err(malformed)?,
            *self.root.min_signers(),
        );
        Ok(S::output_key_package(package))
    }
}

impl<S: Suite> fmt::Debug for KeyShare<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyShare({}, <redacted>)", S::SCHEME)
    }
}
