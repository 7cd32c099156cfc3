//! Orders that stop something, and orders that lift a stop.

use quorate_audit::{Event, EventKind};
use quorate_protocol::wire::{Acceptance, FromNode, Refusal};
use quorate_trust::{OrderAction, SignedOrder, VerifiedOrder};

use crate::node::{LinkId, Node};
use crate::record::{OrderRecord, Record};
use crate::refusal::{order, stop};
use crate::turn::Turn;

impl Node {
    /// Verifies an order back to the trust root and carries it out, once. The same order again is
    /// answered alike and changes nothing.
    pub(crate) fn carry_out(
        &mut self,
        signed: SignedOrder,
        link: LinkId,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let verified = signed.verify(&self.root).map_err(order)?;
        if !self.orders.contains_key(&verified.digest()) {
            self.carry_out_now(signed, &verified, link, turn)?;
        }
        let heads = self.heads(turn.now);
        Ok(FromNode::Accepted(self.sign(Acceptance { order: verified.digest(), heads })))
    }

    fn carry_out_now(
        &mut self,
        signed: SignedOrder,
        verified: &VerifiedOrder,
        link: LinkId,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        // A stop takes effect whatever the clock says; what lifts one depends on time.
        if !verified.order().action.is_stop() {
            self.check_clock(turn.now)?;
            verified.check_time(turn.now).map_err(order)?;
        }
        let delay = self.unfreeze_delay_ms();
        self.stops.carry_out(verified, turn.now, delay).map_err(stop)?;
        self.orders.insert(verified.digest(), signed.clone());
        turn.write(Record::Order(OrderRecord { order: signed, accepted: turn.now }));
        self.audit(event(verified, link), turn);
        Ok(())
    }

    pub(crate) fn unfreeze_delay_ms(&self) -> u64 {
        self.root.unfreeze_delay_s.saturating_mul(1_000)
    }
}

fn event(verified: &VerifiedOrder, link: LinkId) -> Event {
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
        OrderAction::GenerateKey(generate) => event.fact("key", &generate.key),
    };
    event.fact("by", by.join(",")).fact("source", source)
}
