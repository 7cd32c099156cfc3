//! Sign requests, as clients see them.

use std::time::Duration;

use quorate_coordinator::{
    Hold, ListFilter, NodeDecision, RequestState, SignRequestRecord, SignRequestView,
};
use quorate_intent::Payload;
use quorate_model::{Attempt, PayloadFormat, Timestamp};
use quorate_protocol::wire::SignedDenial;
use quorate_trust::{Signed, SignedRequest};

use crate::convert::scheme::scheme_to_pb;
use crate::page::next_token;
use crate::pb::custody::v1 as pb;
use crate::status::{Failure, Reason};
use crate::{field, name};

/// After how long a request that waits for nodes is worth another look.
const RETRY: Duration = Duration::from_secs(5);

/// What creating a request answers.
///
/// # Errors
/// A [`Failure`] with the `name` of the stored request where the gates denied it, where its time ran
/// out, and where it waits for nodes.
pub fn created_to_pb(view: SignRequestView) -> Result<pb::SignRequest, Failure> {
    let record = &view.record;
    let name = name::sign_request(&record.signed.request.request_key());
    match &record.state {
        RequestState::Denied => {
            Err(Failure::new(Reason::PolicyDenied, record.reason.clone()).with("name", name))
        }
        RequestState::Expired => {
            Err(Failure::new(Reason::Expired, record.reason.clone()).with("name", name))
        }
        RequestState::Queued if let Some(hold) = view.hold => {
            let (reason, retry) = match hold {
                Hold::BelowThreshold => (Reason::NodesBelowThreshold, RETRY),
                Hold::Frozen => (Reason::Frozen, RETRY),
                // Nothing to wait for.
                Hold::PairsFrozen => {
                    let failure = Failure::new(Reason::PairsFrozen, record.reason.clone());
                    return Err(failure.with("name", name));
                }
                Hold::Later(until) => {
                    let wait = Duration::from_millis(until.since(record.updated));
                    (Reason::NotYet, wait)
                }
            };
            let failure = Failure::new(reason, record.reason.clone());
            Err(failure.with("name", name).retry_after(retry))
        }
        RequestState::PendingApproval
        | RequestState::Rejected
        | RequestState::Queued
        | RequestState::Signing
        | RequestState::Signed { .. }
        | RequestState::Canceled
        | RequestState::Failed => Ok(view.into()),
    }
}

/// What creating a request would answer now, for a call that only validates.
#[must_use]
pub fn preview_to_pb(request: SignedRequest, now: Timestamp) -> pb::SignRequest {
    let record = SignRequestRecord {
        digest: request.digest(),
        signed: request,
        state: RequestState::Queued,
        attempt: Attempt(0),
        denials: Vec::new(),
        deferrals: Vec::new(),
        approvals: Vec::new(),
        verdicts: Vec::new(),
        reason: String::new(),
        created: now,
        updated: now,
    };
    SignRequestView { record, intent: None, messages: vec![], hold: None }.into()
}

/// A request with what an approver needs: the service's statement and signature.
#[must_use]
pub fn found_to_pb(view: SignRequestView) -> pb::SignRequest {
    let signed = view.record.signed.clone();
    pb::SignRequest { signed_request: Some(signed.into()), ..view.into() }
}

/// The page that a filter asked for.
#[must_use]
pub fn sign_requests_to_pb(
    filter: &ListFilter,
    views: Vec<SignRequestView>,
) -> pb::ListSignRequestsResponse {
    // A full page may be the last; an empty one after it says so.
    let last = views.last().filter(|_| views.len() >= filter.limit);
    let last = last.map(|view| view.record.signed.request.request_key());
    pb::ListSignRequestsResponse {
        next_page_token: last.map(|last| next_token(&last)).unwrap_or_default(),
        sign_requests: views.into_iter().map(Into::into).collect(),
    }
}

impl From<SignRequestView> for pb::SignRequest {
    fn from(view: SignRequestView) -> Self {
        let record = view.record;
        let request = record.signed.request;
        let state = pb::SignRequestState::from(&record.state);
        let (signatures, signers) = match record.state {
            RequestState::Signed { signatures, signers } => {
                (signatures, field::participants_to_pb(&signers))
            }
            RequestState::PendingApproval
            | RequestState::Queued
            | RequestState::Signing
            | RequestState::Denied
            | RequestState::Rejected
            | RequestState::Expired
            | RequestState::Canceled
            | RequestState::Failed => (Vec::new(), Vec::new()),
        };
        Self {
            name: name::sign_request(&request.request_key()),
            key: name::key(&request.key),
            path: request.path.to_string(),
            scheme: scheme_to_pb(request.scheme),
            network: request.network.to_string(),
            action: request.action,
            payload_format: pb::PayloadFormat::from(request.payload_format).into(),
            payload_digest: Payload::new(request.payload_format, request.payload)
                .digest()
                .as_bytes()
                .to_vec(),
            client_reference: request.client_reference,
            expire_time_ms: request.expires.millis(),
            state: state.into(),
            intent: view.intent.as_ref().map(Into::into),
            signatures,
            signing_messages: view.messages,
            signers,
            denials: record.denials.into_iter().map(Into::into).collect(),
            attempts: record.attempt.0,
            reason: record.reason,
            create_time_ms: record.created.millis(),
            update_time_ms: record.updated.millis(),
            digest: record.digest.as_bytes().to_vec(),
            deferrals: record.deferrals.into_iter().map(Into::into).collect(),
            approvals: record.approvals.into_iter().map(Into::into).collect(),
            signed_request: None,
            verdicts: record.verdicts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&RequestState> for pb::SignRequestState {
    fn from(state: &RequestState) -> Self {
        match state {
            RequestState::PendingApproval => Self::PendingApproval,
            RequestState::Queued => Self::Queued,
            RequestState::Signing => Self::Signing,
            RequestState::Signed { .. } => Self::Signed,
            RequestState::Denied => Self::Denied,
            RequestState::Rejected => Self::Rejected,
            RequestState::Expired => Self::Expired,
            RequestState::Canceled => Self::Canceled,
            RequestState::Failed => Self::Failed,
        }
    }
}

impl From<PayloadFormat> for pb::PayloadFormat {
    fn from(format: PayloadFormat) -> Self {
        match format {
            PayloadFormat::BitcoinPsbt => Self::BitcoinPsbt,
            PayloadFormat::SolanaMessage => Self::SolanaMessage,
            PayloadFormat::EvmTransaction => Self::EvmTransaction,
            PayloadFormat::EvmMessage => Self::EvmMessage,
            PayloadFormat::EvmTypedData => Self::EvmTypedData,
            PayloadFormat::EvmAuthorization => Self::EvmAuthorization,
            PayloadFormat::RawDigest => Self::RawDigest,
        }
    }
}

impl From<Signed<SignedDenial>> for pb::NodeDenial {
    fn from(denial: Signed<SignedDenial>) -> Self {
        Self {
            node: field::participant_to_pb(denial.from),
            reason: denial.body.reason.clone(),
            denial: Some(denial.into()),
        }
    }
}

impl From<NodeDecision> for pb::NodeDecision {
    fn from(decision: NodeDecision) -> Self {
        let (allowed, rules, reason) = match decision.decision {
            Ok(rules) => (true, rules, String::new()),
            Err(reason) => (false, Vec::new(), reason),
        };
        let (node, answered) = (field::participant_to_pb(decision.node), decision.answered);
        Self { node, allowed, rules, reason, answered }
    }
}

#[cfg(test)]
#[path = "sign_request_tests.rs"]
mod tests;
