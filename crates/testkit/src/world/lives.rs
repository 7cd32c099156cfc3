//! Lives and deaths: who starts, crashes, attaches and is cut off, and when.

use std::sync::Arc;

use crate::ecdsa::OpenEcdsa;
use quorate_coordinator::{Coordinator, Input as CoordinatorInput};
use quorate_model::{BootId, ParticipantId};
use quorate_signer::Node;
use rand_chacha::ChaCha20Rng;

use super::faulty;
use super::queue::Event;
use super::{CALM_FROM_MS, COORDINATOR_NAP_MS, START, World};
use crate::cluster::ClusterFixture;
use crate::driver::Bug;
use crate::rng::{below, chance};

/// By how much a clock is set wrong.
const JUMP_MS: i64 = 26 * 3_600_000;
/// How often, per mille, a machine goes down with its process.
const REBOOTS: u64 = 400;

impl World {
    pub(super) fn attach(&mut self, node: ParticipantId) {
        let coordinator_up = self.coordinator.engine.is_some();
        let Some(state) = self.nodes.get_mut(&node) else { return };
        if state.attached() || state.process.engine.is_none() {
            return;
        }
        if !coordinator_up {
            return self.queue.push(self.now.plus_millis(COORDINATOR_NAP_MS), Event::Attach(node));
        }
        state.link += 1;
        self.note(format!("node {node} attaches"));
        self.tell_coordinator(CoordinatorInput::Attached(node));
    }

    pub(super) fn detach(&mut self, node: ParticipantId) {
        let Some(state) = self.nodes.get_mut(&node).filter(|state| state.attached()) else {
            return;
        };
        state.link += 1;
        self.note(format!("node {node} is cut off"));
        self.tell_coordinator(CoordinatorInput::Detached(node));
        let pause = 100 + below(&mut self.rng, 2_000);
        self.queue.push(self.now.plus_millis(pause), Event::Attach(node));
    }

    pub(super) fn crash_node(&mut self, node: ParticipantId) {
        let reboots = chance(&mut self.rng, REBOOTS);
        self.note(format!("node {node} crashes{}", if reboots { ", and its machine" } else { "" }));
        if let Some(state) = self.nodes.get_mut(&node) {
            state.process.crash(&mut self.rng);
            state.boots += u8::from(reboots);
        }
        self.detach(node);
        let pause = 100 + below(&mut self.rng, 3_000);
        self.queue.push(self.now.plus_millis(pause), Event::StartNode(node));
    }

    pub(super) fn start_node(&mut self, node: ParticipantId) {
        let bundle = match self.bug {
            Some(Bug::NoGate) => ClusterFixture::permissive_bundle(),
            Some(Bug::SendBeforePersist | Bug::ForgetAttempts | Bug::BelieveClocks) | None => {
                ClusterFixture::people_bundle()
            }
        };
        let mut config = self.fixture.node_config(node, bundle);
        // A thousand clusters: what is looked for here is not in the library.
        config.ecdsa = Arc::new(OpenEcdsa);
        if self.bug == Some(Bug::BelieveClocks) {
            config.limits.start_peers = Some(0);
            config.limits.clock_skew_ms = faulty::ANY_SKEW_MS;
        }
        let Some(state) = self.nodes.get_mut(&node).filter(|n| n.process.engine.is_none()) else {
            return;
        };
        let now = state.moment(self.now);
        config.boot = Some(BootId::from_bytes([state.boots; 16]));
        let records = state.process.disk.records();
        let (engine, started) =
            Node::start(config, records, now).expect("an honest node's own records are good");
        state.process.engine = Some(engine);
        let (_, syncing) = state.process.queue(vec![quorate_protocol::Output::Persist(started)]);
        self.node_acts(node, Vec::new(), syncing);
        self.note(format!("node {node} starts"));
        self.attach(node);
    }

    pub(super) fn crash_coordinator(&mut self) {
        self.note("the coordinator crashes".to_owned());
        self.coordinator.crash(&mut self.rng);
        for state in self.nodes.values_mut().filter(|state| state.attached()) {
            state.link += 1;
        }
        let pause = 100 + below(&mut self.rng, 2_000);
        self.queue.push(self.now.plus_millis(pause), Event::StartCoordinator);
    }

    pub(super) fn start_coordinator(&mut self) {
        if self.coordinator.engine.is_some() {
            return;
        }
        let limits = quorate_coordinator::Limits::default();
        let records = self.coordinator.disk.records();
        let engine = Coordinator::start(self.fixture.root.clone(), limits, records, self.now);
        self.coordinator.engine = Some(engine.expect("the coordinator's own records are good"));
        self.note("the coordinator starts".to_owned());
        for node in self.nodes.keys().copied().collect::<Vec<_>>() {
            let delay = below(&mut self.rng, 50);
            self.queue.push(self.now.plus_millis(delay), Event::Attach(node));
        }
        self.tell_coordinator(CoordinatorInput::Tick);
    }

    pub(super) fn set_clock(&mut self, node: ParticipantId, wrong_ms: i64) {
        self.note(format!("the clock of node {node} is set, {wrong_ms} ms off"));
        if let Some(state) = self.nodes.get_mut(&node) {
            state.wrong_ms = wrong_ms;
        }
    }

    pub(super) fn schedule_faults(&mut self) {
        let nodes: Vec<_> = self.nodes.keys().copied().collect();
        let any = |rng: &mut ChaCha20Rng| {
            let index = usize::try_from(below(rng, nodes.len() as u64)).unwrap_or(0);
            nodes.get(index).copied()
        };
        for _ in 0..self.faults.crashes {
            let time = START.plus_millis(below(&mut self.rng, CALM_FROM_MS));
            let event = match (chance(&mut self.rng, 250), any(&mut self.rng)) {
                (false, Some(node)) => Event::CrashNode(node),
                (true, _) | (false, None) => Event::CrashCoordinator,
            };
            self.queue.push(time, event);
        }
        for _ in 0..self.faults.jumps {
            let time = START.plus_millis(below(&mut self.rng, CALM_FROM_MS));
            let wrong_ms = if chance(&mut self.rng, 500) { JUMP_MS } else { -JUMP_MS };
            let pause = 100 + below(&mut self.rng, 5_000);
            if let Some(node) = any(&mut self.rng) {
                self.queue.push(time, Event::SetClock { node, wrong_ms });
                self.queue.push(time.plus_millis(pause), Event::SetClock { node, wrong_ms: 0 });
            }
        }
        if self.faults.put_back
            && let Some(node) = any(&mut self.rng)
        {
            self.schedule_put_back(node);
        }
        for _ in 0..self.faults.cuts {
            let time = START.plus_millis(below(&mut self.rng, CALM_FROM_MS));
            if let Some(node) = any(&mut self.rng) {
                self.queue.push(time, Event::Cut(node));
            }
        }
    }
}
