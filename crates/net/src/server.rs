//! Accepting connections: TLS first, then gRPC.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::Stream;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use crate::peer::{ConnectionId, Peer, PeerError, PeerIdentity};
use crate::tls::{TlsError, TlsMaterial};
use crate::{CONNECTION_WINDOW_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_WINDOW_BYTES};

/// Streams (calls) that one connection may have open.
const STREAMS_PER_CONNECTION_MAX: u32 = 128;
/// Accepted connections that gRPC has not taken over yet.
const ACCEPTED_MAX: usize = 16;
/// A pause after an error of `accept`, such as too many open files: it would only come again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A gRPC server with the limits of the cluster: dead peers are noticed by HTTP/2 pings within 15 s,
/// a connection has at most 128 calls open, and the flow-control window of a connection exceeds
/// those of both attach streams together, so that neither can block the other.
#[must_use]
pub fn server() -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
}

/// Limits of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Connections at once, those in the handshake included. More are closed as they come.
    pub connections_max: usize,
    /// Of these, connections in the handshake: a stranger may occupy these only.
    pub handshakes_max: usize,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
}

impl Default for ListenerLimits {
    /// 1024 connections, 256 of them in a handshake, which may take 5 s.
    fn default() -> Self {
        Self {
            connections_max: 1024,
            handshakes_max: 256,
            handshake_timeout: Duration::from_secs(5),
        }
    }
}

/// A bound socket that does not accept yet.
pub struct Listener {
    tcp: TcpListener,
    tls: TlsAcceptor,
    limits: ListenerLimits,
    local_address: SocketAddr,
}

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The material does not make a server.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken, or is not one of this machine.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Listener {
    /// Binds an address; port 0 takes any free port.
    ///
    /// # Errors
    /// [`BindError`].
    pub async fn bind(
        address: SocketAddr,
        material: &TlsMaterial,
        limits: ListenerLimits,
    ) -> Result<Self, BindError> {
        let tls = TlsAcceptor::from(Arc::new(material.server_config()?));
        let bind = |source| BindError::Bind { address, source };
        let tcp = TcpListener::bind(address).await.map_err(bind)?;
        let local_address = tcp.local_addr().map_err(bind)?;
        Ok(Self { tcp, tls, limits, local_address })
    }

    /// The address, with the port that was taken.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Begins to accept, in a task that ends when the stream is dropped.
    #[must_use]
    pub fn incoming(self) -> Incoming {
        let (sender, accepted) = mpsc::channel(ACCEPTED_MAX);
        let task = AbortOnDropHandle::new(tokio::spawn(self.accept(sender)));
        Incoming { accepted, _task: task }
    }

    async fn accept(self, accepted: mpsc::Sender<PeerStream>) {
        let connections = Arc::new(Semaphore::new(self.limits.connections_max));
        let mut handshakes = JoinSet::new();
        let mut next = 0_u64;
        loop {
            let (stream, address) = tokio::select! {
                Some(_) = handshakes.join_next(), if !handshakes.is_empty() => continue,
                accept = self.tcp.accept() => match accept {
                    Ok(connection) => connection,
                    Err(error) => {
                        warn!(%error, "a connection was not accepted");
                        sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
                warn!(%address, "too many connections: closed one");
                continue;
            };
            if handshakes.len() >= self.limits.handshakes_max {
                warn!(%address, "too many handshakes: closed one");
                continue;
            }
            next += 1;
            let pending = Pending { stream, address, connection: ConnectionId(next), permit };
            let (tls, accepted) = (self.tls.clone(), accepted.clone());
            let limit = self.limits.handshake_timeout;
            handshakes.spawn(async move {
                match timeout(limit, pending.handshake(&tls)).await {
                    // An error means that nobody serves any more.
                    Ok(Ok(stream)) => drop(accepted.send(stream).await),
                    // Strangers cause these at will, so they are no warnings.
                    Ok(Err(error)) => debug!(%address, %error, "a handshake failed"),
                    Err(_) => debug!(%address, "a handshake took too long"),
                }
            });
        }
    }
}

struct Pending {
    stream: TcpStream,
    address: SocketAddr,
    connection: ConnectionId,
    permit: OwnedSemaphorePermit,
}

#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error(transparent)]
    Tls(#[from] io::Error),
    #[error(transparent)]
    Peer(#[from] PeerError),
}

impl Pending {
    async fn handshake(self, tls: &TlsAcceptor) -> Result<PeerStream, HandshakeError> {
        self.stream.set_nodelay(true)?;
        let tls = tls.accept(self.stream).await?;
        let identity = PeerIdentity::from_chain(tls.get_ref().1.peer_certificates())?;
        debug!(role = %identity.role, address = %self.address, "connected");
        let peer = Peer::new(identity, self.address, self.connection);
        Ok(PeerStream { tls, peer, _permit: self.permit })
    }
}

/// Connections whose handshake succeeded, for
/// [`serve_with_incoming_shutdown`](tonic::transport::server::Router::serve_with_incoming_shutdown).
/// A failed handshake shows nowhere here; only dropping ends the stream.
pub struct Incoming {
    accepted: mpsc::Receiver<PeerStream>,
    _task: AbortOnDropHandle<()>,
}

impl Stream for Incoming {
    type Item = Result<PeerStream, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.accepted.poll_recv(cx).map(|stream| stream.map(Ok))
    }
}

/// A connection of a peer that proved who it is. Every request over it has the [`Peer`] among its
/// extensions.
pub struct PeerStream {
    tls: TlsStream<TcpStream>,
    peer: Peer,
    _permit: OwnedSemaphorePermit,
}

impl Connected for PeerStream {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }
}
