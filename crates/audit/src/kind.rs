//! The kinds of things that a node does. A kind that nothing writes is not in the list.

use std::str::FromStr;

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
    /// A request waits for what its rules ask of people.
    RequestPending,
    /// The node took up an order of a quorum.
    OrderAccepted,
    /// A policy bundle came into force.
    PolicyBegun,
    /// A version of the trust root came into force.
    RootBegun,
    /// Another node showed an older audit log than it had shown before.
    PeerPutBack,
    /// This node and another must not sign with a key together any more.
    PairFrozen,
    /// Somebody read this log through the interface for administrators.
    AdminAccess,
    /// An administrator sealed the node: it let go of its shares and stopped.
    NodeSealed,
    /// An administrator replaced the key-encryption key.
    KekRotation,
    /// The clock was set, by more than nodes may differ.
    ClockDoubted,
    /// Enough other nodes' clocks agreed with the node's own.
    ClockConfirmed,
    /// Enough other nodes had nothing to show that is missing in this log.
    LogConfirmed,
    /// Another node showed what this one signed before, and it is missing in this log.
    LogPutBack,
    /// A backup of the node's shares was given away, to be opened by recovery officers.
    BackupCreated,
    /// The node began from a backup. The first entry of a log, or nothing.
    NodeRestored,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 25] = [
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
        Self::RequestPending,
        Self::OrderAccepted,
        Self::PolicyBegun,
        Self::RootBegun,
        Self::PeerPutBack,
        Self::PairFrozen,
        Self::AdminAccess,
        Self::NodeSealed,
        Self::KekRotation,
        Self::ClockDoubted,
        Self::ClockConfirmed,
        Self::LogConfirmed,
        Self::LogPutBack,
        Self::BackupCreated,
        Self::NodeRestored,
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
            Self::RequestPending => "request-pending",
            Self::OrderAccepted => "order-accepted",
            Self::PolicyBegun => "policy-begun",
            Self::RootBegun => "root-begun",
            Self::PeerPutBack => "peer-put-back",
            Self::PairFrozen => "pair-frozen",
            Self::AdminAccess => "admin-access",
            Self::NodeSealed => "node-sealed",
            Self::KekRotation => "kek-rotation",
            Self::ClockDoubted => "clock-doubted",
            Self::ClockConfirmed => "clock-confirmed",
            Self::LogConfirmed => "log-confirmed",
            Self::LogPutBack => "log-put-back",
            Self::BackupCreated => "backup-created",
            Self::NodeRestored => "node-restored",
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_is_listed_and_read_back_by_its_own_name() {
        let names: BTreeSet<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
        // The declaration order is the order of the list, so the last one has the last number.
        assert_eq!(EventKind::NodeRestored as usize + 1, EventKind::ALL.len());
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("OrderAccepted".parse::<EventKind>(), Err(ParseEventKind));
    }
}
