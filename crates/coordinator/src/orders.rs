//! Orders of any kind but those to make a key: every node is to hear of every one of them.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{Digest, OrderId, ParticipantId, Timestamp};
use quorate_protocol::wire::{Acceptance, FromNode, Refusal, RefusalCode, ToNode};
use quorate_trust::{
    Order, OrderAction, Signed, SignedOrder, Successor, VerifiedOrder, orders_head,
};

use crate::calls::Purpose;
use crate::client::{ClientError, ClientReply, ErrorCode, OrderView};
use crate::coordinator::Coordinator;
use crate::out::Out;
use crate::queries::{Reply, not_found};
use crate::record::{AcceptanceRecord, OrderRecord, Record};

/// Orders that are brought to one node, or asked of it, at one time; its next status shows whether it
/// needs more.
const AT_ONCE_MAX: usize = 32;

/// The orders, by id, and which nodes hold them.
#[derive(Debug)]
pub(crate) struct Orders {
    standing: BTreeMap<OrderId, Standing>,
    by_digest: BTreeMap<Digest, OrderId>,
    head: Digest,
}

#[derive(Debug)]
struct Standing {
    record: OrderRecord,
    /// The version of the trust root that it brings, if it brings one.
    root: Option<Successor>,
    nodes: BTreeMap<ParticipantId, Result<Signed<Acceptance>, Refusal>>,
}

impl Default for Orders {
    fn default() -> Self {
        let by_digest = BTreeMap::new();
        Self { head: orders_head(by_digest.keys()), standing: BTreeMap::new(), by_digest }
    }
}

impl Orders {
    pub(crate) fn insert(&mut self, order: &Order, record: OrderRecord) {
        self.by_digest.insert(record.digest, order.id.clone());
        self.head = orders_head(self.by_digest.keys());
        let root = match &order.action {
            OrderAction::UpdateRoot(successor) => Some(successor.clone()),
            OrderAction::ActivatePolicy(_)
            | OrderAction::GenerateKey(_)
            | OrderAction::ReshareKey(_)
            | OrderAction::Freeze(_)
            | OrderAction::Unfreeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::Resume(_)
            | OrderAction::ChangeState(_)
            | OrderAction::ReadmitNode(_) => None,
        };
        let standing = Standing { record, root, nodes: BTreeMap::new() };
        self.standing.insert(order.id.clone(), standing);
    }

    /// Keeps a node's word, if it is of an order that is here.
    pub(crate) fn accept(&mut self, word: Signed<Acceptance>) {
        let id = self.by_digest.get(&word.body.order);
        if let Some(standing) = id.and_then(|id| self.standing.get_mut(id)) {
            standing.nodes.insert(word.from, Ok(word));
        }
    }

    /// The versions of the trust root that orders bring, oldest first.
    pub(crate) fn roots(&self) -> Vec<(OrderId, Successor)> {
        let roots = self.standing.iter();
        let mut roots: Vec<_> =
            roots.filter_map(|(id, order)| Some((id.clone(), order.root.clone()?))).collect();
        roots.sort_by_key(|(_, successor)| successor.version);
        roots
    }

    /// The document that an order brings.
    pub(crate) fn document(&self, id: &OrderId) -> Option<&str> {
        self.standing.get(id)?.record.order.document.as_deref()
    }

    /// One hash of all of them.
    pub(crate) fn head(&self) -> Digest {
        self.head
    }

    /// A node that attaches again, or comes to another trust root, may accept what it refused before.
    pub(crate) fn forget_refusals(&mut self, node: ParticipantId) {
        for standing in self.standing.values_mut() {
            if let Some(Err(_)) = standing.nodes.get(&node) {
                standing.nodes.remove(&node);
            }
        }
    }

    /// What to bring to a node that holds these, in that order: what it has not refused before, what
    /// stops before documents, and those as they came, since each was signed under what was before it.
    fn missing_at(&self, node: ParticipantId, known: &BTreeSet<Digest>) -> Vec<OrderId> {
        let missing = self.standing.iter().filter_map(|(id, standing)| {
            let refusal = standing.nodes.get(&node).and_then(|word| word.as_ref().err());
            let for_good = refusal.is_some_and(|refusal| refusal.code == RefusalCode::Invalid);
            let record = &standing.record;
            let has_document = record.order.document.is_some();
            let place = (refusal.is_some(), has_document, record.created, id);
            (!for_good && !known.contains(&record.digest)).then_some(place)
        });
        let mut missing: Vec<_> = missing.collect();
        missing.sort_unstable();
        missing.into_iter().map(|(.., id)| id.clone()).take(AT_ONCE_MAX).collect()
    }
}

impl Coordinator {
    pub(crate) fn submit_order(&mut self, order: SignedOrder, out: &mut Out) -> Reply {
        let invalid = |error: &dyn std::error::Error| ClientError::new(ErrorCode::Invalid, error);
        let (id, digest) = match Order::parse(&order.text) {
            Ok(parsed) => (parsed.id, order.digest()),
            Err(error) => return Err(invalid(&error)),
        };
        if let Some(standing) = self.orders.standing.get(&id) {
            if standing.record.digest == digest {
                return self.take_signatures(&id, order, out);
            }
            let message = format!("order id {id} stands for another order");
            return Err(ClientError::new(ErrorCode::Conflict, message));
        }
        let verified = order.verify(&self.root).map_err(|error| invalid(&error))?;
        verified.check_time(out.now).map_err(|error| invalid(&error))?;
        self.adopt(order, &verified, out)?;
        for node in self.nodes.attached() {
            self.bring(node, &id, out);
        }
        self.order(&id)
    }

    /// The same order again tells how it stands. With more signatures it is brought once more to the
    /// nodes that refused it: it may have been signed by too few for what it brings.
    fn take_signatures(&mut self, id: &OrderId, order: SignedOrder, out: &mut Out) -> Reply {
        let root = &self.root;
        let Some(standing) = self.orders.standing.get_mut(id) else {
            return Err(not_found("order", id));
        };
        let more = order.signatures.len() > standing.record.order.signatures.len();
        if more && order.verify(root).is_ok() {
            standing.record.order = order;
            standing.nodes.retain(|_, word| word.is_ok());
            let held: Vec<_> = standing.nodes.keys().copied().collect();
            out.write(Record::Order(standing.record.clone()));
            for node in self.nodes.attached().into_iter().filter(|node| !held.contains(node)) {
                self.bring(node, id, out);
            }
        }
        self.order(id)
    }

    /// Makes an order this coordinator's own.
    fn adopt(
        &mut self,
        order: SignedOrder,
        verified: &VerifiedOrder,
        out: &mut Out,
    ) -> Result<(), ClientError> {
        let begins = self.take_effect(verified, out.now)?;
        let record = OrderRecord { order, digest: verified.digest(), created: out.now, begins };
        out.write(Record::Order(record.clone()));
        self.orders.insert(verified.order(), record);
        self.requests.wake_all(out.now);
        Ok(())
    }

    fn bring(&mut self, node: ParticipantId, id: &OrderId, out: &mut Out) {
        let Some(standing) = self.orders.standing.get(id) else { return };
        let words = standing.nodes.values().filter_map(|word| word.as_ref().ok());
        let acceptances = words.cloned().collect();
        let question = ToNode::CarryOut { order: standing.record.order.clone(), acceptances };
        self.ask(node, Purpose::Order(id.clone()), question, self.limits.phase_ms, out);
    }

    /// A node's word about one order.
    pub(crate) fn order_answered(
        &mut self,
        node: ParticipantId,
        id: &OrderId,
        answer: FromNode,
        out: &mut Out,
    ) {
        let Some(standing) = self.orders.standing.get_mut(id) else { return };
        let digest = standing.record.digest;
        if let FromNode::Refused(refusal) = answer {
            standing.nodes.insert(node, Err(refusal));
        } else if let FromNode::Accepted(word) = answer
            && word.from == node
            && word.body.order == digest
            && word.clone().verify(&self.root).is_ok()
        {
            standing.nodes.insert(node, Ok(word.clone()));
            out.write(Record::Acceptance(AcceptanceRecord { word }));
            self.follow_roots();
            self.begin_root(out);
        }
    }

    /// The orders that a node holds: what is new here is fetched, so that a freeze which was brought
    /// to one node by hand reaches the others; what it does not have, it gets.
    pub(crate) fn orders_answered(&mut self, node: ParticipantId, answer: FromNode, out: &mut Out) {
        let FromNode::Orders(theirs) = answer else { return };
        let new = theirs.iter().filter(|digest| !self.orders.by_digest.contains_key(*digest));
        for digest in new.take(AT_ONCE_MAX).copied().collect::<Vec<_>>() {
            let question = ToNode::Order(digest);
            self.ask(node, Purpose::FetchOrder(digest), question, self.limits.phase_ms, out);
        }
        for id in self.orders.missing_at(node, &theirs.into_iter().collect()) {
            self.bring(node, &id, out);
        }
    }

    /// An order that a node holds and that was new here. Refused where it contradicts what is known
    /// here: the node said so too late, or lies.
    pub(crate) fn order_fetched(
        &mut self,
        node: ParticipantId,
        digest: Digest,
        answer: FromNode,
        out: &mut Out,
    ) {
        let FromNode::Order(order) = answer else { return };
        let Ok(verified) = order.verify(&self.root) else { return };
        if verified.digest() != digest {
            return;
        }
        let id = &verified.order().id;
        let is_new = !self.orders.standing.contains_key(id);
        if is_new && self.adopt(order, &verified, out).is_ok() {
            for other in self.nodes.attached().into_iter().filter(|other| *other != node) {
                self.bring(other, id, out);
            }
        }
    }

    /// From when on so many nodes say that an order holds that one of them at least is honest.
    pub(crate) fn settled(&self, id: &OrderId) -> Option<Timestamp> {
        let words = self.orders.standing.get(id)?.nodes.values();
        let words = words.filter_map(|word| word.as_ref().ok());
        let mut begins: Vec<_> = words.map(|word| word.body.begins).collect();
        begins.sort_unstable();
        begins.get(self.root.threshold_floor.as_usize().checked_sub(1)?).copied()
    }

    pub(crate) fn order(&self, id: &OrderId) -> Reply {
        let standing = self.orders.standing.get(id).ok_or_else(|| not_found("order", id))?;
        Ok(ClientReply::Order(Box::new(view(id, standing))))
    }

    /// Without the documents, which would not fit: whoever wants one asks for its order.
    pub(crate) fn list_orders(&self) -> ClientReply {
        let without_document = |(id, standing): (&OrderId, &Standing)| {
            let mut view = view(id, standing);
            view.record.order.document = None;
            view
        };
        ClientReply::Orders(self.orders.standing.iter().map(without_document).collect())
    }
}

fn view(id: &OrderId, standing: &Standing) -> OrderView {
    let Standing { record, nodes, .. } = standing;
    let said = |word: &Result<_, Refusal>| word.clone().map_err(|refusal| refusal.reason);
    let nodes = nodes.iter().map(|(node, word)| (*node, said(word))).collect();
    OrderView { id: id.clone(), record: record.clone(), nodes }
}
