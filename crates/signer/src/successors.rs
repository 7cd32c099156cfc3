//! Policy bundles and versions of the trust root: checked when their order comes, in force when their
//! time has come.

use quorate_audit::{Event, EventKind};
use quorate_model::Timestamp;
use quorate_policy::{Bundle, Change, Gate};
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_trust::{
    Amendment, Lineage, Scheduled, SignedOrder, Succession, Successor, TrustRoot, VerifiedOrder,
};

use crate::node::Node;
use crate::refusal::{order, refuse, succession};
use crate::turn::Turn;

impl Node {
    /// Takes a policy bundle as the next one. What may allow more than the one in force waits, and
    /// takes the quorum for that as well.
    pub(crate) fn schedule_policy(
        &mut self,
        successor: &Successor,
        signed: &SignedOrder,
        verified: &VerifiedOrder,
        settled: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        self.policies.check(successor).map_err(succession)?;
        let bundle = read_policy(signed, successor)?;
        if let Some((failed, _)) = bundle.run_tests().failures().next() {
            let reason = format!("the bundle fails its own test {failed:?}");
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        let own = self.judge_policy(&bundle, verified, now);
        let begins = self.earlier(own, settled, now)?;
        let begins = bundle.not_before().map_or(begins, |time| time.max(begins));
        if begins > now {
            self.policies.check_room().map_err(succession)?;
        }
        self.policies.append(successor, begins, bundle).map_err(succession)?;
        Ok(begins)
    }

    /// Takes a version of the trust root as the next one. What may let somebody do more waits.
    pub(crate) fn schedule_root(
        &mut self,
        successor: &Successor,
        signed: &SignedOrder,
        settled: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        self.roots.check(successor).map_err(succession)?;
        let root = read_root(signed, successor)?;
        let own = self.judge_root(&root, now);
        let begins = self.earlier(own, settled, now)?;
        if begins > now {
            self.roots.check_room().map_err(succession)?;
        }
        self.roots.append(successor, begins, root).map_err(succession)?;
        Ok(begins)
    }

    /// From when on a bundle would be in force by this node's own judgement. It is compared with every
    /// bundle that could be in force before it; one that ends a fork follows a bundle that this node may
    /// not have.
    fn judge_policy(
        &self,
        bundle: &Bundle,
        verified: &VerifiedOrder,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        let earliest = bundle.not_before().map_or(now, |time| time.max(now));
        let waiting = self.policies.scheduled().iter().filter(|next| next.begins <= earliest);
        let before = waiting.map(|next| &next.document).chain([self.gate.bundle()]);
        let tightens = |before: &Bundle| Change::between(before, bundle) == Change::Tightening;
        if bundle.previous().len() == 1 && before.into_iter().all(tightens) {
            return Ok(now);
        }
        verified.check_loosening(&self.root).map_err(order)?;
        Ok(self.after_change_delay(now))
    }

    /// As [`Node::judge_policy`], of a version of the trust root.
    fn judge_root(&self, root: &TrustRoot, now: Timestamp) -> Result<Timestamp, Refusal> {
        let ends_fork = root.lineage.as_ref().is_some_and(|lineage| lineage.previous.len() > 1);
        match Amendment::between(&self.root, root) {
            Ok(Amendment::Tightening) if !ends_fork => Ok(now),
            Ok(Amendment::Tightening | Amendment::Loosening { .. }) => {
                Ok(self.after_change_delay(now))
            }
            Err(error) => Err(refuse(RefusalCode::Invalid, error)),
        }
    }

    /// What begins by this node's own judgement, or elsewhere already. A node that was away may have
    /// another document in force than the others had when they took this one: then their judgement counts.
    fn earlier(
        &self,
        own: Result<Timestamp, Refusal>,
        settled: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        match (own, settled) {
            (Ok(own), None) => Ok(own),
            (Ok(own), Some(settled)) => Ok(settled.min(own)),
            (Err(_), Some(settled)) => Ok(settled.min(self.after_change_delay(now))),
            (Err(refusal), None) => Err(refusal),
        }
    }

    pub(crate) fn after_change_delay(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.root.change_delay_s.saturating_mul(1_000))
    }

    /// Brings into force what is due, as far as the clock can be trusted. Sessions that began before
    /// end: what they were decided under, and the heads in their answers, are not this node's any more.
    pub(crate) fn begin_due(&mut self, turn: &mut Turn) {
        let time = match self.check_clock(turn.now) {
            Ok(()) => turn.now,
            // Behind its own records, which were written by a clock that it believed.
            Err(_) if self.clock.doubt().is_none() => self.log.time(),
            Err(_) => return,
        };
        if let Some(begun) = self.roots.begin(time) {
            self.sessions.end_all();
            self.audit(begun_event(EventKind::RootBegun, &begun), turn);
            self.enforce_root(begun);
        }
        if let Some(begun) = self.policies.begin(time) {
            self.sessions.end_all();
            self.audit(begun_event(EventKind::PolicyBegun, &begun), turn);
            self.gate = Gate::new(begun.document);
        }
        self.destroy_due(time, turn);
    }

    /// As [`Node::begin_due`], at the start: what had begun when the newest entry was written.
    pub(crate) fn begin_again(&mut self) {
        let time = self.log.time();
        if let Some(begun) = self.roots.begin(time) {
            self.enforce_root(begun);
        }
        if let Some(begun) = self.policies.begin(time) {
            self.gate = Gate::new(begun.document);
        }
    }

    fn enforce_root(&mut self, begun: Scheduled<TrustRoot>) {
        (self.root, self.root_hash) = (begun.document, begun.hash);
    }

    /// What waits to come into force, each in words.
    pub(crate) fn scheduled(&self) -> Vec<String> {
        let roots = words("trust root", &self.roots);
        roots.chain(words("policy", &self.policies)).collect()
    }
}

/// The bundle beside an order.
pub(crate) fn read_policy(signed: &SignedOrder, named: &Successor) -> Result<Bundle, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| refuse(RefusalCode::Invalid, error);
    let text = signed.document.as_deref().unwrap_or_default();
    let bundle = Bundle::parse(text).map_err(|error| invalid(&error))?;
    if bundle.version() == named.version && *bundle.previous() == named.previous {
        return Ok(bundle);
    }
    Err(invalid(&"the order and the bundle differ in `version` or `previous`"))
}

/// The version of the trust root beside an order.
pub(crate) fn read_root(signed: &SignedOrder, named: &Successor) -> Result<TrustRoot, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| refuse(RefusalCode::Invalid, error);
    let text = signed.document.as_deref().unwrap_or_default();
    let root = TrustRoot::parse(text).map_err(|error| invalid(&error))?;
    let follows =
        |lineage: &Lineage| lineage.version == named.version && lineage.previous == named.previous;
    if root.lineage.as_ref().is_some_and(follows) {
        return Ok(root);
    }
    Err(invalid(&"the order and the trust root differ in `version` or `previous`"))
}

fn begun_event<T>(kind: EventKind, begun: &Scheduled<T>) -> Event {
    Event::new(kind).fact("version", begun.version).fact("document", begun.hash)
}

fn words<T>(what: &'static str, chain: &Succession<T>) -> impl Iterator<Item = String> {
    let scheduled = chain.scheduled().iter();
    scheduled.map(move |next| format!("{what} version {} begins {}", next.version, next.begins))
}
