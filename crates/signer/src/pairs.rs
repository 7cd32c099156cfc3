//! Pairs whose shared state must not be used again (threats P3 and P14). A check that failed tells
//! something about the state that a pair shares for a key: another use could give the key away, so the
//! pair is frozen, durably and before anything is answered. It accuses the pair and no node: what was
//! checked depends on secrets of both.

use std::collections::BTreeMap;

use quorate_audit::{Event, EventKind};
use quorate_model::{Epoch, KeyId, ParticipantId, ParticipantSet, Timestamp, Transcript};
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_protocol::{AbortReason, CertifiedKey};

use crate::node::Node;
use crate::record::Record;
use crate::refusal::refuse;
use crate::turn::Turn;

/// A pair that is frozen: this node and another, for one sharing of a key and all its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFreezeRecord {
    /// The key.
    pub key: KeyId,
    /// The epoch of the sharing.
    pub epoch: Epoch,
    /// The other node.
    pub with: ParticipantId,
    /// Which check failed.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Every pair that is frozen.
#[derive(Debug, Default)]
pub(crate) struct FrozenPairs(BTreeMap<(KeyId, Epoch, ParticipantId), PairFreezeRecord>);

impl FrozenPairs {
    /// Takes up a record. What was said first stays.
    pub(crate) fn put(&mut self, record: PairFreezeRecord) {
        let place = (record.key.clone(), record.epoch, record.with);
        self.0.entry(place).or_insert(record);
    }

    pub(crate) fn transcribe(&self, transcript: &mut Transcript) {
        transcript.u64(self.0.len() as u64);
        for (key, epoch, with) in self.0.keys() {
            transcript.text(key.as_str()).u64(epoch.0).u64(u64::from(with.get()));
        }
    }

    /// Every frozen pair, in words.
    pub(crate) fn in_words(&self) -> impl Iterator<Item = String> {
        self.0.values().map(|PairFreezeRecord { key, epoch, with, reason, since }| {
            format!(
                "pair with node {with} frozen for key {key} (epoch {epoch}) since {since}: {reason}"
            )
        })
    }
}

impl Node {
    /// Refuses a signing set that uses a frozen pair of this node, or any pair where it has none.
    pub(crate) fn check_pairs(
        &self,
        certified: &CertifiedKey,
        signing_set: &ParticipantSet,
    ) -> Result<(), Refusal> {
        if self.vault.is_dealt_only(&certified.sharing()) {
            return Err(refuse(RefusalCode::NotFound, AbortReason::DealtOnly));
        }
        let frozen = |id: &ParticipantId| {
            self.frozen_pairs.0.get(&(certified.key.clone(), certified.epoch, *id))
        };
        let Some(freeze) = signing_set.iter().find_map(|id| frozen(&id)) else { return Ok(()) };
        let reason = format!(
            "nodes {} and {} must not sign with key {} together: {}; a refresh of the key makes them \
             a new pair",
            self.me, freeze.with, certified.key, freeze.reason
        );
        Err(refuse(RefusalCode::PairFrozen(freeze.with), reason))
    }

    /// Freezes a pair, and ends every session of it.
    pub(crate) fn freeze_pair(
        &mut self,
        key: &KeyId,
        epoch: Epoch,
        with: ParticipantId,
        reason: &str,
        turn: &mut Turn,
    ) {
        let (key, reason) = (key.clone(), reason.to_owned());
        let record = PairFreezeRecord { key: key.clone(), epoch, with, reason, since: turn.now };
        if self.frozen_pairs.0.contains_key(&(key.clone(), epoch, with)) {
            return;
        }
        self.frozen_pairs.put(record.clone());
        self.sessions.drop_pair(&key, epoch, with);
        let event = Event::new(EventKind::PairFrozen)
            .fact("key", &key)
            .fact("epoch", epoch)
            .fact("node", with)
            .fact("reason", &record.reason);
        self.audit(event, turn);
        turn.write(Record::PairFreeze(record));
    }
}
