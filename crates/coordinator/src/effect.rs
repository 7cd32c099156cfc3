//! What orders do at the coordinator itself. It decides nothing, but has to know whom it serves, and
//! what not to try: it follows the same orders as the nodes.

use quorate_model::{OrderId, Timestamp};
use quorate_trust::{
    Amendment, Order, OrderAction, SignedOrder, Successor, TrustRoot, VerifiedOrder,
};

use crate::client::{ClientError, ErrorCode};
use crate::coordinator::{Action, Coordinator};
use crate::out::Out;
use crate::record::{AcceptanceRecord, OrderRecord};
use crate::start::StartError;

impl Coordinator {
    /// Takes up the orders of the store, as they were carried out.
    pub(crate) fn load_orders(
        &mut self,
        records: Vec<OrderRecord>,
        acceptances: Vec<AcceptanceRecord>,
        now: Timestamp,
    ) -> Result<(), StartError> {
        let mut parsed = Vec::new();
        for record in records {
            let order = Order::parse(&record.order.text);
            parsed
                .push((order.map_err(|error| StartError::CarriedOut(error.to_string()))?, record));
        }
        let version = |order: &Order| order.action.successor().map(|successor| successor.version);
        parsed.sort_by_key(|(order, _)| version(order));
        for (order, record) in parsed {
            self.load_order(&order, &record)
                .map_err(|error| StartError::CarriedOut(error.to_string()))?;
            self.orders.insert(&order, record);
            self.take_root(now);
        }
        acceptances.into_iter().for_each(|record| self.orders.accept(record.word));
        Ok(())
    }

    fn load_order(&mut self, order: &Order, record: &OrderRecord) -> Result<(), ClientError> {
        let begins = record.begins;
        match &order.action {
            OrderAction::ActivatePolicy(_) => Ok(()),
            OrderAction::UpdateRoot(successor) => {
                let root = read_root(&record.order)?;
                self.roots.append(successor, begins, root).map_err(precondition)
            }
            OrderAction::Freeze(_)
            | OrderAction::Unfreeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::Resume(_)
            | OrderAction::GenerateKey(_) => {
                let by = record.order.signatures.iter().map(|signature| signature.person.clone());
                self.stops.apply(order, by.collect(), begins).map(|_| ()).map_err(invalid)
            }
        }
    }

    /// Does what an order says, as far as it concerns a coordinator. Gives from when on it holds here.
    pub(crate) fn take_effect(
        &mut self,
        signed: &SignedOrder,
        verified: &VerifiedOrder,
        now: Timestamp,
    ) -> Result<Timestamp, ClientError> {
        let begins = match &verified.order().action {
            OrderAction::Freeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::Resume(_)
            | OrderAction::GenerateKey(_) => now,
            OrderAction::Unfreeze(_) => {
                now.plus_millis(self.root.unfreeze_delay_s.saturating_mul(1_000))
            }
            // Bundles are for the nodes: one that they refuse must not be in the way of the next.
            OrderAction::ActivatePolicy(_) => return Ok(now),
            OrderAction::UpdateRoot(successor) => {
                return self.schedule_root(successor, signed, now);
            }
        };
        self.stops.carry_out(verified, begins).map_err(invalid)?;
        Ok(begins)
    }

    fn schedule_root(
        &mut self,
        successor: &Successor,
        signed: &SignedOrder,
        now: Timestamp,
    ) -> Result<Timestamp, ClientError> {
        let root = read_root(signed)?;
        let begins = match Amendment::between(&self.root, &root).map_err(invalid)? {
            Amendment::Tightening => now,
            Amendment::Loosening { .. } => {
                now.plus_millis(self.root.change_delay_s.saturating_mul(1_000))
            }
        };
        self.roots.append(successor, begins, root).map_err(precondition)?;
        Ok(begins)
    }

    /// A coordinator that heard of a root later than the nodes follows them.
    pub(crate) fn hasten_root(&mut self, id: &OrderId) {
        if let (Some(hash), Some(begins)) = (self.orders.root_of(id), self.settled(id)) {
            self.roots.hasten(&hash, begins);
        }
    }

    /// Brings the version of the root into force that is due.
    pub(crate) fn begin_root(&mut self, out: &mut Out) {
        if self.take_root(out.now) {
            out.say(Action::RootBegun(Box::new(self.root.clone())));
        }
    }

    fn take_root(&mut self, now: Timestamp) -> bool {
        let Some(begun) = self.roots.begin(now) else { return false };
        self.root = begun.document;
        self.nodes.admit(self.root.nodes.keys().copied());
        true
    }

    /// The version of the trust root in force.
    pub fn root(&self) -> &TrustRoot {
        &self.root
    }
}

fn read_root(signed: &SignedOrder) -> Result<TrustRoot, ClientError> {
    TrustRoot::parse(signed.document.as_deref().unwrap_or_default()).map_err(invalid)
}

fn invalid(error: impl ToString) -> ClientError {
    ClientError::new(ErrorCode::Invalid, error)
}

fn precondition(error: impl ToString) -> ClientError {
    ClientError::new(ErrorCode::Precondition, error)
}
