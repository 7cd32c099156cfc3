//! The node's shares, in memory.

use std::collections::BTreeMap;

use quorate_model::SharingId;
use quorate_policy::{Permit, Phase};
use quorate_protocol::sign::AnyKeyShare;
use quorate_protocol::{Ceremony, SecretShare};

/// Holds shares and gives one out only to whoever shows a permit for it.
#[derive(Debug, Default)]
pub(crate) struct Vault(BTreeMap<SharingId, AnyKeyShare>);

impl Vault {
    pub(crate) fn insert(&mut self, sharing: SharingId, share: AnyKeyShare) {
        self.0.insert(sharing, share);
    }

    pub(crate) fn drop_share(&mut self, sharing: &SharingId) {
        self.0.remove(sharing);
    }

    /// The share that a verified order has this node deal to the holders of the next sharing.
    pub(crate) fn to_deal(&self, ceremony: &Ceremony, of: &SharingId) -> Option<SecretShare> {
        ceremony.resharing.as_ref()?;
        self.0.get(of).filter(|_| of.key == ceremony.key)?.secret_share()
    }

    /// A share to be sealed in a backup, whose making is in the audit log.
    pub(crate) fn to_back_up(&self, sharing: &SharingId) -> Option<SecretShare> {
        self.0.get(sharing)?.secret_share()
    }

    /// Whether the share signs nothing before a refresh of its key.
    pub(crate) fn is_dealt_only(&self, sharing: &SharingId) -> bool {
        self.0.get(sharing).is_some_and(AnyKeyShare::is_dealt_only)
    }

    /// The share that the permit is for; nothing where the permit is for the other phase.
    pub(crate) fn load(&self, permit: &Permit, phase: Phase) -> Option<&AnyKeyShare> {
        let place = SharingId { key: permit.key().clone(), epoch: permit.epoch() };
        self.0.get(&place).filter(|_| permit.phase() == phase)
    }
}
