//! Why a call fails, as gRPC statuses with `google.rpc` details (AIP-193).

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use quorate_coordinator::{ClientError, ErrorCode};
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{DecodeError, field};

/// The domain of every [`Reason`].
pub const DOMAIN: &str = "quorate";

/// A status travels in HTTP/2 trailers, which have a limit: words beyond this are cut.
const MESSAGE_BYTES_MAX: usize = 2 * 1024;

/// Why a call fails, for programs. The name never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The gates of so many nodes denied a request that no signing set is left.
    PolicyDenied,
    /// A freeze or a suspension is in force. A stored request stays QUEUED.
    Frozen,
    /// So many pairs of an ECDSA key's holders must not sign together that no signing set is left: use
    /// another key. A stored request stays QUEUED.
    PairsFrozen,
    /// A usage window is exhausted, or a calendar closed. The request stays QUEUED and is tried again.
    NotYet,
    /// Too few nodes are there. The request stays QUEUED: read it again later.
    NodesBelowThreshold,
    /// The id stands for another statement already.
    IdempotencyConflict,
    /// A statement or payload that breaks a rule: it is not decoded to the last byte, for another
    /// cluster, not signed by whom it names, or not valid now.
    InvalidStatement,
    /// A field of the call.
    InvalidArgument,
    /// The caller is not who it has to be.
    NotAuthorized,
    /// There is no such thing.
    NotFound,
    /// A limit is reached: later may do.
    Limit,
    /// The time of a request ran out.
    Expired,
    /// It cannot be done in the state that things are in.
    FailedPrecondition,
    /// An operation did not succeed, and will not.
    OperationFailed,
    /// The service is stopping or has not started yet.
    Unavailable,
    /// A fault of quorate's own.
    Internal,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 16] = [
        Self::PolicyDenied,
        Self::Frozen,
        Self::PairsFrozen,
        Self::NotYet,
        Self::NodesBelowThreshold,
        Self::IdempotencyConflict,
        Self::InvalidStatement,
        Self::InvalidArgument,
        Self::NotAuthorized,
        Self::NotFound,
        Self::Limit,
        Self::Expired,
        Self::FailedPrecondition,
        Self::OperationFailed,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The name in `google.rpc.ErrorInfo`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PolicyDenied => "POLICY_DENIED",
            Self::Frozen => "FROZEN",
            Self::PairsFrozen => "PAIRS_FROZEN",
            Self::NotYet => "WINDOW_EXHAUSTED",
            Self::NodesBelowThreshold => "NODES_BELOW_THRESHOLD",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::InvalidStatement => "INVALID_STATEMENT",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::NotAuthorized => "NOT_AUTHORIZED",
            Self::NotFound => "NOT_FOUND",
            Self::Limit => "LIMIT",
            Self::Expired => "EXPIRED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::OperationFailed => "OPERATION_FAILED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// The status code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::PolicyDenied | Self::NotAuthorized => Code::PermissionDenied,
            Self::NodesBelowThreshold | Self::Unavailable => Code::Unavailable,
            Self::IdempotencyConflict => Code::AlreadyExists,
            Self::InvalidStatement | Self::InvalidArgument => Code::InvalidArgument,
            Self::Frozen
            | Self::PairsFrozen
            | Self::NotYet
            | Self::Expired
            | Self::FailedPrecondition
            | Self::OperationFailed => Code::FailedPrecondition,
            Self::NotFound => Code::NotFound,
            Self::Limit => Code::ResourceExhausted,
            Self::Internal => Code::Internal,
        }
    }

    /// The reason that a status gives, if quorate made it.
    #[must_use]
    pub fn of(status: &tonic::Status) -> Option<Self> {
        let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN)?;
        Self::ALL.into_iter().find(|reason| reason.as_str() == info.reason)
    }
}

/// A failed call, on its way to a status.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Failure {
    reason: Reason,
    message: String,
    metadata: BTreeMap<String, String>,
    retry_after: Option<Duration>,
    field: Option<&'static str>,
}

impl Failure {
    /// A failure, in words that a person can act on.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = field::clip(message.into(), MESSAGE_BYTES_MAX);
        Self { reason, message, metadata: BTreeMap::new(), retry_after: None, field: None }
    }

    /// Adds what a program may want to know, such as the `name` of a stored request.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = field::clip(value.into(), MESSAGE_BYTES_MAX);
        self.metadata.insert(name.to_owned(), value);
        self
    }

    /// Says when to try again.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Names the field of the call that is at fault.
    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// The failure as the error of an operation.
    pub(crate) fn into_status_message(self) -> tonic_types::Status {
        let status = tonic::Status::from(self);
        // The details of a status are such a message: the one that was put in.
        tonic_types::Status::decode(status.details()).unwrap_or_default()
    }
}

impl From<Failure> for tonic::Status {
    fn from(failure: Failure) -> Self {
        let Failure { reason, message, metadata, retry_after, field } = failure;
        let metadata: Vec<_> = metadata.into_iter().collect();
        let mut details = ErrorDetails::new();
        details.set_error_info(
            reason.as_str(),
            DOMAIN,
            metadata.into_iter().collect::<std::collections::HashMap<_, _>>(),
        );
        if let Some(field) = field {
            details.add_bad_request_violation(field, &message);
        }
        if retry_after.is_some() {
            details.set_retry_info(retry_after);
        }
        Self::with_error_details(reason.code(), message, details)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::new(Reason::InvalidArgument, error.to_string()).at(error.field)
    }
}

impl From<DecodeError> for tonic::Status {
    fn from(error: DecodeError) -> Self {
        Failure::from(error).into()
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let reason = match error.code {
            ErrorCode::Invalid => Reason::InvalidStatement,
            ErrorCode::NotFound => Reason::NotFound,
            ErrorCode::Conflict => Reason::IdempotencyConflict,
            ErrorCode::Denied => Reason::PolicyDenied,
            ErrorCode::Precondition => Reason::FailedPrecondition,
            ErrorCode::Exhausted => Reason::Limit,
            ErrorCode::Frozen => Reason::Frozen,
        };
        Self::new(reason, error.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_finds_reason_retry_and_field() {
        let failure = Failure::new(Reason::NodesBelowThreshold, "2 of 3 nodes are attached")
            .with("name", "services/a/signRequests/b")
            .retry_after(Duration::from_secs(2))
            .at("Some.field");
        let status = tonic::Status::from(failure);
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "2 of 3 nodes are attached");
        assert_eq!(Reason::of(&status), Some(Reason::NodesBelowThreshold));
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["name"], "services/a/signRequests/b");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(2)));
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "Some.field");
    }

    #[test]
    fn every_reason_is_found_again_and_no_other_domain_is_believed() {
        for reason in Reason::ALL {
            let status = tonic::Status::from(Failure::new(reason, "why"));
            assert_eq!((Reason::of(&status), status.code()), (Some(reason), reason.code()));
        }
        let details = ErrorDetails::with_error_info("LIMIT", "elsewhere", []);
        let status = tonic::Status::with_error_details(Code::Internal, "why", details);
        assert_eq!(Reason::of(&status), None);
        assert_eq!(Reason::of(&tonic::Status::internal("why")), None);
    }

    #[test]
    fn a_long_message_fits_into_trailers() {
        let long = "ä".repeat(8 * 1024);
        let status =
            tonic::Status::from(Failure::new(Reason::Internal, long.clone()).with("a", long));
        assert_eq!(status.message().len(), MESSAGE_BYTES_MAX);
        assert!(status.details().len() < 3 * MESSAGE_BYTES_MAX);
    }

    #[test]
    fn an_error_of_the_engine_keeps_its_kind_and_words() {
        for (code, reason) in [
            (ErrorCode::Invalid, Reason::InvalidStatement),
            (ErrorCode::NotFound, Reason::NotFound),
            (ErrorCode::Conflict, Reason::IdempotencyConflict),
            (ErrorCode::Denied, Reason::PolicyDenied),
            (ErrorCode::Precondition, Reason::FailedPrecondition),
            (ErrorCode::Exhausted, Reason::Limit),
            (ErrorCode::Frozen, Reason::Frozen),
        ] {
            let error = ClientError { code, message: "why".to_owned() };
            let status = tonic::Status::from(Failure::from(error));
            assert_eq!((Reason::of(&status), status.message()), (Some(reason), "why"));
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        let error = DecodeError::missing("SignRequest.payload");
        let status = tonic::Status::from(error);
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "SignRequest.payload: missing");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "SignRequest.payload");
    }

    #[test]
    fn an_operation_carries_the_same_details() {
        let message = Failure::new(Reason::OperationFailed, "no quorum").into_status_message();
        assert_eq!(message.code, Code::FailedPrecondition as i32);
        assert_eq!((message.message.as_str(), message.details.len()), ("no quorum", 1));
    }
}
