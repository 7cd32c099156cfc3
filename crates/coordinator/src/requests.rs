//! The requests of a coordinator, and which of them are waiting for what.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{Digest, ParticipantId, RequestKey, ServiceName, Timestamp};

use crate::request::{RequestState, SignRequestRecord};

/// All requests, and the queue of those that are not final.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    all: BTreeMap<RequestKey, SignRequestRecord>,
    waiting: BTreeMap<RequestKey, Waiting>,
    queue: BTreeSet<(Timestamp, RequestKey)>,
    /// Final requests, by expiry.
    ended: BTreeSet<(Timestamp, RequestKey)>,
    /// Bytes of the statements of all requests.
    bytes: usize,
}

/// What a request that is not final waits for.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    next_try: Timestamp,
    /// How much each node had to do with failed attempts at it: the more, the later it is asked.
    pub(crate) failures: BTreeMap<ParticipantId, u32>,
    /// What nodes are shown in the newest attempt.
    pub(crate) shown: Shown,
    /// What each node had been shown when it deferred it: with the same it would do so again.
    pub(crate) deferred_with: BTreeMap<ParticipantId, Shown>,
    /// What holds it up, since the last try.
    pub(crate) hold: Option<Hold>,
}

/// What was said about a request, by digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) approvals: Vec<Digest>,
    pub(crate) verdicts: Vec<Digest>,
}

/// Why a request cannot be tried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Fewer nodes than the threshold can be asked.
    BelowThreshold,
    /// A freeze or a suspension is in force.
    Frozen,
    /// So many pairs of the key's holders must not sign together that no signing set is left.
    PairsFrozen,
    /// A window is exhausted or a calendar closed, until this time.
    Later(Timestamp),
}

impl Requests {
    /// Takes up a record from the store: what was being signed is queued again.
    pub(crate) fn load(&mut self, mut record: SignRequestRecord) {
        if record.state == RequestState::Signing {
            record.state = RequestState::Queued;
        }
        self.put(record, Timestamp::ZERO);
    }

    /// Takes up a record; if it is not final, it is to be tried at `next_try`.
    pub(crate) fn put(&mut self, record: SignRequestRecord, next_try: Timestamp) {
        let key = record.signed.request.request_key();
        let next_try = next_try.min(record.signed.request.expires);
        let earlier = self.waiting.remove(&key);
        if let Some(earlier) = &earlier {
            self.queue.remove(&(earlier.next_try, key.clone()));
        }
        if !record.state.is_final() {
            let mut waiting = earlier.unwrap_or(Waiting {
                next_try,
                failures: BTreeMap::new(),
                shown: Shown::default(),
                deferred_with: BTreeMap::new(),
                hold: None,
            });
            waiting.next_try = next_try;
            if record.state != RequestState::Signing {
                self.queue.insert((next_try, key.clone()));
            }
            self.waiting.insert(key.clone(), waiting);
        } else {
            self.ended.insert((record.signed.request.expires, key.clone()));
        }
        let bytes = record.signed.statement.len();
        if self.all.insert(key, record).is_none() {
            self.bytes += bytes;
        }
    }

    /// Bytes of the statements of all requests.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The expiry of the request that is the next to be forgotten.
    pub(crate) fn next_forgotten(&self) -> Option<Timestamp> {
        self.ended.first().map(|(expires, _)| *expires)
    }

    pub(crate) fn get(&self, key: &RequestKey) -> Option<&SignRequestRecord> {
        self.all.get(key)
    }

    /// Every request that is not final.
    pub(crate) fn waiting_keys(&self) -> Vec<RequestKey> {
        self.waiting.keys().cloned().collect()
    }

    pub(crate) fn waiting(&self, key: &RequestKey) -> Option<&Waiting> {
        self.waiting.get(key)
    }

    pub(crate) fn waiting_mut(&mut self, key: &RequestKey) -> Option<&mut Waiting> {
        self.waiting.get_mut(key)
    }

    /// The next queued request whose time has come.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<RequestKey> {
        let (next_try, key) = self.queue.first()?.clone();
        if next_try > now {
            return None;
        }
        self.queue.pop_first();
        Some(key)
    }

    /// Something changed: everything queued may be tried now.
    pub(crate) fn wake_all(&mut self, now: Timestamp) {
        let later: Vec<_> = self.queue.iter().filter(|(time, _)| *time > now).cloned().collect();
        for (time, key) in later {
            self.queue.remove(&(time, key.clone()));
            self.queue.insert((now, key.clone()));
            if let Some(waiting) = self.waiting.get_mut(&key) {
                waiting.next_try = now;
            }
        }
    }

    /// Forgets final requests that expired before a time, some at a time. Nobody can have them
    /// signed again: an expired statement is refused.
    pub(crate) fn forget(&mut self, before: Timestamp, some: usize) -> Vec<RequestKey> {
        let old = self.ended.iter().take_while(|(expires, _)| *expires < before).take(some);
        let old: Vec<_> = old.cloned().collect();
        for (expires, key) in &old {
            self.ended.remove(&(*expires, key.clone()));
            if let Some(record) = self.all.remove(key) {
                self.bytes -= record.signed.statement.len();
            }
        }
        old.into_iter().map(|(_, key)| key).collect()
    }

    pub(crate) fn next_try(&self) -> Option<Timestamp> {
        self.queue.first().map(|(time, _)| *time)
    }

    /// How many requests of a service are not final.
    pub(crate) fn open_of(&self, service: &ServiceName) -> usize {
        self.waiting.keys().filter(|key| key.service == *service).count()
    }

    /// All requests after `after`, by name.
    pub(crate) fn after(
        &self,
        after: Option<&RequestKey>,
    ) -> impl Iterator<Item = &SignRequestRecord> {
        use std::ops::Bound;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.all.range::<RequestKey, _>((start, Bound::Unbounded)).map(|(_, record)| record)
    }
}
