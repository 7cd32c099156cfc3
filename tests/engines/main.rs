//! Nodes and coordinator as engines: every check that a node makes itself has a test here that fails
//! if the check is deleted.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it expects, not the rest")]

mod administer;
#[path = "../altered.rs"]
mod altered;
mod approvals;
mod backup;
mod claims;
mod clock;
mod coordinator;
mod ecdsa;
mod history;
mod key_generation;
mod key_states;
mod orders;
mod peers;
mod reserve;
mod reshare;
mod share;
mod start;
mod successors;
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

/// Every size of a small cluster, and every threshold that it may have.
pub(crate) const SIZES: [(u16, u16); 8] =
    [(2, 2), (3, 2), (3, 3), (4, 3), (4, 4), (5, 3), (5, 4), (5, 5)];

/// Every choice of so many nodes, ids counted from 1.
pub(crate) fn subsets(nodes: u16, size: u16) -> impl Iterator<Item = Vec<u16>> {
    let choices = (0_u32..1 << nodes).filter(move |bits| bits.count_ones() == u32::from(size));
    choices.map(move |bits| (1..=nodes).filter(|node| bits >> (node - 1) & 1 == 1).collect())
}

/// The code of a refusal; panics at any other answer.
pub(crate) fn refused(answer: FromNode) -> RefusalCode {
    match answer {
        FromNode::Refused(refusal) => refusal.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

pub(crate) const FIRST: Attempt = Attempt::FIRST;
