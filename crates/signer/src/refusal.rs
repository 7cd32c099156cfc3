//! Refusals, from the errors below.

use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_protocol::{Abort, CertificateError};
use quorate_trust::{OrderError, RequestError, SenderError, Stop, StopError, SuccessionError};

pub(crate) fn refuse(code: RefusalCode, reason: impl ToString) -> Refusal {
    Refusal { code, reason: reason.to_string() }
}

/// The refusal of a request: time passes, everything else stays wrong.
pub(crate) fn request(error: RequestError) -> Refusal {
    let code = match error {
        RequestError::Expired(_) | RequestError::TooLongLived(_) => RefusalCode::Time,
        RequestError::OtherCluster(_)
        | RequestError::UnknownService(_)
        | RequestError::BadSignature(_)
        | RequestError::SchemeMismatch { .. }
        | RequestError::PayloadLength
        | RequestError::Text(_)
        | RequestError::NoChildren { .. } => RefusalCode::Invalid,
    };
    refuse(code, error)
}

/// The refusal of an order.
pub(crate) fn order(error: OrderError) -> Refusal {
    let code = match error {
        OrderError::NotYet(_) | OrderError::Expired(_) => RefusalCode::Time,
        OrderError::Text(_)
        | OrderError::OtherCluster(_)
        | OrderError::BadWindow
        | OrderError::Threshold(_)
        | OrderError::BelowFloor { .. }
        | OrderError::UnknownService(_)
        | OrderError::UnknownNode(_)
        | OrderError::NoOfficer
        | OrderError::Signer(_)
        | OrderError::TooManySignatures
        | OrderError::NoSuchNode(_)
        | OrderError::Life
        | OrderError::Document
        | OrderError::Version
        | OrderError::QuorumMissing { .. } => RefusalCode::Invalid,
    };
    refuse(code, error)
}

/// The refusal of an order about stops.
pub(crate) fn stop(error: StopError) -> Refusal {
    let code = match error {
        StopError::NoStop(_) | StopError::WrongLift(_) => RefusalCode::Invalid,
        StopError::TooMany | StopError::TooManyOfOne => RefusalCode::Busy,
    };
    refuse(code, error)
}

/// The refusal of an order that brings a document.
pub(crate) fn succession(error: SuccessionError) -> Refusal {
    let code = match error {
        SuccessionError::NotNewer { .. } => RefusalCode::Invalid,
        // What is missing may come.
        SuccessionError::OtherPredecessor { .. } => RefusalCode::HeadsDiffer,
        SuccessionError::TooMany => RefusalCode::Busy,
    };
    refuse(code, error)
}

/// Refuses what a stop holds.
pub(crate) fn unless_stopped(stop: Option<&Stop>) -> Result<(), Refusal> {
    stop.map_or(Ok(()), |stop| Err(refuse(RefusalCode::Frozen, stop)))
}

/// The refusal of a relayed message that nobody signed as it is.
pub(crate) fn sender(error: SenderError) -> Refusal {
    refuse(RefusalCode::Aborted, error)
}

/// The refusal that ends a session.
pub(crate) fn abort(abort: Abort) -> Refusal {
    refuse(RefusalCode::Aborted, abort)
}

/// The refusal of a certificate.
pub(crate) fn certificate(error: CertificateError) -> Refusal {
    refuse(RefusalCode::Invalid, error)
}
