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
        let failed = bundle.run_tests().results.into_iter().find(|test| test.failure.is_some());
        if let Some(test) = failed {
            let reason = format!("the bundle fails its own test {:?}", test.name);
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        let earliest = match Change::between(self.gate.bundle(), &bundle) {
            Change::Tightening => now,
            Change::Loosening { .. } => {
                verified.check_loosening(&self.root).map_err(order)?;
                self.after_change_delay(now)
            }
        };
        let earliest = settled.unwrap_or(earliest);
        let begins = bundle.not_before().map_or(earliest, |time| time.max(earliest));
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
        let invalid = |error| refuse(RefusalCode::Invalid, error);
        let begins = match Amendment::between(&self.root, &root).map_err(invalid)? {
            Amendment::Tightening => now,
            Amendment::Loosening { .. } => self.after_change_delay(now),
        };
        let begins = settled.unwrap_or(begins);
        if begins > now {
            self.roots.check_room().map_err(succession)?;
        }
        self.roots.append(successor, begins, root).map_err(succession)?;
        Ok(begins)
    }

    fn after_change_delay(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.root.change_delay_s.saturating_mul(1_000))
    }

    /// Brings into force what is due, as far as the clock can be trusted. Sessions that began before
    /// end: the heads in their answers are not this node's any more.
    pub(crate) fn begin_due(&mut self, turn: &mut Turn) {
        if self.check_clock(turn.now).is_err() {
            return;
        }
        if let Some(begun) = self.roots.begin(turn.now) {
            self.audit(begun_event(EventKind::RootBegun, &begun), turn);
            self.enforce_root(begun);
        }
        if let Some(begun) = self.policies.begin(turn.now) {
            self.audit(begun_event(EventKind::PolicyBegun, &begun), turn);
            self.gate = Gate::new(begun.document);
        }
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
