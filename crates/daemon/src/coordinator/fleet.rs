//! `quorate.custody.v1.FleetService`: convert, ask, convert.

use quorate_api::custody::cluster_to_pb;
use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::fleet_service_server::FleetService;
use quorate_coordinator::ClientReply;
use tonic::{Request, Response, Status};

use super::peer;
use super::port::Port;
use super::signing::unexpected;
use crate::VERSION;

pub(super) struct Fleet {
    pub(super) port: Port,
}

#[tonic::async_trait]
impl FleetService for Fleet {
    async fn get_cluster(
        &self,
        request: Request<pb::GetClusterRequest>,
    ) -> Result<Response<pb::Cluster>, Status> {
        peer::client(&request)?;
        let ClientReply::Cluster(view) = self.port.ask(request.into_inner().try_into()?).await?
        else {
            return Err(unexpected());
        };
        Ok(Response::new(cluster_to_pb(*view, VERSION)))
    }
}
