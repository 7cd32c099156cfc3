//! One attachment of a node, at the coordinator: the task that reads both streams.

use std::sync::Arc;

use quorate_api::frame::{NodeFrame, StreamKind};
use quorate_api::pb::node::v1 as pb;
use quorate_model::ParticipantId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::{Status, Streaming};
use tracing::{Instrument as _, info, info_span};

use super::HELLO_TIMEOUT;
use super::gateway::GatewayEvent;
use super::questions::Ending;
use super::registry::{Arrival, Registry};

pub(super) struct Attachment {
    pub(super) registry: Arc<Registry>,
    pub(super) node: ParticipantId,
    pub(super) arrived: mpsc::Receiver<Arrival>,
    pub(super) ending: Ending,
}

impl Attachment {
    /// Announces, answers, and announces the end: one task does it all, after the task of the
    /// attachment that it replaces, so that events of a node are always in order.
    pub(super) async fn run(self, previous: Option<JoinHandle<()>>) {
        let span = info_span!("attachment", node = %self.node);
        self.serve(previous).instrument(span).await;
    }

    async fn serve(mut self, previous: Option<JoinHandle<()>>) {
        if let Some(previous) = previous {
            // Also one that failed has ended.
            drop(previous.await);
            self.registry.previous_ended(self.node, &self.ending);
        }
        if let Some((control, bulk)) = self.both_streams().await {
            self.registry.attached(self.node, &self.ending);
            info!("attached");
            self.announce(GatewayEvent::Attached { node: self.node }).await;
            self.read(control, bulk).await;
            let status = self.ending.status();
            info!(code = ?status.code(), reason = status.message(), "detached");
            self.announce(GatewayEvent::Detached { node: self.node }).await;
        }
        self.registry.leave(self.node, &self.ending);
    }

    async fn both_streams(
        &mut self,
    ) -> Option<(Streaming<pb::NodeFrame>, Streaming<pb::NodeFrame>)> {
        let ending = self.ending.clone();
        let (mut control, mut bulk) = (None, None);
        let arrive = async {
            while control.is_none() || bulk.is_none() {
                let arrival = self.arrived.recv().await?;
                match arrival.kind {
                    StreamKind::Control => control = Some(arrival.frames),
                    StreamKind::Bulk => bulk = Some(arrival.frames),
                }
            }
            control.zip(bulk)
        };
        tokio::select! {
            () = ending.come() => None,
            both = timeout(HELLO_TIMEOUT, arrive) => {
                let both = both.ok().flatten();
                if both.is_none() {
                    ending.end(Status::deadline_exceeded("only one of two streams was opened"));
                }
                both
            }
        }
    }

    async fn read(
        &self,
        mut control: Streaming<pb::NodeFrame>,
        mut bulk: Streaming<pb::NodeFrame>,
    ) {
        loop {
            let frame = tokio::select! {
                biased;
                () = self.ending.come() => return,
                frame = control.message() => frame,
                frame = bulk.message() => frame,
            };
            match answer(self.node, frame) {
                Ok(event) => {
                    tokio::select! {
                        () = self.ending.come() => return,
                        () = self.announce(event) => {}
                    }
                }
                Err(status) => return self.ending.end(status),
            }
        }
    }

    async fn announce(&self, event: GatewayEvent) {
        if self.registry.events.send(event).await.is_err() {
            self.ending.end(Status::unavailable("the coordinator has stopped"));
        }
    }
}

fn answer(
    node: ParticipantId,
    frame: Result<Option<pb::NodeFrame>, Status>,
) -> Result<GatewayEvent, Status> {
    let frame = frame?.ok_or_else(|| Status::cancelled("the node closed one of its streams"))?;
    match NodeFrame::try_from(frame) {
        Ok(NodeFrame::Answer(call, answer)) => Ok(GatewayEvent::Answer { node, call, answer }),
        Ok(NodeFrame::Hello(_)) => Err(Status::invalid_argument("only the first frame is a hello")),
        Err(error) => Err(Status::invalid_argument(error.to_string())),
    }
}
