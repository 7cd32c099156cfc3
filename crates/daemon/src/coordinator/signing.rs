//! `quorate.custody.v1.SigningService`: convert, ask, convert; and wait where a client waits.

use std::pin::Pin;
use std::time::Duration;

use quorate_api::custody::{
    CreateSignRequest, created_to_pb, found_to_pb, preview_to_pb, sign_requests_to_pb,
};
use quorate_api::name::{Parent, parse_sign_request};
use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::signing_service_server::SigningService;
use quorate_api::status::{Failure, Reason};
use quorate_coordinator::{ClientReply, ClientRequest, ListFilter, RequestState, SignRequestView};
use quorate_model::RequestKey;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::peer;
use super::port::Port;
use crate::clock;

/// Events that wait for a slow watcher, at most; then its stream ends.
const EVENTS_MAX: usize = 256;
/// Requests of a page, at most: each is decoded for it, and may have a large payload.
const PAGE_MAX: usize = 100;

pub(super) struct Signing {
    pub(super) port: Port,
}

/// The engine answered another kind of reply than it was asked for: a fault of quorate's own.
pub(super) fn unexpected() -> Status {
    Failure::new(Reason::Internal, "the engine answered something else").into()
}

impl Signing {
    async fn find(&self, key: RequestKey) -> Result<SignRequestView, Status> {
        find(&self.port, key).await
    }

    /// Waits for a final state, or for the news that something holds it up, at most so long.
    async fn settle(
        &self,
        view: SignRequestView,
        wait: Duration,
    ) -> Result<SignRequestView, Status> {
        let deadline = Instant::now() + wait;
        let key = view.record.signed.request.request_key();
        // Subscribed before the first look, so that no change is missed in between.
        let mut changes = self.port.changes();
        let mut view = self.find(key.clone()).await?;
        while !is_settled(&view) {
            let change = self.port.stop().run_until_cancelled(changes.recv());
            match timeout_at(deadline, change).await.map(|c| c.unwrap_or(Err(RecvError::Closed))) {
                Err(_) | Ok(Err(RecvError::Closed)) => break,
                Ok(Ok(changed)) if changed != key => {}
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => view = self.find(key.clone()).await?,
            }
        }
        Ok(view)
    }
}

/// Whether there is news: an end, people who have to approve, or something that holds it up.
fn is_settled(view: &SignRequestView) -> bool {
    let state = &view.record.state;
    state.is_final() || *state == RequestState::PendingApproval || view.hold.is_some()
}

async fn find(port: &Port, key: RequestKey) -> Result<SignRequestView, Status> {
    let ClientReply::SignRequest(view) = port.ask(ClientRequest::GetSignRequest(key)).await? else {
        return Err(unexpected());
    };
    Ok(*view)
}

#[tonic::async_trait]
impl SigningService for Signing {
    async fn create_sign_request(
        &self,
        request: Request<pb::CreateSignRequestRequest>,
    ) -> Result<Response<pb::SignRequest>, Status> {
        let caller = peer::client(&request)?;
        let create = CreateSignRequest::try_from(request.into_inner())?;
        if !create.verdicts.is_empty() {
            // Anybody else could put worthless ones in the place of good ones.
            peer::is_service(&caller, &create.request.request.service)?;
        }
        let (wait, asked) = (create.wait, create.request.clone());
        match self.port.ask(create.into()).await? {
            ClientReply::Simulated(_) => Ok(Response::new(preview_to_pb(asked, clock::now()))),
            ClientReply::SignRequest(view) => {
                let view = self.settle(*view, wait).await?;
                Ok(Response::new(created_to_pb(view)?))
            }
            ClientReply::Operation(_)
            | ClientReply::Order(_)
            | ClientReply::Orders(_)
            | ClientReply::Key(_)
            | ClientReply::Keys(_)
            | ClientReply::SignRequests(_)
            | ClientReply::Decoded(_)
            | ClientReply::Cluster(_) => Err(unexpected()),
        }
    }

    async fn get_sign_request(
        &self,
        request: Request<pb::GetSignRequestRequest>,
    ) -> Result<Response<pb::SignRequest>, Status> {
        peer::client(&request)?;
        let name = request.into_inner().name;
        let key = parse_sign_request("GetSignRequestRequest.name", &name)?;
        Ok(Response::new(found_to_pb(self.find(key).await?)))
    }

    async fn list_sign_requests(
        &self,
        request: Request<pb::ListSignRequestsRequest>,
    ) -> Result<Response<pb::ListSignRequestsResponse>, Status> {
        peer::client(&request)?;
        let mut filter = ListFilter::try_from(request.into_inner())?;
        filter.limit = filter.limit.min(PAGE_MAX);
        let ClientReply::SignRequests(views) =
            self.port.ask(ClientRequest::ListSignRequests(filter.clone())).await?
        else {
            return Err(unexpected());
        };
        Ok(Response::new(sign_requests_to_pb(&filter, views)))
    }

    type WatchSignRequestsStream =
        Pin<Box<dyn Stream<Item = Result<pb::SignRequestEvent, Status>> + Send>>;

    async fn watch_sign_requests(
        &self,
        request: Request<pb::WatchSignRequestsRequest>,
    ) -> Result<Response<Self::WatchSignRequestsStream>, Status> {
        peer::client(&request)?;
        let parent = Parent::try_from(request.into_inner())?;
        let (events, stream) = tokio::sync::mpsc::channel(EVENTS_MAX);
        let (port, mut changes) = (self.port.clone(), self.port.changes());
        tokio::spawn(async move {
            loop {
                let changed = tokio::select! {
                    () = events.closed() => return,
                    () = port.stop().cancelled() => return,
                    changed = changes.recv() => changed,
                };
                let event = match changed {
                    Ok(key) if !parent.includes(&key) => continue,
                    Ok(key) => find(&port, key).await,
                    Err(RecvError::Closed) => return,
                    Err(RecvError::Lagged(missed)) => {
                        let message = format!("{missed} changes were missed: list, then watch");
                        Err(Failure::new(Reason::Limit, message).into())
                    }
                };
                let last = event.is_err();
                if events.send(event).await.is_err() || last {
                    return;
                }
            }
        });
        let stream = ReceiverStream::new(stream)
            .map(|view| view.map(|view| pb::SignRequestEvent { sign_request: Some(view.into()) }));
        Ok(Response::new(Box::pin(stream)))
    }

    async fn cancel_sign_request(
        &self,
        request: Request<pb::CancelSignRequestRequest>,
    ) -> Result<Response<pb::SignRequest>, Status> {
        let key = parse_sign_request("CancelSignRequestRequest.name", &request.get_ref().name)?;
        peer::service(&request, &key.service)?;
        let ClientReply::SignRequest(view) =
            self.port.ask(ClientRequest::CancelSignRequest(key)).await?
        else {
            return Err(unexpected());
        };
        Ok(Response::new((*view).into()))
    }

    async fn simulate_sign_request(
        &self,
        request: Request<pb::SimulateSignRequestRequest>,
    ) -> Result<Response<pb::SimulateSignRequestResponse>, Status> {
        peer::client(&request)?;
        let ClientReply::Simulated(decisions) =
            self.port.ask(request.into_inner().try_into()?).await?
        else {
            return Err(unexpected());
        };
        let decisions = decisions.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::SimulateSignRequestResponse { decisions }))
    }

    async fn decode_payload(
        &self,
        request: Request<pb::DecodePayloadRequest>,
    ) -> Result<Response<pb::Intent>, Status> {
        peer::client(&request)?;
        let ClientReply::Decoded(intent) = self.port.ask(request.into_inner().try_into()?).await?
        else {
            return Err(unexpected());
        };
        Ok(Response::new(intent.as_ref().into()))
    }
}
