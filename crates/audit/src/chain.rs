//! The chain of entries.

use quorate_model::{Digest, Timestamp};

use crate::{Entry, Event, EventKind};

/// The end of an audit log: all that is needed to append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    length: u64,
    head: Digest,
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
    /// An entry that does not follow from the one before.
    #[error("audit log: entry {0} does not chain to the one before")]
    Broken(u64),
}

impl Default for Log {
    fn default() -> Self {
        Self { length: 0, head: Digest::new([0; 32]), time: Timestamp::ZERO }
    }
}

impl Log {
    /// Verifies entries from the first on, and ends at the last.
    ///
    /// # Errors
    /// [`ChainError`], naming the entry.
    pub fn verify<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, ChainError> {
        entries.into_iter().try_fold(Self::default(), |log, entry| {
            if entry.index != log.length {
                return Err(ChainError::Gap { expected: log.length, found: entry.index });
            }
            if entry.previous != log.head {
                return Err(ChainError::Broken(entry.index));
            }
            Ok(log.after(entry))
        })
    }

    /// Appends an event.
    #[must_use = "the entry is to be made durable"]
    pub fn append(&mut self, event: Event, time: Timestamp) -> Entry {
        let entry = Entry { index: self.length, previous: self.head, time, event };
        *self = self.after(&entry);
        entry
    }

    fn after(&self, entry: &Entry) -> Self {
        // A node may start before its clock is set: only what it does afterwards counts.
        let time = match entry.event.kind {
            EventKind::NodeStarted => self.time,
            EventKind::CeremonyBegun
            | EventKind::ShareCommitted
            | EventKind::ShareDropped
            | EventKind::KeyCertified
            | EventKind::KeyActivated
            | EventKind::RequestReserved
            | EventKind::RequestDenied
            | EventKind::ConfirmationReserved
            | EventKind::SharesReleased
            | EventKind::OrderAccepted => self.time.max(entry.time),
        };
        Self { length: entry.index + 1, head: entry.digest(), time }
    }

    /// How many entries there are.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Digest of the newest entry; zero for none.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// The latest time at which the node did something: no honest clock of it shows an earlier one.
    pub fn time(&self) -> Timestamp {
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventKind;

    fn entries() -> Vec<Entry> {
        let mut log = Log::default();
        let event = |n: u64| Event::new(EventKind::RequestReserved).fact("request", n);
        (0..4).map(|n| log.append(event(n), Timestamp::from_millis(n))).collect()
    }

    #[test]
    fn a_log_is_verified_to_its_head() {
        let entries = entries();
        let log = Log::verify(&entries).unwrap();
        assert_eq!((log.length(), log.head()), (4, entries[3].digest()));
        assert_eq!(log.time(), Timestamp::from_millis(3));
    }

    #[test]
    fn a_changed_removed_or_moved_entry_is_noticed() {
        let mut changed = entries();
        changed[1].event.facts[0].1 = "9".to_owned();
        assert_eq!(Log::verify(&changed), Err(ChainError::Broken(2)));
        let mut removed = entries();
        removed.remove(1);
        assert_eq!(Log::verify(&removed), Err(ChainError::Gap { expected: 1, found: 2 }));
        let mut moved = entries();
        moved.swap(1, 2);
        assert!(Log::verify(&moved).is_err());
        let mut retold = entries();
        retold[0].time = Timestamp::from_millis(7);
        assert_eq!(Log::verify(&retold), Err(ChainError::Broken(1)));
    }
}
