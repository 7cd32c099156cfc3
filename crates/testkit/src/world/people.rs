//! The people: they approve and reject what waits, and freeze the key and lift it again.

use quorate_coordinator::ClientRequest;
use quorate_model::{Digest, KeyId, Timestamp};
use quorate_protocol::CertifiedKey;
use quorate_trust::{OrderAction, Scope, SignedOrder, SignedRequest, Verdict};
use rand_chacha::ChaCha20Rng;

use crate::cluster::ClusterFixture;
use crate::oracle::Oracle;
use crate::rng::{below, chance};

/// How long the key is frozen at most before the order to lift it.
const FREEZE_MS_MAX: u64 = 3_000;

/// What people do about orders. What they say about a request follows from the request.
#[derive(Debug, Default)]
pub(super) struct People {
    freeze: Option<(SignedOrder, Timestamp)>,
    lift: Option<SignedOrder>,
    /// What changes the policy, and what changes the root.
    changes: Vec<SignedOrder>,
}

impl People {
    /// Orders to submit now: again and again, for coordinators forget what they did not write down.
    pub(super) fn orders(
        &mut self,
        fixture: &ClusterFixture,
        oracle: &mut Oracle,
        key: &KeyId,
        now: Timestamp,
        rng: &mut ChaCha20Rng,
    ) -> Vec<ClientRequest> {
        if self.freeze.is_none() && chance(rng, 100) {
            let scope = [Scope::Cluster, Scope::Key(key.clone())];
            let index = usize::from(chance(rng, 500));
            let action = OrderAction::Freeze(scope[index].clone());
            let order = fixture.order_to("stop", action, &["alice"], now);
            oracle.freeze = Some(order.digest());
            self.freeze = Some((order, now.plus_millis(below(rng, FREEZE_MS_MAX))));
        }
        let Some((freeze, lift_from)) = &self.freeze else { return Vec::new() };
        if self.lift.is_none() && now >= *lift_from {
            let action = OrderAction::Unfreeze(freeze.digest());
            let order = fixture.order_to("lift", action, &["bob", "carol"], now);
            oracle.lift = Some(order.digest());
            self.lift = Some(order);
        }
        let orders = [Some(freeze.clone()), self.lift.clone()].into_iter().flatten();
        orders.filter(|_| below(rng, 8) == 0).map(ClientRequest::SubmitOrder).collect()
    }

    /// Another policy bundle, which lets people approve more, and another version of the trust root.
    pub(super) fn changes(
        &mut self,
        fixture: &ClusterFixture,
        oracle: &mut Oracle,
        now: Timestamp,
        rng: &mut ChaCha20Rng,
    ) -> Vec<ClientRequest> {
        if self.changes.is_empty() && chance(rng, 200) {
            let text = ClusterFixture::loosened_text();
            let policy = fixture.activate("loosen", &text, &["alice", "carol"], now);
            oracle.loosening = Some(policy.digest());
            let root = fixture.next_root(|root| root.change_delay_s += 1);
            let root = fixture.update_root("root-2", &root, &["bob", "carol"], now);
            self.changes = vec![policy, root];
        }
        let orders = self.changes.iter().filter(|_| below(rng, 8) == 0);
        orders.cloned().map(ClientRequest::SubmitOrder).collect()
    }
}

/// What people say about a request that waits for them.
pub(super) struct Words<'a> {
    pub(super) fixture: &'a ClusterFixture,
    pub(super) certified: &'a CertifiedKey,
    pub(super) now: Timestamp,
}

impl Words<'_> {
    /// Two of the treasury approve.
    pub(super) fn approve(&self, request: &SignedRequest, bundle: Digest) -> Vec<ClientRequest> {
        ["alice", "bob"].map(|person| self.say(request, person, Verdict::Approve, bundle)).into()
    }

    /// One approves, and another rejects.
    pub(super) fn reject(&self, request: &SignedRequest, bundle: Digest) -> Vec<ClientRequest> {
        vec![
            self.say(request, "alice", Verdict::Approve, bundle),
            self.say(request, "carol", Verdict::Reject, bundle),
        ]
    }

    fn say(
        &self,
        request: &SignedRequest,
        person: &str,
        verdict: Verdict,
        bundle: Digest,
    ) -> ClientRequest {
        let who = (person, "treasury");
        let mut approval = self.fixture.approval(request, self.certified, bundle, who, self.now);
        approval.verdict = verdict;
        ClientRequest::SubmitApproval(self.fixture.say(&approval))
    }
}
