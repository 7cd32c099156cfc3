//! A cluster's certificates and trust root, a coordinator that serves, and nodes that do as told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quorate_api::frame::{Hello, NodeFrame, StreamKind};
use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_gateway_client::NodeGatewayClient;
use quorate_model::{ParticipantId, Threshold, Timestamp};
use quorate_net::attach::{
    Gateway, GatewayEvent, GatewayHandle, GatewayLimits, Uplink, UplinkConfig, UplinkEvent,
    UplinkHandle,
};
use quorate_net::pki::{CertificateAuthority, Role, TlsKey, Validity};
use quorate_net::{ExpectedServer, Listener, ListenerLimits, TlsMaterial, connect, server};
use quorate_trust::{NodeEntry, SigningKey, TrustRoot};
use rand_core::OsRng;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
const LOOPBACK: &str = "127.0.0.1:0";

pub(crate) fn node(id: u16) -> ParticipantId {
    ParticipantId::new(id).unwrap()
}

pub(crate) fn role(uri: &str) -> Role {
    uri.parse().unwrap()
}

pub(crate) fn validity() -> Validity {
    Validity::new(Timestamp::ZERO, Timestamp::from_millis(4_000_000_000_000)).unwrap()
}

/// An authority, and a root that names the TLS keys of nodes 1 to 3.
pub(crate) struct Cluster {
    pub(crate) ca: CertificateAuthority,
    keys: BTreeMap<u16, TlsKey>,
    root: Arc<TrustRoot>,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let keys: BTreeMap<u16, TlsKey> =
            (1..=3).map(|id| (id, TlsKey::generate().unwrap())).collect();
        let entry = |key: &TlsKey| NodeEntry {
            identity: SigningKey::generate(&mut OsRng).public_key(),
            tls: key.spki(),
            operator: "acme".parse().unwrap(),
            region: "eu-1".parse().unwrap(),
            provider: "own".parse().unwrap(),
            recovery: None,
        };
        let root = TrustRoot {
            lineage: None,
            created: Timestamp::ZERO,
            policy: quorate_model::Digest::new([8; 32]),
            threshold_floor: Threshold::new(2).unwrap(),
            unfreeze_delay_s: 0,
            change_delay_s: 0,
            nodes: keys.iter().map(|(id, key)| (node(*id), entry(key))).collect(),
            services: BTreeMap::new(),
            persons: BTreeMap::new(),
            quorums: BTreeMap::new(),
        };
        let ca = CertificateAuthority::generate("quorate test", validity()).unwrap();
        Self { ca, keys, root: Arc::new(root) }
    }

    /// Node `id`, with the key that the root names.
    pub(crate) fn node(&self, id: u16) -> TlsMaterial {
        self.material(&format!("quorate:node:{id}"), &self.keys[&id])
    }

    /// A coordinator that is reached as `localhost`.
    pub(crate) fn coordinator(&self) -> TlsMaterial {
        self.stranger("quorate:coordinator:main")
    }

    /// Somebody with a new key that the root does not name.
    pub(crate) fn stranger(&self, uri: &str) -> TlsMaterial {
        self.material(uri, &TlsKey::generate().unwrap())
    }

    /// Somebody with the TLS key of node `id`.
    pub(crate) fn with_key_of(&self, id: u16, uri: &str) -> TlsMaterial {
        self.material(uri, &self.keys[&id])
    }

    fn material(&self, uri: &str, key: &TlsKey) -> TlsMaterial {
        let request = key.signing_request(&role(uri), &[]).unwrap();
        let names = ["localhost".try_into().unwrap()];
        let names: &[_] = if uri.contains("coordinator") { &names } else { &[] };
        TlsMaterial {
            ca_pem: self.ca.certificate_pem().to_owned(),
            cert_pem: self.ca.issue(&request, &role(uri), names, validity()).unwrap(),
            key_pem: key.to_pem(),
        }
    }
}

pub(crate) struct Coordinator {
    pub(crate) address: SocketAddr,
    pub(crate) handle: GatewayHandle,
    pub(crate) events: mpsc::Receiver<GatewayEvent>,
    shutdown: CancellationToken,
    server: JoinHandle<()>,
}

impl Coordinator {
    pub(crate) async fn start(cluster: &Cluster) -> Self {
        Self::start_at(cluster, LOOPBACK.parse().unwrap(), ListenerLimits::default()).await
    }

    pub(crate) async fn start_at(
        cluster: &Cluster,
        address: SocketAddr,
        limits: ListenerLimits,
    ) -> Self {
        let listener = Listener::bind(address, &cluster.coordinator(), limits).await.unwrap();
        let address = listener.local_address();
        let (sender, events) = mpsc::channel(16);
        let shutdown = CancellationToken::new();
        let (service, handle) = Gateway::open(
            Arc::clone(&cluster.root),
            sender,
            GatewayLimits::default(),
            shutdown.clone(),
        );
        let serving = server()
            .add_service(service)
            .serve_with_incoming_shutdown(listener.incoming(), shutdown.clone().cancelled_owned());
        let server = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, handle, events, shutdown, server }
    }

    pub(crate) async fn event(&mut self) -> GatewayEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("an event comes").unwrap()
    }

    pub(crate) fn target(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Ends gracefully, and waits for it.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.server).await.expect("the server ends").unwrap();
    }
}

/// A node's uplink, driven by the test.
pub(crate) struct Node {
    pub(crate) handle: UplinkHandle,
    pub(crate) events: mpsc::Receiver<UplinkEvent>,
    pub(crate) shutdown: CancellationToken,
}

impl Node {
    pub(crate) fn start(target: String, tls: TlsMaterial) -> Self {
        let (sender, events) = mpsc::channel(16);
        let shutdown = CancellationToken::new();
        let config = UplinkConfig {
            address: target,
            expect: localhost(),
            tls: Arc::new(tls),
            link: 4,
            version: "0.1.0".to_owned(),
        };
        let handle = Uplink::spawn(config, sender, shutdown.clone()).unwrap();
        Self { handle, events, shutdown }
    }

    pub(crate) async fn event(&mut self) -> UplinkEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("an event comes").unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn localhost() -> ExpectedServer {
    ExpectedServer::at("localhost").unwrap()
}

/// A node's two streams by hand.
pub(crate) struct RawNode {
    client: NodeGatewayClient<tonic::transport::Channel>,
}

pub(crate) struct RawStream {
    pub(crate) answers: mpsc::Sender<pb::NodeFrame>,
    pub(crate) questions: Streaming<pb::CoordinatorFrame>,
}

impl RawNode {
    pub(crate) async fn connect(coordinator: &Coordinator, tls: &TlsMaterial) -> Self {
        let channel = connect(&coordinator.target(), tls, localhost()).await.unwrap();
        Self { client: NodeGatewayClient::new(channel) }
    }

    pub(crate) async fn open(&mut self, first: pb::NodeFrame) -> Result<RawStream, Status> {
        let (answers, queue) = mpsc::channel(8);
        answers.send(first).await.unwrap();
        let questions = self.client.attach(ReceiverStream::new(queue)).await?.into_inner();
        Ok(RawStream { answers, questions })
    }

    /// Opens a stream and never says what it is for.
    pub(crate) async fn open_silently(&mut self) -> Status {
        let silence = tokio_stream::pending::<pb::NodeFrame>();
        self.client.attach(silence).await.expect_err("nothing was said")
    }

    pub(crate) async fn attach(&mut self) -> (RawStream, RawStream) {
        let control = self.open(hello(StreamKind::Control)).await.unwrap();
        let bulk = self.open(hello(StreamKind::Bulk)).await.unwrap();
        (control, bulk)
    }
}

impl RawStream {
    /// The status that the coordinator ends the stream with.
    pub(crate) async fn end(&mut self) -> Status {
        let end = async {
            loop {
                match self.questions.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Status::ok("ended"),
                    Err(status) => return status,
                }
            }
        };
        timeout(PATIENCE, end).await.expect("the stream ends")
    }
}

pub(crate) fn hello(stream: StreamKind) -> pb::NodeFrame {
    NodeFrame::Hello(Hello { stream, version: "0.1.0".to_owned() }).into()
}
