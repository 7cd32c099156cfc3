//! A node that is not sealed: engine, store and uplinks.

use std::path::Path;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use quorate_model::ParticipantId;
use quorate_net::ExpectedServer;
use quorate_net::attach::{Uplink, UplinkConfig, UplinkEvent, UplinkHandle};
use quorate_policy::Bundle;
use quorate_protocol::ecdsa::EcdsaBackend;
use quorate_protocol::wire::{CallId, FromNode, Refusal, RefusalCode, ToNode};
use quorate_signer::{Action, Identity, Input, LinkId, Node, NodeConfig};
use quorate_store::{Passphrase, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::backup::Backups;
use super::export::Exports;
use super::live::{AdminCalls, AttachedTo, Live};
use super::observe::observe;
use super::workers::Workers;
use crate::config::{CoordinatorAddress, NodeFile, pinned};
use crate::driver::{Adapter, Driver};
use crate::files::{self, content, read};
use crate::storage::{Room, Storage, Whose, node_role};
use crate::{DaemonError, VERSION, clock};

/// Questions that wait to be handed to the engine, at most.
const EVENTS_MAX: usize = 1_024;
/// How long whoever reads from the store may take to let go of it.
const RELEASE_MAX: Duration = Duration::from_secs(10);
const RELEASE_POLL: Duration = Duration::from_millis(5);

/// A node that runs.
pub(super) struct Running {
    live: Live,
    driver: Driver<Node>,
    workers: Workers,
    pump: JoinHandle<Option<()>>,
    stop: CancellationToken,
    store: Weak<Store>,
    coordinators: Vec<CoordinatorAddress>,
}

impl Running {
    /// Opens the store, with what a person gave for it, and takes up the work in it.
    pub(super) async fn start(
        config: &Path,
        given: Option<Passphrase>,
        ecdsa: Arc<dyn EcdsaBackend>,
    ) -> Result<Self, DaemonError> {
        let file = NodeFile::load(config)?;
        let base = files::base(config);
        let (node, started, storage) = open(&file, &base, given, ecdsa).await?;
        let stop = CancellationToken::new();
        // Where it does not come to run, no uplink is left behind.
        let unfinished = stop.clone().drop_guard();
        let attached_to = AttachedTo::default();
        let (events, received) = mpsc::channel(EVENTS_MAX);
        let links = uplinks(&file, &base, events, &stop)?;
        let adapter = NodeAdapter { links: links.clone() };
        let calls = AdminCalls::default();
        let (dispatch_calls, room) = (calls.clone(), storage.room.clone());
        let workers = Workers::new(&stop);
        let dispatch_work = workers.clone();
        let dispatch = Arc::new(move |action| match tell_of_room(action, &room) {
            Action::Work(work) => dispatch_work.take(work),
            Action::Answer { link, call, answer } if link != LinkId::ADMIN => {
                send(&links, link, call, answer);
            }
            action @ (Action::Answer { call, .. }
            | Action::Checkpoint { call, .. }
            | Action::Backup { call, .. }
            | Action::Noted { call }) => dispatch_calls.answer(call, action),
        });
        let store = Arc::downgrade(&storage.store);
        let exports = Exports::of(&storage.store, &stop);
        let driver = Driver::start(node, started, storage, adapter, dispatch, stop.clone())?;
        workers.tell(&driver.inputs);
        let inputs = driver.inputs.clone();
        let coordinators = file.coordinators.clone();
        let pump = pump(file.coordinators, received, inputs.clone(), Arc::clone(&attached_to));
        let pump = tokio::spawn(stop.clone().run_until_cancelled_owned(pump));
        let backups = Backups::new();
        let live = Live { inputs, attached_to, calls, exports, backups };
        unfinished.disarm();
        Ok(Self { live, driver, workers, pump, stop, store, coordinators })
    }

    pub(super) const fn live(&self) -> &Live {
        &self.live
    }

    /// Its store, while it is open.
    pub(super) fn store(&self) -> Option<Arc<Store>> {
        self.store.upgrade()
    }

    /// Has it stop as after a write of its store that failed.
    pub(super) fn fail(&self, error: &dyn std::error::Error) {
        self.driver.fail(error);
        self.stop.cancel();
    }

    /// Ends when the node stops by itself, because its store failed.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Ends everything, and lets go of the store and of every key. Nobody else may hold a [`Live`] of it.
    pub(super) async fn stop(self) -> Result<(), DaemonError> {
        let Self { live, driver, workers, pump, stop, store, coordinators } = self;
        stop.cancel();
        let _ = pump.await?;
        for coordinator in coordinators {
            metrics::gauge!("quorate_peer_up", "peer" => coordinator.address).set(0.0);
        }
        let joined = tokio::task::spawn_blocking(move || driver.join()).await?;
        workers.end().await;
        live.calls.end();
        drop(live);
        let deadline = Instant::now() + RELEASE_MAX;
        while store.strong_count() > 0 {
            if Instant::now() >= deadline {
                return Err(DaemonError::StillOpen);
            }
            sleep(RELEASE_POLL).await;
        }
        joined
    }
}

/// Opens the store and takes up the work in it, on a thread that may block.
async fn open(
    file: &NodeFile,
    base: &Path,
    given: Option<Passphrase>,
    ecdsa: Arc<dyn EcdsaBackend>,
) -> Result<(Node, Vec<quorate_signer::Record>, Storage), DaemonError> {
    let (file, base) = (file.clone(), base.to_owned());
    let start = move || {
        let at = |path: &Path| base.join(path);
        let cluster = pinned(&file.cluster).map_err(|reason| content(&file.root, reason))?;
        let root = files::root(&at(&file.root), &cluster)?;
        let participant = ParticipantId::new(file.participant)
            .map_err(|error| content(&file.identity_key, error))?;
        let key = files::signing_key(&at(&file.identity_key))?;
        let policy = Bundle::parse(&read(&at(&file.policy))?)
            .map_err(|error| content(&at(&file.policy), error))?;
        let role = node_role(participant);
        let whose = Whose { cluster: &cluster, role: &role };
        let (storage, records) = Storage::open(&file.store, &base, &whose, given)?;
        let config = NodeConfig {
            identity: Identity { participant, key },
            root,
            policy,
            limits: file.limits.apply(),
            version: VERSION.to_owned(),
            boot: clock::boot(),
            erasure: storage.store.erasure(),
            ecdsa,
        };
        let (node, started) = Node::start(config, records, clock::moment())?;
        info!(%participant, cluster = %cluster, "node starts");
        Ok((node, started, storage))
    };
    tokio::task::spawn_blocking(start).await?
}

fn uplinks(
    file: &NodeFile,
    base: &Path,
    events: mpsc::Sender<UplinkEvent>,
    stop: &CancellationToken,
) -> Result<Vec<UplinkHandle>, DaemonError> {
    let tls = Arc::new(files::tls(&file.tls, base)?);
    let spawn = |(link, coordinator): (usize, &CoordinatorAddress)| {
        let refused = |reason: &str| content(base, reason);
        let (host, address) = coordinator.host_and_port().map_err(refused)?;
        let expect = ExpectedServer::at(host).map_err(|error| refused(&error.to_string()))?;
        let config = UplinkConfig {
            address: address.to_owned(),
            expect,
            tls: Arc::clone(&tls),
            link,
            version: VERSION.to_owned(),
        };
        Ok(Uplink::spawn(config, events.clone(), stop.clone())?)
    };
    file.coordinators.iter().enumerate().map(spawn).collect()
}

/// Hands what coordinators ask to the engine.
async fn pump(
    coordinators: Vec<CoordinatorAddress>,
    mut events: mpsc::Receiver<UplinkEvent>,
    inputs: mpsc::Sender<Input>,
    attached_to: AttachedTo,
) {
    let address = |link: usize| coordinators.get(link).map_or("", |c| c.address.as_str());
    let set = |link: usize, up: bool| {
        let mut attached = attached_to.lock().unwrap_or_else(PoisonError::into_inner);
        if up {
            attached.insert(link, address(link).to_owned());
        } else {
            attached.remove(&link);
        }
        let peer = address(link).to_owned();
        metrics::gauge!("quorate_peer_up", "peer" => peer).set(if up { 1.0 } else { 0.0 });
    };
    while let Some(event) = events.recv().await {
        match event {
            UplinkEvent::Attached { link } => {
                info!(coordinator = address(link), "attached");
                set(link, true);
            }
            UplinkEvent::Detached { link, reason } => {
                warn!(coordinator = address(link), reason, "not attached");
                set(link, false);
            }
            UplinkEvent::Question { link, call, question } => {
                let link = LinkId(link as u64);
                if inputs.send(Input::Question { link, call, question }).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Adds to a node's account of itself what its engine cannot know: that its disk runs low, and so new
/// work is refused.
fn tell_of_room(mut action: Action, room: &Room) -> Action {
    if let Action::Answer { answer: FromNode::Status(status), .. } = &mut action
        && !room.is_left()
    {
        status.ready = false;
        status.reasons.push(Room::NONE.to_owned());
    }
    action
}

fn send(links: &[UplinkHandle], link: LinkId, call: CallId, answer: FromNode) {
    let uplink = usize::try_from(link.0).ok().and_then(|index| links.get(index));
    if let Some(Err(error)) = uplink.map(|uplink| uplink.send(call, answer)) {
        // A lost link has lost its questions too: the coordinator asks again, or another node.
        warn!(%error, "an answer was not sent");
    }
}

struct NodeAdapter {
    links: Vec<UplinkHandle>,
}

impl Adapter<Node> for NodeAdapter {
    fn tick(&self) -> Input {
        Input::Tick
    }

    fn observe(&self, outputs: &[quorate_protocol::Output<quorate_signer::Record, Action>]) {
        observe(outputs);
    }

    fn refuse(&self, input: Input) -> Option<Input> {
        match input {
            Input::Question {
                link,
                call,
                question:
                    ToNode::Reserve { .. } | ToNode::GenerateKey { .. } | ToNode::ReshareKey { .. },
            } => {
                let reason = Room::NONE.to_owned();
                let refusal = Refusal { code: RefusalCode::Busy, reason };
                send(&self.links, link, call, FromNode::Refused(refusal));
                None
            }
            input @ (Input::Question { .. }
            | Input::ReadAudit { .. }
            | Input::CreateBackup { .. }
            | Input::Administer { .. }
            | Input::WorkDone(_)
            | Input::Tick) => Some(input),
        }
    }
}
