//! Calls, checked, as a coordinator's engine takes them.

use std::time::Duration;

use quorate_coordinator::{ClientRequest, ListFilter};
use quorate_model::{DerivationPath, KeyId, PayloadFormat};
use quorate_trust::{SignedRequest, SignedRiskVerdict};

use crate::convert::verdict::verdicts;
use crate::name::{self, Parent};
use crate::page::Page;
use crate::pb::custody::v1 as pb;
use crate::pb::custody::v1::decode_payload_request::Payload;
use crate::{DecodeError, Fault, field, limits};

/// `SigningService.CreateSignRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSignRequest {
    /// The service's request.
    pub request: SignedRequest,
    /// What risk providers said about it.
    pub verdicts: Vec<SignedRiskVerdict>,
    /// Whether nothing is to be stored.
    pub validate_only: bool,
    /// How long to wait for a final state before answering.
    pub wait: Duration,
}

/// `KeyService.ListKeys`. The engine lists all keys; the page is cut from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListKeys(pub Page<KeyId>);

impl From<CreateSignRequest> for ClientRequest {
    fn from(create: CreateSignRequest) -> Self {
        let CreateSignRequest { request, verdicts, validate_only, wait: _ } = create;
        Self::CreateSignRequest { request, verdicts, validate_only }
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
        Ok(Self {
            request: request.try_into()?,
            verdicts: verdicts("CreateSignRequestRequest.verdicts", call.verdicts)?,
            validate_only: call.validate_only,
            wait: Duration::from_millis(u64::from(call.wait_ms)),
        })
    }
}

impl TryFrom<pb::ListKeysRequest> for ListKeys {
    type Error = DecodeError;

    fn try_from(call: pb::ListKeysRequest) -> Result<Self, DecodeError> {
        Page::of_keys(call.page_size, &call.page_token).map(Self)
    }
}

impl TryFrom<pb::GenerateKeyRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::GenerateKeyRequest) -> Result<Self, DecodeError> {
        let order = field::required("GenerateKeyRequest.order", call.order)?;
        Ok(Self::BeginCeremony(order.try_into()?))
    }
}

impl TryFrom<pb::ReshareKeyRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::ReshareKeyRequest) -> Result<Self, DecodeError> {
        let order = field::required("ReshareKeyRequest.order", call.order)?;
        Ok(Self::BeginCeremony(order.try_into()?))
    }
}

impl TryFrom<pb::GetOperationRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::GetOperationRequest) -> Result<Self, DecodeError> {
        name::parse_operation("GetOperationRequest.name", &call.name).map(Self::GetOperation)
    }
}

impl TryFrom<pb::SubmitOrderRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::SubmitOrderRequest) -> Result<Self, DecodeError> {
        let order = field::required("SubmitOrderRequest.order", call.order)?;
        Ok(Self::SubmitOrder(order.try_into()?))
    }
}

impl TryFrom<pb::SubmitApprovalRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::SubmitApprovalRequest) -> Result<Self, DecodeError> {
        let approval = field::required("SubmitApprovalRequest.approval", call.approval)?;
        Ok(Self::SubmitApproval(approval.try_into()?))
    }
}

impl TryFrom<pb::GetOrderRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::GetOrderRequest) -> Result<Self, DecodeError> {
        name::parse_order("GetOrderRequest.name", &call.name).map(Self::GetOrder)
    }
}

impl TryFrom<pb::ListOrdersRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(pb::ListOrdersRequest {}: pb::ListOrdersRequest) -> Result<Self, DecodeError> {
        Ok(Self::ListOrders)
    }
}

impl TryFrom<pb::GetKeyRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::GetKeyRequest) -> Result<Self, DecodeError> {
        name::parse_key("GetKeyRequest.name", &call.name).map(Self::GetKey)
    }
}

impl TryFrom<pb::GetSignRequestRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::GetSignRequestRequest) -> Result<Self, DecodeError> {
        name::parse_sign_request("GetSignRequestRequest.name", &call.name).map(Self::GetSignRequest)
    }
}

impl TryFrom<pb::ListSignRequestsRequest> for ListFilter {
    type Error = DecodeError;

    fn try_from(call: pb::ListSignRequestsRequest) -> Result<Self, DecodeError> {
        let page = Page::of_requests(call.page_size, &call.page_token)?;
        let service = match Parent::parse("ListSignRequestsRequest.parent", &call.parent)? {
            Parent::Any => None,
            Parent::Service(service) => Some(service),
        };
        let state = call.state.map(state_name).transpose()?;
        Ok(Self { service, state, after: page.after, limit: page.size })
    }
}

impl TryFrom<pb::WatchSignRequestsRequest> for Parent {
    type Error = DecodeError;

    fn try_from(call: pb::WatchSignRequestsRequest) -> Result<Self, DecodeError> {
        Self::parse("WatchSignRequestsRequest.parent", &call.parent)
    }
}

impl TryFrom<pb::CancelSignRequestRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::CancelSignRequestRequest) -> Result<Self, DecodeError> {
        name::parse_sign_request("CancelSignRequestRequest.name", &call.name)
            .map(Self::CancelSignRequest)
    }
}

impl TryFrom<pb::SimulateSignRequestRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::SimulateSignRequestRequest) -> Result<Self, DecodeError> {
        let request = field::required("SimulateSignRequestRequest.request", call.request)?;
        Ok(Self::Simulate {
            request: request.try_into()?,
            verdicts: verdicts("SimulateSignRequestRequest.verdicts", call.verdicts)?,
        })
    }
}

impl TryFrom<pb::DecodePayloadRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(call: pb::DecodePayloadRequest) -> Result<Self, DecodeError> {
        const PAYLOAD: &str = "DecodePayloadRequest.payload";
        let (format, payload) = match field::required(PAYLOAD, call.payload)? {
            Payload::BitcoinPsbt(bytes) => (PayloadFormat::BitcoinPsbt, bytes),
            Payload::SolanaMessage(bytes) => (PayloadFormat::SolanaMessage, bytes),
            Payload::EvmTransaction(bytes) => (PayloadFormat::EvmTransaction, bytes),
            Payload::EvmMessage(bytes) => (PayloadFormat::EvmMessage, bytes),
            Payload::EvmTypedData(bytes) => (PayloadFormat::EvmTypedData, bytes),
            Payload::EvmAuthorization(bytes) => (PayloadFormat::EvmAuthorization, bytes),
            Payload::RawDigest(bytes) => (PayloadFormat::RawDigest, bytes),
        };
        let path = match call.path.as_str() {
            "" => DerivationPath::root(),
            path => field::parse("DecodePayloadRequest.path", path)?,
        };
        Ok(Self::DecodePayload {
            path,
            key: name::parse_key("DecodePayloadRequest.key", &call.key)?,
            network: field::parse("DecodePayloadRequest.network", &call.network)?,
            format,
            payload: field::bytes(PAYLOAD, payload, limits::PAYLOAD_BYTES_MAX)?,
        })
    }
}

impl TryFrom<pb::GetClusterRequest> for ClientRequest {
    type Error = DecodeError;

    fn try_from(pb::GetClusterRequest {}: pb::GetClusterRequest) -> Result<Self, DecodeError> {
        Ok(Self::GetCluster)
    }
}

/// The name of a state on every surface: `QUEUED` of `SIGN_REQUEST_STATE_QUEUED`.
fn state_name(state: i32) -> Result<String, DecodeError> {
    const STATE: &str = "ListSignRequestsRequest.state";
    match pb::SignRequestState::try_from(state) {
        Ok(pb::SignRequestState::Unspecified) | Err(_) => {
            Err(DecodeError::new(STATE, Fault::Unknown(state)))
        }
        Ok(state) => Ok(state.as_str_name().replace("SIGN_REQUEST_STATE_", "")),
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
