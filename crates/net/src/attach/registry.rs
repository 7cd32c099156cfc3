//! Which nodes are attached, and through what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_api::frame::StreamKind;
use quorate_api::pb::node::v1::{CoordinatorFrame, NodeFrame};
use quorate_model::ParticipantId;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::attachment::Attachment;
use super::gateway::{GatewayEvent, GatewayLimits, Unreachable};
use super::questions::{Ending, Questions};
use crate::peer::ConnectionId;

pub(super) struct Registry {
    nodes: Mutex<BTreeMap<ParticipantId, Entry>>,
    pub(super) events: mpsc::Sender<GatewayEvent>,
    limits: GatewayLimits,
    shutdown: CancellationToken,
}

/// The newest attachment of a node, from its first stream until it was announced as detached.
struct Entry {
    connection: ConnectionId,
    stage: Stage,
    control: Option<mpsc::Sender<CoordinatorFrame>>,
    bulk: Option<mpsc::Sender<CoordinatorFrame>>,
    /// Hands the node's halves of the streams to the task.
    arrivals: mpsc::Sender<Arrival>,
    ending: Ending,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits until the attachment that it replaces was announced as detached.
    AwaitPrevious,
    /// Waits for its second stream.
    AwaitStreams,
    /// Announced as attached: questions are accepted.
    Attached,
}

/// A stream of a node that said what it is for.
pub(super) struct Arrival {
    pub(super) kind: StreamKind,
    pub(super) frames: Streaming<NodeFrame>,
}

impl Registry {
    pub(super) fn new(
        events: mpsc::Sender<GatewayEvent>,
        limits: GatewayLimits,
        shutdown: CancellationToken,
    ) -> Self {
        Self { nodes: Mutex::new(BTreeMap::new()), events, limits, shutdown }
    }

    /// Takes a stream of a node: the second one of the attachment over that connection, or the first
    /// of a new attachment, which replaces any other.
    pub(super) fn join(
        self: &Arc<Self>,
        node: ParticipantId,
        connection: ConnectionId,
        arrival: Arrival,
    ) -> Result<Questions, Status> {
        if self.shutdown.is_cancelled() {
            return Err(Status::unavailable("the coordinator is shutting down"));
        }
        let mut nodes = self.lock();
        let completes = nodes.get(&node).is_some_and(|entry| {
            entry.connection == connection
                && !entry.ending.has_come()
                && entry.queue(arrival.kind).is_none()
        });
        if !completes {
            let previous = match nodes.get(&node) {
                // So that a node which attaches in a loop does not pile up attachments.
                Some(entry) if entry.stage == Stage::AwaitPrevious => {
                    return Err(Status::unavailable("the last attachment still ends: try again"));
                }
                Some(_) => nodes.remove(&node).map(Entry::replaced),
                None => None,
            };
            nodes.insert(node, self.open(node, connection, previous));
        }
        let Some(entry) = nodes.get_mut(&node) else {
            return Err(Status::internal("the attachment was lost"));
        };
        entry.take(arrival, self.limits.queued_max)
    }

    fn open(
        self: &Arc<Self>,
        node: ParticipantId,
        connection: ConnectionId,
        previous: Option<JoinHandle<()>>,
    ) -> Entry {
        let ending = Ending::within(&self.shutdown);
        let (arrivals, arrived) = mpsc::channel(2);
        let stage = if previous.is_some() { Stage::AwaitPrevious } else { Stage::AwaitStreams };
        let attachment =
            Attachment { registry: Arc::clone(self), node, arrived, ending: ending.clone() };
        let task = tokio::spawn(attachment.run(previous));
        Entry { connection, stage, control: None, bulk: None, arrivals, ending, task }
    }

    /// The attachment that this one replaces is gone.
    pub(super) fn previous_ended(&self, node: ParticipantId, ending: &Ending) {
        if let Some(entry) = self.lock().get_mut(&node)
            && entry.ending.is(ending)
        {
            entry.stage = Stage::AwaitStreams;
        }
    }

    /// From now on questions are accepted.
    pub(super) fn attached(&self, node: ParticipantId, ending: &Ending) {
        if let Some(entry) = self.lock().get_mut(&node)
            && entry.ending.is(ending)
        {
            entry.stage = Stage::Attached;
        }
    }

    /// Nothing of this attachment is left. One that replaced it stays.
    pub(super) fn leave(&self, node: ParticipantId, ending: &Ending) {
        let mut nodes = self.lock();
        if nodes.get(&node).is_some_and(|entry| entry.ending.is(ending)) {
            nodes.remove(&node);
        }
    }

    /// Queues a question. A queue that is full means a node that does not keep up: it is detached.
    pub(super) fn send(
        &self,
        node: ParticipantId,
        kind: StreamKind,
        frame: CoordinatorFrame,
    ) -> Result<(), Unreachable> {
        let nodes = self.lock();
        let entry = nodes.get(&node).filter(|entry| entry.is_attached());
        let entry = entry.ok_or(Unreachable::NotAttached { node })?;
        let queue = entry.queue(kind).ok_or(Unreachable::NotAttached { node })?;
        match queue.try_send(frame) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Unreachable::NotAttached { node }),
            Err(TrySendError::Full(_)) => {
                entry.ending.end(Status::resource_exhausted("the node reads too slowly"));
                Err(Unreachable::QueueFull { node })
            }
        }
    }

    pub(super) fn attached_nodes(&self) -> Vec<ParticipantId> {
        let nodes = self.lock();
        nodes.iter().filter(|(_, entry)| entry.is_attached()).map(|(node, _)| *node).collect()
    }

    /// No code panics while it holds the lock; if one did, each entry would still be whole.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ParticipantId, Entry>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_attached(&self) -> bool {
        self.stage == Stage::Attached && !self.ending.has_come()
    }

    const fn queue(&self, kind: StreamKind) -> Option<&mpsc::Sender<CoordinatorFrame>> {
        match kind {
            StreamKind::Control => self.control.as_ref(),
            StreamKind::Bulk => self.bulk.as_ref(),
        }
    }

    fn take(&mut self, arrival: Arrival, queued_max: usize) -> Result<Questions, Status> {
        let (queue, frames) = mpsc::channel(queued_max.max(1));
        match arrival.kind {
            StreamKind::Control => self.control = Some(queue),
            StreamKind::Bulk => self.bulk = Some(queue),
        }
        // Of the two there is room for both; what is closed has ended.
        self.arrivals.try_send(arrival).map_err(|_| self.ending.status())?;
        Ok(Questions::new(frames, self.ending.clone()))
    }

    fn replaced(self) -> JoinHandle<()> {
        self.ending.end(Status::aborted("the node attached anew"));
        self.task
    }
}
