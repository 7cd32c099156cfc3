//! What orders do at the coordinator itself. It decides nothing, but has to know whom it serves, and
//! what not to try: it follows what the nodes hold.

use quorate_model::Timestamp;
use quorate_trust::{Order, OrderAction, TrustRoot, VerifiedOrder};

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
        for record in records {
            let unreadable = |error: &dyn std::error::Error| StartError::Order(error.to_string());
            let order = Order::parse(&record.order.text).map_err(|error| unreadable(&error))?;
            if stops_or_lifts(&order.action) {
                let by = record.order.signatures.iter().map(|signature| signature.person.clone());
                let applied = self.stops.apply(&order, by.collect(), record.begins);
                applied.map_err(|error| unreadable(&error))?;
            }
            self.orders.insert(&order, record);
        }
        acceptances.into_iter().for_each(|record| self.orders.accept(record.word));
        self.follow_roots();
        self.take_root(now);
        Ok(())
    }

    /// Does what an order says, as far as it concerns a coordinator. Gives from when on it holds here.
    ///
    /// Policy bundles and readmissions are for the nodes, and a root is followed once they hold it: what they refuse must
    /// not be in the way of what comes next.
    pub(crate) fn take_effect(
        &mut self,
        verified: &VerifiedOrder,
        now: Timestamp,
    ) -> Result<Timestamp, ClientError> {
        let action = &verified.order().action;
        let begins = match action {
            OrderAction::Unfreeze(_) => {
                now.plus_millis(self.root.unfreeze_delay_s.saturating_mul(1_000))
            }
            OrderAction::Freeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::Resume(_)
            | OrderAction::GenerateKey(_)
            | OrderAction::ReshareKey(_)
            | OrderAction::ReadmitNode(_)
            | OrderAction::ActivatePolicy(_)
            | OrderAction::UpdateRoot(_) => now,
        };
        if stops_or_lifts(action) {
            let carried_out = self.stops.carry_out(verified, begins);
            carried_out.map_err(|error| ClientError::new(ErrorCode::Invalid, error))?;
        }
        Ok(begins)
    }

    /// Schedules the versions of the root that so many nodes hold that one of them at least is honest,
    /// from when on they are in force there.
    pub(crate) fn follow_roots(&mut self) {
        for (id, successor) in self.orders.roots() {
            let Some(begins) = self.settled(&id) else { continue };
            self.roots.hasten(&successor.hash, begins);
            let document = self.orders.document(&id).map(TrustRoot::parse);
            if let Some(Ok(root)) = document.filter(|_| self.roots.check(&successor).is_ok()) {
                // It was just checked that it comes next.
                let _ = self.roots.append(&successor, begins, root);
            }
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
        true
    }

    /// The version of the trust root in force.
    pub fn root(&self) -> &TrustRoot {
        &self.root
    }
}

/// Orders to make a key are not submitted here: they are refused as what stops nothing.
const fn stops_or_lifts(action: &OrderAction) -> bool {
    match action {
        OrderAction::Freeze(_)
        | OrderAction::Suspend(_)
        | OrderAction::Unfreeze(_)
        | OrderAction::Resume(_)
        | OrderAction::GenerateKey(_)
        | OrderAction::ReshareKey(_) => true,
        OrderAction::ReadmitNode(_)
        | OrderAction::ActivatePolicy(_)
        | OrderAction::UpdateRoot(_) => false,
    }
}
