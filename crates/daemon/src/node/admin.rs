//! The node's admin socket: it works without any coordinator, and while the node is sealed.

use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_admin_server::{NodeAdmin, NodeAdminServer};
use quorate_api::status::{Failure, Reason};
use quorate_net::UdsListener;
use quorate_protocol::wire::{FromNode, ToNode};
use quorate_signer::{Action, Input};
use quorate_store::Passphrase;
use quorate_telemetry::Metrics;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::life::{LifeCall, Reply, Rotated};
use super::live::{LiveNode, stopping, unexpected};
use crate::DaemonError;

/// The service `quorate.node.v1.NodeAdmin`.
pub(super) struct Admin {
    pub(super) live: LiveNode,
    pub(super) metrics: Metrics,
    pub(super) life: mpsc::Sender<LifeCall>,
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

    /// Has something done to the node as a whole, in its turn.
    async fn change<T>(&self, call: impl FnOnce(Reply<T>) -> LifeCall) -> Result<T, Status> {
        let (reply, done) = oneshot::channel();
        self.life.send(call(reply)).await.map_err(|_| stopping())?;
        Ok(done.await.map_err(|_| stopping())??)
    }
}

/// What a person gave, if anything.
fn given(passphrase: Vec<u8>) -> Result<Option<Passphrase>, Failure> {
    let passphrase = Zeroizing::new(passphrase);
    if passphrase.is_empty() {
        return Ok(None);
    }
    let invalid = |error| Failure::new(Reason::InvalidArgument, format!("{error}"));
    Passphrase::new(passphrase).map(Some).map_err(|error| invalid(error).at("passphrase"))
}

#[tonic::async_trait]
impl NodeAdmin for Admin {
    async fn submit_order(
        &self,
        request: Request<pb::SubmitOrderRequest>,
    ) -> Result<Response<pb::SubmitOrderResponse>, Status> {
        let order = request.into_inner().try_into()?;
        let answer = self.live.get()?.ask(ToNode::carry_out(order)).await?;
        if let FromNode::Refused(refusal) = answer {
            return Err(Failure::new(Reason::InvalidStatement, refusal.reason).into());
        }
        let FromNode::Accepted(acceptance) = answer else { return Err(unexpected().into()) };
        Ok(Response::new(pb::SubmitOrderResponse { acceptance: Some(acceptance.into()) }))
    }

    async fn get_status(
        &self,
        _: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        if self.live.is_sealed() {
            let sealed = pb::GetStatusResponse { sealed: true, ..Default::default() };
            return Ok(Response::new(sealed));
        }
        let live = self.live.get()?;
        let FromNode::Status(status) = live.ask(ToNode::Status).await? else {
            return Err(unexpected().into());
        };
        let (status, attached_to) = (Some(status.into()), live.attached_to());
        Ok(Response::new(pb::GetStatusResponse { status, attached_to, sealed: false }))
    }

    type ExportAuditStream = ReceiverStream<Result<pb::ExportAuditResponse, Status>>;

    async fn export_audit(
        &self,
        _: Request<pb::ExportAuditRequest>,
    ) -> Result<Response<Self::ExportAuditStream>, Status> {
        let live = self.live.get()?;
        let turn = live.exports.turn()?;
        let Action::Checkpoint { checkpoint, .. } =
            live.tell(|call| Input::ReadAudit { call }).await?
        else {
            return Err(unexpected().into());
        };
        let internal = |error| Failure::new(Reason::Internal, format!("{error}"));
        Ok(Response::new(turn.stream(checkpoint.map_err(internal)?)))
    }

    type CreateBackupStream = ReceiverStream<Result<pb::CreateBackupResponse, Status>>;

    async fn create_backup(
        &self,
        _: Request<pb::CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        let live = self.live.get()?;
        let turn = live.backups.turn()?;
        let Action::Backup { draft, .. } = live.tell(|call| Input::CreateBackup { call }).await?
        else {
            return Err(unexpected().into());
        };
        Ok(Response::new(turn.stream(draft).await?))
    }

    async fn get_metrics(
        &self,
        _: Request<pb::GetMetricsRequest>,
    ) -> Result<Response<pb::GetMetricsResponse>, Status> {
        Ok(Response::new(pb::GetMetricsResponse { text: self.metrics.render() }))
    }

    async fn unseal(
        &self,
        request: Request<pb::UnsealRequest>,
    ) -> Result<Response<pb::UnsealResponse>, Status> {
        let given = given(request.into_inner().passphrase)?;
        self.change(|reply| LifeCall::Unseal(given, reply)).await?;
        Ok(Response::new(pb::UnsealResponse {}))
    }

    async fn seal(
        &self,
        _: Request<pb::SealRequest>,
    ) -> Result<Response<pb::SealResponse>, Status> {
        self.change(LifeCall::Seal).await?;
        Ok(Response::new(pb::SealResponse {}))
    }

    async fn rotate_kek(
        &self,
        request: Request<pb::RotateKekRequest>,
    ) -> Result<Response<pb::RotateKekResponse>, Status> {
        let given = given(request.into_inner().passphrase)?;
        let rotated = self.change(|reply| LifeCall::RotateKek(given, reply)).await?;
        let Rotated { to, erasure } = rotated;
        Ok(Response::new(pb::RotateKekResponse { to, erasure: erasure.as_str().to_owned() }))
    }
}
