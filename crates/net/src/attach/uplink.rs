//! The node's end: keeps attaching to one coordinator.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use quorate_protocol::wire::{CallId, FromNode, ToNode};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::{Instrument as _, info, info_span, warn};

use super::backoff::Backoff;
use super::uplink_session::{Session, Shared};
use crate::client::{ConnectError, ExpectedServer, dial};
use crate::tls::{TlsError, TlsMaterial};

/// How long one attempt to attach may take, from the first packet to both streams.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);

/// One coordinator of a node.
#[derive(Debug, Clone)]
pub struct UplinkConfig {
    /// Where it is: `host:port`.
    pub address: String,
    /// Who must be there.
    pub expect: ExpectedServer,
    /// Who the node is.
    pub tls: Arc<TlsMaterial>,
    /// Tells this link from the node's others in events.
    pub link: usize,
    /// The version of the node's software, at most 64 bytes.
    pub version: String,
}

/// What happens to a link. Events of one link are in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are questions")]
pub enum UplinkEvent {
    /// Both streams are open.
    Attached {
        /// Which link.
        link: usize,
    },
    /// The link is down: after `Attached`, or after an attempt to attach that failed. It is tried
    /// again. Questions that were not answered need no answer any more.
    Detached {
        /// Which link.
        link: usize,
        /// Why, for people.
        reason: String,
    },
    /// The coordinator asks.
    Question {
        /// Which link.
        link: usize,
        /// For the answer. Never used twice by this link, whatever the coordinator calls it.
        call: CallId,
        /// The question. Nothing in it is trusted but what the node verifies.
        question: ToNode,
    },
}

/// Why an answer was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The link is down, so nobody waits for an answer.
    #[error("the coordinator is not attached")]
    Detached,
    /// No such question waits for an answer: it was answered, or asked before the link was lost.
    #[error("no question {} waits for an answer", .0.0)]
    NotAsked(CallId),
    /// The coordinator does not keep up: the link was taken down.
    #[error("the coordinator does not keep up with the answers, and was detached")]
    QueueFull,
    /// The answer does not fit in a frame. The question still waits: answer it with a refusal.
    #[error("an answer of {bytes} bytes does not fit in a frame")]
    FrameTooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// Answers over one link.
#[derive(Clone)]
pub struct UplinkHandle(Arc<Shared>);

impl UplinkHandle {
    /// Queues the answer to a question, without waiting.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn send(&self, call: CallId, answer: FromNode) -> Result<(), AnswerError> {
        self.0.send(call, answer)
    }
}

/// A link to one coordinator.
pub struct Uplink {
    config: UplinkConfig,
    tls: Arc<ClientConfig>,
    expect: Arc<ExpectedServer>,
    events: mpsc::Sender<UplinkEvent>,
    shared: Arc<Shared>,
}

impl Uplink {
    /// Attaches, and attaches again whenever the link is lost, until `shutdown` or until nobody
    /// receives events; the last loss has no event. Events wait for room in `events`, and the
    /// coordinator's questions with them.
    ///
    /// # Errors
    /// [`TlsError`] when the node's material does not make a client.
    pub fn spawn(
        config: UplinkConfig,
        events: mpsc::Sender<UplinkEvent>,
        shutdown: CancellationToken,
    ) -> Result<UplinkHandle, TlsError> {
        let tls = Arc::new(config.tls.client_config()?);
        let expect = Arc::new(config.expect.clone());
        let shared = Arc::new(Shared::new());
        let handle = UplinkHandle(Arc::clone(&shared));
        let span = info_span!("uplink", link = config.link, address = config.address);
        let uplink = Self { config, tls, expect, events, shared };
        let run = async move {
            // The streams close as they are dropped.
            shutdown.run_until_cancelled(uplink.run()).await;
            uplink.shared.detach();
        };
        tokio::spawn(run.instrument(span));
        Ok(handle)
    }

    async fn run(&self) {
        let mut backoff = Backoff::new();
        loop {
            let (reason, attached_for) = match self.attach().await {
                Ok(session) => {
                    let since = Instant::now();
                    info!("attached");
                    let reason = self.serve(session).await;
                    (reason, since.elapsed())
                }
                Err(error) => (chain(&error), Duration::ZERO),
            };
            warn!(reason, "detached");
            let event = UplinkEvent::Detached { link: self.config.link, reason };
            if self.events.send(event).await.is_err() {
                return;
            }
            sleep(backoff.pause(attached_for)).await;
        }
    }

    async fn attach(&self) -> Result<Session, AttachError> {
        let attach = async {
            let channel =
                dial(&self.config.address, Arc::clone(&self.tls), Arc::clone(&self.expect)).await?;
            Ok(Session::open(channel, &self.config.version).await?)
        };
        timeout(ATTACH_TIMEOUT, attach).await.map_err(|_| AttachError::Timeout)?
    }

    async fn serve(&self, session: Session) -> String {
        let link = self.config.link;
        let reading = self.shared.attach(session);
        let reason = if self.events.send(UplinkEvent::Attached { link }).await.is_ok() {
            reading.read(link, &self.events, &self.shared).await
        } else {
            "the node has stopped".to_owned()
        };
        self.shared.detach();
        reason
    }
}

#[derive(Debug, thiserror::Error)]
enum AttachError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the coordinator refused the streams")]
    Refused(#[from] Status),
    #[error("attaching took longer than 10 s")]
    Timeout,
}

/// The error and its sources, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
