//! The node's shares, in memory.

use std::collections::BTreeMap;

use quorate_model::{Epoch, KeyId};
use quorate_policy::{Permit, Phase};
use quorate_protocol::sign::AnyKeyShare;

/// Holds shares and gives one out only to whoever shows a permit for it.
#[derive(Debug, Default)]
pub(crate) struct Vault(BTreeMap<(KeyId, Epoch), AnyKeyShare>);

impl Vault {
    pub(crate) fn insert(&mut self, key: KeyId, epoch: Epoch, share: AnyKeyShare) {
        self.0.insert((key, epoch), share);
    }

    pub(crate) fn drop_share(&mut self, key: &KeyId, epoch: Epoch) {
        self.0.remove(&(key.clone(), epoch));
    }

    /// The share that the permit is for; nothing where the permit is for the other phase.
    pub(crate) fn load(&self, permit: &Permit, phase: Phase) -> Option<&AnyKeyShare> {
        let place = (permit.key().clone(), permit.epoch());
        self.0.get(&place).filter(|_| permit.phase() == phase)
    }
}
