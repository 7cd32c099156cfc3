//! Connecting to a coordinator.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::{InvalidDnsNameError, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::peer::{PeerError, PeerIdentity};
use crate::pki::{CoordinatorName, Role};
use crate::tls::{TlsError, TlsMaterial};
use crate::{CONNECTION_WINDOW_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_WINDOW_BYTES};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whom a client will talk to. Its certificate must be under the cluster's authority, for this name,
/// and a coordinator's.
#[derive(Debug, Clone)]
pub struct ExpectedServer {
    name: ServerName<'static>,
    coordinator: Option<CoordinatorName>,
}

impl ExpectedServer {
    /// Any coordinator of the cluster whose certificate is for this DNS name or IP address.
    ///
    /// # Errors
    /// [`InvalidDnsNameError`].
    pub fn at(host: &str) -> Result<Self, InvalidDnsNameError> {
        Ok(Self { name: ServerName::try_from(host)?.to_owned(), coordinator: None })
    }

    /// The coordinator of this name, and no other.
    #[must_use]
    pub fn named(self, coordinator: CoordinatorName) -> Self {
        Self { coordinator: Some(coordinator), ..self }
    }

    fn check(&self, role: Role) -> Result<(), HandshakeError> {
        let expected = match (&role, &self.coordinator) {
            (Role::Coordinator(_), None) => true,
            (Role::Coordinator(found), Some(name)) => found == name,
            (Role::Node(_) | Role::Service(_) | Role::Person(_), _) => false,
        };
        if expected { Ok(()) } else { Err(HandshakeError::WrongServer(role)) }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The material does not make a client.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is not `host:port`.
    #[error("{0:?} is not an address of the form host:port")]
    Address(String),
    /// Nobody answers there, or somebody else than expected. The source says which.
    #[error("cannot connect to {address}")]
    Connect {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
}

/// Why a connection that was made is dropped again; the innermost source of
/// [`ConnectError::Connect`].
#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error("TCP connection failed")]
    Tcp(#[source] io::Error),
    #[error("TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("the server is {0}, which is not the coordinator that was expected")]
    WrongServer(Role),
}

/// Connects to the coordinator at `address` (`host:port`), within 5 s. The channel reconnects by
/// itself when it is used again after a loss, with the same checks.
///
/// This proves who the server is, not that the server accepts this client: a TLS 1.3 handshake ends
/// at the client before the server has seen the client's certificate. Only a call shows that, so
/// whoever reports readiness must make one.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(
    address: &str,
    material: &TlsMaterial,
    expect: ExpectedServer,
) -> Result<Channel, ConnectError> {
    let config = Arc::new(material.client_config()?);
    dial(address, config, Arc::new(expect)).await
}

/// As [`connect`], for who connects again and again.
pub(crate) async fn dial(
    address: &str,
    config: Arc<ClientConfig>,
    expect: Arc<ExpectedServer>,
) -> Result<Channel, ConnectError> {
    let target: Arc<str> = address.into();
    let connector = service_fn(move |_| {
        let (target, config, expect) =
            (Arc::clone(&target), Arc::clone(&config), Arc::clone(&expect));
        async move { handshake(&target, config, &expect).await.map(TokioIo::new) }
    });
    endpoint(address)?
        .connect_with_connector(connector)
        .await
        .map_err(|source| ConnectError::Connect { address: address.to_owned(), source })
}

fn endpoint(address: &str) -> Result<Endpoint, ConnectError> {
    let invalid = || ConnectError::Address(address.to_owned());
    let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if !has_port {
        return Err(invalid());
    }
    // "http", because the connector brings its own TLS; requests are given the true origin.
    let origin = format!("https://{address}").parse().map_err(|_| invalid())?;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|_| invalid())?;
    Ok(endpoint
        .origin(origin)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES))
}

async fn handshake(
    address: &str,
    config: Arc<ClientConfig>,
    expect: &ExpectedServer,
) -> Result<TlsStream<TcpStream>, HandshakeError> {
    let tcp = TcpStream::connect(address).await.map_err(HandshakeError::Tcp)?;
    tcp.set_nodelay(true).map_err(HandshakeError::Tcp)?;
    let tls = TlsConnector::from(config)
        .connect(expect.name.clone(), tcp)
        .await
        .map_err(HandshakeError::Tls)?;
    // The chain and the name are verified: now the role, before the first byte of a request.
    let peer = PeerIdentity::from_chain(tls.get_ref().1.peer_certificates())?;
    expect.check(peer.role)?;
    Ok(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for good in ["localhost:1", "127.0.0.1:65535", "[::1]:7000"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in ["localhost", "localhost:", ":7000", "localhost:0", "localhost:65536", "a b:1"] {
            assert!(matches!(endpoint(bad), Err(ConnectError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn only_the_expected_coordinator_will_do() {
        let any = ExpectedServer::at("localhost").unwrap();
        let main = any.clone().named("main".parse().unwrap());
        for (role, as_any, as_main) in [
            ("quorate:coordinator:main", true, true),
            ("quorate:coordinator:spare", true, false),
            ("quorate:node:1", false, false),
            ("quorate:service:main", false, false),
            ("quorate:person:main", false, false),
        ] {
            assert_eq!(any.check(role.parse().unwrap()).is_ok(), as_any, "{role}");
            assert_eq!(main.check(role.parse().unwrap()).is_ok(), as_main, "{role}");
        }
    }
}
