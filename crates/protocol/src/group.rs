//! The public side of a key.

use frost_core::keys::{PublicKeyPackage, VerifyingShare};
use frost_core::{Error, VerifyingKey};
use quorate_model::{DerivationPath, Scheme};

use crate::derive::derive;
use crate::suite::{Suite, identifier};
use crate::{CertifiedKey, DeriveError, with_suite};

/// The group verifying key and verifying shares of one sharing, decoded: what aggregation needs.
#[derive(Debug, Clone)]
pub struct GroupInfo<S: Suite> {
    /// Of the group key itself, before any derivation or output tweak.
    root: PublicKeyPackage<S>,
    /// What path `m` signs under: most keys sign with it, and the output tweak costs a multiplication.
    output: PublicKeyPackage<S>,
    chain_code: [u8; 32],
}

impl<S: Suite> GroupInfo<S> {
    /// Decodes the public side of a certified key.
    ///
    /// # Errors
    /// The library's error where an encoding is no element of the group.
    pub fn new(certified: &CertifiedKey) -> Result<Self, Error<S>> {
        let shares = certified.verifying_shares.iter().map(|(id, share)| {
            Ok((identifier::<S>(*id)?, VerifyingShare::<S>::deserialize(share)?))
        });
        let shares = shares.collect::<Result<_, Error<S>>>()?;
        let group = VerifyingKey::<S>::deserialize(&certified.group_verifying_key)?;
        let root = PublicKeyPackage::new(shares, group, Some(certified.threshold.get()));
        let output = S::output_public_key_package(root.clone());
        Ok(Self { root, output, chain_code: certified.chain_code })
    }

    /// What signatures and shares for the address at a path verify under: the path's tweak, and then
    /// the scheme's output tweak.
    pub(crate) fn child(&self, path: &DerivationPath) -> Result<PublicKeyPackage<S>, DeriveError> {
        if path.is_root() {
            return Ok(self.output.clone());
        }
        let malformed = |_: Error<S>| DeriveError::Malformed;
        let group = self.root.verifying_key().serialize().map_err(malformed)?;
        let child = derive(S::SCHEME, &group, &self.chain_code, path)?;
        let shares = self.root.verifying_shares().iter().map(|(id, share)| {
            let share = child.verifying_share_of(&share.serialize().map_err(malformed)?)?;
            Ok((*id, VerifyingShare::<S>::deserialize(&share).map_err(malformed)?))
        });
        let shares = shares.collect::<Result<_, DeriveError>>()?;
        let group = VerifyingKey::<S>::deserialize(&child.verifying_key).map_err(malformed)?;
        let package = PublicKeyPackage::new(shares, group, self.root.min_signers());
        Ok(S::output_public_key_package(package))
    }
}

/// Whether `signature` is the group's over `message`, under the key that the address commits to.
pub fn verify_signature(
    scheme: Scheme,
    group_verifying_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    with_suite!(
        scheme,
        S => <S as Suite>::verify(group_verifying_key, message, signature),
        ecdsa => crate::ecdsa::verify(group_verifying_key, message, signature)
    )
}
