//! Kills, losses and withholding at every step of a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use quorate_model::{Scheme, Threshold};
use quorate_protocol::CertifiedKey;
use quorate_protocol::wire::{Subject, ToNode};
use quorate_trust::{SharingChange, SignedOrder};

use crate::lockstep::Fault;
use crate::{Life, id, key, set};

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
        | ToNode::Testify { .. }
        | ToNode::HearTestimony(_)
        | ToNode::Simulate { .. }
        | ToNode::Status => false,
    }
}

impl Life {
    /// Waits for an order that was given, whose attempts come later and later; or gives it again.
    pub(crate) fn insist(&mut self, order: &SignedOrder) -> Result<CertifiedKey, String> {
        for _ in 0..6 {
            if let Ok(made) = self.cluster.carry_out(&key(), order) {
                return Ok(made);
            }
        }
        let again = self.order(SharingChange::Refresh);
        self.cluster.carry_out(&key(), &again)
    }

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
            // Two nodes are on one sharing, and known to be.
            if what != "confirmations" || subset.count_ones() == 1 {
                life.pays();
            }
            withheld.store(false, Ordering::Relaxed);
            // It goes on by itself, or is ordered again.
            let made = life.insist(&order);
            life.present = made.unwrap_or_else(|why| panic!("{what}, {subset:03b}: {why}"));
            life.pays();
            for node in [1, 2, 3] {
                assert_eq!(life.epochs_at(node), [life.present.epoch.0], "{what}, {subset:03b}");
            }
        }
    }
}

impl Life {
    /// Node 3 hears nothing any more, from the first question of this kind on.
    fn loses_node_3_at(&mut self, kind: fn(&ToNode) -> bool) {
        let mut lost = false;
        self.cluster.fault = Some(Box::new(move |to, question| {
            lost |= to == id(3) && kind(question);
            (lost && to == id(3)).then_some(Fault::Withheld)
        }));
    }
}

/// A holder that is lost after it voted leaves a sharing that is never confirmed: it is in nobody's way.
#[test]
fn a_holder_that_is_lost_after_its_vote_is_replaced() {
    for kind in
        [(|question| matches!(question, ToNode::Certify(_))) as fn(&ToNode) -> bool, |question| {
            matches!(question, ToNode::Reserve { subject: Subject::Confirmation { .. }, .. })
        }]
    {
        let mut life = Life::new(Scheme::FrostEd25519);
        life.loses_node_3_at(kind);
        let order = life.order(SharingChange::Refresh);
        assert!(life.cluster.carry_out(&key(), &order).is_err());
        life.pays();
        let roster = set(&[1, 2]);
        life.change(SharingChange::Reshare { threshold: Threshold::new(2).unwrap(), roster });
        for node in [1, 2] {
            assert_eq!(life.epochs_at(node), [life.present.epoch.0]);
        }
    }
}

/// The coordinator is killed when nodes are about to switch, and one of them is lost: the others sign.
#[test]
fn a_coordinator_that_is_killed_in_a_switch_goes_on_with_those_who_are_there() {
    let mut life = Life::new(Scheme::FrostEd25519);
    life.loses_node_3_at(|question| matches!(question, ToNode::Confirm { .. }));
    let order = life.order(SharingChange::Refresh);
    assert!(life.cluster.carry_out(&key(), &order).is_err());
    life.pays();
    life.cluster.kill_coordinator();
    life.pays();
    life.cluster.fault = None;
    life.present = life.insist(&order).unwrap();
    life.pays();
    assert_eq!(life.epochs_at(3), [life.present.epoch.0]);

    // And where nobody had switched yet.
    let mut life = Life::new(Scheme::FrostEd25519);
    life.cluster.fault = Some(Box::new(|_, question| {
        matches!(question, ToNode::Confirm { .. }).then_some(Fault::Withheld)
    }));
    let order = life.order(SharingChange::Refresh);
    assert!(life.cluster.carry_out(&key(), &order).is_err());
    life.loses_node_3_at(|_| true);
    life.cluster.kill_coordinator();
    assert!(life.cluster.carry_out(&key(), &order).is_err());
    life.pays();
}

/// A holder who leaves and spoils every attempt in which it deals does not stop its leaving.
#[test]
fn who_leaves_and_spoils_it_does_not_always_deal() {
    let mut life = Life::new(Scheme::FrostEd25519);
    life.cluster.fault = Some(Box::new(|to, question| {
        let deals = to == id(1) && matches!(question, ToNode::Announcements(..));
        deals.then_some(Fault::Withheld)
    }));
    let order = life.order(SharingChange::Reshare {
        threshold: Threshold::new(2).unwrap(),
        roster: set(&[3, 4, 5]),
    });
    life.present = life.insist(&order).unwrap();
    life.pays();
}
