//! The state root: one hash over the records whose loss would undo a decision. It is in every entry of
//! the audit log, whose head the peers see: so deleting or rolling back one of them shows.

use std::collections::BTreeSet;

use quorate_audit::{Entry, Event, EventKind};
use quorate_model::{Digest, RequestKey, Tag, Timestamp, Transcript};

use crate::keygen::Ceremonies;
use crate::keys::Keys;
use crate::node::Node;
use crate::orders::Orders;
use crate::pairs::FrozenPairs;
use crate::record::Record;
use crate::start::StartError;
use crate::turn::Turn;

impl Node {
    /// Appends to the audit log, in the same batch as the act.
    pub(crate) fn audit(&mut self, event: Event, turn: &mut Turn) {
        let event = if self.clock.doubt().is_some() { event.in_doubt() } else { event };
        if changes_state(event.kind) {
            self.state = self.state_root();
        }
        let entry = self.log.append(event, turn.now, self.state);
        self.history.follow(&entry);
        turn.write(Record::Audit(entry));
    }

    /// The state root of this node.
    pub(crate) fn state_root(&self) -> Digest {
        state_root(&self.orders, &self.ceremonies, &self.keys, &self.frozen_pairs)
    }

    /// Checks the loaded records against the audit log: it knows of everything that was written with
    /// its entries.
    pub(crate) fn check_state(&self, entries: &[Entry]) -> Result<(), StartError> {
        match entries.last() {
            Some(last) if last.state != self.state => return Err(StartError::State),
            Some(_) | None => {}
        }
        for Answered { request, attempt, expires } in entries.iter().filter_map(Answered::of) {
            let kept = self.ledger.get(&request).is_some_and(|kept| match attempt {
                Some(attempt) => kept.attempt.0 >= attempt,
                None => kept.denied.is_some(),
            });
            if !kept && !self.ledger.has_forgotten(expires) {
                return Err(StartError::Request(request));
            }
        }
        self.check_ledger(entries)
    }

    /// And the other way round, for what was decided for good: the end of the log is there.
    fn check_ledger(&self, entries: &[Entry]) -> Result<(), StartError> {
        let of = |kind, fact: &'static str| {
            let entries = entries.iter().filter(move |entry| entry.event.kind == kind);
            entries.flat_map(move |entry| entry.event.values(fact)).collect::<BTreeSet<_>>()
        };
        let released = of(EventKind::SharesReleased, "subject");
        let denied = of(EventKind::RequestDenied, "request");
        for record in self.ledger.records() {
            let is_logged =
                record.released.is_none() || released.contains(&*record.digest.to_string());
            let denial_is =
                record.denied.is_none() || denied.contains(&*record.request.to_string());
            if !is_logged || !denial_is {
                return Err(StartError::Unlogged(record.request.clone()));
            }
        }
        Ok(())
    }
}

/// Orders, attempts at key generations, votes, and frozen pairs.
pub(crate) fn state_root(
    orders: &Orders,
    ceremonies: &Ceremonies,
    keys: &Keys,
    frozen_pairs: &FrozenPairs,
) -> Digest {
    let mut transcript = Transcript::new(Tag::SafetyState);
    transcript.digest(&orders.head());
    ceremonies.transcribe_attempts(&mut transcript);
    transcript.u64(keys.all().count() as u64);
    for held in keys.all() {
        transcript.digest(&held.certified.digest());
    }
    frozen_pairs.transcribe(&mut transcript);
    transcript.finish()
}

/// What an entry of the audit log says was answered for a request: an attempt, or a denial.
struct Answered {
    request: RequestKey,
    attempt: Option<u32>,
    expires: Timestamp,
}

impl Answered {
    /// An entry that does not say so is none of ours, and asks nothing.
    fn of(entry: &Entry) -> Option<Self> {
        let fact = |name| entry.event.values(name).next();
        let kind = entry.event.kind;
        let attempt = if kind == EventKind::RequestReserved {
            Some(fact("attempt")?.parse().ok()?)
        } else if kind == EventKind::RequestDenied {
            None
        } else {
            return None;
        };
        let (request, expires) = (fact("request")?.parse().ok()?, fact("expires")?.parse().ok()?);
        Some(Self { request, attempt, expires })
    }
}

fn changes_state(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::OrderAccepted
            | EventKind::CeremonyBegun
            | EventKind::ShareCommitted
            | EventKind::ShareDropped
            | EventKind::KeyActivated
            | EventKind::PairFrozen
    )
}
