//! One attachment, at the node.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prost::Message as _;
use quorate_api::frame::{Hello, NodeFrame, StreamKind, node_frame_is_bulk};
use quorate_api::limits::FRAME_BYTES_MAX;
use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_gateway_client::NodeGatewayClient;
use quorate_protocol::wire::{CallId, FromNode, Refusal, RefusalCode, ToNode};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use tracing::warn;

use super::uplink::{AnswerError, UplinkEvent};

/// Answers that wait to be sent, for each stream.
const QUEUED_MAX: usize = 256;
/// Questions that wait for an answer: a node has 512 sessions.
const OPEN_CALLS_MAX: usize = 1024;

/// Both streams, as they were opened.
pub(super) struct Session {
    control: Stream,
    bulk: Stream,
}

struct Stream {
    answers: mpsc::Sender<pb::NodeFrame>,
    questions: Streaming<pb::CoordinatorFrame>,
}

impl Session {
    pub(super) async fn open(channel: Channel, version: &str) -> Result<Self, Status> {
        let client = NodeGatewayClient::new(channel)
            .max_decoding_message_size(FRAME_BYTES_MAX)
            .max_encoding_message_size(FRAME_BYTES_MAX);
        let control = Stream::open(client.clone(), StreamKind::Control, version).await?;
        let bulk = Stream::open(client, StreamKind::Bulk, version).await?;
        Ok(Self { control, bulk })
    }
}

impl Stream {
    async fn open(
        mut client: NodeGatewayClient<Channel>,
        stream: StreamKind,
        version: &str,
    ) -> Result<Self, Status> {
        let (answers, queue) = mpsc::channel(QUEUED_MAX);
        let hello = NodeFrame::Hello(Hello { stream, version: version.to_owned() });
        answers.try_send(hello.into()).map_err(|_| Status::internal("no room for the hello"))?;
        let questions = client.attach(ReceiverStream::new(queue)).await?.into_inner();
        Ok(Self { answers, questions })
    }
}

/// What the handle and the task of a link share.
pub(super) struct Shared(Mutex<State>);

struct State {
    last_call: u64,
    attached: Option<Attached>,
}

struct Attached {
    control: mpsc::Sender<pb::NodeFrame>,
    bulk: mpsc::Sender<pb::NodeFrame>,
    /// Our names of unanswered questions, and the coordinator's. Ours are never used again, because
    /// a coordinator that restarts begins anew: an answer to a question before must not be taken for
    /// the answer to one after.
    open: BTreeMap<CallId, CallId>,
    overflow: CancellationToken,
}

/// What the task reads while attached.
pub(super) struct Reading {
    control: Streaming<pb::CoordinatorFrame>,
    bulk: Streaming<pb::CoordinatorFrame>,
    overflow: CancellationToken,
}

impl Shared {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(State { last_call: 0, attached: None }))
    }

    pub(super) fn attach(&self, session: Session) -> Reading {
        let Session { control, bulk } = session;
        let overflow = CancellationToken::new();
        self.lock().attached = Some(Attached {
            control: control.answers,
            bulk: bulk.answers,
            open: BTreeMap::new(),
            overflow: overflow.clone(),
        });
        Reading { control: control.questions, bulk: bulk.questions, overflow }
    }

    pub(super) fn detach(&self) {
        self.lock().attached = None;
    }

    pub(super) fn send(&self, call: CallId, answer: FromNode) -> Result<(), AnswerError> {
        let mut state = self.lock();
        let attached = state.attached.as_mut().ok_or(AnswerError::Detached)?;
        let theirs = *attached.open.get(&call).ok_or(AnswerError::NotAsked(call))?;
        attached.send(theirs, answer)?;
        attached.open.remove(&call);
        Ok(())
    }

    /// Our name for a question of the coordinator.
    fn register(&self, theirs: CallId) -> Result<CallId, AnswerError> {
        let mut state = self.lock();
        state.last_call += 1;
        let ours = CallId(state.last_call);
        let attached = state.attached.as_mut().ok_or(AnswerError::Detached)?;
        if attached.open.len() < OPEN_CALLS_MAX {
            attached.open.insert(ours, theirs);
            return Ok(ours);
        }
        attached.refuse(theirs, RefusalCode::Busy, "too many questions wait for an answer")?;
        Err(AnswerError::NotAsked(theirs))
    }

    fn refuse(&self, theirs: CallId, reason: &str) {
        if let Some(attached) = self.lock().attached.as_mut()
            && let Err(error) = attached.refuse(theirs, RefusalCode::Invalid, reason)
        {
            // The link ends, which is answer enough.
            warn!(%error, "a refusal was not sent");
        }
    }

    /// No code panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attached {
    fn send(&self, theirs: CallId, answer: FromNode) -> Result<(), AnswerError> {
        let queue = if node_frame_is_bulk(&answer) { &self.bulk } else { &self.control };
        let frame = pb::NodeFrame::from(NodeFrame::Answer(theirs, answer));
        let bytes = frame.encoded_len();
        if bytes > FRAME_BYTES_MAX {
            return Err(AnswerError::FrameTooLong { bytes });
        }
        queue.try_send(frame).map_err(|error| match error {
            TrySendError::Closed(_) => AnswerError::Detached,
            TrySendError::Full(_) => {
                self.overflow.cancel();
                AnswerError::QueueFull
            }
        })
    }

    fn refuse(&self, theirs: CallId, code: RefusalCode, reason: &str) -> Result<(), AnswerError> {
        self.send(theirs, FromNode::Refused(Refusal { code, reason: reason.to_owned() }))
    }
}

impl Reading {
    /// Hands over questions until a stream ends. Says why.
    pub(super) async fn read(
        mut self,
        link: usize,
        events: &mpsc::Sender<UplinkEvent>,
        shared: &Shared,
    ) -> String {
        loop {
            let frame = tokio::select! {
                biased;
                () = self.overflow.cancelled() => return AnswerError::QueueFull.to_string(),
                frame = self.control.message() => frame,
                frame = self.bulk.message() => frame,
            };
            let frame = match frame {
                Ok(Some(frame)) => frame,
                Ok(None) => return "the coordinator closed one of the streams".to_owned(),
                Err(status) => return format!("{:?}: {}", status.code(), status.message()),
            };
            let theirs = CallId(frame.call);
            let question = match <(CallId, ToNode)>::try_from(frame) {
                Ok((_, question)) => question,
                Err(error) => {
                    // One question that cannot be read is no reason to lose all others.
                    warn!(%error, "refused a question");
                    shared.refuse(theirs, &error.to_string());
                    continue;
                }
            };
            let Ok(call) = shared.register(theirs) else {
                continue;
            };
            if events.send(UplinkEvent::Question { link, call, question }).await.is_err() {
                return "the node has stopped".to_owned();
            }
        }
    }
}
