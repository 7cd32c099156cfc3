//! Restore proofs.

use prost::Message as _;
use quorate_backup::RestoreProof;
use quorate_model::Timestamp;

use super::read;
use crate::pb::statement::v1 as pb;
use crate::{DecodeError, field, limits};

const MESSAGE: &str = "RestoreProof";

/// The bytes of a restore proof.
#[must_use]
pub fn encode_restore_proof(proof: &RestoreProof) -> Vec<u8> {
    let message = pb::RestoreProof {
        node: field::participant_to_pb(proof.node),
        certified: proof.certified.as_bytes().to_vec(),
        backup: proof.backup.as_bytes().to_vec(),
        time_ms: proof.time.millis(),
        signature: proof.signature.clone(),
    };
    message.encode_to_vec()
}

/// Reads a restore proof. It is verified by [`RestoreProof::verify`].
///
/// # Errors
/// [`DecodeError`].
pub fn decode_restore_proof(bytes: &[u8]) -> Result<RestoreProof, DecodeError> {
    field::length(MESSAGE, bytes.len(), limits::RESTORE_PROOF_BYTES_MAX)?;
    let message: pb::RestoreProof = read(MESSAGE, bytes)?;
    Ok(RestoreProof {
        node: field::participant("RestoreProof.node", message.node)?,
        certified: field::digest("RestoreProof.certified", &message.certified)?,
        backup: field::digest("RestoreProof.backup", &message.backup)?,
        time: Timestamp::from_millis(message.time_ms),
        signature: field::bytes(
            "RestoreProof.signature",
            message.signature,
            limits::SIGNATURE_BYTES_MAX,
        )?,
    })
}
