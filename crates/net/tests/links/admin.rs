//! A node's admin interface, over a UNIX socket.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_api::pb::node::v1::node_admin_server::{NodeAdmin, NodeAdminServer};
use quorate_net::{UdsError, UdsListener, connect_uds, server};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

struct Metrics;

#[tonic::async_trait]
impl NodeAdmin for Metrics {
    async fn get_status(
        &self,
        _: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_metrics(
        &self,
        _: Request<pb::GetMetricsRequest>,
    ) -> Result<Response<pb::GetMetricsResponse>, Status> {
        Ok(Response::new(pb::GetMetricsResponse { text: "up 1\n".to_owned() }))
    }

    async fn submit_order(
        &self,
        _: Request<pb::SubmitOrderRequest>,
    ) -> Result<Response<pb::SubmitOrderResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn seal(
        &self,
        _: Request<pb::SealRequest>,
    ) -> Result<Response<pb::SealResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn unseal(
        &self,
        _: Request<pb::UnsealRequest>,
    ) -> Result<Response<pb::UnsealResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn rotate_kek(
        &self,
        _: Request<pb::RotateKekRequest>,
    ) -> Result<Response<pb::RotateKekResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type CreateBackupStream = tokio_stream::Empty<Result<pb::CreateBackupResponse, Status>>;

    async fn create_backup(
        &self,
        _: Request<pb::CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type ExportAuditStream = tokio_stream::Empty<Result<pb::ExportAuditResponse, Status>>;

    async fn export_audit(
        &self,
        _: Request<pb::ExportAuditRequest>,
    ) -> Result<Response<Self::ExportAuditStream>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

fn serve(path: &Path) -> (CancellationToken, JoinHandle<()>) {
    let listener = UdsListener::bind(path).unwrap();
    let shutdown = CancellationToken::new();
    let serving = server()
        .add_service(NodeAdminServer::new(Metrics))
        .serve_with_incoming_shutdown(listener.incoming(), shutdown.clone().cancelled_owned());
    (shutdown, tokio::spawn(async move { serving.await.unwrap() }))
}

async fn metrics(path: &Path) -> String {
    let mut client = NodeAdminClient::new(connect_uds(path).await.unwrap());
    client.get_metrics(pb::GetMetricsRequest {}).await.unwrap().into_inner().text
}

#[tokio::test]
async fn the_owner_is_served_and_nobody_else_may_open_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let (shutdown, server) = serve(&path);
    assert_eq!(metrics(&path).await, "up 1\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");

    shutdown.cancel();
    server.await.unwrap();
    assert!(!path.exists());
    assert!(matches!(connect_uds(&path).await, Err(UdsError::Connect { .. })));
}

#[tokio::test]
async fn a_socket_that_is_served_is_not_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let _serving = serve(&path);
    assert!(matches!(UdsListener::bind(&path), Err(UdsError::InUse { .. })));
    assert_eq!(metrics(&path).await, "up 1\n");
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let _serving = serve(&path);
    assert_eq!(metrics(&path).await, "up 1\n");
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    fs::write(&path, "keep me").unwrap();
    assert!(matches!(UdsListener::bind(&path), Err(UdsError::NotASocket { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "keep me");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing/admin.sock");
    let error = UdsListener::bind(&path).err().unwrap();
    assert!(matches!(error, UdsError::Io { .. }));
    assert!(error.to_string().contains("missing/admin.sock"), "{error}");
}
