//! The public side of a key.

use frost_core::keys::{PublicKeyPackage, VerifyingShare};
use frost_core::{Error, VerifyingKey};
use quorate_model::Scheme;

use crate::suite::{Suite, identifier};
use crate::{CertifiedKey, with_suite};

/// The group verifying key and verifying shares of one sharing, decoded: what aggregation needs.
#[derive(Debug, Clone)]
pub struct GroupInfo<S: Suite> {
    pub(crate) output: PublicKeyPackage<S>,
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
        let package = PublicKeyPackage::new(shares, group, Some(certified.threshold.get()));
        Ok(Self { output: S::output_public_key_package(package) })
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
