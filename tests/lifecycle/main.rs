//! The life of a key: its sharing changes, and the key, its addresses and its policy do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod lies;
#[path = "../lockstep.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod lockstep;
mod restore;

use quorate_coordinator::{ClientRequest, RequestState};
use quorate_model::{KeyId, ParticipantId, ParticipantSet, Scheme, Threshold};
use quorate_protocol::wire::ToNode;
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
            activation: quorate_model::Activation::AtOnce,
        });
        let order = cluster.fixture.order_to("make", generate, &OFFICERS, cluster.now);
        let first = cluster.carry_out(&key(), &order).unwrap();
        Self { cluster, present: first.clone(), first, orders: 0, payments: 0 }
    }

    fn order(&mut self, change: SharingChange) -> SignedOrder {
        self.orders += 1;
        let action = OrderAction::ReshareKey(ReshareKey {
            key: key(),
            public_key: self.first.group_verifying_key.clone(),
            predecessor: self.present.digest(),
            epoch: self.cluster.next_epoch(&key()),
            change,
        });
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

/// One that hangs holds the others up, for a while; then they have their turn, and it has its own.
#[test]
fn keys_get_new_shares_one_after_the_other() {
    let mut life = Life::new(Scheme::FrostEd25519);
    let other: KeyId = "other".parse().unwrap();
    let certified = life.cluster.generate_key(&other, Scheme::FrostEd25519, 3);
    let mut withheld = false;
    life.cluster.fault = Some(Box::new(move |_, question| {
        let hangs = matches!(question, ToNode::Exchange(..)) && !withheld;
        withheld |= hangs;
        hangs.then_some(Fault::Withheld)
    }));
    let first = life.order(SharingChange::Refresh);
    // The second time it says how far it is.
    let far = |life: &mut Life, order: &SignedOrder| {
        let ask = || ClientRequest::BeginCeremony(order.clone());
        life.cluster.call(ask()).unwrap();
        format!("{:?}", life.cluster.call(ask()))
    };
    assert!(far(&mut life, &first).contains("attempt 1"));
    let second = OrderAction::ReshareKey(ReshareKey {
        key: other.clone(),
        public_key: certified.group_verifying_key.clone(),
        predecessor: certified.digest(),
        epoch: life.cluster.next_epoch(&other),
        change: SharingChange::Refresh,
    });
    let second = life.cluster.fixture.order_to("second", second, &OFFICERS, life.cluster.now);
    assert!(far(&mut life, &second).contains("waiting for its turn"));
    let next = life.cluster.carry_out(&other, &second).unwrap();
    assert_eq!(next.predecessor, Some(certified.digest()));
    life.present = life.cluster.carry_out(&key(), &first).unwrap();
    life.pays();
}
