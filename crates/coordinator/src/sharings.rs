//! The sharings that a coordinator works with: of each key the one that signs, or is the first to, and the
//! one that is to take its place.

use std::collections::BTreeMap;

use quorate_model::{KeyId, SharingId};

use crate::activation::Activation;

/// Sharings by key.
#[derive(Debug, Default)]
pub(crate) struct Sharings {
    present: BTreeMap<KeyId, Activation>,
    later: BTreeMap<KeyId, Activation>,
}

impl Sharings {
    /// The key's sharing that signs, or is the first to.
    pub(crate) fn present(&self, key: &KeyId) -> Option<&Activation> {
        self.present.get(key)
    }

    /// The sharing that is to take the place of the present one.
    pub(crate) fn later(&self, key: &KeyId) -> Option<&Activation> {
        self.later.get(key)
    }

    /// Of every key the sharing that signs, or is the first to.
    pub(crate) fn all_present(&self) -> impl Iterator<Item = &Activation> {
        self.present.values()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Activation> {
        self.present.values().chain(self.later.values())
    }

    pub(crate) fn get(&self, sharing: &SharingId) -> Option<&Activation> {
        let found = [self.present.get(&sharing.key), self.later.get(&sharing.key)];
        found.into_iter().flatten().find(|activation| activation.sharing() == *sharing)
    }

    pub(crate) fn get_mut(&mut self, sharing: &SharingId) -> Option<&mut Activation> {
        let found = [self.present.get_mut(&sharing.key), self.later.get_mut(&sharing.key)];
        found.into_iter().flatten().find(|activation| activation.sharing() == *sharing)
    }

    /// Takes up a sharing, after the earlier ones of its key. One that follows another signs when it is
    /// confirmed, and no sooner. Gives back what it takes the place of.
    pub(crate) fn put(&mut self, activation: Activation) -> Vec<Activation> {
        let key = activation.sharing().key;
        if self.present.contains_key(&key) && !activation.signs() {
            return self.later.insert(key, activation).into_iter().collect();
        }
        let later = self.later.remove(&key);
        self.present.insert(key, activation).into_iter().chain(later).collect()
    }

    /// Puts a later sharing in the place of the present one, which is given back.
    pub(crate) fn switch(&mut self, sharing: &SharingId) -> Option<Activation> {
        if self.later.get(&sharing.key)?.sharing() != *sharing {
            return None;
        }
        let later = self.later.remove(&sharing.key)?;
        self.present.insert(sharing.key.clone(), later)
    }
}
