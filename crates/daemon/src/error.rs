//! Why a process does not run, or stops.

use std::path::PathBuf;

use quorate_store::{OpenError, ReadError};

/// An error with its causes, in words: for where it is kept as text.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Why a process does not run, or stops.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file's content is refused.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The trust root is not the one that was pinned.
    #[error("{} is the root of cluster {found}, not of {pinned}: compare them with the other administrators", path.display())]
    OtherRoot {
        /// The file.
        path: PathBuf,
        /// The hash of its content.
        found: String,
        /// The hash in the configuration.
        pinned: String,
    },
    /// The store does not open.
    #[error("the store does not open")]
    Open(#[from] OpenError),
    /// A person has to give the passphrase, and nobody did.
    #[error("the passphrase is missing: the configuration says that a person gives it")]
    NoPassphrase,
    /// Something holds on to the store of a node that is to be sealed.
    #[error("the store is still in use: the process stops, so that the node is sealed")]
    StillOpen,
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Scan(#[from] ReadError),
    /// A record is damaged, or another version's.
    #[error("a record of the store cannot be decoded")]
    Record(#[from] quorate_api::DecodeError),
    /// The store's writer does not start.
    #[error("the store's writer does not start")]
    Writer(#[from] quorate_store::StartError),
    /// The node's records are doubtful.
    #[error("the node does not start on its records")]
    Node(#[from] quorate_signer::StartError),
    /// The coordinator's records are doubtful.
    #[error("the coordinator does not start on its records")]
    Coordinator(#[from] quorate_coordinator::StartError),
    /// Nothing can be listened on.
    #[error("cannot listen")]
    Bind(#[from] quorate_net::BindError),
    /// The admin socket cannot be bound.
    #[error("the admin socket cannot be bound")]
    Admin(#[from] quorate_net::UdsError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] quorate_net::TlsError),
    /// Metrics cannot be set up.
    #[error(transparent)]
    Metrics(#[from] quorate_telemetry::MetricsError),
    /// A server of this process failed.
    #[error("the server failed")]
    Serve(#[from] tonic::transport::Error),
    /// A task of this process ended before its time.
    #[error("a task of this process ended before its time")]
    Task(#[from] tokio::task::JoinError),
    /// A thread cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// The store failed: what was not acknowledged is lost, and nothing more is done.
    #[error("the store failed: {0}; the process stops, and resumes when it is started again")]
    StoreFailed(String),
}
