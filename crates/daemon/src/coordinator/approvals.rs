//! `quorate.custody.v1.ApprovalService`: convert, ask, convert.

use quorate_api::custody::found_to_pb;
use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::approval_service_server::ApprovalService;
use quorate_coordinator::ClientReply;
use tonic::{Request, Response, Status};

use super::peer;
use super::port::Port;
use super::signing::unexpected;

pub(super) struct Approvals {
    pub(super) port: Port,
}

#[tonic::async_trait]
impl ApprovalService for Approvals {
    async fn submit_approval(
        &self,
        request: Request<pb::SubmitApprovalRequest>,
    ) -> Result<Response<pb::SignRequest>, Status> {
        peer::client(&request)?;
        let ClientReply::SignRequest(view) =
            self.port.ask(request.into_inner().try_into()?).await?
        else {
            return Err(unexpected());
        };
        Ok(Response::new(found_to_pb(*view)))
    }
}
