//! How a coordinator takes up its work from its records.

use std::collections::BTreeMap;

use quorate_model::{KeyId, Timestamp};
use quorate_protocol::CertificateError;
use quorate_protocol::sign::KeyShareError;
use quorate_trust::{OrderError, StopError, Stops, TrustRoot};

use crate::activation::Activation;
use crate::calls::Calls;
use crate::config::Limits;
use crate::coordinator::Coordinator;
use crate::keygen::Ceremony;
use crate::nodes::Nodes;
use crate::record::{OperationState, Record};
use crate::requests::Requests;

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
    /// A stored order does not verify under the trust root.
    #[error("a stored order is not valid: {0}")]
    Order(#[from] OrderError),
    /// A stored operation's order makes no key.
    #[error("the store has an operation whose order makes no key")]
    NoKeyOrder,
    /// A stored order about stops contradicts another.
    #[error("a stored order cannot have been carried out: {0}")]
    Stop(#[from] StopError),
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
    ) -> Result<Self, StartError> {
        let mut coordinator = Self {
            cluster: root.hash(),
            nodes: Nodes::new(root.nodes.keys().copied()),
            root,
            limits,
            calls: Calls::default(),
            requests: Requests::default(),
            sessions: BTreeMap::new(),
            operations: BTreeMap::new(),
            ceremonies: BTreeMap::new(),
            keys: BTreeMap::new(),
            simulations: BTreeMap::new(),
            stops: Stops::default(),
            orders: BTreeMap::new(),
            next_status: Timestamp::ZERO,
        };
        let mut operations = Vec::new();
        for record in records {
            match record {
                Record::Request(request) => coordinator.requests.load(request),
                Record::Operation(operation) => operations.push(operation),
                Record::Order(order) => coordinator.load_order(order)?,
                Record::ForgetRequest(_) => return Err(StartError::Removal),
                Record::Key(key) => {
                    let id = key.certificate.certified.key.clone();
                    key.certificate
                        .verify(&coordinator.root)
                        .map_err(|source| StartError::Certificate { key: id.clone(), source })?;
                    let activation = Activation::new(key)
                        .map_err(|source| StartError::Key { key: id.clone(), source })?;
                    coordinator.keys.insert(id, activation);
                }
            }
        }
        for operation in operations {
            let order = operation.order.verify(&coordinator.root)?;
            let order = order.key_order().ok_or(StartError::NoKeyOrder)?;
            let key = order.generate_key().key.clone();
            let running = matches!(operation.state, OperationState::Running(_));
            if running && !coordinator.keys.contains_key(&key) {
                let ceremony = Ceremony::resume(order.clone(), operation.attempt);
                coordinator.ceremonies.insert(key.clone(), ceremony);
            }
            let mut operation = operation;
            // The key's record may have reached the disk before the operation's.
            let made = coordinator.keys.get(&key);
            if running && made.is_some_and(|key| key.record.active) {
                operation.state = OperationState::Done;
            }
            let id = order.verified().order().id.clone();
            coordinator.operations.insert(id, operation);
        }
        Ok(coordinator)
    }
}
