//! What orders do at the coordinator itself. It decides nothing, but has to know whom it serves, and
//! what not to try: it follows what the nodes hold.

use quorate_model::Timestamp;
use quorate_trust::{Order, OrderAction, StateChange, TrustRoot, VerifiedOrder};

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
            match concerns(&order.action) {
                Concern::Stops => {
                    let by = record.order.signatures.iter();
                    let by = by.map(|signature| signature.person.clone()).collect();
                    let applied = self.stops.apply(&order, by, record.begins);
                    applied.map_err(|error| unreadable(&error))?;
                }
                Concern::KeyStates(change) => {
                    let applied = self.key_states.apply(record.digest, change, record.begins);
                    applied.map_err(|error| unreadable(&error))?;
                }
                Concern::Nodes => {}
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
        let after = |delay_s: u64| now.plus_millis(delay_s.saturating_mul(1_000));
        let begins = match action {
            OrderAction::Unfreeze(_) => after(self.root.unfreeze_delay_s),
            OrderAction::ChangeState(change) if change.waits() => after(self.root.change_delay_s),
            OrderAction::Freeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::Resume(_)
            | OrderAction::GenerateKey(_)
            | OrderAction::ReshareKey(_)
            | OrderAction::ChangeState(_)
            | OrderAction::ReadmitNode(_)
            | OrderAction::ActivatePolicy(_)
            | OrderAction::UpdateRoot(_) => now,
        };
        let invalid = |error: &dyn std::error::Error| ClientError::new(ErrorCode::Invalid, error);
        match concerns(action) {
            Concern::Stops => {
                self.stops.carry_out(verified, begins).map_err(|error| invalid(&error))?;
            }
            Concern::KeyStates(change) => {
                let activation = change.key().and_then(|key| self.keys.present(key));
                let activation = activation.map(|key| key.record.certificate.certified.activation);
                self.key_states
                    .carry_out(verified.digest(), change, begins, activation, now)
                    .map_err(|error| invalid(&error))?;
            }
            Concern::Nodes => {}
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

/// What at a coordinator an order is about.
enum Concern<'a> {
    Stops,
    KeyStates(&'a StateChange),
    /// Nothing here.
    Nodes,
}

/// Orders to make a key are not submitted here: they are refused as what stops nothing.
const fn concerns(action: &OrderAction) -> Concern<'_> {
    match action {
        OrderAction::Freeze(_)
        | OrderAction::Suspend(_)
        | OrderAction::Unfreeze(_)
        | OrderAction::Resume(_)
        | OrderAction::GenerateKey(_)
        | OrderAction::ReshareKey(_) => Concern::Stops,
        OrderAction::ChangeState(change) => Concern::KeyStates(change),
        OrderAction::ReadmitNode(_)
        | OrderAction::ActivatePolicy(_)
        | OrderAction::UpdateRoot(_) => Concern::Nodes,
    }
}
