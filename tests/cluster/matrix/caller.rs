//! Callers, each with what it can show in a TLS handshake, and a call of any RPC.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use prost::bytes::{Buf as _, BufMut as _};
use quorate_model::Timestamp;
use quorate_net::connect_uds;
use quorate_net::pki::{CertificateAuthority, TlsKey, Validity};
use rustls::crypto::ring::default_provider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tower::service_fn;

use super::people::People;

const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who calls.
pub(super) struct Caller {
    pub(super) role: &'static str,
    door: Door,
}

enum Door {
    Coordinator { address: String, tls: Arc<ClientConfig> },
    AdminSocket(std::path::PathBuf),
}

impl Caller {
    /// Every role, in the order of the table's columns.
    pub(super) fn all(people: &People) -> Vec<Self> {
        let path = |folder: &str, file: &str| people.hand.path(folder).join(file);
        let shown =
            |folder: &str| Some((read(&path(folder, "tls.crt")), read(&path(folder, "tls.key"))));
        let ca = read(&path("o", "ca.crt"));
        let caller = |role, shown| Self {
            role,
            door: Door::Coordinator {
                address: people.hand.address.clone(),
                tls: Arc::new(client_config(&ca, shown)),
            },
        };
        vec![
            caller("no certificate", None),
            caller("another authority's officer", Some(foreign("quorate:person:alice"))),
            caller("coordinator", shown("c")),
            caller("node", shown("n3")),
            caller("the service that asked", shown("s")),
            caller("another service", shown("other")),
            caller("officer", shown("o")),
            caller("approver", shown("erin")),
            Self {
                role: "a node's user, at its admin socket",
                door: Door::AdminSocket(path("n1", "admin.sock")),
            },
        ]
    }

    /// What the table says of one call.
    pub(super) async fn call(&self, path: &str, message: Vec<u8>) -> String {
        let channel = match &self.door {
            Door::Coordinator { address, tls } => dial(address, Arc::clone(tls)).await,
            Door::AdminSocket(socket) => connect_uds(socket).await.ok(),
        };
        let Some(channel) = channel else { return "*no connection*".to_owned() };
        match timeout(PATIENCE, call(channel, path, message)).await.unwrap() {
            Ok(()) => "OK".to_owned(),
            // What comes from the transport never came from a server.
            Err(status) if std::error::Error::source(&status).is_some() => {
                "*no connection*".to_owned()
            }
            Err(status) => code(&status),
        }
    }
}

/// The code of a status as gRPC writes it.
pub(super) fn code(status: &Status) -> String {
    let name = format!("{:?}", status.code());
    let mut text = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_uppercase() && index > 0 {
            text.push('_');
        }
        text.extend(letter.to_uppercase());
    }
    text
}

/// Any call as what they all are in HTTP/2: one message there, the first of those that come back.
pub(super) async fn call(channel: Channel, path: &str, message: Vec<u8>) -> Result<(), Status> {
    let mut client = Grpc::new(channel);
    let unreachable = |error: tonic::transport::Error| Status::from_error(error.into());
    client.ready().await.map_err(unreachable)?;
    let (path, message) = (path.parse().unwrap(), tokio_stream::once(message));
    let answer = client.streaming(Request::new(message), path, Bytes).await?;
    // A stream that waits for news has been granted.
    match timeout(Duration::from_millis(300), answer.into_inner().message()).await {
        Ok(first) => first.map(drop),
        Err(_) => Ok(()),
    }
}

async fn dial(address: &str, tls: Arc<ClientConfig>) -> Option<Channel> {
    let target = address.to_owned();
    let connector = service_fn(move |_| {
        let (target, tls) = (target.clone(), TlsConnector::from(Arc::clone(&tls)));
        async move {
            let tcp = TcpStream::connect(&target).await?;
            let host = ServerName::try_from("127.0.0.1").unwrap();
            std::io::Result::Ok(TokioIo::new(tls.connect(host, tcp).await?))
        }
    });
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_with_connector(connector).await.ok()
}

fn client_config(ca: &str, shown: Option<(String, String)>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// A certificate for a role of the cluster, by somebody else's authority.
fn foreign(role: &str) -> (String, String) {
    let validity =
        Validity::new(Timestamp::ZERO, Timestamp::from_millis(4_000_000_000_000)).unwrap();
    let ca = CertificateAuthority::generate("another", validity).unwrap();
    let (key, role) = (TlsKey::generate().unwrap(), role.parse().unwrap());
    let request = key.signing_request(&role, &[]).unwrap();
    (ca.issue(&request, &role, &[], validity).unwrap(), key.to_pem().to_string())
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Messages as they are encoded.
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}
