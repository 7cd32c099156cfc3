//! A signer node: its admin socket, and while it is not sealed engine, store and uplinks.

mod admin;
mod backup;
mod export;
mod life;
mod live;
mod observe;
mod running;
mod workers;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quorate_net::UdsListener;
use quorate_protocol::ecdsa::EcdsaBackend;
use quorate_store::Passphrase;
use quorate_telemetry::Metrics;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::admin::Admin;
use self::life::{Life, LifeCall};
use self::running::Running;
use crate::config::NodeFile;
use crate::{DaemonError, files};

/// What administrators want of the node as a whole, and waits its turn.
const LIFE_CALLS_MAX: usize = 4;

/// Runs a signer node until `shutdown`. `ecdsa` does the work of ECDSA keys.
///
/// Where the configuration says that a person gives its passphrase, it starts sealed.
///
/// # Errors
/// [`DaemonError`], where the node must not start, or where its store failed: it stops then, and
/// resumes when it is started again.
pub async fn run_node(
    config: &Path,
    ecdsa: Arc<dyn EcdsaBackend>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), DaemonError> {
    let file = NodeFile::load(config)?;
    let base = files::base(config);
    let metrics = Metrics::install(file.metrics.address)?;
    let opener = Opener { config: config.to_owned(), ecdsa };
    let running = if file.store.is_manual() { None } else { Some(opener.open(None).await?) };
    let socket = UdsListener::bind(&base.join(&file.admin.socket))?;
    let stop = CancellationToken::new();
    let (calls, received) = mpsc::channel::<LifeCall>(LIFE_CALLS_MAX);
    let life = Life::new(opener, running);
    let admin = Admin { live: life.live(), metrics, life: calls };
    let admin = tokio::spawn(admin.serve(socket, stop.clone()));
    let ended = life.run(received, shutdown).await;
    stop.cancel();
    // An open call does not keep the process.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), admin).await;
    ended?;
    info!("stopped");
    Ok(())
}

/// Starts the node from what its configuration file says then.
struct Opener {
    config: PathBuf,
    ecdsa: Arc<dyn EcdsaBackend>,
}

impl Opener {
    /// Opens the store, with what a person gave for it, and takes up the work in it.
    async fn open(&self, given: Option<Passphrase>) -> Result<Running, DaemonError> {
        Running::start(&self.config, given, Arc::clone(&self.ecdsa)).await
    }

    /// The configuration, as it is now.
    fn file(&self) -> Result<NodeFile, DaemonError> {
        NodeFile::load(&self.config)
    }
}
