//! Pairs of an ECDSA key's holders that must not sign together, and parts that make no signature.

use std::sync::Arc;

use quorate_model::ParticipantSet;
use quorate_protocol::wire::{Refusal, RefusalCode};

use super::*;
use crate::altered::{AlteredEcdsa, Begun, cheating};
use crate::ecdsa::{ecdsa_lab, falsifying};
use crate::set;

/// A cluster in which some nodes compute otherwise.
fn cluster(nodes: &[u16], alter: fn(Begun) -> Begun) -> Cluster {
    let mut lab = ecdsa_lab();
    for node in nodes {
        lab.backends.insert(id(*node), Arc::new(AlteredEcdsa(alter)));
        lab.restart(id(*node)).unwrap();
    }
    Cluster::of(lab, Limits::default())
}

impl Cluster {
    /// Has a payment signed: by whom, and in which attempt.
    fn pay(&mut self, number: u64) -> (ParticipantSet, u32) {
        let request = self.lab.payment(number, true);
        let mut record = self.create(&request).unwrap().record;
        for _ in 0..3 {
            if record.state == RequestState::Queued {
                self.lab.now = self.lab.now.plus_millis(4_000);
                self.tell(Input::Tick);
                record = self.get(&request).unwrap().record;
            }
        }
        match record.state {
            RequestState::Signed { signers, .. } => (signers, record.attempt.0),
            state => panic!("{state:?}: {}", record.reason),
        }
    }
}

/// By the first payments; after them nothing fails.
fn lost_attempts(cluster: &mut Cluster, payments: std::ops::Range<u64>) -> u32 {
    let signed: Vec<_> = payments.map(|number| cluster.pay(number)).collect();
    let lost = signed.iter().map(|(_, attempt)| attempt - 1).sum();
    let settled = signed.iter().rev().take(4);
    assert!(settled.into_iter().all(|(_, attempt)| *attempt == 1), "{signed:?}");
    lost
}

#[test]
fn a_frozen_pair_is_remembered_and_not_asked_again() {
    let mut cluster = cluster(&[2], cheating);
    cluster.attach(&[1, 2, 3]);
    let lost = lost_attempts(&mut cluster, 0..8);
    assert!((1..=2).contains(&lost), "one attempt for each pair of node 2: {lost}");
    assert_eq!(cluster.pay(8).0, set([1, 3]));
    // What was learned is gone, and learned again from what nodes refuse.
    cluster.restart();
    cluster.attach(&[1, 2, 3]);
    assert!(lost_attempts(&mut cluster, 10..18) <= 2);
    assert_eq!(cluster.pay(18).0, set([1, 3]));
}

#[test]
fn a_frozen_pair_that_is_alone_waits_for_another_node() {
    let mut cluster = cluster(&[2], cheating);
    cluster.attach(&[1, 2]);
    let request = cluster.lab.payment(1, true);
    let waiting = cluster.create(&request).unwrap();
    assert_eq!(waiting.hold, Some(Hold::BelowThreshold));
    assert_eq!(waiting.record.reason, "2 nodes can be asked, and these not together: 1 and 2");
    assert_eq!(waiting.record.attempt, Attempt(1), "not tried in vain");
    cluster.attach(&[3]);
    assert!(matches!(cluster.get(&request).unwrap().record.state, RequestState::Signed { .. }));
}

#[test]
fn where_no_set_is_without_a_frozen_pair_a_request_says_what_to_do() {
    let mut cluster = cluster(&[1, 2, 3], cheating);
    cluster.attach(&[1, 2, 3]);
    let request = cluster.lab.payment(1, true);
    let held = cluster.create(&request).unwrap();
    assert_eq!(held.hold, Some(Hold::PairsFrozen));
    assert_eq!(held.record.state, RequestState::Queued);
    assert!(held.record.reason.contains("order a refresh of the key"), "{}", held.record.reason);
    assert_eq!(held.record.attempt, Attempt(3), "one for each pair");
    let next = cluster.lab.payment(2, true);
    let held = cluster.create(&next).unwrap();
    assert_eq!((held.hold, held.record.attempt), (Some(Hold::PairsFrozen), Attempt(0)));
}

#[test]
fn a_node_speaks_of_its_own_pairs_in_the_set_only() {
    let mut cluster = Cluster::of(ecdsa_lab(), Limits::default());
    cluster.attach(&[1, 2, 3]);
    cluster.between = Box::new(|node, answer| match answer {
        FromNode::Reserved(_) if node == id(2) => {
            let code = RefusalCode::PairFrozen(id(2));
            FromNode::Refused(Refusal { code, reason: "with itself".to_owned() })
        }
        answer => answer,
    });
    for number in 0..6 {
        assert_eq!(cluster.pay(number).0, set([1, 3]));
    }
    cluster.between = Box::new(|_, answer| answer);
    // It was at fault itself, and no pair was: with it there is still a set.
    cluster.tell(Input::Detached(id(3)));
    assert_eq!(cluster.pay(6).0, set([1, 2]));
}

#[test]
fn parts_that_make_no_signature_count_against_their_set_and_another_signs() {
    let mut cluster = cluster(&[3], falsifying);
    cluster.attach(&[1, 2, 3]);
    // With the false node in two sets of three, at most two fail, and never one twice.
    assert!(lost_attempts(&mut cluster, 0..8) <= 2);
    assert_eq!(cluster.pay(8).0, set([1, 2]));
    // Who does not sign with the others is still asked where there is nobody else.
    cluster.tell(Input::Detached(id(1)));
    let request = cluster.lab.payment(9, true);
    let failed = cluster.create(&request).unwrap().record;
    assert_eq!((failed.state, failed.attempt), (RequestState::Queued, Attempt(1)));
    assert!(failed.reason.contains("nothing shows whose part is wrong"), "{}", failed.reason);
    cluster.attach(&[1]);
    assert!(matches!(cluster.get(&request).unwrap().record.state, RequestState::Signed { .. }));
}
