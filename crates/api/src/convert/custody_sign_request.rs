//! Sign requests, as clients see them.

use quorate_coordinator::{RequestState, SignRequestRecord};
use quorate_intent::{Decoded, Payload};
use quorate_protocol::wire::SignedDenial;
use quorate_trust::{PayloadFormat, Signed};

use crate::convert::scheme::scheme_to_pb;
use crate::pb::custody::v1 as pb;
use crate::{DecodeError, Fault, field, name};

/// A request with what its payload does, where that could be decoded.
#[derive(Debug, Clone, Copy)]
pub struct RequestView<'a> {
    /// The request and how it stands.
    pub record: &'a SignRequestRecord,
    /// Its payload, decoded.
    pub decoded: Option<&'a Decoded>,
}

/// The states by which requests can be listed: all that a client may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignRequestState(pb::SignRequestState);

impl SignRequestState {
    pub(crate) fn from_pb(field: &'static str, state: i32) -> Result<Self, DecodeError> {
        match pb::SignRequestState::try_from(state) {
            Ok(pb::SignRequestState::Unspecified) | Err(_) => {
                Err(DecodeError::new(field, Fault::Unknown(state)))
            }
            Ok(state) => Ok(Self(state)),
        }
    }

    /// Whether a request is in this state.
    #[must_use]
    pub fn is(self, state: &RequestState) -> bool {
        self.0 == state.into()
    }
}

impl From<&RequestState> for pb::SignRequestState {
    fn from(state: &RequestState) -> Self {
        match state {
            RequestState::Queued => Self::Queued,
            RequestState::Signing => Self::Signing,
            RequestState::Signed { .. } => Self::Signed,
            RequestState::Denied => Self::Denied,
            RequestState::Expired => Self::Expired,
            RequestState::Canceled => Self::Canceled,
            RequestState::Failed => Self::Failed,
        }
    }
}

impl From<RequestView<'_>> for pb::SignRequest {
    fn from(RequestView { record, decoded }: RequestView<'_>) -> Self {
        let request = &record.signed.request;
        let (signatures, signers) = match &record.state {
            RequestState::Signed { signatures, signers } => {
                (signatures.clone(), field::participants_to_pb(signers))
            }
            RequestState::Queued
            | RequestState::Signing
            | RequestState::Denied
            | RequestState::Expired
            | RequestState::Canceled
            | RequestState::Failed => (Vec::new(), Vec::new()),
        };
        let (payload_format, payload) = match request.payload_format {
            PayloadFormat::BitcoinPsbt => {
                (pb::PayloadFormat::BitcoinPsbt, Payload::BitcoinPsbt(request.payload.clone()))
            }
            PayloadFormat::SolanaMessage => {
                (pb::PayloadFormat::SolanaMessage, Payload::SolanaMessage(request.payload.clone()))
            }
        };
        Self {
            name: name::sign_request(&request.request_key()),
            key: name::key(&request.key),
            path: request.path.to_string(),
            scheme: scheme_to_pb(request.scheme),
            network: request.network.to_string(),
            action: request.action.clone(),
            payload_format: payload_format.into(),
            payload_digest: payload.digest().as_bytes().to_vec(),
            client_reference: request.client_reference.clone(),
            expire_time_ms: request.expires.millis(),
            state: pb::SignRequestState::from(&record.state).into(),
            intent: decoded.map(|decoded| (&decoded.intent).into()),
            signatures,
            signing_messages: decoded
                .map(|decoded| decoded.signing_messages.clone())
                .unwrap_or_default(),
            signers,
            denials: record.denials.iter().map(Into::into).collect(),
            attempts: record.attempt.0,
            reason: record.reason.clone(),
            create_time_ms: record.created.millis(),
            update_time_ms: record.updated.millis(),
            digest: record.digest.as_bytes().to_vec(),
        }
    }
}

impl From<&Signed<SignedDenial>> for pb::NodeDenial {
    fn from(denial: &Signed<SignedDenial>) -> Self {
        Self {
            node: field::participant_to_pb(denial.from),
            reason: denial.body.reason.clone(),
            denial: Some(denial.clone().into()),
        }
    }
}
