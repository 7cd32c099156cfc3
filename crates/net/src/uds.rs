//! gRPC over a UNIX socket, for a node's admin interface. Who may open the socket's file may do
//! everything there: it belongs to the node's user alone.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::Stream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// Why a socket is not served or not reached.
#[derive(Debug, thiserror::Error)]
pub enum UdsError {
    /// The file system or the socket refuses.
    #[error("the socket {} cannot be used", path.display())]
    Io {
        /// The socket's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process serves it.
    #[error("another process serves the socket {}: is the node running already?", path.display())]
    InUse {
        /// The socket's file.
        path: PathBuf,
    },
    /// Something else has that name. It is not touched.
    #[error("{} exists and is not a socket", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// Nobody answers.
    #[error("nobody answers at the socket {}: is the node running, as a user you may act for?", path.display())]
    Connect {
        /// The socket's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
}

/// A bound socket, mode 0600. Its file is removed when it is dropped.
pub struct UdsListener {
    listener: UnixListener,
    _file: SocketFile,
}

struct SocketFile(PathBuf);

impl UdsListener {
    /// Binds the path, in place of a socket that a dead process left behind.
    ///
    /// # Errors
    /// [`UdsError`].
    pub fn bind(path: &Path) -> Result<Self, UdsError> {
        let io = |source| UdsError::Io { path: path.to_owned(), source };
        make_way(path)?;
        // Between bind and chmod the socket has the permissions that the umask left: so it is made
        // in a directory that nobody else enters, and moved when it is closed to others.
        let room = path.with_extension(format!("{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&room).map_err(io)?;
        let bound = bind_within(&room, path);
        let removed = fs::remove_dir_all(&room);
        let listener = bound.map_err(io)?;
        let file = SocketFile(path.to_owned());
        removed.map_err(io)?;
        Ok(Self { listener, _file: file })
    }

    /// Connections, for
    /// [`serve_with_incoming_shutdown`](tonic::transport::server::Router::serve_with_incoming_shutdown).
    #[must_use]
    pub fn incoming(self) -> UdsIncoming {
        UdsIncoming(self)
    }
}

fn make_way(path: &Path) -> Result<(), UdsError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(UdsError::Io { path: path.to_owned(), source }),
    };
    if !metadata.file_type().is_socket() {
        return Err(UdsError::NotASocket { path: path.to_owned() });
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(UdsError::InUse { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(source) => Err(UdsError::Io { path: path.to_owned(), source }),
    }
}

fn bind_within(room: &Path, path: &Path) -> io::Result<UnixListener> {
    let unfinished = room.join("s");
    let listener = UnixListener::bind(&unfinished)?;
    fs::set_permissions(&unfinished, Permissions::from_mode(0o600))?;
    fs::rename(&unfinished, path)?;
    Ok(listener)
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // What is left behind is replaced at the next start.
        drop(fs::remove_file(&self.0));
    }
}

/// Connections to the socket. Every request has tonic's `UdsConnectInfo` among its extensions.
pub struct UdsIncoming(UdsListener);

impl Stream for UdsIncoming {
    type Item = io::Result<UnixStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.listener.poll_accept(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
    }
}

/// Connects to the socket at `path`.
///
/// # Errors
/// [`UdsError::Connect`].
pub async fn connect_uds(path: &Path) -> Result<Channel, UdsError> {
    let target: Arc<Path> = path.into();
    let connector = service_fn(move |_| {
        let target = Arc::clone(&target);
        async move { UnixStream::connect(target).await.map(TokioIo::new) }
    });
    // The URI only names the origin of requests: the connector knows where to go.
    Endpoint::from_static("http://localhost")
        .connect_with_connector(connector)
        .await
        .map_err(|source| UdsError::Connect { path: path.to_owned(), source })
}
