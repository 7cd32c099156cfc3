//! Nodes and coordinator as engines: every check that a node makes itself has a test here that fails
//! if the check is deleted.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it expects, not the rest")]

mod approvals;
mod coordinator;
mod key_generation;
mod orders;
mod reserve;
mod share;
mod start;
mod verdicts;
mod windows;

use quorate_model::{Attempt, ParticipantId, ParticipantSet, Scheme};
use quorate_protocol::wire::{FromNode, RefusalCode};
use quorate_testkit::Lab;

pub(crate) fn id(number: u16) -> ParticipantId {
    ParticipantId::new(number).unwrap()
}

pub(crate) fn set<const N: usize>(ids: [u32; N]) -> ParticipantSet {
    ParticipantSet::from_wire(ids).unwrap()
}

pub(crate) fn lab() -> Lab {
    Lab::with_key(1, 3, 2, Scheme::FrostEd25519)
}

/// The code of a refusal; panics at any other answer.
pub(crate) fn refused(answer: FromNode) -> RefusalCode {
    match answer {
        FromNode::Refused(refusal) => refusal.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

pub(crate) const FIRST: Attempt = Attempt::FIRST;
