//! The node's shares, in memory.

use std::collections::BTreeMap;

use quorate_model::{Epoch, KeyId};
use quorate_policy::Permit;
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

    /// The share that the permit is for.
    pub(crate) fn load(&self, permit: &Permit) -> Option<&AnyKeyShare> {
        self.0.get(&(permit.key().clone(), permit.epoch()))
    }
}
