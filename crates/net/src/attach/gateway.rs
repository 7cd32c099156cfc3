//! The coordinator's end: nodes attach here.

use std::sync::{Arc, PoisonError, RwLock};

use prost::Message as _;
use quorate_api::frame::{Hello, NodeFrame, StreamKind, to_node_is_bulk};
use quorate_api::limits::FRAME_BYTES_MAX;
use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_gateway_server::{NodeGateway, NodeGatewayServer};
use quorate_model::ParticipantId;
use quorate_protocol::wire::{CallId, FromNode, ToNode};
use quorate_trust::TrustRoot;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::{debug, warn};

use super::HELLO_TIMEOUT;
use super::questions::Questions;
use super::registry::{Arrival, Registry};
use crate::peer::{Peer, PeerIdentity};
use crate::pki::Role;

/// What happens at the gateway. Events of one node are in order: `Attached`, its answers,
/// `Detached`, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are answers")]
pub enum GatewayEvent {
    /// Both streams of the node are open: it can be asked.
    Attached {
        /// Which node.
        node: ParticipantId,
    },
    /// The node cannot be asked any more, and what it has not answered it never will.
    Detached {
        /// Which node.
        node: ParticipantId,
    },
    /// The node answers. That the question was asked, and asked of this node, is the receiver's to
    /// check.
    Answer {
        /// Which node, by its TLS certificate and the trust root.
        node: ParticipantId,
        /// What it answers.
        call: CallId,
        /// The answer.
        answer: FromNode,
    },
}

/// Why a question was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The node is not attached.
    #[error("node {node} is not attached")]
    NotAttached {
        /// Which node.
        node: ParticipantId,
    },
    /// The node did not keep up, and was detached for it.
    #[error("node {node} does not keep up with its questions, and was detached")]
    QueueFull {
        /// Which node.
        node: ParticipantId,
    },
    /// The question does not fit in a frame. The node stays attached.
    #[error("a question of {bytes} bytes does not fit in a frame")]
    FrameTooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// Limits of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Questions that wait to be sent, for each stream of each node.
    pub queued_max: usize,
}

impl Default for GatewayLimits {
    /// 256 questions.
    fn default() -> Self {
        Self { queued_max: 256 }
    }
}

/// Makes a [`GatewayService`].
pub struct Gateway;

impl Gateway {
    /// A service for the server and a handle for the engine. Only nodes of `root` attach, each with
    /// the TLS key that the root names. Events wait for room in `events`, and the node's answers
    /// with them. `shutdown` ends every attachment: a server that shuts down gracefully would wait
    /// for them otherwise.
    #[must_use]
    pub fn open(
        root: Arc<TrustRoot>,
        events: mpsc::Sender<GatewayEvent>,
        limits: GatewayLimits,
        shutdown: CancellationToken,
    ) -> (NodeGatewayServer<GatewayService>, GatewayHandle) {
        let registry = Arc::new(Registry::new(events, limits, shutdown));
        let root = Arc::new(RwLock::new(root));
        let service = GatewayService { root: Arc::clone(&root), registry: Arc::clone(&registry) };
        let server = NodeGatewayServer::new(service)
            .max_decoding_message_size(FRAME_BYTES_MAX)
            .max_encoding_message_size(FRAME_BYTES_MAX);
        (server, GatewayHandle { registry, root })
    }
}

/// Asks nodes.
#[derive(Clone)]
pub struct GatewayHandle {
    registry: Arc<Registry>,
    root: Root,
}

/// The version of the trust root in force.
type Root = Arc<RwLock<Arc<TrustRoot>>>;

impl GatewayHandle {
    /// Queues a question, without waiting. That it was queued does not mean that it arrives: if it
    /// does not, a [`GatewayEvent::Detached`] follows.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub fn send(
        &self,
        node: ParticipantId,
        call: CallId,
        question: ToNode,
    ) -> Result<(), Unreachable> {
        let bulk = to_node_is_bulk(&question);
        let frame = pb::CoordinatorFrame::from((call, question));
        let bytes = frame.encoded_len();
        if bytes > FRAME_BYTES_MAX {
            return Err(Unreachable::FrameTooLong { bytes });
        }
        let kind = if bulk { StreamKind::Bulk } else { StreamKind::Control };
        self.registry.send(node, kind, frame)
    }

    /// Has the nodes of another version of the trust root attach from now on. Who is attached stays.
    pub fn follow(&self, root: TrustRoot) {
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(root);
    }

    /// The nodes that can be asked now, ascending.
    #[must_use]
    pub fn attached(&self) -> Vec<ParticipantId> {
        self.registry.attached_nodes()
    }
}

/// The gRPC service `quorate.node.v1.NodeGateway`, behind a [`Listener`](crate::Listener).
pub struct GatewayService {
    root: Root,
    registry: Arc<Registry>,
}

impl GatewayService {
    /// Which node the peer is: its certificate says so, and has the key that the root names.
    fn authenticate(&self, peer: &PeerIdentity) -> Result<ParticipantId, Status> {
        let node = match &peer.role {
            Role::Node(node) => *node,
            Role::Coordinator(_) | Role::Service(_) | Role::Person(_) => {
                return Err(Status::permission_denied("only nodes attach"));
            }
        };
        let root = Arc::clone(&self.root.read().unwrap_or_else(PoisonError::into_inner));
        let entry = root.nodes.get(&node).ok_or_else(|| {
            Status::permission_denied(format!("the trust root has no node {node}"))
        })?;
        if entry.tls == peer.spki {
            Ok(node)
        } else {
            Err(Status::permission_denied(format!(
                "the trust root names another TLS key for node {node}"
            )))
        }
    }
}

#[tonic::async_trait]
impl NodeGateway for GatewayService {
    type AttachStream = Questions;

    async fn attach(
        &self,
        request: Request<Streaming<pb::NodeFrame>>,
    ) -> Result<Response<Questions>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let peer = peer.ok_or_else(|| Status::unauthenticated("the connection is not TLS"))?;
        let node = self.authenticate(peer.identity()).inspect_err(|status| {
            let (role, reason) = (&peer.identity().role, status.message());
            warn!(%role, address = %peer.address(), reason, "refused to attach");
        })?;
        let mut frames = request.into_inner();
        let hello = timeout(HELLO_TIMEOUT, hello(&mut frames))
            .await
            .map_err(|_| Status::deadline_exceeded("no hello came"))??;
        debug!(%node, stream = ?hello.stream, version = hello.version, "stream opened");
        let arrival = Arrival { kind: hello.stream, frames };
        self.registry.join(node, peer.connection(), arrival).map(Response::new)
    }
}

async fn hello(frames: &mut Streaming<pb::NodeFrame>) -> Result<Hello, Status> {
    let missing = || Status::invalid_argument("the first frame must be a hello");
    let frame = frames.message().await?.ok_or_else(missing)?;
    match NodeFrame::try_from(frame) {
        Ok(NodeFrame::Hello(hello)) => Ok(hello),
        Ok(NodeFrame::Answer(..)) => Err(missing()),
        Err(error) => Err(Status::invalid_argument(error.to_string())),
    }
}
