//! The officers who have the key's shares made anew, one time after the other.

use quorate_coordinator::ClientRequest;
use quorate_model::{Digest, Epoch, ParticipantId, ParticipantSet, Timestamp};
use quorate_protocol::CertifiedKey;
use quorate_trust::{OrderAction, ReshareKey, SharingChange, SignedOrder};
use rand_chacha::ChaCha20Rng;

use crate::cluster::ClusterFixture;
use crate::rng::{below, chance};

/// How far they are.
#[derive(Default)]
pub(super) struct Rotation {
    /// The order that is carried out, and the epoch before.
    order: Option<(SignedOrder, Epoch)>,
    next_epoch: Epoch,
    given: u64,
    /// New sharings that became active.
    pub(super) made: u64,
}

impl Rotation {
    /// An order, again and again until it is carried out; and how the key is.
    pub(super) fn ask(
        &mut self,
        fixture: &ClusterFixture,
        present: &CertifiedKey,
        now: Timestamp,
        rng: &mut ChaCha20Rng,
    ) -> Vec<ClientRequest> {
        let mut asked = Vec::new();
        if below(rng, 4) == 0 {
            asked.push(ClientRequest::GetKey(present.key.clone()));
        }
        if self.order.is_none() && self.next_epoch > present.epoch && chance(rng, 200) {
            self.given += 1;
            let reshare = ReshareKey {
                key: present.key.clone(),
                public_key: present.group_verifying_key.clone(),
                predecessor: present.digest(),
                epoch: self.next_epoch,
                change: change(fixture, present, rng),
            };
            let name = format!("rotate-{}", self.given);
            let action = OrderAction::ReshareKey(reshare);
            let order = fixture.order_to(&name, action, &["alice", "bob"], now);
            self.order = Some((order, present.epoch));
        }
        if let Some((order, _)) = self.order.as_ref().filter(|_| below(rng, 4) == 0) {
            asked.push(ClientRequest::BeginCeremony(order.clone()));
        }
        asked
    }

    /// The sharing that signs now.
    pub(super) fn hear(&mut self, present: &CertifiedKey, next_epoch: Epoch) {
        self.next_epoch = next_epoch;
        if self.order.as_ref().is_some_and(|(_, before)| present.epoch > *before) {
            self.order = None;
            self.made += 1;
        }
    }

    /// How an order stands: one that failed is given again, by another name.
    pub(super) fn operation(&mut self, digest: Digest, failed: bool) {
        if failed && self.order.as_ref().is_some_and(|(order, _)| order.digest() == digest) {
            self.order = None;
        }
    }
}

/// A refresh, a repair of anybody, or a reshare without somebody where there are enough, or with everybody.
fn change(
    fixture: &ClusterFixture,
    present: &CertifiedKey,
    rng: &mut ChaCha20Rng,
) -> SharingChange {
    let all: Vec<ParticipantId> = fixture.root.nodes.keys().copied().collect();
    let any = |rng: &mut ChaCha20Rng| {
        let holders: Vec<_> = present.roster.iter().collect();
        holders[below(rng, holders.len() as u64) as usize]
    };
    let threshold = present.threshold;
    match below(rng, 4) {
        0 if present.roster.len() > threshold.as_usize() => SharingChange::Repair(any(rng)),
        1 if present.roster.len() > threshold.as_usize() => {
            let leaves = any(rng);
            let roster = present.roster.iter().filter(|id| *id != leaves);
            let roster = ParticipantSet::new(roster).expect("a threshold of nodes");
            SharingChange::Reshare { threshold, roster }
        }
        2 if threshold.check(all.len()).is_ok() => {
            let roster = ParticipantSet::new(all).expect("nodes");
            SharingChange::Reshare { threshold, roster }
        }
        _ => SharingChange::Refresh,
    }
}
