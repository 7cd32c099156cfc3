//! Keys in files: what proves a key, and so each of its children, without any coordinator.

use prost::Message as _;
use quorate_protocol::{Certificate, Confirmation};

use crate::pb::statement::v1 as pb;
use crate::{DecodeError, field, limits};

const MESSAGE: &str = "KeyProof";

/// A certificate with the confirmations of its key. Nothing about it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProof {
    /// What every holder voted for.
    pub certificate: Certificate,
    /// Signatures of the key itself.
    pub confirmations: Vec<Confirmation>,
}

impl KeyProof {
    /// The bytes of a proof: a `quorate.statement.v1.KeyProof`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { certificate, confirmations } = self.clone();
        let confirmations = confirmations.into_iter().map(Into::into).collect();
        pb::KeyProof { certificate: Some(certificate.into()), confirmations }.encode_to_vec()
    }

    /// Decodes a proof.
    ///
    /// # Errors
    /// [`DecodeError`] for what is no proof, or over a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        field::length(MESSAGE, bytes.len(), limits::KEY_PROOF_BYTES_MAX)?;
        let proof = pb::KeyProof::decode(bytes).map_err(|e| DecodeError::encoding(MESSAGE, &e))?;
        let confirmations = "KeyProof.confirmations";
        field::count(confirmations, proof.confirmations.len(), limits::CONFIRMATIONS_MAX)?;
        let confirmations = proof.confirmations.into_iter().map(Confirmation::try_from);
        Ok(Self {
            certificate: field::required("KeyProof.certificate", proof.certificate)?.try_into()?,
            confirmations: confirmations.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_proof_survives_its_bytes_and_is_bounded() {
        let proof = KeyProof {
            certificate: fixture::certificate("treasury"),
            confirmations: vec![fixture::confirmation()],
        };
        assert_eq!(KeyProof::decode(&proof.encode()), Ok(proof.clone()));
        let none = KeyProof::decode(&[]).unwrap_err();
        assert_eq!(none, DecodeError::missing("KeyProof.certificate"));
        let confirmations = vec![fixture::confirmation(); limits::CONFIRMATIONS_MAX + 1];
        let many = KeyProof { confirmations, ..proof };
        let refused = KeyProof::decode(&many.encode()).unwrap_err();
        assert_eq!(refused.field, "KeyProof.confirmations");
        let long = KeyProof::decode(&vec![0; limits::KEY_PROOF_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(long.field, "KeyProof");
    }
}
