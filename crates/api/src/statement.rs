//! The one encoding of a sign request: what its service signs.

use prost::Message as _;
use quorate_trust::SignRequest;

use crate::convert::request;
use crate::pb::statement::v1 as pb;
use crate::{DecodeError, Fault, field, limits};

const MESSAGE: &str = "SignRequest";

/// Encodes a request: the bytes that the service signs.
#[must_use]
pub fn encode_sign_request(request: &SignRequest) -> Vec<u8> {
    request::to_pb(request.clone()).encode_to_vec()
}

/// Decodes what a service signed.
///
/// # Errors
/// [`DecodeError`] for bytes over a limit, for what is no request, and with
/// [`Fault::NotCanonical`] for bytes that are not the one encoding of the request: those could say
/// something to another reader, or name one request by two digests.
pub fn decode_sign_request(statement: &[u8]) -> Result<SignRequest, DecodeError> {
    field::length(MESSAGE, statement.len(), limits::STATEMENT_BYTES_MAX)?;
    let message =
        pb::SignRequest::decode(statement).map_err(|e| DecodeError::encoding(MESSAGE, &e))?;
    let request = request::from_pb(message)?;
    if encode_sign_request(&request) != statement {
        return Err(DecodeError::new(MESSAGE, Fault::NotCanonical));
    }
    Ok(request)
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
