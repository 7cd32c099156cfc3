//! A cluster without faults, one message after the other: the real engines of nodes and coordinator,
//! each node with a random stream of its own. Everything that happens is kept, and shown at trace
//! level as the most talkative driver would show it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use quorate_backup::Draft;
use quorate_coordinator::{
    Action as CoordinatorAction, ClientCall, ClientError, ClientReply, ClientRequest, Coordinator,
    Input as CoordinatorInput, OperationState, SignRequestView,
};
use quorate_model::{Epoch, KeyId, Moment, ParticipantId, Scheme, Timestamp};
use quorate_protocol::ecdsa::{Dkls23, EcdsaBackend};
use quorate_protocol::wire::{CallId, ToNode};
use quorate_protocol::{CertifiedKey, Engine as _, Output};
use quorate_signer::{Action as NodeAction, Input as NodeInput, LinkId, Node, Record};
use quorate_testkit::{ClusterFixture, Disk, Frame, seeded};
use quorate_trust::{SignedOrder, SignedRequest};
use rand_core::{CryptoRng, RngCore};
use tracing::trace;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const STEP_MS: u64 = 100;
/// Long enough for anything that is going to end.
const STEPS_MAX: usize = 600;
const LINK: LinkId = LinkId(1);

/// A random stream that remembers what was drawn from it.
pub(crate) struct Recorded {
    inner: Box<dyn RngCore>,
    pub(crate) draws: Vec<Vec<u8>>,
}

impl RngCore for Recorded {
    fn next_u32(&mut self) -> u32 {
        self.inner.next_u32()
    }
    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.inner.fill_bytes(out);
        self.draws.push(out.to_vec());
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Recorded {}

pub(crate) struct LockstepNode {
    engine: Node,
    pub(crate) rng: Recorded,
    /// What was made durable, batch by batch.
    pub(crate) batches: Vec<Vec<Record>>,
}

pub(crate) struct Lockstep {
    pub(crate) fixture: ClusterFixture,
    pub(crate) now: Timestamp,
    pub(crate) nodes: BTreeMap<ParticipantId, LockstepNode>,
    pub(crate) coordinator_batches: Vec<Vec<quorate_coordinator::Record>>,
    pub(crate) frames: Vec<Frame>,
    coordinator: Coordinator,
    coordinator_rng: Recorded,
    inputs: VecDeque<CoordinatorInput>,
    replies: BTreeMap<ClientCall, Result<ClientReply, ClientError>>,
    /// What signs with ECDSA keys at all nodes.
    ecdsa: Arc<dyn EcdsaBackend>,
    /// What happens to a question on its way, where it is not simply asked; it may be changed, too.
    pub(crate) fault: Option<OnItsWay>,
}

/// Sees a question to a node, and may change it.
type OnItsWay = Box<dyn FnMut(ParticipantId, &mut ToNode) -> Option<Fault>>;

/// What becomes of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is never asked.
    Withheld,
    /// The node is killed before it hears of it, and starts again.
    KilledBefore,
    /// The node is killed when what it writes is on the disk, and nobody has its answer.
    KilledAfter,
}

/// Every clock is right.
fn moment(now: Timestamp) -> Moment {
    Moment { time: now, uptime_ms: now.since(START) }
}

fn recorded(seed: u64) -> Recorded {
    Recorded { inner: Box::new(seeded(seed)), draws: Vec::new() }
}

impl Lockstep {
    pub(crate) fn new(seed: u64, nodes: u16) -> Self {
        Self::of(ClusterFixture::new(nodes, &mut seeded(seed)), seed)
    }

    /// A cluster of all nodes that the root names.
    pub(crate) fn of(fixture: ClusterFixture, seed: u64) -> Self {
        Self::with_ecdsa(fixture, seed, Arc::new(Dkls23))
    }

    /// As [`Lockstep::of`], with another backend for ECDSA keys.
    pub(crate) fn with_ecdsa(
        fixture: ClusterFixture,
        seed: u64,
        ecdsa: Arc<dyn EcdsaBackend>,
    ) -> Self {
        let start = |id: &ParticipantId| {
            let mut config = fixture.node_config(*id, ClusterFixture::bundle());
            config.ecdsa = Arc::clone(&ecdsa);
            trace!(?config, "node starts");
            let now = moment(START);
            let (engine, records) = Node::start(config, Vec::new(), now).expect("a new node");
            let rng = recorded((seed << 16) | u64::from(id.get()));
            (*id, LockstepNode { engine, rng, batches: vec![records] })
        };
        let nodes = fixture.root.nodes.keys().map(start).collect();
        let limits = quorate_coordinator::Limits::default();
        let coordinator = Coordinator::start(fixture.root.clone(), limits, Vec::new(), START);
        let inputs = fixture.root.nodes.keys().copied().map(CoordinatorInput::Attached).collect();
        Self {
            now: START,
            nodes,
            coordinator_batches: Vec::new(),
            frames: Vec::new(),
            coordinator: coordinator.expect("a new coordinator"),
            coordinator_rng: recorded(seed << 16),
            inputs,
            replies: BTreeMap::new(),
            ecdsa,
            fault: None,
            fixture,
        }
    }

    /// Makes a key that all nodes hold, by distributed key generation.
    pub(crate) fn generate_key(
        &mut self,
        key: &KeyId,
        scheme: Scheme,
        signers: u16,
    ) -> CertifiedKey {
        let order = self.fixture.order(key, scheme, signers, self.now);
        self.carry_out(key, &order).expect("a key")
    }

    /// Makes a key, or a new sharing of one; or says why not.
    pub(crate) fn carry_out(
        &mut self,
        key: &KeyId,
        order: &SignedOrder,
    ) -> Result<CertifiedKey, String> {
        let mut waits = String::new();
        for _ in 0..STEPS_MAX {
            let reply = self.call(ClientRequest::BeginCeremony(order.clone()));
            let view = match reply {
                Ok(ClientReply::Operation(view)) => view,
                Ok(other) => panic!("{other:?}"),
                Err(error) => return Err(error.message),
            };
            match view.record.state {
                OperationState::Running(detail) => {
                    waits = detail;
                    self.step();
                }
                OperationState::Done => {
                    let reply = self.call(ClientRequest::GetKey(key.clone()));
                    let Ok(ClientReply::Key(view)) = reply else { panic!("{reply:?}") };
                    assert!(view.record.active);
                    return Ok(view.record.certificate.certified);
                }
                OperationState::Failed(why) => return Err(why),
            }
        }
        Err(waits)
    }

    /// The epoch for an order for a key's next sharing.
    pub(crate) fn next_epoch(&mut self, key: &KeyId) -> Epoch {
        let reply = self.call(ClientRequest::GetKey(key.clone()));
        let Ok(ClientReply::Key(view)) = reply else { panic!("{reply:?}") };
        view.next_epoch
    }

    /// Has a request signed, or denied.
    pub(crate) fn sign(&mut self, request: &SignedRequest) -> SignRequestView {
        let create = ClientRequest::CreateSignRequest {
            request: request.clone(),
            verdicts: vec![],
            validate_only: false,
        };
        let mut reply = self.call(create);
        for _ in 0..STEPS_MAX {
            match reply {
                Ok(ClientReply::SignRequest(view)) if view.record.state.is_final() => return *view,
                Ok(ClientReply::SignRequest(_)) => self.step(),
                other => panic!("{other:?}"),
            }
            reply = self.call(ClientRequest::GetSignRequest(request.request.request_key()));
        }
        panic!("the request has not ended in time");
    }

    pub(crate) fn call(&mut self, request: ClientRequest) -> Result<ClientReply, ClientError> {
        let call = ClientCall(self.replies.len() as u64 + 1);
        self.inputs.push_back(CoordinatorInput::Client { call, request });
        self.settle();
        self.replies.get(&call).expect("a call is answered at once").clone()
    }

    fn step(&mut self) {
        self.now = self.now.plus_millis(STEP_MS);
        self.inputs.push_back(CoordinatorInput::Tick);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(input) = self.inputs.pop_front() {
            trace!(?input, "to the coordinator");
            let outputs =
                self.coordinator.handle(input, moment(self.now), &mut self.coordinator_rng);
            for output in outputs {
                trace!(?output, "from the coordinator");
                match output {
                    Output::Persist(batch) => self.coordinator_batches.push(batch),
                    Output::Act(CoordinatorAction::Ask { node, call, mut question })
                    | Output::Now(CoordinatorAction::Ask { node, call, mut question }) => {
                        self.frames.push(Frame::Question(node, call, question.clone()));
                        let fault =
                            self.fault.as_mut().and_then(|fault| fault(node, &mut question));
                        let input = NodeInput::Question { link: LINK, call, question };
                        match fault {
                            None => self.ask(node, input),
                            Some(Fault::Withheld) => {}
                            Some(Fault::KilledBefore) => self.kill(node),
                            Some(Fault::KilledAfter) => {
                                let waiting = self.inputs.len();
                                self.ask(node, input);
                                self.inputs.truncate(waiting);
                                self.kill(node);
                            }
                        }
                    }
                    Output::Act(CoordinatorAction::Reply { call, reply }) => {
                        self.replies.insert(call, reply);
                    }
                    Output::Act(
                        CoordinatorAction::Changed(_) | CoordinatorAction::RootBegun(_),
                    ) => {}
                    Output::Now(said) => panic!("said before it is durable: {said:?}"),
                }
            }
        }
    }

    /// Kills the coordinator, which starts again from its disk.
    pub(crate) fn kill_coordinator(&mut self) {
        let mut disk = Disk::default();
        self.coordinator_batches.iter().for_each(|batch| disk.apply(batch));
        let limits = quorate_coordinator::Limits::default();
        let root = self.fixture.root.clone();
        let started = Coordinator::start(root, limits, disk.records(), self.now);
        self.coordinator = started.expect("it starts from what it wrote");
        self.inputs.extend(self.nodes.keys().copied().map(CoordinatorInput::Attached));
        self.settle();
    }

    /// Has a node give away what a backup of it seals.
    pub(crate) fn back_up(&mut self, id: ParticipantId) -> Draft {
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        let input = NodeInput::CreateBackup { call: CallId(0) };
        let mut given = None;
        for output in node.engine.handle(input, moment(self.now), &mut node.rng) {
            match output {
                Output::Persist(batch) => node.batches.push(batch),
                Output::Act(NodeAction::Backup { draft, .. }) => given = Some(draft),
                Output::Act(said) | Output::Now(said) => panic!("that is no backup: {said:?}"),
            }
        }
        *given.expect("every administrator has an answer").expect("a node with officers and keys")
    }

    /// Nodes are gone with their disks, all at once, and start with these records.
    pub(crate) fn begin_with(&mut self, records: BTreeMap<ParticipantId, Vec<Record>>) {
        for (id, records) in records {
            self.nodes.get_mut(&id).expect("a node of the cluster").batches = vec![records];
            self.kill(id);
        }
        self.settle();
    }

    /// Whether the coordinator reaches a node.
    pub(crate) fn attach(&mut self, id: ParticipantId, attached: bool) {
        self.inputs.push_back(if attached {
            CoordinatorInput::Attached(id)
        } else {
            CoordinatorInput::Detached(id)
        });
        self.settle();
    }

    /// Has every node that is attached carry out an order.
    pub(crate) fn submit(&mut self, order: &SignedOrder) {
        let reply = self.call(ClientRequest::SubmitOrder(order.clone()));
        assert!(matches!(reply, Ok(ClientReply::Order(_))), "{reply:?}");
        self.wait(1_000);
    }

    /// So much time passes, in milliseconds.
    pub(crate) fn wait(&mut self, ms: u64) {
        for _ in 0..ms / STEP_MS {
            self.step();
        }
    }

    /// What is to become of a request within this time, in milliseconds.
    pub(crate) fn ask_to_sign(&mut self, request: &SignedRequest, ms: u64) -> SignRequestView {
        let create = ClientRequest::CreateSignRequest {
            request: request.clone(),
            verdicts: vec![],
            validate_only: false,
        };
        let asked = self.call(create);
        assert!(matches!(asked, Ok(ClientReply::SignRequest(_))), "{asked:?}");
        self.wait(ms);
        let get = ClientRequest::GetSignRequest(request.request.request_key());
        match self.call(get) {
            Ok(ClientReply::SignRequest(view)) => *view,
            other => panic!("{other:?}"),
        }
    }

    /// Kills a node, which starts again from its disk.
    fn kill(&mut self, id: ParticipantId) {
        let mut disk = Disk::default();
        self.nodes[&id].batches.iter().for_each(|batch| disk.apply(batch));
        let mut config = self.fixture.node_config(id, ClusterFixture::bundle());
        config.ecdsa = Arc::clone(&self.ecdsa);
        let started = Node::start(config, disk.records(), moment(self.now));
        let (engine, records) = started.expect("it starts from what it wrote");
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        node.engine = engine;
        node.batches.push(records);
        self.inputs.push_back(CoordinatorInput::Detached(id));
        self.inputs.push_back(CoordinatorInput::Attached(id));
    }

    fn ask(&mut self, id: ParticipantId, input: NodeInput) {
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        trace!(%id, ?input, "to a node");
        let mut work_done = Vec::new();
        for output in node.engine.handle(input, moment(self.now), &mut node.rng) {
            trace!(%id, ?output, "from a node");
            match output {
                Output::Persist(batch) => node.batches.push(batch),
                Output::Act(NodeAction::Answer { call, answer, .. }) => {
                    self.frames.push(Frame::Answer(id, call, answer.clone()));
                    self.inputs.push_back(CoordinatorInput::Answer { node: id, call, answer });
                }
                Output::Act(
                    NodeAction::Checkpoint { .. }
                    | NodeAction::Backup { .. }
                    | NodeAction::Noted { .. },
                ) => {
                    panic!("nobody administers a node")
                }
                Output::Now(NodeAction::Work(work)) => {
                    work_done.push(NodeInput::WorkDone(work.run()))
                }
                Output::Act(said @ NodeAction::Work(_)) => {
                    panic!("work waits for nothing: {said:?}")
                }
                Output::Now(said) => panic!("a node waits for its disk: {said:?}"),
            }
        }
        work_done.into_iter().for_each(|input| self.ask(id, input));
    }
}
