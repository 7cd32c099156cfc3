//! Orders that stop something or lift a stop: every node is to hear of every one of them.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{Digest, OrderId, ParticipantId};
use quorate_protocol::wire::{Acceptance, FromNode, ToNode};
use quorate_trust::{Signed, SignedOrder, VerifiedOrder};

use crate::calls::Purpose;
use crate::client::{ClientError, ClientReply, ErrorCode, OrderView};
use crate::coordinator::Coordinator;
use crate::out::Out;
use crate::queries::{Reply, not_found};
use crate::record::{OrderRecord, Record};
use crate::start::StartError;

/// Orders that are brought to one node at one time; its next status shows whether it needs more.
const AT_ONCE_MAX: usize = 32;

/// An order, and which nodes hold it.
#[derive(Debug)]
pub(crate) struct Standing {
    record: OrderRecord,
    nodes: BTreeMap<ParticipantId, Result<Signed<Acceptance>, String>>,
}

impl Coordinator {
    /// Takes up an order from the store.
    pub(crate) fn load_order(&mut self, record: OrderRecord) -> Result<(), StartError> {
        let verified = record.order.verify(&self.root)?;
        let delay = self.unfreeze_delay_ms();
        self.stops.apply(verified.order(), verified.signers().clone(), record.created, delay)?;
        let standing = Standing { record, nodes: BTreeMap::new() };
        self.orders.insert(verified.order().id.clone(), standing);
        Ok(())
    }

    pub(crate) fn submit_order(&mut self, order: SignedOrder, out: &mut Out) -> Reply {
        let invalid = |error: &dyn std::error::Error| ClientError::new(ErrorCode::Invalid, error);
        let verified = order.verify(&self.root).map_err(|error| invalid(&error))?;
        let id = verified.order().id.clone();
        if let Some(standing) = self.orders.get(&id) {
            if standing.record.digest == verified.digest() {
                return self.order(&id);
            }
            let message = format!("order id {id} stands for another order");
            return Err(ClientError::new(ErrorCode::Conflict, message));
        }
        verified.check_time(out.now).map_err(|error| invalid(&error))?;
        self.adopt(order, &verified, out)?;
        for node in self.nodes.attached() {
            self.bring(node, &id, out);
        }
        self.order(&id)
    }

    /// Makes an order this coordinator's own.
    fn adopt(
        &mut self,
        order: SignedOrder,
        verified: &VerifiedOrder,
        out: &mut Out,
    ) -> Result<(), ClientError> {
        let delay = self.unfreeze_delay_ms();
        let carried_out = self.stops.carry_out(verified, out.now, delay);
        carried_out.map_err(|error| ClientError::new(ErrorCode::Invalid, error))?;
        let record = OrderRecord { order, digest: verified.digest(), created: out.now };
        out.write(Record::Order(record.clone()));
        let standing = Standing { record, nodes: BTreeMap::new() };
        self.orders.insert(verified.order().id.clone(), standing);
        self.requests.wake_all(out.now);
        Ok(())
    }

    fn bring(&mut self, node: ParticipantId, id: &OrderId, out: &mut Out) {
        let Some(standing) = self.orders.get(id) else { return };
        let question = ToNode::CarryOut(standing.record.order.clone());
        self.ask(node, Purpose::Order(id.clone()), question, self.limits.phase_ms, out);
    }

    /// A node's word about one order.
    pub(crate) fn order_answered(&mut self, node: ParticipantId, id: &OrderId, answer: FromNode) {
        let Some(standing) = self.orders.get_mut(id) else { return };
        let digest = standing.record.digest;
        if let FromNode::Refused(refusal) = answer {
            standing.nodes.insert(node, Err(refusal.reason));
        } else if let FromNode::Accepted(word) = answer
            && word.from == node
            && word.body.order == digest
            && word.clone().verify(&self.root).is_ok()
        {
            standing.nodes.insert(node, Ok(word));
        }
    }

    /// The orders that a node holds: what is new here is adopted, so that a freeze which was brought
    /// to one node by hand reaches the others; what it does not have, it gets.
    pub(crate) fn orders_answered(&mut self, node: ParticipantId, answer: FromNode, out: &mut Out) {
        let FromNode::Orders(theirs) = answer else { return };
        let mut known = BTreeSet::new();
        for order in theirs {
            let Ok(verified) = order.verify(&self.root) else { continue };
            known.insert(verified.digest());
            let id = &verified.order().id;
            // Refused where it contradicts what is known here: the node said so too late, or lies.
            if !self.orders.contains_key(id) && self.adopt(order, &verified, out).is_ok() {
                for other in self.nodes.attached().into_iter().filter(|other| *other != node) {
                    self.bring(other, id, out);
                }
            }
        }
        for id in self.missing_at(node, &known) {
            self.bring(node, &id, out);
        }
    }

    fn missing_at(&self, node: ParticipantId, known: &BTreeSet<Digest>) -> Vec<OrderId> {
        let missing = |standing: &Standing| {
            let refused = matches!(standing.nodes.get(&node), Some(Err(_)));
            !refused && !known.contains(&standing.record.digest)
        };
        let missing = self.orders.iter().filter(|(_, standing)| missing(standing));
        missing.map(|(id, _)| id.clone()).take(AT_ONCE_MAX).collect()
    }

    /// A node that attaches again may accept what it refused before.
    pub(crate) fn forget_refusals(&mut self, node: ParticipantId) {
        for standing in self.orders.values_mut() {
            if let Some(Err(_)) = standing.nodes.get(&node) {
                standing.nodes.remove(&node);
            }
        }
    }

    pub(crate) fn order(&self, id: &OrderId) -> Reply {
        let standing = self.orders.get(id).ok_or_else(|| not_found("order", id))?;
        Ok(ClientReply::Order(Box::new(view(id, standing))))
    }

    pub(crate) fn list_orders(&self) -> ClientReply {
        ClientReply::Orders(self.orders.iter().map(|(id, order)| view(id, order)).collect())
    }

    fn unfreeze_delay_ms(&self) -> u64 {
        self.root.unfreeze_delay_s.saturating_mul(1_000)
    }
}

fn view(id: &OrderId, standing: &Standing) -> OrderView {
    let Standing { record, nodes } = standing;
    OrderView { id: id.clone(), record: record.clone(), nodes: nodes.clone() }
}
