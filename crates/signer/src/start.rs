//! How a node takes up its work from its records.

use std::collections::BTreeMap;

use quorate_audit::{ChainError, Entry, Event, EventKind, Log};
use quorate_model::{Digest, KeyId, Moment, ParticipantId, RequestKey, SharingId};
use quorate_policy::{Gate, Usage};
use quorate_protocol::sign::{AnyKeyShare, KeyShareError};
use quorate_trust::{KeyStates, Order, OrderAction, Stops, Succession};

use crate::charge;
use crate::claims::Claims;
use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::history::History;
use crate::keygen::Ceremonies;
use crate::keys::{HeldKey, Keys};
use crate::ledger::Ledger;
use crate::lives::Lives;
use crate::node::Node;
use crate::orders::Orders;
use crate::pairs::FrozenPairs;
use crate::peers::Peers;
use crate::record::{ActiveRecord, OrderRecord, Record, ShareRecord};
use crate::session::Sessions;
use crate::successors::{read_policy, read_root};
use crate::turn::Turn;
use crate::vault::Vault;
use crate::verdict::SaidLast;

/// Why a node does not start: it would rather stop than sign on doubtful records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The trust root has no such node, or another key for it.
    #[error("the trust root does not name this node's identity key for participant {0}")]
    Identity(ParticipantId),
    /// The policy is not the one that the cluster begins with.
    #[error("policy bundle {found} is not {pinned}, which the trust root pins: put that one there")]
    Policy {
        /// The hash of the bundle that was given.
        found: Digest,
        /// The hash that the trust root pins.
        pinned: Digest,
    },
    /// The audit log is damaged.
    #[error(transparent)]
    Audit(#[from] ChainError),
    /// A share does not belong to its key.
    #[error("key {key}: {source}")]
    Share {
        /// The key.
        key: KeyId,
        /// What is wrong.
        source: KeyShareError,
    },
    /// A record about a key of which the vote record is missing.
    #[error("the store has a {what} of key {key} but not the share it belongs to")]
    Orphan {
        /// What kind of record.
        what: &'static str,
        /// The key.
        key: KeyId,
    },
    /// The records are not those that the newest entry of the audit log was written with.
    #[error(
        "the store does not hold what the audit log says it holds: an order, a vote or an attempt was removed or put back"
    )]
    State,
    /// The audit log knows of a request that the store does not.
    #[error("the audit log says that request {0} was answered, the store does not")]
    Request(RequestKey),
    /// The audit log knows of a longer log of another node than the store does.
    #[error(
        "the audit log says that node {0} showed a longer audit log than the store says: a record of it was removed or put back"
    )]
    Peer(ParticipantId),
    /// The store knows of a decision that the audit log does not.
    #[error("the store says how request {0} ended, the audit log does not: its end was removed")]
    Unlogged(RequestKey),
    /// A stored order cannot be read, or contradicts another.
    #[error("the store has an order that cannot have been carried out: {0}")]
    Order(String),
    /// A sharing is there beside the one that took its place.
    #[error("the store holds a sharing that {0} took the place of")]
    Replaced(SharingId),
    /// A record that says that something is gone cannot be stored.
    #[error("the store holds a record of removal: it is not this software's")]
    Removal,
}

impl Node {
    /// Takes up the work that the records describe. The second value is to be made durable before
    /// the node answers anyone: the entry that says that it started.
    ///
    /// # Errors
    /// [`StartError`]: the node must not run.
    pub fn start(
        config: NodeConfig,
        records: Vec<Record>,
        now: Moment,
    ) -> Result<(Self, Vec<Record>), StartError> {
        let NodeConfig { identity, root, policy, limits, version, boot, erasure, ecdsa } = config;
        let me = identity.participant;
        if policy.hash() != root.policy {
            return Err(StartError::Policy { found: policy.hash(), pinned: root.policy });
        }
        // A later version may name a node first, and none names another key for it.
        let known = root.nodes.get(&me).is_none_or(|n| n.identity == identity.key.public_key());
        if !known {
            return Err(StartError::Identity(me));
        }
        let root_hash = root.hash();
        let mut node = Self {
            me,
            identity: identity.key,
            cluster: root.cluster(),
            roots: Succession::new(root.version(), root_hash),
            policies: Succession::new(policy.version(), policy.hash()),
            root,
            root_hash,
            gate: Gate::new(policy),
            clock: Clock::new(boot, limits.clock_skew_ms, now),
            limits,
            version,
            log: Log::default(),
            state: Digest::new([0; 32]),
            keys: Keys::default(),
            vault: Vault::default(),
            ceremonies: Ceremonies::default(),
            ledger: Ledger::default(),
            confirmation_attempts: BTreeMap::new(),
            sessions: Sessions::default(),
            usage: Usage::new(),
            claims: Claims::default(),
            said_last: SaidLast::default(),
            stops: Stops::default(),
            key_states: KeyStates::default(),
            orders: Orders::default(),
            lives: Lives::default(),
            history: History::of(&[]),
            peers: Peers::default(),
            frozen_pairs: FrozenPairs::default(),
            erasure,
            sealed: false,
            ecdsa,
        };
        node.load(records)?;
        let named = node.root.nodes.get(&me);
        if named.is_none_or(|named| named.identity != node.identity.public_key()) {
            return Err(StartError::Identity(me));
        }
        let jumped = node.clock.observe(now);
        let mut turn = Turn::new(now.time);
        let event = Event::new(EventKind::NodeStarted)
            .fact("version", &node.version)
            .fact("bundle", node.gate.bundle_hash())
            .fact("keys", node.keys.all().count())
            .fact("erasure", node.erasure);
        node.audit(event, &mut turn);
        if let Some(by) = jumped {
            node.clock_jumped(by, &mut turn);
        }
        if node.start_peers() == 0 {
            if node.clock.doubt().is_some() {
                node.clock_confirmed("configuration", &mut turn);
            }
            node.log_confirmed("configuration", &mut turn);
        }
        Ok((node, turn.into_records()))
    }

    fn load(&mut self, records: Vec<Record>) -> Result<(), StartError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut certificates = Vec::new();
        let mut active = Vec::new();
        let mut orders = Vec::new();
        for record in records {
            match record {
                Record::Share(share) => self.load_share(&share)?,
                Record::Certificate(certificate) => certificates.push(certificate),
                Record::Active(record) => active.push(record),
                Record::Ceremony(record) => self.ceremonies.put(&record),
                Record::Request(record) => self.ledger.put(record),
                Record::Clock(record) => self.clock.load(record),
                Record::Watermark(time) => self.ledger.set_watermark(time),
                Record::ConfirmationAttempt(record) => {
                    self.confirmation_attempts.insert(record.statement, record.attempt);
                }
                Record::Order(record) => orders.push(record),
                Record::Peer(record) => self.peers.put(record),
                Record::Audit(entry) => entries.push(entry),
                Record::PairFreeze(record) => self.frozen_pairs.put(record),
                Record::DropSharing { .. } | Record::ForgetRequest(_) => {
                    return Err(StartError::Removal);
                }
            }
        }
        for certificate in certificates {
            let sharing = certificate.certified.sharing();
            self.held(&sharing, "certificate")?.certificate = Some(certificate);
        }
        // Earlier epochs first: of several that are active the last took the place of the others, which
        // went with the same write.
        active.sort_by(|one, other| one.sharing.cmp(&other.sharing));
        for ActiveRecord { sharing, confirmations } in active {
            self.held(&sharing, "confirmation")?.confirmations = Some(confirmations);
            if !self.keys.switch(&sharing).is_empty() {
                return Err(StartError::Replaced(sharing));
            }
        }
        entries.sort_by_key(|entry| entry.index);
        self.log = Log::verify(&entries)?;
        self.history = History::of(&entries);
        self.peers.check(&entries)?;
        self.usage = charge::usage(&entries);
        self.claims = Claims::of_log(&entries);
        self.load_orders(orders)?;
        self.state = self.state_root();
        self.check_state(&entries)
    }

    /// Takes up the orders that were carried out. Their signatures were verified then, under the root of
    /// then.
    fn load_orders(&mut self, records: Vec<OrderRecord>) -> Result<(), StartError> {
        let mut parsed = Vec::new();
        for record in records {
            let order = Order::parse(&record.order.text);
            parsed.push((order.map_err(|error| StartError::Order(error.to_string()))?, record));
        }
        // What brings a document was carried out after what it follows.
        let version = |order: &Order| order.action.successor().map(|successor| successor.version);
        parsed.sort_by_key(|(order, _)| version(order));
        for (order, record) in parsed {
            self.load_order(&order, &record).map_err(StartError::Order)?;
            self.begin_again();
            self.orders.insert(order.digest(), record);
        }
        Ok(())
    }

    fn load_order(&mut self, order: &Order, record: &OrderRecord) -> Result<(), String> {
        let OrderRecord { order: signed, begins } = record;
        match &order.action {
            OrderAction::ActivatePolicy(successor) => {
                let bundle = read_policy(signed, successor).map_err(|error| error.to_string())?;
                let taken = self.policies.append(successor, *begins, bundle);
                taken.map_err(|error| error.to_string())
            }
            OrderAction::UpdateRoot(successor) => {
                let root = read_root(signed, successor).map_err(|error| error.to_string())?;
                let taken = self.roots.append(successor, *begins, root);
                taken.map_err(|error| error.to_string())
            }
            OrderAction::ChangeState(change) => {
                let taken = self.key_states.apply(order.digest(), change, *begins);
                taken.map(|_| ()).map_err(|error| error.to_string())
            }
            OrderAction::ReadmitNode(readmission) => {
                self.lives.load(readmission);
                Ok(())
            }
            OrderAction::Freeze(_)
            | OrderAction::Unfreeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::Resume(_)
            | OrderAction::GenerateKey(_)
            | OrderAction::ReshareKey(_) => {
                let by = signed.signatures.iter().map(|signature| signature.person.clone());
                let taken = self.stops.apply(order, by.collect(), *begins);
                taken.map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }

    fn held(
        &mut self,
        sharing: &SharingId,
        what: &'static str,
    ) -> Result<&mut HeldKey, StartError> {
        let orphan = |_| StartError::Orphan { what, key: sharing.key.clone() };
        self.keys.find_mut(sharing).map_err(orphan)
    }

    fn load_share(&mut self, record: &ShareRecord) -> Result<(), StartError> {
        let ShareRecord { certified, vote, share, pairs } = record;
        let key = certified.key.clone();
        let loaded = AnyKeyShare::new(certified, self.me, share, pairs, &*self.ecdsa)
            .map_err(|source| StartError::Share { key: key.clone(), source })?;
        self.vault.insert(certified.sharing(), loaded);
        let (certified, vote) = (certified.clone(), *vote);
        let held = HeldKey { certified, vote, certificate: None, confirmations: None };
        self.keys.put(held);
        Ok(())
    }
}
