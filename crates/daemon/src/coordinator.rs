//! A coordinator: engine, store, gateway and the custody API.

mod approvals;
mod fleet;
mod health;
mod keys;
mod observe;
mod orders;
mod peer;
mod port;
mod signing;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quorate_api::pb::custody::v1::approval_service_server::ApprovalServiceServer;
use quorate_api::pb::custody::v1::fleet_service_server::FleetServiceServer;
use quorate_api::pb::custody::v1::key_service_server::KeyServiceServer;
use quorate_api::pb::custody::v1::order_service_server::OrderServiceServer;
use quorate_api::pb::custody::v1::signing_service_server::SigningServiceServer;
use quorate_coordinator::{Action, Coordinator, Input, Record};
use quorate_net::attach::{Gateway, GatewayEvent, GatewayHandle, GatewayLimits};
use quorate_net::{Listener, ListenerLimits};
use quorate_protocol::Output;
use quorate_telemetry::Metrics;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::approvals::Approvals;
use self::fleet::Fleet;
use self::keys::Keys;
use self::observe::observe;
use self::orders::Orders;
use self::port::Port;
use self::signing::Signing;
use crate::config::{CoordinatorFile, pinned};
use crate::driver::{Adapter, Driver};
use crate::files::{self, content};
use crate::storage::{Storage, Whose};
use crate::{DaemonError, clock};

/// What nodes say that waits to be handed to the engine, at most.
const EVENTS_MAX: usize = 1_024;
/// Questions that wait to be sent to one node, at most: more than all sessions and simulations ask.
const QUESTIONS_MAX: usize = 1_024;
/// How long open calls may hold up the end of the process.
const SHUTDOWN_MAX: std::time::Duration = std::time::Duration::from_secs(5);
/// The largest message of a client: a payload or a document of 256 KiB and what is around it.
const CLIENT_MESSAGE_BYTES_MAX: usize = 512 * 1024;

/// Runs a coordinator until `shutdown`. Once it accepts connections, `ready_file` holds its address.
///
/// # Errors
/// [`DaemonError`], where the coordinator must not start, or where its store failed: it stops then,
/// and resumes when it is started again.
pub async fn run_coordinator(
    config: &Path,
    ready_file: Option<PathBuf>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), DaemonError> {
    let file = CoordinatorFile::load(config)?;
    let base = files::base(config);
    let _metrics = Metrics::install(file.metrics.address)?;
    metrics::gauge!("quorate_build_info", "version" => crate::VERSION).set(1.0);
    let (coordinator, storage) = start(&file, &base).await?;
    let tls = files::tls(&file.tls, &base)?;
    let listener = Listener::bind(file.listen, &tls, ListenerLimits::default()).await?;
    let address = listener.local_address();
    let stop = CancellationToken::new();
    let (events, received) = mpsc::channel(EVENTS_MAX);
    let root = Arc::new(coordinator.root().clone());
    let gateway_limits = GatewayLimits { queued_max: QUESTIONS_MAX };
    let (gateway_service, gateway) = Gateway::open(root, events, gateway_limits, stop.clone());
    let port = Port::new(stop.clone());
    let dispatch = dispatch(gateway, port.clone());
    let adapter = CoordinatorAdapter { port: port.clone() };
    let driver = Driver::start(coordinator, Vec::new(), storage, adapter, dispatch, stop.clone())?;
    port.connect(driver.inputs.clone());
    let pump =
        tokio::spawn(stop.clone().run_until_cancelled_owned(pump(received, driver.inputs.clone())));
    let health = health::serve(port.clone(), stop.clone());
    let server = quorate_net::server()
        .add_service(gateway_service)
        .add_service(health)
        .add_service(KeyServiceServer::new(Keys { port: port.clone() }))
        .add_service(ApprovalServiceServer::new(Approvals { port: port.clone() }))
        .add_service(
            OrderServiceServer::new(Orders { port: port.clone() })
                .max_decoding_message_size(CLIENT_MESSAGE_BYTES_MAX),
        )
        .add_service(
            SigningServiceServer::new(Signing { port: port.clone() })
                .max_decoding_message_size(CLIENT_MESSAGE_BYTES_MAX),
        )
        .add_service(FleetServiceServer::new(Fleet { port }))
        .serve_with_incoming_shutdown(listener.incoming(), stop.clone().cancelled_owned());
    let server = tokio::spawn(server);
    if let Some(path) = ready_file {
        announce(&path, &address.to_string())?;
    }
    info!(%address, "coordinator accepts connections");
    tokio::select! {
        () = shutdown => info!("asked to stop"),
        () = stop.cancelled() => {}
    }
    stop.cancel();
    let _ = pump.await?;
    // A client that keeps its connection does not keep the process.
    let _ = tokio::time::timeout(SHUTDOWN_MAX, server).await;
    tokio::task::spawn_blocking(move || driver.join()).await??;
    info!("stopped");
    Ok(())
}

/// Opens the store and takes up the work in it, on a thread that may block.
async fn start(file: &CoordinatorFile, base: &Path) -> Result<(Coordinator, Storage), DaemonError> {
    let (file, base) = (file.clone(), base.to_owned());
    let start = move || {
        let cluster = pinned(&file.cluster).map_err(|reason| content(&file.root, reason))?;
        let root = files::root(&base.join(&file.root), &cluster)?;
        let whose = Whose { cluster: &cluster, role: "coordinator" };
        let (storage, records) = Storage::open(&file.store, &base, &whose, None)?;
        let limits = file.limits.apply();
        let coordinator = Coordinator::start(root, limits, records, clock::now())?;
        info!(cluster = %cluster, "coordinator starts");
        Ok((coordinator, storage))
    };
    tokio::task::spawn_blocking(start).await?
}

/// Writes the ready file whole or not at all.
fn announce(path: &Path, address: &str) -> Result<(), DaemonError> {
    let refused = |error: std::io::Error| content(path, error);
    let unfinished = path.with_extension("tmp");
    std::fs::write(&unfinished, address).map_err(refused)?;
    std::fs::rename(&unfinished, path).map_err(refused)
}

/// Hands what nodes say to the engine.
async fn pump(mut events: mpsc::Receiver<GatewayEvent>, inputs: mpsc::Sender<Input>) {
    while let Some(event) = events.recv().await {
        let input = match event {
            GatewayEvent::Attached { node } => {
                info!(%node, "node attached");
                metrics::gauge!("quorate_peer_up", "peer" => format!("node/{node}")).set(1.0);
                Input::Attached(node)
            }
            GatewayEvent::Detached { node } => {
                warn!(%node, "node detached");
                metrics::gauge!("quorate_peer_up", "peer" => format!("node/{node}")).set(0.0);
                Input::Detached(node)
            }
            GatewayEvent::Answer { node, call, answer } => Input::Answer { node, call, answer },
        };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}

fn dispatch(gateway: GatewayHandle, port: Port) -> Arc<dyn Fn(Action) + Send + Sync> {
    Arc::new(move |action| match action {
        Action::Ask { node, call, question } => {
            if let Err(error) = gateway.send(node, call, question) {
                // The engine hears that the node is gone, or its question runs out of time.
                warn!(%node, %error, "a question was not sent");
            }
        }
        Action::Reply { call, reply } => port.reply(call, reply),
        Action::Changed(request) => port.changed(request),
        Action::RootBegun(root) => {
            info!(version = root.version(), "a version of the trust root came into force");
            gateway.follow(*root);
        }
    })
}

struct CoordinatorAdapter {
    port: Port,
}

impl Adapter<Coordinator> for CoordinatorAdapter {
    fn tick(&self) -> Input {
        Input::Tick
    }

    fn observe(&self, outputs: &[Output<Record, Action>]) {
        observe(outputs);
    }

    fn refuse(&self, input: Input) -> Option<Input> {
        self.port.refuse_without_room(input)
    }
}
