//! The node's admin socket: it works without any coordinator.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_admin_server::{NodeAdmin, NodeAdminServer};
use quorate_api::status::{Failure, Reason};
use quorate_net::UdsListener;
use quorate_protocol::wire::{CallId, FromNode, NodeStatus, ToNode};
use quorate_signer::{Action, Input, LinkId};
use quorate_telemetry::Metrics;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::AttachedTo;
use super::backup::Backups;
use super::export::Exports;
use crate::DaemonError;

/// Questions of the admin socket that wait for the engine.
#[derive(Clone, Default)]
pub(super) struct AdminCalls(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    last: u64,
    open: BTreeMap<CallId, oneshot::Sender<Action>>,
}

impl AdminCalls {
    fn open(&self) -> (CallId, oneshot::Receiver<Action>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.last += 1;
        let call = CallId(waiting.last);
        waiting.open.insert(call, sender);
        (call, receiver)
    }

    pub(super) fn answer(&self, call: CallId, answer: Action) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&call);
        if let Some(sender) = sender {
            // Whoever asked may be gone.
            let _ = sender.send(answer);
        }
    }
}

/// The service `quorate.node.v1.NodeAdmin`.
pub(super) struct Admin {
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) metrics: Metrics,
    pub(super) attached_to: AttachedTo,
    pub(super) calls: AdminCalls,
    pub(super) exports: Exports,
    pub(super) backups: Backups,
}

impl Admin {
    pub(super) async fn serve(
        self,
        socket: UdsListener,
        stop: CancellationToken,
    ) -> Result<(), DaemonError> {
        let server = quorate_net::server().add_service(NodeAdminServer::new(self));
        let incoming = socket.incoming();
        Ok(server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await?)
    }

    async fn ask(&self, question: ToNode) -> Result<FromNode, Status> {
        let input = |call| Input::Question { link: LinkId::ADMIN, call, question };
        match self.tell(input).await? {
            Action::Answer { answer, .. } => Ok(answer),
            Action::Checkpoint { .. } | Action::Backup { .. } | Action::Work(_) => {
                Err(unexpected())
            }
        }
    }

    async fn tell(&self, input: impl FnOnce(CallId) -> Input) -> Result<Action, Status> {
        let (call, answer) = self.calls.open();
        self.inputs.send(input(call)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())
    }

    async fn status(&self) -> Result<NodeStatus, Status> {
        let FromNode::Status(status) = self.ask(ToNode::Status).await? else {
            return Err(unexpected());
        };
        Ok(status)
    }
}

fn stopping() -> Status {
    Failure::new(Reason::Unavailable, "the node is stopping").into()
}

/// The engine answered another kind of answer than it was asked for: a fault of quorate's own.
fn unexpected() -> Status {
    Failure::new(Reason::Internal, "the engine answered something else").into()
}

#[tonic::async_trait]
impl NodeAdmin for Admin {
    async fn submit_order(
        &self,
        request: Request<pb::SubmitOrderRequest>,
    ) -> Result<Response<pb::SubmitOrderResponse>, Status> {
        let order = request.into_inner().try_into()?;
        let answer = self.ask(ToNode::carry_out(order)).await?;
        if let FromNode::Refused(refusal) = answer {
            return Err(Failure::new(Reason::InvalidStatement, refusal.reason).into());
        }
        let FromNode::Accepted(acceptance) = answer else { return Err(unexpected()) };
        Ok(Response::new(pb::SubmitOrderResponse { acceptance: Some(acceptance.into()) }))
    }

    async fn get_status(
        &self,
        _: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        let status = self.status().await?;
        let attached = self.attached_to.lock().unwrap_or_else(PoisonError::into_inner);
        let attached_to = attached.values().cloned().collect();
        Ok(Response::new(pb::GetStatusResponse { status: Some(status.into()), attached_to }))
    }

    type ExportAuditStream = ReceiverStream<Result<pb::ExportAuditResponse, Status>>;

    async fn export_audit(
        &self,
        _: Request<pb::ExportAuditRequest>,
    ) -> Result<Response<Self::ExportAuditStream>, Status> {
        let turn = self.exports.turn()?;
        let Action::Checkpoint { checkpoint, .. } =
            self.tell(|call| Input::ReadAudit { call }).await?
        else {
            return Err(unexpected());
        };
        let internal = |error| Failure::new(Reason::Internal, format!("{error}"));
        Ok(Response::new(turn.stream(checkpoint.map_err(internal)?)))
    }

    type CreateBackupStream = ReceiverStream<Result<pb::CreateBackupResponse, Status>>;

    async fn create_backup(
        &self,
        _: Request<pb::CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        let turn = self.backups.turn()?;
        let Action::Backup { draft, .. } = self.tell(|call| Input::CreateBackup { call }).await?
        else {
            return Err(unexpected());
        };
        Ok(Response::new(turn.stream(draft).await?))
    }

    async fn get_metrics(
        &self,
        _: Request<pb::GetMetricsRequest>,
    ) -> Result<Response<pb::GetMetricsResponse>, Status> {
        Ok(Response::new(pb::GetMetricsResponse { text: self.metrics.render() }))
    }
}
