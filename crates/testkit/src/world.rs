//! The world: time, links, crashes, and whoever asks for something.

mod client;
mod describe;
mod faulty;
mod lives;
mod people;
mod put_back;
mod queue;
mod rotation;

use std::collections::BTreeMap;

use quorate_coordinator::{
    Action as CoordinatorAction, ClientReply, Coordinator, Input as CoordinatorInput,
};
use quorate_model::{Moment, ParticipantId, SharingId, Timestamp};
use quorate_protocol::wire::{CallId, Subject, ToNode};
use quorate_protocol::{CertifiedKey, Confirmation, Engine as _};
use quorate_signer::{Action as NodeAction, Input as NodeInput, LinkId, Node};
use rand_chacha::ChaCha20Rng;

use self::client::Client;
use self::describe::{answer_name, question_name};
use self::put_back::PutBack;
use self::queue::{Event, Queue};
use crate::cluster::ClusterFixture;
use crate::driver::{Bug, Process};
use crate::faults::Faults;
use crate::network::{Frame, Meddler};
use crate::oracle::{Asked, Oracle, Violation};
use crate::rng::{below, chance, seeded};
use crate::timeline::Timeline;
use crate::workload::Workload;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// Faults happen up to here; then everything heals.
const CALM_FROM_MS: u64 = 15_000;
/// By then everything must have ended.
const END_MS: u64 = 600_000;
const COORDINATOR_NAP_MS: u64 = 400;

/// How a run went.
#[derive(Debug)]
pub struct Outcome {
    /// What happened.
    pub timeline: Timeline,
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// Whether the key became active.
    pub key_active: bool,
    /// How many new sharings of it became active.
    pub rotations: u64,
    /// Whether a node forgot what others could show it, and whether it was readmitted.
    pub put_back: (bool, bool),
    /// How many requests ended in each state.
    pub ends: BTreeMap<String, u64>,
}

/// A cluster in one thread.
pub struct World {
    fixture: ClusterFixture,
    rng: ChaCha20Rng,
    now: Timestamp,
    faults: Faults,
    bug: Option<Bug>,
    meddler: Option<Box<dyn Meddler>>,
    nodes: BTreeMap<ParticipantId, SimulatedNode>,
    coordinator: Process<Coordinator>,
    queue: Queue,
    client: Client,
    put_back: PutBack,
    oracle: Oracle,
    timeline: Timeline,
    certified: BTreeMap<SharingId, CertifiedKey>,
    /// Questions as nodes hear them: under a call id of the link's own, as the real uplink does.
    asked: BTreeMap<CallId, (CallId, Asked)>,
    violation: Option<Violation>,
}

struct SimulatedNode {
    process: Process<Node>,
    /// The attachment in use; odd ones are up.
    link: u64,
    skew_ms: u64,
    /// By how much more its clock is wrong, for a while.
    wrong_ms: i64,
    /// How often its machine was started.
    boots: u8,
}

impl SimulatedNode {
    /// What its clocks show.
    fn moment(&self, now: Timestamp) -> Moment {
        let time = now.plus_millis(self.skew_ms).millis().saturating_add_signed(self.wrong_ms);
        Moment { time: Timestamp::from_millis(time), uptime_ms: now.since(Timestamp::ZERO) }
    }

    /// When its clock shows a time, as it goes now.
    fn when(&self, shows: Timestamp) -> Timestamp {
        let time = shows.millis().saturating_sub(self.skew_ms);
        Timestamp::from_millis(time.saturating_sub_signed(self.wrong_ms))
    }

    fn attached(&self) -> bool {
        self.link % 2 == 1
    }
}

impl World {
    /// A cluster that is about to start.
    pub fn new(seed: u64, workload: Workload, faults: Faults) -> Self {
        let mut rng = seeded(seed);
        let policy = ClusterFixture::people_bundle();
        let fixture = ClusterFixture::with_policy(workload.nodes, &policy, &mut rng);
        let nodes = fixture.root.nodes.keys().map(|id| {
            let skew_ms = below(&mut rng, faults.skew_ms_max + 1);
            let process = Process::new(false);
            (*id, SimulatedNode { process, link: 0, skew_ms, wrong_ms: 0, boots: 0 })
        });
        let nodes = nodes.collect();
        Self {
            nodes,
            client: Client::new(workload),
            put_back: PutBack::default(),
            fixture,
            rng,
            now: START,
            faults,
            bug: None,
            meddler: None,
            coordinator: Process::new(false),
            queue: Queue::default(),
            oracle: Oracle::default(),
            timeline: Timeline::default(),
            certified: BTreeMap::new(),
            asked: BTreeMap::new(),
            violation: None,
        }
    }

    /// Plants a defect in the nodes' drivers.
    #[must_use]
    pub fn with_bug(mut self, bug: Bug) -> Self {
        self.bug = Some(bug);
        if bug == Bug::SendBeforePersist {
            for node in self.nodes.values_mut() {
                node.process = Process::new(true);
            }
        }
        self
    }

    /// Puts a hostile relay between coordinator and nodes.
    #[must_use]
    pub fn with_meddler(mut self, meddler: impl Meddler + 'static) -> Self {
        self.meddler = Some(Box::new(meddler));
        self
    }

    /// Everybody's private keys and the trust root, for scripting hostile behaviour.
    pub fn fixture(&self) -> &ClusterFixture {
        &self.fixture
    }

    /// Runs until everything has ended, or a promise is broken.
    pub fn run(mut self) -> Outcome {
        self.schedule_faults();
        self.start_coordinator();
        for id in self.fixture.root.nodes.keys().copied().collect::<Vec<_>>() {
            self.start_node(id);
        }
        self.queue.push(self.now.plus_millis(5), Event::Client);
        while self.violation.is_none() {
            let Some((time, event)) = self.queue.pop() else { break };
            if time.since(START) > END_MS || self.client.is_done() && self.put_back.is_over() {
                break;
            }
            self.now = self.now.max(time);
            self.happen(event);
        }
        if self.violation.is_none() {
            self.violation = self.client.judge(&self.fixture, &self.faults, self.meddler.is_some());
        }
        Outcome {
            timeline: self.timeline,
            violation: self.violation,
            key_active: self.client.key_is_active(),
            rotations: self.client.rotations(),
            put_back: (self.put_back.forgot == Some(true), self.put_back.readmitted),
            ends: self.client.ends(),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Down { node, link, call, question } => {
                self.deliver_question(node, link, call, question);
            }
            Event::Up { node, link, call, answer } => {
                if self.nodes.get(&node).is_some_and(|n| n.link == link) {
                    let input = CoordinatorInput::Answer { node, call, answer };
                    self.tell_coordinator(input);
                }
            }
            Event::NodeSynced { node, life } => self.node_synced(node, life),
            Event::CoordinatorSynced { life } => {
                if self.coordinator.life == life {
                    let (actions, syncing) = self.coordinator.synced();
                    self.coordinator_acts(actions, syncing);
                }
            }
            Event::NodeTick { node, life } => {
                if self.nodes.get(&node).is_some_and(|n| n.process.life == life) {
                    self.tell_node(node, NodeInput::Tick);
                }
            }
            Event::CoordinatorTick { life } => {
                if self.coordinator.life == life {
                    self.tell_coordinator(CoordinatorInput::Tick);
                }
            }
            Event::CrashNode(node) => self.crash_node(node),
            Event::StartNode(node) => self.start_node(node),
            Event::CrashCoordinator => self.crash_coordinator(),
            Event::StartCoordinator => self.start_coordinator(),
            Event::Cut(node) => self.detach(node),
            Event::Attach(node) => self.attach(node),
            Event::CopyDisk(node) => self.copy_disk(node),
            Event::PutBack(node) => self.put_back(node),
            Event::SetClock { node, wrong_ms } => self.set_clock(node, wrong_ms),
            Event::Client => self.client_acts(),
        }
    }

    fn note(&mut self, line: String) {
        self.timeline.note(self.now, START, line);
    }

    fn deliver_question(&mut self, node: ParticipantId, link: u64, call: CallId, question: ToNode) {
        if self.nodes.get(&node).is_none_or(|state| state.link != link) {
            return;
        }
        self.note(format!("node {node} hears {}", question_name(&question)));
        let asked = self.about(&question);
        let heard = CallId(self.asked.len() as u64);
        self.asked.insert(heard, (call, asked));
        self.tell_node(node, NodeInput::Question { link: LinkId(link), call: heard, question });
    }

    /// What an answer to the question would be about.
    fn about(&mut self, question: &ToNode) -> Asked {
        let (subject, attempt, is_confirmation) = match question {
            ToNode::Reserve { subject: Subject::Request(request), attempt, .. } => {
                (Some(request.digest()), Some(*attempt), false)
            }
            ToNode::Reserve {
                subject: Subject::Confirmation { sharing },
                attempt,
                signing_set,
                ..
            } => {
                let certified = self.certified.get(sharing);
                let statement = certified.map(|c| Confirmation::statement(c, signing_set));
                (statement, Some(*attempt), true)
            }
            ToNode::Share { subject, attempt, .. } => (Some(*subject), Some(*attempt), false),
            ToNode::Certify(certificate) => {
                let certified = certificate.certified.clone();
                self.certified.insert(certified.sharing(), certified);
                (None, None, false)
            }
            ToNode::GenerateKey { .. }
            | ToNode::ReshareKey { .. }
            | ToNode::Announcements(..)
            | ToNode::Round1(..)
            | ToNode::Round2(..)
            | ToNode::Exchange(..)
            | ToNode::Confirm { .. }
            | ToNode::Replaced { .. }
            | ToNode::Simulate { .. }
            | ToNode::CarryOut { .. }
            | ToNode::Reject { .. }
            | ToNode::Orders
            | ToNode::Order(_)
            | ToNode::Testify { .. }
            | ToNode::HearTestimony(_)
            | ToNode::Status => (None, None, false),
        };
        Asked { subject, attempt, is_confirmation }
    }

    fn tell_node(&mut self, node: ParticipantId, input: NodeInput) {
        let bug = self.bug;
        let Some(state) = self.nodes.get_mut(&node) else { return };
        let now = state.moment(self.now);
        let Some(engine) = &mut state.process.engine else { return };
        let mut outputs = engine.handle(input, now, &mut self.rng);
        if bug == Some(Bug::ForgetAttempts) {
            faulty::forget_attempts(&mut outputs);
        }
        let believed = faulty::by_a_wrong_clock(state.wrong_ms, &outputs);
        let wake = engine.wake_at();
        let life = state.process.life;
        if let Some(wake) = wake {
            let wake = state.when(wake);
            self.queue.push(wake.max(self.now.plus_millis(1)), Event::NodeTick { node, life });
        }
        let (actions, syncing) = state.process.queue(outputs);
        if let Some(what) = believed {
            self.violation.get_or_insert(Violation::WrongClock { node, what });
        }
        self.node_acts(node, actions, syncing);
    }

    fn node_synced(&mut self, node: ParticipantId, life: u64) {
        let Some(state) = self.nodes.get_mut(&node).filter(|n| n.process.life == life) else {
            return;
        };
        let (actions, syncing) = state.process.synced();
        self.node_acts(node, actions, syncing);
    }

    fn node_acts(&mut self, node: ParticipantId, actions: Vec<NodeAction>, syncing: bool) {
        if syncing {
            let delay = 1 + below(&mut self.rng, self.faults.sync_ms_max.max(1));
            let life = self.nodes.get(&node).map_or(0, |n| n.process.life);
            self.queue.push(self.now.plus_millis(delay), Event::NodeSynced { node, life });
        }
        for action in actions {
            let (link, call, answer) = match action {
                NodeAction::Answer { link, call, answer } => (link, call, answer),
                NodeAction::Work(work) => {
                    self.tell_node(node, NodeInput::WorkDone(work.run()));
                    continue;
                }
                NodeAction::Checkpoint { .. }
                | NodeAction::Backup { .. }
                | NodeAction::Noted { .. } => continue,
            };
            self.note(format!("node {node} says {}", answer_name(&answer)));
            self.watch_put_back(node, &answer);
            let (Some(state), Some((asked_as, asked))) =
                (self.nodes.get(&node), self.asked.get(&call))
            else {
                continue;
            };
            let seen = (&state.process.disk, self.now);
            let watched = self.oracle.watch(node, asked, &answer, seen);
            if let Err(violation) = watched {
                self.violation.get_or_insert(violation);
            }
            let asked_as = *asked_as;
            self.travel(Frame::Answer(node, asked_as, answer), link.0);
        }
    }

    fn tell_coordinator(&mut self, input: CoordinatorInput) {
        let Some(engine) = &mut self.coordinator.engine else { return };
        let now = Moment { time: self.now, uptime_ms: self.now.since(START) };
        let outputs = engine.handle(input, now, &mut self.rng);
        let life = self.coordinator.life;
        if let Some(wake) = engine.wake_at() {
            let wake = wake.max(self.now.plus_millis(1));
            self.queue.push_unique(wake, Event::CoordinatorTick { life });
        }
        let (actions, syncing) = self.coordinator.queue(outputs);
        self.coordinator_acts(actions, syncing);
    }

    fn coordinator_acts(&mut self, actions: Vec<CoordinatorAction>, syncing: bool) {
        if syncing {
            let delay = 1 + below(&mut self.rng, self.faults.sync_ms_max.max(1));
            let life = self.coordinator.life;
            self.queue.push(self.now.plus_millis(delay), Event::CoordinatorSynced { life });
        }
        for action in actions {
            match action {
                CoordinatorAction::Ask { node, call, question } => {
                    let link = self.nodes.get(&node).map_or(0, |n| n.link);
                    self.travel(Frame::Question(node, call, question), link);
                }
                CoordinatorAction::Reply { call, reply } => {
                    if let Ok(ClientReply::Cluster(view)) = &reply {
                        self.officers_hear(view);
                    }
                    self.client.hear(call, reply);
                }
                CoordinatorAction::Changed(_) | CoordinatorAction::RootBegun(_) => {}
            }
        }
    }

    /// Sends a frame on its way: it may be lost, doubled, delayed or meddled with.
    fn travel(&mut self, frame: Frame, link: u64) {
        let frames = match &mut self.meddler {
            Some(meddler) => meddler.meddle(frame),
            None => vec![frame],
        };
        for frame in frames {
            let calm = self.now.since(START) >= CALM_FROM_MS;
            if !calm && chance(&mut self.rng, self.faults.drop) {
                continue;
            }
            let twice = !calm && chance(&mut self.rng, self.faults.duplicate);
            for _ in 0..=u32::from(twice) {
                let delay = 1 + below(&mut self.rng, self.faults.delay_ms_max.max(1));
                self.queue.push(self.now.plus_millis(delay), arrival(frame.clone(), link));
            }
        }
    }

    fn client_acts(&mut self) {
        let requests = self.client.ask(&self.fixture, &mut self.oracle, self.now, &mut self.rng);
        let officers = self.officers_ask();
        let officers = officers.into_iter().map(|request| (self.client.call(None), request));
        for (call, request) in requests.into_iter().chain(officers.collect::<Vec<_>>()) {
            self.tell_coordinator(CoordinatorInput::Client { call, request });
        }
        // What lasts longer than the faults waits for back-offs: there is less to see.
        let hurry = self.now.since(START) < CALM_FROM_MS;
        let pause = if hurry { 20 + below(&mut self.rng, 60) } else { 1_000 };
        self.queue.push(self.now.plus_millis(pause), Event::Client);
    }
}

fn arrival(frame: Frame, link: u64) -> Event {
    match frame {
        Frame::Question(node, call, question) => Event::Down { node, link, call, question },
        Frame::Answer(node, call, answer) => Event::Up { node, link, call, answer },
    }
}
