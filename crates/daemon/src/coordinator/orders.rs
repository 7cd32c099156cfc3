//! `quorate.custody.v1.OrderService`: convert, ask, convert.

use quorate_api::custody::orders_to_pb;
use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::order_service_server::OrderService;
use quorate_coordinator::{ClientReply, ClientRequest};
use tonic::{Request, Response, Status};

use super::peer;
use super::port::Port;
use super::signing::unexpected;

pub(super) struct Orders {
    pub(super) port: Port,
}

impl Orders {
    async fn order(&self, request: ClientRequest) -> Result<Response<pb::Order>, Status> {
        let ClientReply::Order(view) = self.port.ask(request).await? else {
            return Err(unexpected());
        };
        Ok(Response::new((*view).into()))
    }
}

#[tonic::async_trait]
impl OrderService for Orders {
    async fn submit_order(
        &self,
        request: Request<pb::SubmitOrderRequest>,
    ) -> Result<Response<pb::Order>, Status> {
        peer::client(&request)?;
        self.order(request.into_inner().try_into()?).await
    }

    async fn get_order(
        &self,
        request: Request<pb::GetOrderRequest>,
    ) -> Result<Response<pb::Order>, Status> {
        peer::client(&request)?;
        self.order(request.into_inner().try_into()?).await
    }

    async fn list_orders(
        &self,
        request: Request<pb::ListOrdersRequest>,
    ) -> Result<Response<pb::ListOrdersResponse>, Status> {
        peer::client(&request)?;
        let ClientReply::Orders(orders) = self.port.ask(request.into_inner().try_into()?).await?
        else {
            return Err(unexpected());
        };
        Ok(Response::new(orders_to_pb(orders)))
    }
}
