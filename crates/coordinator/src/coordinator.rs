//! The coordinator: clients ask, nodes answer, time passes.

use std::collections::BTreeMap;

use quorate_model::{
    Attempt, ClusterId, Digest, KeyId, Moment, OrderId, ParticipantId, RequestKey, Timestamp,
};
use quorate_protocol::wire::{CallId, FromNode, NodeStatus, ToNode};
use quorate_protocol::{Engine, Output};
use quorate_trust::{KeyStates, Stops, Succession, TrustRoot};
use rand_core::CryptoRngCore;

use crate::activation::Activation;
use crate::calls::{Calls, Purpose};
use crate::client::{ClientCall, ClientError, ClientReply, ClientRequest};
use crate::config::Limits;
use crate::keygen::Ceremony;
use crate::nodes::Nodes;
use crate::orders::Orders;
use crate::out::Out;
use crate::pace::Pace;
use crate::record::{OperationRecord, Record};
use crate::requests::Requests;
use crate::session::Session;
use crate::sharings::Sharings;
use crate::signing::Fault;
use crate::simulation::Simulation;

const FORGET_AT_ONCE_MAX: usize = 32;

/// What a coordinator is told.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "inputs live for one step")]
pub enum Input {
    /// A node attached; its certificate is the one that the trust root names.
    Attached(ParticipantId),
    /// A node is gone, and every open question with it.
    Detached(ParticipantId),
    /// A node answers.
    Answer {
        /// Which node, by its certificate.
        node: ParticipantId,
        /// Which question.
        call: CallId,
        /// The answer.
        answer: FromNode,
    },
    /// A client asks.
    Client {
        /// To match the reply.
        call: ClientCall,
        /// What it asks.
        request: ClientRequest,
    },
    /// Time has passed.
    Tick,
}

/// What a coordinator wants done.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "actions live for one step")]
pub enum Action {
    /// Ask a node. If it cannot be reached, say [`Input::Detached`].
    Ask {
        /// Which node.
        node: ParticipantId,
        /// To match the answer.
        call: CallId,
        /// What to ask.
        question: ToNode,
    },
    /// Answer a client.
    Reply {
        /// What it had asked.
        call: ClientCall,
        /// The answer.
        reply: Result<ClientReply, ClientError>,
    },
    /// A request changed: whoever watches it may want to look.
    Changed(RequestKey),
    /// A version of the trust root came into force: its nodes may attach.
    RootBegun(Box<TrustRoot>),
}

/// A coordinator without its sockets, disks and clocks.
#[derive(Debug)]
pub struct Coordinator {
    /// The version of the trust root in force.
    pub(crate) root: TrustRoot,
    /// What follows it.
    pub(crate) roots: Succession<TrustRoot>,
    pub(crate) cluster: ClusterId,
    pub(crate) limits: Limits,
    pub(crate) nodes: Nodes,
    pub(crate) calls: Calls,
    pub(crate) requests: Requests,
    pub(crate) sessions: BTreeMap<(Digest, Attempt), Session>,
    pub(crate) operations: BTreeMap<OrderId, OperationRecord>,
    pub(crate) ceremonies: BTreeMap<KeyId, Ceremony>,
    pub(crate) keys: Sharings,
    /// Whose turn it is to get new shares.
    pub(crate) pace: Pace,
    pub(crate) simulations: BTreeMap<ClientCall, Simulation>,
    pub(crate) stops: Stops,
    /// What orders say of the states of keys.
    pub(crate) key_states: KeyStates,
    pub(crate) orders: Orders,
    pub(crate) next_status: Timestamp,
}

impl Engine for Coordinator {
    type Input = Input;
    type Record = Record;
    type Action = Action;

    fn handle(
        &mut self,
        input: Input,
        now: Moment,
        rng: &mut dyn CryptoRngCore,
    ) -> Vec<Output<Record, Action>> {
        let now = now.time;
        let mut out = Out::new(now);
        self.begin_root(&mut out);
        match input {
            Input::Attached(node) => self.attached(node, &mut out),
            Input::Detached(node) => self.detached(node, &mut out),
            Input::Answer { node, call, answer } => {
                if let Some(purpose) = self.calls.take(node, call) {
                    self.seen(node, now);
                    self.answered(node, purpose, answer, &mut out);
                }
            }
            Input::Client { call, request } => self.client(call, request, &mut out),
            Input::Tick => {
                self.ask_status(&mut out);
                self.forget_requests(&mut out);
                // Only here: an answer that waits in the driver's queue is heard before its
                // deadline is looked at.
                for (node, purpose) in self.calls.take_overdue(now) {
                    self.failed(node, purpose, "did not answer in time", &mut out);
                }
            }
        }
        self.advance_ceremonies(&mut out);
        self.advance_activations(&mut out);
        self.schedule(&mut out, rng);
        out.finish()
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let ceremonies = self.ceremonies.values().filter_map(Ceremony::retry_at).min();
        let activations = self.keys.all().filter_map(Activation::retry_at).min();
        // With every session in use, what is queued waits for one to end, not for time.
        let full = self.sessions.len() >= self.limits.sessions_max;
        let queued = self.requests.next_try().filter(|_| !full);
        let forget = self.requests.next_forgotten();
        let forget = forget.map(|expires| expires.plus_millis(self.limits.keep_ms + 1));
        let root = self.roots.next_begin();
        let next = [self.calls.next_deadline(), queued, ceremonies, activations, forget, root];
        next.into_iter().flatten().chain([self.next_status]).min()
    }
}

impl Coordinator {
    fn attached(&mut self, node: ParticipantId, out: &mut Out) {
        let Some(state) = self.nodes.0.get_mut(&node) else { return };
        state.attached = true;
        state.suspect_until = None;
        self.seen(node, out.now);
        self.requests.wake_all(out.now);
        self.orders.forget_refusals(node);
        self.ask(node, Purpose::Status, ToNode::Status, self.limits.phase_ms, out);
        self.ask_the_doubtful(node, out);
        self.ask_to_erase(node, out);
    }

    fn detached(&mut self, node: ParticipantId, out: &mut Out) {
        if let Some(state) = self.nodes.0.get_mut(&node) {
            state.attached = false;
        }
        for purpose in self.calls.take_all(node) {
            self.failed(node, purpose, "was lost", out);
        }
    }

    fn seen(&mut self, node: ParticipantId, now: Timestamp) {
        if let Some(state) = self.nodes.0.get_mut(&node) {
            state.last_seen = Some(now);
        }
    }

    fn ask_status(&mut self, out: &mut Out) {
        if out.now < self.next_status {
            return;
        }
        self.next_status = out.now.plus_millis(self.limits.status_ms);
        for node in self.nodes.attached() {
            self.ask(node, Purpose::Status, ToNode::Status, self.limits.phase_ms, out);
        }
    }

    fn forget_requests(&mut self, out: &mut Out) {
        let before = out.now.millis().saturating_sub(self.limits.keep_ms);
        let before = Timestamp::from_millis(before);
        for key in self.requests.forget(before, FORGET_AT_ONCE_MAX) {
            out.write(Record::ForgetRequest(key));
        }
    }

    /// Asks a node, with a deadline for the answer.
    pub(crate) fn ask(
        &mut self,
        node: ParticipantId,
        purpose: Purpose,
        question: ToNode,
        within_ms: u64,
        out: &mut Out,
    ) {
        let asked = self.open_call(node, purpose, question, out.now.plus_millis(within_ms));
        out.ask(asked);
    }

    /// As [`Self::ask`], of what this step writes: it is asked when that is durable.
    pub(crate) fn ask_durably(
        &mut self,
        node: ParticipantId,
        purpose: Purpose,
        question: ToNode,
        within_ms: u64,
        out: &mut Out,
    ) {
        let asked = self.open_call(node, purpose, question, out.now.plus_millis(within_ms));
        out.say(asked);
    }

    fn open_call(
        &mut self,
        node: ParticipantId,
        purpose: Purpose,
        question: ToNode,
        deadline: Timestamp,
    ) -> Action {
        Action::Ask { node, call: self.calls.open(node, purpose, deadline), question }
    }

    fn answered(&mut self, node: ParticipantId, purpose: Purpose, answer: FromNode, out: &mut Out) {
        match purpose {
            Purpose::Signing { subject, attempt, phase } => {
                self.signing_answered(node, (subject, attempt), phase, answer, out);
            }
            Purpose::Ceremony(ceremony) => self.ceremony_answered(node, &ceremony, answer, out),
            Purpose::Activation(key) => self.activation_answered(node, &key, &answer, out),
            Purpose::Simulate(call) => self.simulate_answered(node, call, answer, out),
            Purpose::Order(id) => self.order_answered(node, &id, answer, out),
            Purpose::Orders => self.orders_answered(node, answer, out),
            Purpose::FetchOrder(digest) => self.order_fetched(node, digest, answer, out),
            // It ended here already.
            Purpose::Reject => {}
            Purpose::Testify(asker) => self.testified(asker, answer, out),
            Purpose::Status | Purpose::HearTestimony => {
                let FromNode::Status(status) = answer else { return };
                if status.heads.orders != self.orders.head() {
                    self.ask(node, Purpose::Orders, ToNode::Orders, self.limits.phase_ms, out);
                }
                if let (Purpose::Status, Some(challenge)) = (&purpose, status.challenge) {
                    self.ask_to_testify(node, challenge, out);
                }
                self.take_status(node, status, out);
            }
        }
    }

    fn take_status(&mut self, node: ParticipantId, status: NodeStatus, out: &mut Out) {
        let Some(state) = self.nodes.0.get_mut(&node) else { return };
        let heads = status.heads;
        state.on = Some((heads.root, heads.bundle));
        let could_work = state.status.is_some() && !state.doubts_itself();
        if let Some(earlier) = state.status.replace(status) {
            if earlier.heads.bundle != heads.bundle {
                self.forget_deferrals(node, out);
            }
            if earlier.heads.root != heads.root {
                self.orders.forget_refusals(node);
            }
        }
        if !could_work && self.nodes.can_work(node) {
            self.requests.wake_all(out.now);
        }
    }

    /// A node did not answer.
    fn failed(&mut self, node: ParticipantId, purpose: Purpose, why: &str, out: &mut Out) {
        let reason = format!("node {node} {why}");
        match purpose {
            Purpose::Signing { subject, attempt, .. } => {
                self.end_attempt(subject, attempt, Fault::Node(node), &reason, out);
            }
            Purpose::Ceremony(ceremony) => self.ceremony_failed(&ceremony, &reason, out),
            Purpose::Activation(key) => self.activation_failed(node, &key, &reason, out),
            Purpose::Simulate(call) => self.simulate_failed(node, call, reason, out),
            // Its next status shows what it does not have.
            Purpose::Order(_)
            | Purpose::Orders
            | Purpose::FetchOrder(_)
            | Purpose::Reject
            | Purpose::Testify(_)
            | Purpose::HearTestimony
            | Purpose::Status => {}
        }
    }
}
