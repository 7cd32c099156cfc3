//! `quorate.custody.v1.KeyService`: convert, ask, convert.

use quorate_api::custody::{ListKeys, keys_to_pb, operation_to_pb};
use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::key_service_server::KeyService;
use quorate_api::pb::longrunning::Operation;
use quorate_coordinator::{ClientReply, ClientRequest, OperationState};
use tonic::{Request, Response, Status};

use super::peer;
use super::port::Port;
use super::signing::unexpected;

pub(super) struct Keys {
    pub(super) port: Port,
}

impl Keys {
    /// Asks for an operation; a finished one carries its key.
    async fn operation(&self, request: ClientRequest) -> Result<Response<Operation>, Status> {
        let ClientReply::Operation(view) = self.port.ask(request).await? else {
            return Err(unexpected());
        };
        let key = match view.record.state {
            OperationState::Done => {
                let get = ClientRequest::GetKey(view.key.clone());
                let ClientReply::Key(key) = self.port.ask(get).await? else {
                    return Err(unexpected());
                };
                Some(*key)
            }
            OperationState::Running(_) | OperationState::Failed(_) => None,
        };
        Ok(Response::new(operation_to_pb(*view, key)))
    }
}

#[tonic::async_trait]
impl KeyService for Keys {
    async fn generate_key(
        &self,
        request: Request<pb::GenerateKeyRequest>,
    ) -> Result<Response<Operation>, Status> {
        peer::client(&request)?;
        self.operation(request.into_inner().try_into()?).await
    }

    async fn reshare_key(
        &self,
        request: Request<pb::ReshareKeyRequest>,
    ) -> Result<Response<Operation>, Status> {
        peer::client(&request)?;
        self.operation(request.into_inner().try_into()?).await
    }

    async fn get_operation(
        &self,
        request: Request<pb::GetOperationRequest>,
    ) -> Result<Response<Operation>, Status> {
        peer::client(&request)?;
        self.operation(request.into_inner().try_into()?).await
    }

    async fn get_key(
        &self,
        request: Request<pb::GetKeyRequest>,
    ) -> Result<Response<pb::Key>, Status> {
        peer::client(&request)?;
        let ClientReply::Key(view) = self.port.ask(request.into_inner().try_into()?).await? else {
            return Err(unexpected());
        };
        Ok(Response::new((*view).into()))
    }

    async fn list_keys(
        &self,
        request: Request<pb::ListKeysRequest>,
    ) -> Result<Response<pb::ListKeysResponse>, Status> {
        peer::client(&request)?;
        let ListKeys(page) = request.into_inner().try_into()?;
        let ClientReply::Keys(keys) = self.port.ask(ClientRequest::ListKeys).await? else {
            return Err(unexpected());
        };
        Ok(Response::new(keys_to_pb(&page, keys)))
    }
}
