//! The life of a key: its sharing changes, and the key, its addresses and its policy do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../lockstep.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod lockstep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use quorate_coordinator::RequestState;
use quorate_model::{KeyId, ParticipantId, ParticipantSet, Scheme, Threshold};
use quorate_protocol::wire::{Subject, ToNode};
use quorate_protocol::{CertifiedKey, verify_signature};
use quorate_signer::Record;
use quorate_testkit::{ClusterFixture, PaymentRequest, PaymentSize, network_of, seeded};
use quorate_trust::{GenerateKey, OrderAction, ReshareKey, SharingChange, SignedOrder};

use crate::lockstep::{Fault, Lockstep};

const OFFICERS: [&str; 2] = ["alice", "bob"];

fn id(number: u16) -> ParticipantId {
    ParticipantId::new(number).unwrap()
}

fn set(ids: &[u16]) -> ParticipantSet {
    ParticipantSet::new(ids.iter().copied().map(id)).unwrap()
}

fn key() -> KeyId {
    "treasury".parse().unwrap()
}

/// A cluster of five, the first three of whom hold a key: 2 of 3.
struct Life {
    cluster: Lockstep,
    first: CertifiedKey,
    present: CertifiedKey,
    orders: u64,
    payments: u64,
}

impl Life {
    fn new(scheme: Scheme) -> Self {
        let mut fixture = ClusterFixture::new(5, &mut seeded(21));
        fixture.root.threshold_floor = Threshold::new(2).unwrap();
        let mut cluster = Lockstep::of(fixture, 21);
        let generate = OrderAction::GenerateKey(GenerateKey {
            key: key(),
            scheme,
            threshold: Threshold::new(2).unwrap(),
            roster: set(&[1, 2, 3]),
            raw_ok: false,
        });
        let order = cluster.fixture.order_to("make", generate, &OFFICERS, cluster.now);
        let first = cluster.carry_out(&key(), &order).unwrap();
        Self { cluster, present: first.clone(), first, orders: 0, payments: 0 }
    }

    fn order(&mut self, change: SharingChange) -> SignedOrder {
        self.orders += 1;
        let predecessor = self.present.digest();
        let action = OrderAction::ReshareKey(ReshareKey { key: key(), predecessor, change });
        let (id, now) = (format!("change-{}", self.orders), self.cluster.now);
        self.cluster.fixture.order_to(&id, action, &OFFICERS, now)
    }

    /// Changes the sharing, and pays with it.
    fn change(&mut self, change: SharingChange) {
        let order = self.order(change);
        let next = self.cluster.carry_out(&key(), &order).unwrap();
        assert_eq!(next.group_verifying_key, self.first.group_verifying_key);
        assert_eq!(next.chain_code, self.first.chain_code);
        assert_eq!(next.predecessor, Some(self.present.digest()));
        assert!(next.epoch > self.present.epoch);
        self.present = next;
        self.pays();
    }

    fn pays(&mut self) {
        self.payments += 1;
        let group = &self.first.group_verifying_key;
        let payment = PaymentRequest {
            network: network_of(self.first.scheme).unwrap(),
            number: self.payments,
            size: PaymentSize::Small,
            expires: self.cluster.now.plus_millis(600_000),
        };
        let request = self.cluster.fixture.payment(&key(), group, payment);
        let view = self.cluster.sign(&request);
        let RequestState::Signed { signatures, signers } = &view.record.state else {
            panic!("{:?}: {}", view.record.state, view.record.reason)
        };
        assert!(signers.is_subset(&self.present.roster));
        assert_eq!(signers.len(), self.present.threshold.as_usize());
        assert_eq!(signatures.len(), view.messages.len());
        for (message, signature) in view.messages.iter().zip(signatures) {
            assert!(verify_signature(self.first.scheme, group, message, signature));
        }
    }

    /// Which sharings a node's disk has.
    fn epochs_at(&self, node: u16) -> Vec<u64> {
        let mut epochs = Vec::new();
        for record in self.cluster.nodes[&id(node)].batches.iter().flatten() {
            if let Record::Share(share) = record {
                epochs.push(share.certified.epoch.0);
            } else if let Record::DropSharing { sharing, .. } = record {
                epochs.retain(|epoch| *epoch != sharing.epoch.0);
            }
        }
        epochs
    }
}

fn lives(scheme: Scheme) {
    let mut life = Life::new(scheme);
    life.pays();
    for _ in 0..3 {
        life.change(SharingChange::Refresh);
    }
    let threshold = |n| Threshold::new(n).unwrap();
    life.change(SharingChange::Reshare { threshold: threshold(3), roster: set(&[2, 3, 4, 5]) });
    life.change(SharingChange::Repair(id(4)));
    life.change(SharingChange::Reshare { threshold: threshold(2), roster: set(&[1, 3, 5]) });
    for node in [1, 3, 5] {
        assert_eq!(life.epochs_at(node), [life.present.epoch.0], "node {node}");
    }
    // Who holds no share any more has none of an earlier one either.
    for node in [2, 4] {
        assert_eq!(life.epochs_at(node), [0; 0], "node {node}");
    }
}

#[test]
fn an_ed25519_key_is_one_through_all_its_sharings() {
    lives(Scheme::FrostEd25519);
}

#[test]
fn a_taproot_key_is_one_through_all_its_sharings() {
    lives(Scheme::FrostSecp256k1Tr);
}

#[test]
fn an_ecdsa_key_is_one_through_all_its_sharings() {
    lives(Scheme::EcdsaSecp256k1);
}

#[test]
fn an_order_is_for_one_sharing_and_no_other() {
    let mut life = Life::new(Scheme::FrostEd25519);
    let late = life.order(SharingChange::Refresh);
    life.change(SharingChange::Refresh);
    let refused = life.cluster.carry_out(&key(), &late).unwrap_err();
    assert!(refused.contains("the order follows sharing"), "{refused}");
    let stranger = life.order(SharingChange::Repair(id(4)));
    let refused = life.cluster.carry_out(&key(), &stranger).unwrap_err();
    assert!(refused.contains("node 4 is to be repaired"), "{refused}");
    life.pays();
}

/// Whether a question belongs to a change of a sharing.
fn of_a_change(question: &ToNode) -> bool {
    match question {
        ToNode::ReshareKey { .. }
        | ToNode::Announcements(..)
        | ToNode::Exchange(..)
        | ToNode::Certify(_)
        | ToNode::Confirm { .. }
        | ToNode::Replaced { .. }
        | ToNode::Reserve { subject: Subject::Confirmation { .. }, .. } => true,
        ToNode::GenerateKey { .. }
        | ToNode::Round1(..)
        | ToNode::Round2(..)
        | ToNode::Reserve { .. }
        | ToNode::Share { .. }
        | ToNode::Reject { .. }
        | ToNode::CarryOut { .. }
        | ToNode::Orders
        | ToNode::Order(_)
        | ToNode::ReadClock { .. }
        | ToNode::HearClock(_)
        | ToNode::Simulate { .. }
        | ToNode::Status => false,
    }
}

impl Life {
    /// Something happens to the n-th question of a change to a node. Gives whether there was one.
    fn change_with(&mut self, change: SharingChange, node: u16, nth: usize, fault: Fault) -> bool {
        let (hit, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (told, counted) = (Arc::clone(&hit), Arc::clone(&seen));
        self.cluster.fault = Some(Box::new(move |to, question| {
            if to != id(node) || !of_a_change(question) {
                return None;
            }
            let this = counted.fetch_add(1, Ordering::Relaxed) == nth;
            told.fetch_or(this, Ordering::Relaxed);
            this.then_some(fault)
        }));
        self.change(change);
        self.cluster.fault = None;
        hit.load(Ordering::Relaxed)
    }
}

/// Each node in turn is killed, or not asked, at each question of a change: the change is made in the end,
/// by a later attempt where it has to be, and the key pays after it.
fn survives(change: impl Fn() -> SharingChange, nodes: &[u16], fault: Fault) {
    for node in nodes {
        for nth in 0.. {
            let mut life = Life::new(Scheme::FrostEd25519);
            if !life.change_with(change(), *node, nth, fault) {
                assert!(nth >= 4, "there are more questions than {nth} to node {node}");
                break;
            }
            life.change(SharingChange::Refresh);
        }
    }
}

fn to_three_of_five() -> SharingChange {
    let roster = set(&[2, 3, 4, 5]);
    SharingChange::Reshare { threshold: Threshold::new(3).unwrap(), roster }
}

#[test]
fn a_refresh_survives_the_kill_of_any_node_at_any_step() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        survives(|| SharingChange::Refresh, &[1, 2, 3], fault);
    }
}

#[test]
fn a_reshare_survives_the_kill_of_any_node_at_any_step() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        survives(to_three_of_five, &[2, 3, 4, 5], fault);
    }
}

#[test]
fn a_question_that_is_lost_is_asked_again() {
    survives(|| SharingChange::Refresh, &[1, 2, 3], Fault::Withheld);
    survives(to_three_of_five, &[2, 3, 4, 5], Fault::Withheld);
}

/// What a coordinator withholds, from whom it likes and as long as it likes, leaves nobody behind: the key
/// pays meanwhile where enough nodes are on one sharing, and with all of them once it is delivered.
#[test]
fn what_is_withheld_from_any_subset_strands_nobody() {
    type Kind = (&'static str, fn(&ToNode) -> bool);
    let kinds: [Kind; 3] = [
        ("certificate", |question| matches!(question, ToNode::Certify(_))),
        ("confirmations", |question| matches!(question, ToNode::Confirm { .. })),
        ("the last round", |question| matches!(question, ToNode::Exchange(..))),
    ];
    for (what, is_kind) in kinds {
        for subset in 1..8_u16 {
            let mut life = Life::new(Scheme::FrostEd25519);
            let withheld = Arc::new(AtomicBool::new(true));
            let still = Arc::clone(&withheld);
            life.cluster.fault = Some(Box::new(move |to, question| {
                let from_it = subset >> (to.get() - 1) & 1 == 1 && is_kind(question);
                (from_it && still.load(Ordering::Relaxed)).then_some(Fault::Withheld)
            }));
            let order = life.order(SharingChange::Refresh);
            let waits = life.cluster.carry_out(&key(), &order);
            assert!(waits.is_err(), "{what} withheld from {subset:03b}: {waits:?}");
            withheld.store(false, Ordering::Relaxed);
            // It goes on by itself, or is ordered again.
            let made = life.cluster.carry_out(&key(), &order).or_else(|_| {
                let again = life.order(SharingChange::Refresh);
                life.cluster.carry_out(&key(), &again)
            });
            let made = made.unwrap_or_else(|why| panic!("{what}, {subset:03b}: {why}"));
            life.present = made;
            life.pays();
            for node in [1, 2, 3] {
                assert_eq!(life.epochs_at(node), [life.present.epoch.0], "{what}, {subset:03b}");
            }
        }
    }
}
