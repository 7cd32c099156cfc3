//! What an audit log holds.

use std::fmt;
use std::str::FromStr;

use quorate_model::{Digest, Tag, Timestamp, Transcript};

/// One entry of a node's audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the log, from 0.
    pub index: u64,
    /// Digest of the entry before; zero for the first.
    pub previous: Digest,
    /// The node's time.
    pub time: Timestamp,
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

/// Kinds of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// The node took up work with its stored state.
    NodeStarted,
    /// A try at an order to make a key began.
    CeremonyBegun,
    /// The node made its share and voted for the new key.
    ShareCommitted,
    /// The node dropped a share that can never be certified.
    ShareDropped,
    /// Every holder's vote is here.
    KeyCertified,
    /// Every share has proven that it signs.
    KeyActivated,
    /// The gate allowed a request and nonces were made.
    RequestReserved,
    /// The gate denied a request.
    RequestDenied,
    /// Nonces for the confirmation of a key were made.
    ConfirmationReserved,
    /// Signature shares left the node.
    SharesReleased,
    /// An order that stops something, or lifts a stop, was carried out.
    OrderAccepted,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::NodeStarted,
        Self::CeremonyBegun,
        Self::ShareCommitted,
        Self::ShareDropped,
        Self::KeyCertified,
        Self::KeyActivated,
        Self::RequestReserved,
        Self::RequestDenied,
        Self::ConfirmationReserved,
        Self::SharesReleased,
        Self::OrderAccepted,
    ];

    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeStarted => "node-started",
            Self::CeremonyBegun => "ceremony-begun",
            Self::ShareCommitted => "share-committed",
            Self::ShareDropped => "share-dropped",
            Self::KeyCertified => "key-certified",
            Self::KeyActivated => "key-activated",
            Self::RequestReserved => "request-reserved",
            Self::RequestDenied => "request-denied",
            Self::ConfirmationReserved => "confirmation-reserved",
            Self::SharesReleased => "shares-released",
            Self::OrderAccepted => "order-accepted",
        }
    }
}

/// The text named no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of audit event")]
pub struct ParseEventKind;

impl FromStr for EventKind {
    type Err = ParseEventKind;

    fn from_str(text: &str) -> Result<Self, ParseEventKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(ParseEventKind)
    }
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
}

impl Entry {
    /// The digest that the next entry chains to.
    pub fn digest(&self) -> Digest {
        let mut transcript = Transcript::new(Tag::AuditEntry);
        transcript.u64(self.index).digest(&self.previous).u64(self.time.millis());
        transcript.text(self.event.kind.as_str()).u64(self.event.facts.len() as u64);
        for (name, value) in &self.event.facts {
            transcript.text(name).text(value);
        }
        transcript.finish()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.index, self.time, self.event.kind.as_str())?;
        self.event.facts.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
