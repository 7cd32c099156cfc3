//! The end of a key generation: this node's share, and what it votes for.

use frost_core::Error;
use frost_core::keys::{KeyPackage, PublicKeyPackage};
use quorate_model::{Digest, SessionId, Tag, Transcript};
use zeroize::Zeroizing;

use crate::suite::{Suite, identifier};
use crate::{Abort, AbortReason, Ceremony, CertifiedKey, SecretShare};

/// A share that was just made, and the public facts that all holders must agree on. It is to be
/// durable before the vote for it is sent.
#[derive(Debug)]
pub struct NewShare {
    /// What the node votes for.
    pub certified: CertifiedKey,
    /// The node's secret.
    pub share: SecretShare,
}

impl NewShare {
    pub(super) fn finish<S: Suite>(
        ceremony: Ceremony,
        session: &SessionId,
        echo: Digest,
        key: &KeyPackage<S>,
        group: &PublicKeyPackage<S>,
    ) -> Result<Self, Abort> {
        let library = |e: Error<S>| Abort::unproven(AbortReason::Library(e.to_string()));
        let group_verifying_key = group.verifying_key().serialize().map_err(library)?;
        let mut verifying_shares = std::collections::BTreeMap::new();
        for id in ceremony.roster.iter() {
            let share = group.verifying_shares().get(&identifier::<S>(id).map_err(library)?);
            let share = share.ok_or_else(|| Abort::unproven(AbortReason::Missing(id)))?;
            verifying_shares.insert(id, share.serialize().map_err(library)?);
        }
        let chain_code = Transcript::new(Tag::ChainCode)
            .digest(session)
            .digest(&echo)
            .bytes(&group_verifying_key)
            .finish();
        let secret = Zeroizing::new(key.signing_share().serialize());
        let share = SecretShare::from_bytes(&secret)
            .ok_or_else(|| Abort::unproven(AbortReason::Library("share length".to_owned())))?;
        let certified = CertifiedKey {
            cluster: ceremony.cluster,
            order: ceremony.order,
            attempt: ceremony.attempt,
            key: ceremony.key,
            scheme: ceremony.scheme,
            epoch: ceremony.epoch,
            predecessor: None,
            roster: ceremony.roster,
            threshold: ceremony.threshold,
            raw_ok: ceremony.raw_ok,
            activation: ceremony.activation,
            group_verifying_key,
            verifying_shares,
            chain_code: *chain_code.as_bytes(),
            echo,
        };
        Ok(Self { certified, share })
    }
}
