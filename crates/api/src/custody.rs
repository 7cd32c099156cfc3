//! Calls of the custody API, checked.

use quorate_intent::Payload;
use quorate_model::{KeyId, Network, OrderId, RequestKey};
use quorate_trust::{SignedOrder, SignedRequest};

pub use crate::convert::{RequestView, SignRequestState, operation_to_pb};
use crate::name::Parent;
use crate::page::Page;
use crate::pb::custody::v1 as pb;
use crate::{DecodeError, field, limits, name};

/// `KeyService.GenerateKey`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateKey(pub SignedOrder);

/// `KeyService.GetOperation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetOperation(pub OrderId);

/// `KeyService.GetKey`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetKey(pub KeyId);

/// `KeyService.ListKeys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListKeys(pub Page<KeyId>);

/// `SigningService.CreateSignRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSignRequest {
    /// The service's request.
    pub request: SignedRequest,
    /// Whether nothing is to be stored.
    pub validate_only: bool,
    /// How long to wait for a final state: milliseconds.
    pub wait_ms: u32,
}

/// `SigningService.GetSignRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetSignRequest(pub RequestKey);

/// `SigningService.ListSignRequests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSignRequests {
    /// Whose.
    pub parent: Parent,
    /// Only those in this state.
    pub state: Option<SignRequestState>,
    /// Which part of the list.
    pub page: Page<RequestKey>,
}

/// `SigningService.WatchSignRequests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchSignRequests(pub Parent);

/// `SigningService.CancelSignRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelSignRequest(pub RequestKey);

/// `SigningService.SimulateSignRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulateSignRequest(pub SignedRequest);

/// `SigningService.DecodePayload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodePayload {
    /// The network that the payload is for.
    pub network: Network,
    /// The key that pays.
    pub key: KeyId,
    /// The bytes.
    pub payload: Payload,
}

impl TryFrom<pb::GenerateKeyRequest> for GenerateKey {
    type Error = DecodeError;

    fn try_from(call: pb::GenerateKeyRequest) -> Result<Self, DecodeError> {
        Ok(Self(field::required("GenerateKeyRequest.order", call.order)?.try_into()?))
    }
}

impl TryFrom<pb::GetOperationRequest> for GetOperation {
    type Error = DecodeError;

    fn try_from(call: pb::GetOperationRequest) -> Result<Self, DecodeError> {
        name::parse_operation("GetOperationRequest.name", &call.name).map(Self)
    }
}

impl TryFrom<pb::GetKeyRequest> for GetKey {
    type Error = DecodeError;

    fn try_from(call: pb::GetKeyRequest) -> Result<Self, DecodeError> {
        name::parse_key("GetKeyRequest.name", &call.name).map(Self)
    }
}

impl TryFrom<pb::ListKeysRequest> for ListKeys {
    type Error = DecodeError;

    fn try_from(call: pb::ListKeysRequest) -> Result<Self, DecodeError> {
        Page::of_keys(call.page_size, &call.page_token).map(Self)
    }
}

impl TryFrom<pb::CreateSignRequestRequest> for CreateSignRequest {
    type Error = DecodeError;

    fn try_from(call: pb::CreateSignRequestRequest) -> Result<Self, DecodeError> {
        const WAIT: &str = "CreateSignRequestRequest.wait_ms";
        if call.wait_ms > limits::WAIT_MS_MAX {
            let reason = format!("at most {}: read the request again later", limits::WAIT_MS_MAX);
            return Err(DecodeError::value(WAIT, reason));
        }
        let request = field::required("CreateSignRequestRequest.request", call.request)?;
        let (validate_only, wait_ms) = (call.validate_only, call.wait_ms);
        Ok(Self { request: request.try_into()?, validate_only, wait_ms })
    }
}

impl TryFrom<pb::GetSignRequestRequest> for GetSignRequest {
    type Error = DecodeError;

    fn try_from(call: pb::GetSignRequestRequest) -> Result<Self, DecodeError> {
        name::parse_sign_request("GetSignRequestRequest.name", &call.name).map(Self)
    }
}

impl TryFrom<pb::ListSignRequestsRequest> for ListSignRequests {
    type Error = DecodeError;

    fn try_from(call: pb::ListSignRequestsRequest) -> Result<Self, DecodeError> {
        const STATE: &str = "ListSignRequestsRequest.state";
        let state = call.state.map(|state| SignRequestState::from_pb(STATE, state));
        Ok(Self {
            parent: Parent::parse("ListSignRequestsRequest.parent", &call.parent)?,
            state: state.transpose()?,
            page: Page::of_requests(call.page_size, &call.page_token)?,
        })
    }
}

impl TryFrom<pb::WatchSignRequestsRequest> for WatchSignRequests {
    type Error = DecodeError;

    fn try_from(call: pb::WatchSignRequestsRequest) -> Result<Self, DecodeError> {
        Parent::parse("WatchSignRequestsRequest.parent", &call.parent).map(Self)
    }
}

impl TryFrom<pb::CancelSignRequestRequest> for CancelSignRequest {
    type Error = DecodeError;

    fn try_from(call: pb::CancelSignRequestRequest) -> Result<Self, DecodeError> {
        name::parse_sign_request("CancelSignRequestRequest.name", &call.name).map(Self)
    }
}

impl TryFrom<pb::SimulateSignRequestRequest> for SimulateSignRequest {
    type Error = DecodeError;

    fn try_from(call: pb::SimulateSignRequestRequest) -> Result<Self, DecodeError> {
        let request = field::required("SimulateSignRequestRequest.request", call.request)?;
        Ok(Self(request.try_into()?))
    }
}

impl TryFrom<pb::DecodePayloadRequest> for DecodePayload {
    type Error = DecodeError;

    fn try_from(call: pb::DecodePayloadRequest) -> Result<Self, DecodeError> {
        const PAYLOAD: &str = "DecodePayloadRequest.payload";
        let checked = |bytes| field::bytes(PAYLOAD, bytes, limits::PAYLOAD_BYTES_MAX);
        let payload = match field::required(PAYLOAD, call.payload)? {
            pb::decode_payload_request::Payload::BitcoinPsbt(bytes) => {
                Payload::BitcoinPsbt(checked(bytes)?)
            }
            pb::decode_payload_request::Payload::SolanaMessage(bytes) => {
                Payload::SolanaMessage(checked(bytes)?)
            }
        };
        Ok(Self {
            network: field::parse("DecodePayloadRequest.network", &call.network)?,
            key: name::parse_key("DecodePayloadRequest.key", &call.key)?,
            payload,
        })
    }
}
