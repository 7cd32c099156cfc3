//! Mutually authenticated links: certificates, the attach streams, deadlines and limits.
//!
//! Every link between processes is TLS 1.3 under the cluster's private CA. Who somebody is follows
//! from the certificate that the handshake proved, as a [`PeerIdentity`], never from a field of a
//! message.
#![deny(clippy::panic)]

pub mod attach;
mod client;
mod peer;
pub mod pki;
mod server;
mod tls;
mod uds;

pub use client::{ConnectError, ExpectedServer, connect};
pub use peer::{ConnectionId, Peer, PeerError, PeerIdentity};
pub use server::{BindError, Incoming, Listener, ListenerLimits, PeerStream, server};
pub use tls::{TlsError, TlsMaterial};
pub use uds::{UdsError, UdsIncoming, UdsListener, connect_uds};

use std::time::Duration;

/// How often either end asks whether the other is alive.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How long it waits for the answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of one stream that may be unread.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of one connection that may be unread: more than both attach streams have together, so that
/// unread bulk never stops control.
const CONNECTION_WINDOW_BYTES: u32 = 4 * STREAM_WINDOW_BYTES;
