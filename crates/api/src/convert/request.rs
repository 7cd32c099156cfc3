//! Sign requests as statements.

use quorate_model::{RequestId, Timestamp};
use quorate_trust::{PayloadFormat, SignRequest, SignedRequest};

use crate::convert::scheme::{scheme, scheme_to_pb};
use crate::pb::statement::v1 as pb;
use crate::pb::statement::v1::sign_request::{EvmPayload, Payload};
use crate::{DecodeError, Fault, field, limits, statement};

impl TryFrom<pb::SignedRequest> for SignedRequest {
    type Error = DecodeError;

    fn try_from(signed: pb::SignedRequest) -> Result<Self, DecodeError> {
        let request = statement::decode_sign_request(&signed.statement)?;
        let signature = field::signature("SignedRequest.signature", &signed.signature)?;
        Ok(Self { statement: signed.statement, request, signature })
    }
}

impl From<SignedRequest> for pb::SignedRequest {
    fn from(signed: SignedRequest) -> Self {
        Self { statement: signed.statement, signature: signed.signature.as_bytes().to_vec() }
    }
}

/// The message of a statement. No `TryFrom`: whoever decodes a statement checks its bytes too.
pub(crate) fn from_pb(request: pb::SignRequest) -> Result<SignRequest, DecodeError> {
    const PAYLOAD: &str = "SignRequest.payload";
    let (payload_format, payload) = match (request.payload, request.evm_payload) {
        (Some(payload), None) => match payload {
            Payload::BitcoinPsbt(bytes) => (PayloadFormat::BitcoinPsbt, bytes),
            Payload::SolanaMessage(bytes) => (PayloadFormat::SolanaMessage, bytes),
        },
        (None, Some(payload)) => match payload {
            EvmPayload::EvmTransaction(bytes) => (PayloadFormat::EvmTransaction, bytes),
            EvmPayload::EvmMessage(bytes) => (PayloadFormat::EvmMessage, bytes),
            EvmPayload::EvmTypedData(bytes) => (PayloadFormat::EvmTypedData, bytes),
            EvmPayload::EvmAuthorization(bytes) => (PayloadFormat::EvmAuthorization, bytes),
            EvmPayload::RawDigest(bytes) => (PayloadFormat::RawDigest, bytes),
        },
        (None, None) => return Err(DecodeError::new(PAYLOAD, Fault::Missing)),
        (Some(_), Some(_)) => {
            return Err(DecodeError::value(PAYLOAD, "there are two: send one payload"));
        }
    };
    Ok(SignRequest {
        cluster: field::digest("SignRequest.cluster", &request.cluster)?,
        service: field::parse("SignRequest.service", &request.service)?,
        request_id: RequestId::new(field::array("SignRequest.request_id", &request.request_id)?),
        key: field::parse("SignRequest.key", &request.key)?,
        path: field::parse("SignRequest.path", &request.path)?,
        scheme: scheme("SignRequest.scheme", request.scheme)?,
        network: field::parse("SignRequest.network", &request.network)?,
        action: field::text(
            "SignRequest.action",
            request.action,
            quorate_trust::limits::ACTION_BYTES_MAX,
        )?,
        payload_format,
        payload: field::bytes(PAYLOAD, payload, limits::PAYLOAD_BYTES_MAX)?,
        expires: Timestamp::from_millis(request.expire_time_ms),
        client_reference: field::text(
            "SignRequest.client_reference",
            request.client_reference,
            quorate_trust::limits::CLIENT_REFERENCE_BYTES_MAX,
        )?,
    })
}

pub(crate) fn to_pb(request: SignRequest) -> pb::SignRequest {
    let bytes = request.payload;
    let (payload, evm_payload) = match request.payload_format {
        PayloadFormat::BitcoinPsbt => (Some(Payload::BitcoinPsbt(bytes)), None),
        PayloadFormat::SolanaMessage => (Some(Payload::SolanaMessage(bytes)), None),
        PayloadFormat::EvmTransaction => (None, Some(EvmPayload::EvmTransaction(bytes))),
        PayloadFormat::EvmMessage => (None, Some(EvmPayload::EvmMessage(bytes))),
        PayloadFormat::EvmTypedData => (None, Some(EvmPayload::EvmTypedData(bytes))),
        PayloadFormat::EvmAuthorization => (None, Some(EvmPayload::EvmAuthorization(bytes))),
        PayloadFormat::RawDigest => (None, Some(EvmPayload::RawDigest(bytes))),
    };
    pb::SignRequest {
        cluster: request.cluster.as_bytes().to_vec(),
        service: request.service.to_string(),
        request_id: request.request_id.as_bytes().to_vec(),
        key: request.key.to_string(),
        path: request.path.to_string(),
        scheme: scheme_to_pb(request.scheme),
        network: request.network.to_string(),
        action: request.action,
        payload,
        evm_payload,
        expire_time_ms: request.expires.millis(),
        client_reference: request.client_reference,
    }
}
