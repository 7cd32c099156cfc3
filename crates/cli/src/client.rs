//! Calls to a coordinator.

use std::time::Duration;

use quorate_api::name;
use quorate_api::name::Parent;
use quorate_api::pb::custody::v1::approval_service_client::ApprovalServiceClient;
use quorate_api::pb::custody::v1::fleet_service_client::FleetServiceClient;
use quorate_api::pb::custody::v1::key_service_client::KeyServiceClient;
use quorate_api::pb::custody::v1::order_service_client::OrderServiceClient;
use quorate_api::pb::custody::v1::signing_service_client::SigningServiceClient;
use quorate_api::pb::custody::v1::{
    CancelSignRequestRequest, Cluster, CreateSignRequestRequest, GenerateKeyRequest,
    GetClusterRequest, GetKeyRequest, GetOperationRequest, GetOrderRequest, GetSignRequestRequest,
    ListKeysRequest, ListOrdersRequest, ListSignRequestsRequest, ListSignRequestsResponse,
    NodeDecision, Order, ReshareKeyRequest, SignRequest, SignRequestEvent, SignRequestState,
    SimulateSignRequestRequest, SubmitApprovalRequest, SubmitOrderRequest,
    WatchSignRequestsRequest,
};
use quorate_api::pb::longrunning::Operation;
use quorate_model::{Digest, KeyId, OrderId, RequestKey};
use quorate_net::{ExpectedServer, connect};
use quorate_trust::{SignedApproval, SignedOrder, SignedRequest, SignedRiskVerdict};
use tonic::Streaming;
use tonic::transport::Channel;

use crate::clock;
use crate::exit::{Exit, Failure};
use crate::profile::Profile;
use crate::verified_key::VerifiedKey;

/// How long a call may take beyond what it was asked to wait.
const CALL: Duration = Duration::from_secs(15);
/// A page of requests has their messages, up to 256 of each.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A connection to the cluster, by whichever coordinator answers.
pub(crate) struct Client {
    profile: Profile,
    channel: Channel,
}

impl Client {
    /// Connects to the first coordinator of the profile that answers.
    pub(crate) async fn connect(profile: Profile) -> Result<Self, Failure> {
        let mut failures = Vec::new();
        for address in &profile.coordinators {
            let expected = ExpectedServer::at(address.host())?;
            match connect(&address.authority(), &profile.tls, expected).await {
                Ok(channel) => return Ok(Self { profile, channel }),
                Err(error) => failures.push(Failure::from(error).to_string()),
            }
        }
        let hint = "is it running? Its address is in client.toml, under [[coordinators]]";
        let message = format!("no coordinator answers: {}", failures.join("; "));
        Err(Failure::new(Exit::Unavailable, message).hint(hint))
    }

    pub(crate) const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The cluster as the coordinator sees it; refused where that is another cluster than ours.
    pub(crate) async fn cluster(&self) -> Result<Cluster, Failure> {
        let mut service = FleetServiceClient::new(self.channel.clone());
        let cluster = service.get_cluster(timed(GetClusterRequest {}, CALL)).await?.into_inner();
        of_ours(cluster, self.profile.cluster)
    }

    /// Hands in an order to make a key.
    pub(crate) async fn generate_key(&self, order: SignedOrder) -> Result<Operation, Failure> {
        let call = GenerateKeyRequest { order: Some(order.into()) };
        Ok(self.keys_service().generate_key(timed(call, CALL)).await?.into_inner())
    }

    /// Hands in an order for a new sharing.
    pub(crate) async fn reshare_key(&self, order: SignedOrder) -> Result<Operation, Failure> {
        let call = ReshareKeyRequest { order: Some(order.into()) };
        Ok(self.keys_service().reshare_key(timed(call, CALL)).await?.into_inner())
    }

    /// Has every node carry out an order.
    pub(crate) async fn submit_order(&self, order: SignedOrder) -> Result<Order, Failure> {
        let call = SubmitOrderRequest { order: Some(order.into()) };
        Ok(self.order_service().submit_order(timed(call, CALL)).await?.into_inner())
    }

    /// How an order stands.
    pub(crate) async fn order(&self, id: &OrderId) -> Result<Order, Failure> {
        let call = GetOrderRequest { name: name::order(id) };
        Ok(self.order_service().get_order(timed(call, CALL)).await?.into_inner())
    }

    /// How every order stands, each with its document, if it brings one.
    pub(crate) async fn orders(&self) -> Result<Vec<Order>, Failure> {
        let call = timed(ListOrdersRequest {}, CALL);
        let mut orders = self.order_service().list_orders(call).await?.into_inner().orders;
        for order in &mut orders {
            let text = order.order.as_ref().map_or("", |order| order.text.as_str());
            let parsed = quorate_trust::Order::parse(text)?;
            if parsed.action.successor().is_some() {
                *order = self.order(&parsed.id).await?;
            }
        }
        Ok(orders)
    }

    /// Says yes or no to a request.
    pub(crate) async fn submit_approval(
        &self,
        approval: SignedApproval,
    ) -> Result<SignRequest, Failure> {
        let call = SubmitApprovalRequest { approval: Some(approval.into()) };
        let mut service = ApprovalServiceClient::new(self.channel.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        Ok(service.submit_approval(timed(call, CALL)).await?.into_inner())
    }

    /// How an operation stands.
    pub(crate) async fn operation(&self, name: &str) -> Result<Operation, Failure> {
        let call = GetOperationRequest { name: name.to_owned() };
        Ok(self.keys_service().get_operation(timed(call, CALL)).await?.into_inner())
    }

    /// A key, verified.
    pub(crate) async fn key(&self, id: &KeyId) -> Result<VerifiedKey, Failure> {
        let call = GetKeyRequest { name: name::key(id) };
        let key = self.keys_service().get_key(timed(call, CALL)).await?.into_inner();
        Ok(VerifiedKey::verify(key, Some(id), &self.profile.root)?)
    }

    /// All keys, verified.
    pub(crate) async fn keys(&self) -> Result<Vec<VerifiedKey>, Failure> {
        let (mut keys, mut page_token) = (Vec::new(), String::new());
        loop {
            let call = ListKeysRequest { page_size: 0, page_token };
            let page = self.keys_service().list_keys(timed(call, CALL)).await?.into_inner();
            for key in page.keys {
                keys.push(VerifiedKey::verify(key, None, &self.profile.root)?);
            }
            if page.next_page_token.is_empty() {
                return Ok(keys);
            }
            page_token = page.next_page_token;
        }
    }

    /// Hands in a request and waits for its end, at most `wait`.
    pub(crate) async fn create(
        &self,
        (request, verdicts): (SignedRequest, Vec<SignedRiskVerdict>),
        validate_only: bool,
        wait: Duration,
    ) -> Result<SignRequest, Failure> {
        let wait_ms = u32::try_from(clock::millis(wait)).unwrap_or(u32::MAX);
        let request = Some(request.into());
        let verdicts = verdicts.into_iter().map(Into::into).collect();
        let call = CreateSignRequestRequest { request, validate_only, wait_ms, verdicts };
        let call = timed(call, wait + CALL);
        Ok(self.signing_service().create_sign_request(call).await?.into_inner())
    }

    /// A request.
    pub(crate) async fn request(&self, key: &RequestKey) -> Result<SignRequest, Failure> {
        let call = GetSignRequestRequest { name: name::sign_request(key) };
        Ok(self.signing_service().get_sign_request(timed(call, CALL)).await?.into_inner())
    }

    /// A page of requests.
    pub(crate) async fn requests(
        &self,
        parent: &Parent,
        state: Option<SignRequestState>,
        page_size: u32,
        page_token: String,
    ) -> Result<ListSignRequestsResponse, Failure> {
        let (parent, state) = (parent.to_string(), state.map(Into::into));
        let call = ListSignRequestsRequest { parent, state, page_size, page_token };
        Ok(self.signing_service().list_sign_requests(timed(call, CALL)).await?.into_inner())
    }

    /// Requests as they change, from now on.
    pub(crate) async fn watch(
        &self,
        parent: &Parent,
    ) -> Result<Streaming<SignRequestEvent>, Failure> {
        let call = WatchSignRequestsRequest { parent: parent.to_string() };
        Ok(self.signing_service().watch_sign_requests(call).await?.into_inner())
    }

    /// Withdraws a request.
    pub(crate) async fn cancel(&self, key: &RequestKey) -> Result<SignRequest, Failure> {
        let call = CancelSignRequestRequest { name: name::sign_request(key) };
        Ok(self.signing_service().cancel_sign_request(timed(call, CALL)).await?.into_inner())
    }

    /// What the gates of the nodes would say.
    pub(crate) async fn simulate(
        &self,
        request: SignedRequest,
        verdicts: Vec<SignedRiskVerdict>,
    ) -> Result<Vec<NodeDecision>, Failure> {
        let verdicts = verdicts.into_iter().map(Into::into).collect();
        let call = SimulateSignRequestRequest { request: Some(request.into()), verdicts };
        let answer = self.signing_service().simulate_sign_request(timed(call, CALL)).await?;
        Ok(answer.into_inner().decisions)
    }

    fn order_service(&self) -> OrderServiceClient<Channel> {
        OrderServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    fn keys_service(&self) -> KeyServiceClient<Channel> {
        KeyServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    fn signing_service(&self) -> SigningServiceClient<Channel> {
        SigningServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }
}

fn of_ours(cluster: Cluster, ours: Digest) -> Result<Cluster, Failure> {
    if cluster.cluster == ours.as_bytes() {
        return Ok(cluster);
    }
    let found = hex::encode(cluster.cluster);
    let message = format!("the coordinator serves cluster {found}, not {ours}");
    Err(Failure::new(Exit::Error, message))
}

fn timed<T>(call: T, timeout: Duration) -> tonic::Request<T> {
    let mut call = tonic::Request::new(call);
    call.set_timeout(timeout);
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cluster_is_refused() {
        let (ours, other) = (Digest::new([1; 32]), Digest::new([2; 32]));
        let cluster = Cluster { cluster: ours.as_bytes().to_vec(), ..Cluster::default() };
        assert!(of_ours(cluster.clone(), ours).is_ok());
        assert_eq!(of_ours(cluster, other).unwrap_err().exit(), Exit::Error);
    }
}
