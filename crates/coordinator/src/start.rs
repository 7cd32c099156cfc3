//! How a coordinator takes up its work from its records.

use std::collections::BTreeMap;

use quorate_model::{KeyId, Timestamp};
use quorate_protocol::CertificateError;
use quorate_protocol::sign::KeyShareError;
use quorate_trust::{KeyStates, SignedOrder, Stops, Succession, TrustRoot};

use crate::activation::Activation;
use crate::calls::Calls;
use crate::config::Limits;
use crate::coordinator::Coordinator;
use crate::keygen::Ceremony;
use crate::nodes::Nodes;
use crate::orders::Orders;
use crate::pace::Pace;
use crate::plan::Plan;
use crate::record::{KeyRecord, OperationRecord, OperationState, Record};
use crate::requests::Requests;
use crate::sharings::Sharings;

/// Why a coordinator does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// A stored key's certificate does not verify under the trust root.
    #[error("key {key}: {source}")]
    Certificate {
        /// The key.
        key: KeyId,
        /// What is wrong.
        source: CertificateError,
    },
    /// A stored key cannot be decoded.
    #[error("key {key}: {source}")]
    Key {
        /// The key.
        key: KeyId,
        /// What is wrong.
        source: KeyShareError,
    },
    /// A record that says that something is gone cannot be stored.
    #[error("the store holds a record of removal: it is not this software's")]
    Removal,
    /// A stored operation's order makes no key.
    #[error("the store has an operation whose order makes no key")]
    NoKeyOrder,
    /// A stored order cannot be read, or contradicts another.
    #[error("the store has an order that cannot have been carried out: {0}")]
    Order(String),
}

impl Coordinator {
    /// Takes up the work that the records describe.
    ///
    /// # Errors
    /// [`StartError`], where a record is not of this cluster or damaged.
    pub fn start(
        root: TrustRoot,
        limits: Limits,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let mut coordinator = Self {
            cluster: root.cluster(),
            nodes: Nodes::new(root.nodes.keys().copied()),
            roots: Succession::new(root.version(), root.hash()),
            root,
            limits,
            calls: Calls::default(),
            requests: Requests::default(),
            sessions: BTreeMap::new(),
            operations: BTreeMap::new(),
            ceremonies: BTreeMap::new(),
            keys: Sharings::default(),
            pace: Pace::default(),
            simulations: BTreeMap::new(),
            stops: Stops::default(),
            key_states: KeyStates::default(),
            orders: Orders::default(),
            next_status: Timestamp::ZERO,
        };
        let (mut operations, mut keys) = (Vec::new(), Vec::new());
        let (mut orders, mut acceptances) = (Vec::new(), Vec::new());
        for record in records {
            match record {
                Record::Request(request) => coordinator.requests.load(request),
                Record::Operation(operation) => operations.push(operation),
                Record::Order(order) => orders.push(order),
                Record::Acceptance(acceptance) => acceptances.push(acceptance),
                Record::ForgetRequest(_) | Record::ForgetSharing(_) => {
                    return Err(StartError::Removal);
                }
                Record::Key(key) => keys.push(key),
            }
        }
        coordinator.load_orders(orders, acceptances, now)?;
        // Earlier epochs first.
        keys.sort_by_key(|key: &KeyRecord| key.certificate.certified.epoch);
        for key in keys {
            let id = key.certificate.certified.key.clone();
            key.certificate
                .verify(&coordinator.root)
                .map_err(|source| StartError::Certificate { key: id.clone(), source })?;
            let mut activation = Activation::new(key)
                .map_err(|source| StartError::Key { key: id.clone(), source })?;
            activation.begin_switch(now.plus_millis(coordinator.limits.phase_ms));
            // What a later one took the place of goes with the next that does.
            let _ = coordinator.keys.put(activation);
        }
        for operation in operations {
            coordinator.load_operation(operation)?;
        }
        Ok(coordinator)
    }

    fn load_operation(&mut self, mut operation: OperationRecord) -> Result<(), StartError> {
        let (id, key) = operation.makes().ok_or(StartError::NoKeyOrder)?;
        let present = self.keys.present(&key).map(|present| &present.record.certificate.certified);
        if let (Some(follows), Some(present)) = (operation.follows(), present)
            && present.digest() == follows
        {
            let present = present.sharing();
            self.keys.get_mut(&present).into_iter().for_each(Activation::follow);
        }
        if let OperationState::Running(_) = operation.state {
            let made = [self.keys.present(&key), self.keys.later(&key)].into_iter().flatten();
            let mut made =
                made.filter(|made| made.record.certificate.certified.order == operation.digest);
            // The key's record may have reached the disk before the operation's.
            match made.next().map(|made| made.record.active) {
                Some(true) => operation.state = OperationState::Done,
                Some(false) => {}
                None => match self.plan_again(&operation.order) {
                    Ok(plan) => {
                        let ceremony = Ceremony::resume(plan, operation.attempt);
                        self.ceremonies.insert(key, ceremony);
                    }
                    Err(reason) => operation.state = OperationState::Failed(reason),
                },
            }
        }
        self.operations.insert(id, operation);
        Ok(())
    }

    /// Whoever signed it may not any more, or the key has gone on.
    fn plan_again(&self, order: &SignedOrder) -> Result<Plan, String> {
        let verified = order.verify(&self.root).map_err(|error| error.to_string())?;
        self.plan(verified).map_err(|error| error.message)
    }
}
