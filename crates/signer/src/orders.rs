//! Orders: verified back to the trust root, carried out once, kept for ever.

use std::collections::BTreeMap;

use quorate_audit::{Event, EventKind};
use quorate_model::{Digest, Timestamp};
use quorate_protocol::wire::{Acceptance, FromNode, Refusal, RefusalCode};
use quorate_trust::{
    OrderAction, Readmission, Signed, SignedOrder, StateChange, VerifiedOrder, orders_head,
};

use crate::node::{LinkId, Node};
use crate::record::{OrderRecord, Record};
use crate::refusal::{order, refuse, stop};
use crate::turn::Turn;

/// Orders that a node keeps, at most.
const ORDERS_MAX: usize = 4_096;

/// The orders that were carried out here, those to make keys aside.
#[derive(Debug)]
pub(crate) struct Orders {
    records: BTreeMap<Digest, OrderRecord>,
    head: Digest,
}

impl Default for Orders {
    fn default() -> Self {
        let records = BTreeMap::new();
        Self { head: orders_head(records.keys()), records }
    }
}

impl Orders {
    pub(crate) fn insert(&mut self, digest: Digest, record: OrderRecord) {
        self.records.insert(digest, record);
        self.head = orders_head(self.records.keys());
    }

    pub(crate) fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.records.keys()
    }

    /// One hash of all of them.
    pub(crate) fn head(&self) -> Digest {
        self.head
    }
}

impl Node {
    /// Verifies an order back to the trust root and carries it out, once. The same order again is
    /// answered alike and changes nothing.
    pub(crate) fn carry_out(
        &mut self,
        signed: SignedOrder,
        acceptances: Vec<Signed<Acceptance>>,
        link: LinkId,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let digest = signed.digest();
        if let Some(record) = self.orders.records.get(&digest) {
            return Ok(self.accepted(digest, record.begins, turn.now));
        }
        let verified = signed.verify(&self.root).map_err(order)?;
        // What stops or lifts, and states of keys, have limits of their own: nothing else is in their way.
        let documents = matches!(
            verified.order().action,
            OrderAction::ActivatePolicy(_)
                | OrderAction::UpdateRoot(_)
                | OrderAction::ReadmitNode(_)
        );
        if documents && self.orders.records.len() >= ORDERS_MAX {
            let reason = format!("{ORDERS_MAX} orders are kept: no more fit");
            return Err(refuse(RefusalCode::Busy, reason));
        }
        let settled = self.settled(digest, acceptances);
        // A stop takes effect whatever the clock says; everything else depends on time.
        if !verified.order().action.is_stop() {
            self.check_clock(turn.now)?;
            if settled.is_none() {
                verified.check_time(turn.now).map_err(order)?;
            }
        }
        let begins = self.take_effect(&signed, &verified, settled, turn.now)?;
        let record = OrderRecord { order: signed, begins };
        self.orders.insert(digest, record.clone());
        turn.write(Record::Order(record));
        self.audit(event(&verified, begins, link), turn);
        self.begin_due(turn);
        Ok(self.accepted(digest, begins, turn.now))
    }

    /// An order that was carried out.
    pub(crate) fn order(&self, digest: &Digest) -> Result<FromNode, Refusal> {
        let record = self.orders.records.get(digest);
        let missing = || refuse(RefusalCode::NotFound, format!("no order {digest} is here"));
        Ok(FromNode::Order(record.ok_or_else(missing)?.order.clone()))
    }

    fn accepted(&self, order: Digest, begins: Timestamp, now: Timestamp) -> FromNode {
        FromNode::Accepted(self.sign(Acceptance { order, begins, heads: self.heads(now) }))
    }

    /// From when on the order holds elsewhere, where so many nodes say so that one of them at least is
    /// honest: it took the order within its window, and waited as long as was due. A node that was
    /// away then does as it did. Others may say a later time, and never an earlier one; so nobody waits
    /// longer than by its own count.
    fn settled(&self, order: Digest, acceptances: Vec<Signed<Acceptance>>) -> Option<Timestamp> {
        let words = self.authenticate(acceptances).ok()?;
        let of_it = words.iter().filter(|word| word.body().order == order);
        let begins: BTreeMap<_, _> = of_it.map(|word| (word.from(), word.body().begins)).collect();
        let mut begins: Vec<_> = begins.into_values().collect();
        begins.sort_unstable();
        // The latest of the earliest: an honest one is among them, and begins no later.
        begins.get(self.root.threshold_floor.as_usize().checked_sub(1)?).copied()
    }

    /// Does what the order says. Gives from when on it holds.
    fn take_effect(
        &mut self,
        signed: &SignedOrder,
        verified: &VerifiedOrder,
        settled: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        let begins = match &verified.order().action {
            OrderAction::Freeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::GenerateKey(_)
            | OrderAction::ReshareKey(_) => now,
            OrderAction::Resume(_) => settled.map_or(now, |settled| settled.min(now)),
            OrderAction::Unfreeze(_) => {
                let own = now.plus_millis(self.root.unfreeze_delay_s.saturating_mul(1_000));
                settled.map_or(own, |settled| settled.min(own))
            }
            OrderAction::ChangeState(change) => {
                return self.change_state(change, verified.digest(), settled, now);
            }
            OrderAction::ReadmitNode(readmission) => {
                return self.readmit(readmission).map(|()| now);
            }
            OrderAction::ActivatePolicy(successor) => {
                return self.schedule_policy(successor, signed, verified, settled, now);
            }
            OrderAction::UpdateRoot(successor) => {
                return self.schedule_root(successor, signed, settled, now);
            }
        };
        self.stops.carry_out(verified, begins).map_err(stop)?;
        Ok(begins)
    }
}

fn event(verified: &VerifiedOrder, begins: Timestamp, link: LinkId) -> Event {
    let order = verified.order();
    let by: Vec<_> = verified.signers().iter().map(ToString::to_string).collect();
    let source = if link == LinkId::ADMIN { "admin socket" } else { "coordinator" };
    let event = Event::new(EventKind::OrderAccepted)
        .fact("order", &order.id)
        .fact("digest", verified.digest())
        .fact("action", order.action.as_str());
    let event = match &order.action {
        OrderAction::Freeze(scope) => event.fact("scope", scope),
        OrderAction::Unfreeze(lifts) | OrderAction::Resume(lifts) => event.fact("lifts", lifts),
        OrderAction::Suspend(key) => event.fact("key", key),
        OrderAction::ChangeState(change) => of_change(event, change),
        OrderAction::GenerateKey(generate) => event.fact("key", &generate.key),
        OrderAction::ReshareKey(reshare) => event.fact("key", &reshare.key),
        OrderAction::ReadmitNode(Readmission { node, life, length, head }) => {
            let event = event.fact("node", node).fact("life", life);
            event.fact("length", length).fact("head", head)
        }
        OrderAction::ActivatePolicy(successor) | OrderAction::UpdateRoot(successor) => {
            event.fact("version", successor.version).fact("document", successor.hash)
        }
    };
    event.fact("begins", begins).fact("by", by.join(",")).fact("source", source)
}

fn of_change(event: Event, change: &StateChange) -> Event {
    let event = change.key().into_iter().fold(event, |event, key| event.fact("key", key));
    match change {
        StateChange::Activate { until, .. } => {
            until.iter().fold(event, |event, until| event.fact("until", until))
        }
        StateChange::Deactivate(sweep) | StateChange::Compromise { sweep, .. } => {
            sweep.to.iter().fold(event, |event, to| event.fact("pays_to", to))
        }
        StateChange::Destroy(_) => event,
        StateChange::Keep(order) => event.fact("keeps", order),
    }
}
