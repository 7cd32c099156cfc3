//! The node's admin socket: it works without any coordinator.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_admin_server::{NodeAdmin, NodeAdminServer};
use quorate_net::UdsListener;
use quorate_protocol::wire::{CallId, FromNode, NodeStatus, ToNode};
use quorate_signer::{Input, LinkId};
use quorate_telemetry::Metrics;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::AttachedTo;
use crate::DaemonError;

/// The link by which the engine knows the admin socket.
pub(super) const ADMIN_LINK: LinkId = LinkId(u64::MAX);

/// Questions of the admin socket that wait for the engine.
#[derive(Clone, Default)]
pub(super) struct AdminCalls(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    last: u64,
    open: BTreeMap<CallId, oneshot::Sender<FromNode>>,
}

impl AdminCalls {
    fn open(&self) -> (CallId, oneshot::Receiver<FromNode>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.last += 1;
        let call = CallId(waiting.last);
        waiting.open.insert(call, sender);
        (call, receiver)
    }

    pub(super) fn answer(&self, call: CallId, answer: FromNode) {
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

    async fn status(&self) -> Result<NodeStatus, Status> {
        let stopping = || Status::unavailable("the node is stopping");
        let (call, answer) = self.calls.open();
        let question = Input::Question { link: ADMIN_LINK, call, question: ToNode::Status };
        self.inputs.send(question).await.map_err(|_| stopping())?;
        match answer.await {
            Ok(FromNode::Status(status)) => Ok(status),
            Ok(_) | Err(_) => Err(stopping()),
        }
    }
}

#[tonic::async_trait]
impl NodeAdmin for Admin {
    async fn get_status(
        &self,
        _: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        let status = self.status().await?;
        let attached = self.attached_to.lock().unwrap_or_else(PoisonError::into_inner);
        let attached_to = attached.values().cloned().collect();
        Ok(Response::new(pb::GetStatusResponse { status: Some(status.into()), attached_to }))
    }

    async fn get_metrics(
        &self,
        _: Request<pb::GetMetricsRequest>,
    ) -> Result<Response<pb::GetMetricsResponse>, Status> {
        Ok(Response::new(pb::GetMetricsResponse { text: self.metrics.render() }))
    }
}
