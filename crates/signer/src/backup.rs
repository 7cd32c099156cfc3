//! What a node gives away to be sealed.

use std::collections::BTreeMap;

use quorate_audit::{Event, EventKind};
use quorate_backup::{Contents, Draft, KEYS_MAX, KeyContents};
use quorate_model::{ParticipantId, PersonName, SharingId};
use quorate_trust::{Quorum, Recipient};

use crate::keys::HeldKey;
use crate::node::Node;
use crate::turn::Turn;

/// Keys that one entry of the audit log names. A backup of more has several entries.
const KEYS_PER_ENTRY: usize = 256;

/// Why a node makes no backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupRefusal {
    /// Nobody could open it.
    #[error(
        "the trust root names no recovery officers for node {0}: bring a version into force that does (recovery-officers)"
    )]
    NoOfficers(ParticipantId),
    /// Nothing would be in it.
    #[error("no key is active at this node: there is nothing to back up")]
    NoKeys,
    /// More than a backup takes.
    #[error("{found} keys are active at this node, and a backup takes at most {KEYS_MAX}")]
    TooManyKeys {
        /// How many there are.
        found: usize,
    },
}

impl Node {
    /// Everything that a backup of this node seals, and the entries that say that it was given away.
    pub(crate) fn backup(&mut self, turn: &mut Turn) -> Result<Draft, BackupRefusal> {
        let (required, officers) = self.recovery().ok_or(BackupRefusal::NoOfficers(self.me))?;
        let mut keys = Vec::new();
        for held in self.keys.all() {
            keys.extend(self.key_contents(held));
        }
        let found = keys.len();
        if found == 0 {
            return Err(BackupRefusal::NoKeys);
        }
        if found > KEYS_MAX {
            return Err(BackupRefusal::TooManyKeys { found });
        }
        keys.sort_by_cached_key(|key| key.certificate.certified.sharing());
        let contents = Contents { identity: self.identity.duplicate(), keys };
        let names: Vec<_> = officers.keys().map(PersonName::as_str).collect();
        let event = Event::new(EventKind::BackupCreated)
            .fact("root", self.root_hash)
            .fact("required", required)
            .fact("officers", names.join(","));
        for event in name_sharings(&event, contents.sharings()) {
            self.audit(event, turn);
        }
        Ok(Draft {
            cluster: self.cluster,
            node: self.me,
            created: turn.now,
            root: self.root_hash,
            required,
            officers,
            contents,
        })
    }

    /// How many recovery officers it takes, and who they are: the root has a recipient for each.
    fn recovery(&self) -> Option<(usize, BTreeMap<PersonName, Recipient>)> {
        let Quorum { required, members } = self.root.nodes.get(&self.me)?.recovery.as_ref()?;
        let recipient = |name: &PersonName| {
            let person = self.root.persons.get(name)?;
            Some((name.clone(), person.recovery.clone()?))
        };
        Some((*required, members.iter().map(recipient).collect::<Option<_>>()?))
    }

    /// A key that signs, with this node's share of it.
    fn key_contents(&self, held: &HeldKey) -> Option<KeyContents> {
        let certificate = held.certificate.clone()?;
        let confirmations = held.confirmations.clone()?;
        let share = self.vault.to_back_up(&held.sharing())?;
        Some(KeyContents { certificate, confirmations, share })
    }
}

/// An event about so many sharings: as often as it takes to name all of them.
pub(crate) fn name_sharings(
    event: &Event,
    sharings: impl IntoIterator<Item = SharingId>,
) -> Vec<Event> {
    let sharings: Vec<_> = sharings.into_iter().collect();
    let named = |some: &[SharingId]| {
        some.iter().fold(event.clone(), |event, sharing| event.fact("sharing", sharing))
    };
    sharings.chunks(KEYS_PER_ENTRY).map(named).collect()
}
