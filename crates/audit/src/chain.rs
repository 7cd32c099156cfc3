//! The log as a node keeps it in memory.

use quorate_model::{Digest, Timestamp};

use crate::edge::RightEdge;
use crate::{Checkpoint, Entry, Event, EventKind, Origin};

/// The end of an audit log: all that is needed to append, in memory that does not grow with the log
/// (at most 64 hashes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    edge: RightEdge,
    time: Timestamp,
}

/// Why entries are no log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// An entry is missing, or out of order.
    #[error("audit log: expected entry {expected}, found {found}")]
    Gap {
        /// The next index.
        expected: u64,
        /// What was there.
        found: u64,
    },
    /// An entry that does not follow from those before: it, or one before it, was changed.
    #[error("audit log: entry {0} does not follow from the entries before")]
    Broken(u64),
}

impl Default for Log {
    fn default() -> Self {
        Self { edge: RightEdge::default(), time: Timestamp::ZERO }
    }
}

impl Log {
    /// Verifies entries from the first on, and ends at the last.
    ///
    /// That shows that nothing before the last entry was changed. Whether the last one was, and
    /// whether there were more, only a head from elsewhere can tell.
    ///
    /// # Errors
    /// [`ChainError`], naming the entry.
    pub fn verify<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, ChainError> {
        entries.into_iter().try_fold(Self::default(), |mut log, entry| {
            log.follow(entry)?;
            Ok(log)
        })
    }

    /// Appends an event. `state` is the digest of the node's safety records once it is done, zero
    /// where the caller has none. Takes time that grows with the logarithm of the log's length.
    #[must_use = "the entry is to be made durable"]
    pub fn append(&mut self, event: Event, time: Timestamp, state: Digest) -> Entry {
        let (index, previous) = (self.length(), self.head());
        let entry = Entry { index, previous, time, state, event };
        self.take(&entry);
        entry
    }

    /// How many entries there are.
    pub fn length(&self) -> u64 {
        self.edge.length()
    }

    /// Root of the tree of all entries (RFC 6962, section 2.1); SHA-256 of nothing for none.
    pub fn head(&self) -> Digest {
        self.edge.root()
    }

    /// The latest time at which the node did something, by a clock that it had no doubt of: no honest
    /// clock of it shows an earlier one.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What the log is at this moment, to be signed.
    pub fn checkpoint(&self, origin: Origin) -> Checkpoint {
        Checkpoint::new(origin, self.length(), self.head())
    }

    /// Verifies the next entry and takes it in.
    pub(crate) fn follow(&mut self, entry: &Entry) -> Result<(), ChainError> {
        if entry.index != self.length() {
            return Err(ChainError::Gap { expected: self.length(), found: entry.index });
        }
        if entry.previous != self.head() {
            return Err(ChainError::Broken(entry.index));
        }
        self.take(entry);
        Ok(())
    }

    fn take(&mut self, entry: &Entry) {
        if shows_the_time(&entry.event) {
            self.time = self.time.max(entry.time);
        }
        self.edge.push(entry.leaf());
    }
}

/// A node may start, be read, be sealed and be backed up before its clock is set: only what it does afterwards counts, and
/// nothing that it did while it doubted its clock. So no wrong clock makes the right one seem late.
fn shows_the_time(event: &Event) -> bool {
    match event.kind {
        EventKind::NodeStarted
        | EventKind::NodeRestored
        | EventKind::AdminAccess
        | EventKind::BackupCreated
        | EventKind::NodeSealed
        | EventKind::KekRotation
        | EventKind::ClockDoubted
        | EventKind::LogConfirmed
        | EventKind::LogPutBack => false,
        EventKind::CeremonyBegun
        | EventKind::ShareCommitted
        | EventKind::ShareDropped
        | EventKind::KeyCertified
        | EventKind::KeyActivated
        | EventKind::RequestReserved
        | EventKind::RequestDenied
        | EventKind::RequestPending
        | EventKind::ConfirmationReserved
        | EventKind::SharesReleased
        | EventKind::ClockConfirmed
        | EventKind::OrderAccepted
        | EventKind::PolicyBegun
        | EventKind::RootBegun
        | EventKind::PeerPutBack
        | EventKind::PairFrozen => !event.is_in_doubt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tree, fixture};

    fn entries() -> Vec<Entry> {
        fixture::entries(4)
    }

    #[test]
    fn a_log_is_verified_to_its_head() {
        let entries = entries();
        let log = Log::verify(&entries).unwrap();
        assert_eq!(log.length(), 4);
        assert_eq!(log.head(), Tree::new(&entries).unwrap().root(4).unwrap());
        assert_eq!(log.time(), entries[3].time);
        assert_eq!(Log::default().head().to_string(), fixture::EMPTY_ROOT);
    }

    #[test]
    fn a_log_goes_on_where_it_was_verified_to() {
        let entries = fixture::entries(40);
        let mut log = Log::verify(&entries[..25]).unwrap();
        for entry in &entries[25..] {
            assert_eq!(&log.append(entry.event.clone(), entry.time, entry.state), entry);
        }
        assert_eq!(log, Log::verify(&entries).unwrap());
    }

    #[test]
    fn neither_a_start_nor_a_reader_shows_the_time() {
        let mut log = Log::default();
        let (late, early) = (Timestamp::from_millis(9), Timestamp::from_millis(3));
        let state = Digest::new([0; 32]);
        let before_the_clock = [
            EventKind::NodeStarted,
            EventKind::AdminAccess,
            EventKind::NodeSealed,
            EventKind::KekRotation,
        ];
        for kind in before_the_clock {
            let _ = log.append(Event::new(kind), late, state);
            assert_eq!(log.time(), Timestamp::ZERO);
        }
        let _ = log.append(Event::new(EventKind::OrderAccepted), early, state);
        assert_eq!(log.time(), early);
    }

    #[test]
    fn a_clock_in_doubt_does_not_show_the_time() {
        let mut log = Log::default();
        let (late, early) = (Timestamp::from_millis(9), Timestamp::from_millis(3));
        let state = Digest::new([0; 32]);
        let _ = log.append(Event::new(EventKind::OrderAccepted), early, state);
        for kind in EventKind::ALL {
            let _ = log.append(Event::new(kind).in_doubt(), late, state);
            assert_eq!(log.time(), early, "{kind:?}");
        }
    }

    #[test]
    fn a_removed_or_moved_entry_is_noticed() {
        let mut removed = entries();
        removed.remove(1);
        assert_eq!(Log::verify(&removed), Err(ChainError::Gap { expected: 1, found: 2 }));
        let mut moved = entries();
        moved.swap(1, 2);
        assert!(Log::verify(&moved).is_err());
        moved[1].index = 1;
        moved[2].index = 2;
        assert!(Log::verify(&moved).is_err());
    }

    #[test]
    fn a_change_of_any_field_is_noticed_at_the_next_entry() {
        let changes: [fn(&mut Entry); 8] = [
            |entry| entry.time = entry.time.plus_millis(1),
            |entry| entry.state = Digest::new([0xee; 32]),
            |entry| entry.event.kind = EventKind::OrderAccepted,
            |entry| entry.event.facts[0].1.push('!'),
            |entry| entry.event.facts[0].0.push('!'),
            |entry| entry.event.facts.swap(0, 1),
            |entry| entry.event.facts.truncate(1),
            // The same letters, divided in another way.
            |entry| {
                let (name, value) = &mut entry.event.facts[0];
                value.insert(0, name.pop().unwrap());
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = entries();
            change(&mut changed[1]);
            assert_eq!(Log::verify(&changed), Err(ChainError::Broken(2)), "{number}");
        }
        let mut changed = entries();
        changed[1].previous = Digest::new([1; 32]);
        assert_eq!(Log::verify(&changed), Err(ChainError::Broken(1)));
    }
}
