//! The coordinator's half of an attach stream: questions, and the end.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use quorate_api::pb::node::v1::CoordinatorFrame;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

/// Ends an attachment, once, with a status that the node is shown on both streams.
#[derive(Clone)]
pub(super) struct Ending {
    token: CancellationToken,
    status: Arc<OnceLock<Status>>,
}

impl Ending {
    /// An attachment also ends when the whole gateway shuts down.
    pub(super) fn within(shutdown: &CancellationToken) -> Self {
        Self { token: shutdown.child_token(), status: Arc::new(OnceLock::new()) }
    }

    /// Later endings change nothing: the first is the cause.
    pub(super) fn end(&self, status: Status) {
        drop(self.status.set(status));
        self.token.cancel();
    }

    /// Whether both are the ending of the same attachment.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.status, &other.status)
    }

    pub(super) fn has_come(&self) -> bool {
        self.token.is_cancelled()
    }

    pub(super) async fn come(&self) {
        self.token.cancelled().await;
    }

    /// Why it ended.
    pub(super) fn status(&self) -> Status {
        let shutdown = || Status::unavailable("the coordinator is shutting down");
        self.status.get().cloned().unwrap_or_else(shutdown)
    }
}

/// Questions to a node, until the attachment ends: then its status, whatever is still queued.
pub struct Questions {
    frames: mpsc::Receiver<CoordinatorFrame>,
    ending: Ending,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
}

impl Questions {
    pub(super) fn new(frames: mpsc::Receiver<CoordinatorFrame>, ending: Ending) -> Self {
        let end = Box::pin(ending.token.clone().cancelled_owned());
        Self { frames, ending, end, ended: false }
    }
}

impl Stream for Questions {
    type Item = Result<CoordinatorFrame, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.end.as_mut().poll(cx).is_pending()
            && let Some(frame) = std::task::ready!(self.frames.poll_recv(cx))
        {
            return Poll::Ready(Some(Ok(frame)));
        }
        self.ended = true;
        Poll::Ready(Some(Err(self.ending.status())))
    }
}
