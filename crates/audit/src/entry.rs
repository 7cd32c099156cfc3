//! What an audit log holds.

use std::fmt;

use quorate_model::{Digest, Tag, Timestamp, Transcript};
use tlog_tiles::{Hash, record_hash};

use crate::EventKind;

/// The fact, and its value, of an entry whose time is in doubt.
const CLOCK: &str = "clock";
const IN_DOUBT: &str = "in doubt";

/// One entry of a node's audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the log, from 0.
    pub index: u64,
    /// Root of the tree of the entries before. It makes a log say for itself where it was changed:
    /// without it, only a checkpoint kept elsewhere could, and could not name the entry.
    pub previous: Digest,
    /// The node's time.
    pub time: Timestamp,
    /// Digest of the node's safety records once this was done; zero where it is not known.
    pub state: Digest,
    /// What happened.
    pub event: Event,
}

/// Something that a node did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What kind of thing.
    pub kind: EventKind,
    /// What is to be known about it, by name, in the order they were given. No secrets.
    pub facts: Vec<(String, String)>,
}

impl Event {
    /// An event of which nothing is known but its kind.
    pub fn new(kind: EventKind) -> Self {
        Self { kind, facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// Says that the node doubted its clock: the time of the entry is what the clock showed, no more.
    #[must_use]
    pub fn in_doubt(self) -> Self {
        self.fact(CLOCK, IN_DOUBT)
    }

    /// Whether the node doubted its clock.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.values(CLOCK).any(|value| value == IN_DOUBT)
    }

    /// What the facts of that name say, in their order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.facts.iter().filter(move |(fact, _)| fact == name);
        named.map(|(_, value)| value.as_str())
    }
}

impl Entry {
    /// The digest of all that the entry says: the 32 bytes that are its leaf in the tree.
    pub fn digest(&self) -> Digest {
        let mut transcript = Transcript::new(Tag::AuditEntry);
        transcript.u64(self.index).digest(&self.previous).u64(self.time.millis());
        transcript.digest(&self.state);
        transcript.text(self.event.kind.as_str()).u64(self.event.facts.len() as u64);
        for (name, value) in &self.event.facts {
            transcript.text(name).text(value);
        }
        transcript.finish()
    }

    /// The hash of the leaf (RFC 6962, section 2.1).
    pub(crate) fn leaf(&self) -> Hash {
        record_hash(self.digest().as_bytes())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.index, self.time, self.event.kind.as_str())?;
        self.event.facts.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
