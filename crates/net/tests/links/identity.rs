//! Who gets in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use quorate_api::frame::StreamKind;
use quorate_api::pb::node::v1::node_gateway_client::NodeGatewayClient;
use quorate_net::{ConnectError, ExpectedServer, TlsMaterial, connect};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tower::service_fn;
use zeroize::Zeroizing;

use crate::fixture::{Cluster, Coordinator, PATIENCE, RawNode, hello, localhost};

async fn refusal(cluster: &Cluster, tls: &TlsMaterial) -> Status {
    let mut coordinator = Coordinator::start(cluster).await;
    let mut raw = RawNode::connect(&coordinator, tls).await;
    let refused = raw.open(hello(StreamKind::Control)).await.err().expect("it is refused");
    assert!(coordinator.events.try_recv().is_err());
    refused
}

#[tokio::test]
async fn only_nodes_attach() {
    let cluster = Cluster::new();
    for uri in ["quorate:service:payments", "quorate:person:alice"] {
        let status = refusal(&cluster, &cluster.stranger(uri)).await;
        assert_eq!(
            (status.code(), status.message()),
            (Code::PermissionDenied, "only nodes attach")
        );
    }
    // Not even with the very key of a node.
    let status = refusal(&cluster, &cluster.with_key_of(1, "quorate:service:payments")).await;
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_node_has_the_key_that_the_root_names() {
    let cluster = Cluster::new();
    for tls in [
        cluster.stranger("quorate:node:1"),
        // Node 2, certified as node 1 by an authority that was careless or was broken into.
        cluster.with_key_of(2, "quorate:node:1"),
    ] {
        let status = refusal(&cluster, &tls).await;
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(status.message(), "the trust root names another TLS key for node 1");
    }
}

#[tokio::test]
async fn a_node_that_the_root_does_not_name_is_refused() {
    let cluster = Cluster::new();
    let status = refusal(&cluster, &cluster.stranger("quorate:node:9")).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "the trust root has no node 9");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let cluster = Cluster::new();
    let coordinator = Coordinator::start(&cluster).await;
    let mut roots = RootCertStore::empty();
    roots.add(der(cluster.ca.certificate_pem())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    first_call_fails(&coordinator, config).await;
}

#[tokio::test]
async fn a_client_of_another_authority_is_refused() {
    let (cluster, other) = (Cluster::new(), Cluster::new());
    let coordinator = Coordinator::start(&cluster).await;
    let mut tls = other.node(1);
    tls.ca_pem = cluster.ca.certificate_pem().to_owned();
    // As the library documents: only a call shows that the server refuses the client.
    let channel = connect(&coordinator.target(), &tls, localhost()).await;
    if let Ok(channel) = channel {
        let mut client = NodeGatewayClient::new(channel);
        let call = client.attach(tokio_stream::iter([hello(StreamKind::Control)]));
        assert!(timeout(PATIENCE, call).await.unwrap().is_err());
    }
}

#[tokio::test]
async fn older_tls_is_refused() {
    let cluster = Cluster::new();
    let coordinator = Coordinator::start(&cluster).await;
    let tls = cluster.node(1);
    let mut roots = RootCertStore::empty();
    roots.add(der(cluster.ca.certificate_pem())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![der(&tls.cert_pem)], key(&tls))
        .unwrap();
    let tcp = TcpStream::connect(coordinator.address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let error = connector.connect("localhost".try_into().unwrap(), tcp).await.err().unwrap();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
}

#[tokio::test]
async fn a_coordinator_of_another_authority_is_refused() {
    let (cluster, other) = (Cluster::new(), Cluster::new());
    let coordinator = Coordinator::start(&other).await;
    let error = connect(&coordinator.target(), &cluster.node(1), localhost()).await;
    let error = chain(&error.unwrap_err());
    assert!(error.contains("invalid peer certificate: BadSignature"), "{error}");
}

#[tokio::test]
async fn a_coordinator_elsewhere_is_refused() {
    let cluster = Cluster::new();
    let coordinator = Coordinator::start(&cluster).await;
    let elsewhere = ExpectedServer::at("127.0.0.1").unwrap();
    let error = connect(&coordinator.target(), &cluster.node(1), elsewhere).await;
    let error = chain(&error.unwrap_err());
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn another_coordinator_than_the_expected_is_refused() {
    let cluster = Cluster::new();
    let coordinator = Coordinator::start(&cluster).await;
    let target = coordinator.target();
    let spare = localhost().named("spare".parse().unwrap());
    let error = chain(&connect(&target, &cluster.node(1), spare).await.unwrap_err());
    assert!(error.contains("the server is quorate:coordinator:main"), "{error}");
    let main = localhost().named("main".parse().unwrap());
    assert!(connect(&target, &cluster.node(1), main).await.is_ok());
}

#[tokio::test]
async fn a_node_cannot_be_a_coordinator() {
    let cluster = Cluster::new();
    let address = impostor(&cluster.node(2)).await;
    let target = format!("localhost:{}", address.port());
    let error = connect(&target, &cluster.node(1), localhost()).await.unwrap_err();
    assert!(chain(&error).contains("TLS handshake failed"), "{}", chain(&error));
}

/// Also where its certificate is one of a server, for the right name: the role decides.
#[tokio::test]
async fn a_server_that_is_no_coordinator_is_refused() {
    let cluster = Cluster::new();
    let both = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    for (uri, usages, refused) in [
        ("quorate:node:2", &both[..], "does not fit its role"),
        ("quorate:node:2", &both[..1], "does not fit its role"),
        ("quorate:coordinator:main", &both[..], "does not fit its role"),
        ("https://localhost", &both[..1], "does not name exactly one role"),
    ] {
        let address = impostor(&careless(&cluster, uri, usages)).await;
        let target = format!("localhost:{}", address.port());
        let error = connect(&target, &cluster.node(1), localhost()).await.unwrap_err();
        assert!(chain(&error).contains(refused), "{}", chain(&error));
    }
    let address = impostor(&careless(&cluster, "quorate:coordinator:main", &both[..1])).await;
    let target = format!("localhost:{}", address.port());
    assert!(connect(&target, &cluster.node(1), localhost()).await.is_ok());
}

/// A certificate for `localhost` that the authority should never have issued.
fn careless(cluster: &Cluster, uri: &str, usages: &[ExtendedKeyUsagePurpose]) -> TlsMaterial {
    let ca_key = KeyPair::from_pem(&cluster.ca.key_pem()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(cluster.ca.certificate_pem(), ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = usages.to_vec();
    TlsMaterial {
        ca_pem: cluster.ca.certificate_pem().to_owned(),
        cert_pem: params.signed_by(&key, &issuer).unwrap().pem(),
        key_pem: Zeroizing::new(key.serialize_pem()),
    }
}

/// A TLS server with any certificate at all.
async fn impostor(tls: &TlsMaterial) -> SocketAddr {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der(&tls.cert_pem)], key(tls))
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(tcp).await;
        // Long enough for the client to have decided.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(stream);
    });
    address
}

async fn first_call_fails(coordinator: &Coordinator, mut config: ClientConfig) {
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let address = coordinator.address;
    let dial = service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let tcp = TcpStream::connect(address).await?;
            let tls = connector.connect("localhost".try_into().unwrap(), tcp).await?;
            Ok::<_, std::io::Error>(TokioIo::new(tls))
        }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    if let Ok(channel) = endpoint.connect_with_connector(dial).await {
        let mut client = NodeGatewayClient::new(channel);
        let call = client.attach(tokio_stream::iter([hello(StreamKind::Control)]));
        let status = timeout(PATIENCE, call).await.unwrap().expect_err("the call fails");
        // Not a status of our service: the call never got that far.
        assert_ne!(status.code(), Code::PermissionDenied, "{status}");
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn key(tls: &TlsMaterial) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(tls.key_pem.as_bytes()).unwrap()
}

fn chain(error: &ConnectError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
