//! Wrapping every data key anew, a step at a time, while the keyring is in use.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRngCore;

use super::file::{self, Entry, damaged};
use super::{Keyring, KeyringError};
use crate::wrapping::{WrappingId, WrappingKeys};
use crate::{DataKeyId, durable};

/// Data keys on their way under new wrapping keys. The file of the keyring knows nothing of them yet.
pub(crate) struct Rewrap {
    /// `None` for new ones of the token that wraps them now.
    next: Option<Box<dyn WrappingKeys>>,
    entries: BTreeMap<DataKeyId, Entry>,
    /// Every wrapping that was made, also of a data key that was erased since.
    made: BTreeSet<WrappingId>,
}

/// What wrapped the data keys before, and is to be destroyed.
pub(crate) enum Before {
    /// These, with whatever they have.
    Keys(Box<dyn WrappingKeys>),
    /// These keys in the token that still wraps them.
    Wrappings(BTreeSet<WrappingId>),
}

impl Keyring {
    /// Begins to wrap every data key anew: under `next`, or where that is `None` under new keys of the
    /// token that wraps them now.
    pub(crate) fn begin_rewrap(
        &mut self,
        mut next: Option<Box<dyn WrappingKeys>>,
    ) -> Result<Rewrap, KeyringError> {
        self.next_revision()?;
        // What is left of a try that was cut short.
        match &mut next {
            Some(next) => next.tidy(&BTreeSet::new(), self.revision)?,
            None => self.wrapping.tidy(&self.used(), self.revision)?,
        }
        Ok(Rewrap { next, entries: BTreeMap::new(), made: BTreeSet::new() })
    }

    /// Wraps one more data key. Returns whether there was one.
    pub(crate) fn wrap_next(
        &mut self,
        rewrap: &mut Rewrap,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<bool, KeyringError> {
        // The present wrappings are of earlier revisions: no two have one name.
        let revision = self.next_revision()?;
        let done = |entry: &&Entry| {
            let again = rewrap.entries.get(&entry.id);
            again.is_some_and(|again| again.wrapping.serial == entry.wrapping.serial)
        };
        let Some(entry) = self.entries.values().find(|entry| !done(entry)) else {
            return Ok(false);
        };
        let (id, serial) = (entry.id.clone(), entry.wrapping.serial);
        let key = self.keys.get(&serial).ok_or(damaged("a data key of it is not in memory"))?;
        let wrapping = WrappingId { serial, revision };
        let aad = file::aad(self.binding, &id, wrapping);
        let keys = rewrap.next.as_mut().unwrap_or(&mut self.wrapping);
        let wrapped = keys.wrap(wrapping, (&id, key), &aad, rng)?;
        rewrap.made.insert(wrapping);
        rewrap.entries.insert(id.clone(), Entry { id, wrapping, wrapped });
        Ok(true)
    }

    /// Puts the new wrappings in place of the present ones, durably, once there is one of every data key.
    pub(crate) fn switch(
        &mut self,
        rewrap: Rewrap,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Before, KeyringError> {
        let revision = self.next_revision()?;
        let Rewrap { next, mut entries, made } = rewrap;
        // Those that were erased meanwhile stay erased.
        entries.retain(|id, _| self.entries.contains_key(id));
        let mut left: BTreeSet<_> = self.used().union(&made).copied().collect();
        self.entries = entries;
        let used = self.used();
        left.retain(|wrapping| !used.contains(wrapping));
        let before = match next {
            None => Before::Wrappings(left),
            Some(next) => {
                self.complete_since = revision;
                Before::Keys(std::mem::replace(&mut self.wrapping, next))
            }
        };
        let switched = self.try_switch(&before, revision, rng);
        self.failed |= switched.is_err();
        switched.map(|()| before)
    }

    fn try_switch(
        &mut self,
        before: &Before,
        revision: u64,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), KeyringError> {
        self.write(revision, durable::replace_and_wipe, rng)?;
        match before {
            Before::Keys(_) => Ok(self.wrapping.tidy(&self.used(), revision)?),
            Before::Wrappings(_) => Ok(self.wrapping.settle(revision)?),
        }
    }

    /// Destroys one more of what wrapped the data keys before. Returns whether there was anything.
    pub(crate) fn destroy_next(&mut self, before: &mut Before) -> Result<bool, KeyringError> {
        let destroyed = match before {
            // Nobody waits for these: they are the keyring's no more.
            Before::Keys(keys) => keys.tidy(&BTreeSet::new(), self.revision).map(|()| false),
            Before::Wrappings(left) => match left.pop_first() {
                Some(wrapping) => self.wrapping.destroy(wrapping).map(|()| true),
                None => Ok(false),
            },
        };
        self.failed |= destroyed.is_err();
        Ok(destroyed?)
    }
}

/// Why a keyring was not wrapped anew.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// Nothing has changed.
    #[error("the keyring is as it was: the new key-encryption key cannot be used")]
    Refused(#[source] KeyringError),
    /// It was wrapped anew or not, or what opened it before is not yet destroyed.
    #[error(
        "the keyring was not changed as a whole: restart the process, which ends it or takes it back"
    )]
    Failed(#[source] KeyringError),
}
