//! Orders.

use quorate_model::{DOCUMENT_BYTES_MAX, Timestamp};
use quorate_protocol::wire::Acceptance;
use quorate_trust::{PersonSignature, SignedOrder, SshSignature, StatementSignature};

use crate::pb::node::v1 as node;
use crate::pb::statement::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::SignedOrder> for SignedOrder {
    type Error = DecodeError;

    fn try_from(order: pb::SignedOrder) -> Result<Self, DecodeError> {
        Ok(Self {
            text: field::text("SignedOrder.text", order.text, limits::ORDER_BYTES_MAX)?,
            signatures: field::list(
                "SignedOrder.signatures",
                order.signatures,
                limits::ORDER_SIGNATURES_MAX,
            )?,
            document: order
                .document
                .map(|text| field::text("SignedOrder.document", text, DOCUMENT_BYTES_MAX))
                .transpose()?,
        })
    }
}

impl From<SignedOrder> for pb::SignedOrder {
    fn from(order: SignedOrder) -> Self {
        let signatures = order.signatures.into_iter().map(Into::into).collect();
        Self { text: order.text, signatures, document: order.document }
    }
}

/// The order of a call to a node's admin socket.
impl TryFrom<node::SubmitOrderRequest> for SignedOrder {
    type Error = DecodeError;

    fn try_from(call: node::SubmitOrderRequest) -> Result<Self, DecodeError> {
        field::required("SubmitOrderRequest.order", call.order)?.try_into()
    }
}

impl TryFrom<pb::StatementSignature> for StatementSignature {
    type Error = DecodeError;

    fn try_from(message: pb::StatementSignature) -> Result<Self, DecodeError> {
        const SIGNATURE: &str = "StatementSignature.signature";
        const SSHSIG: &str = "StatementSignature.sshsig";
        let signature = match field::required(SIGNATURE, message.signature)? {
            pb::statement_signature::Signature::Ed25519(bytes) => {
                PersonSignature::Ed25519(field::signature("StatementSignature.ed25519", &bytes)?)
            }
            pb::statement_signature::Signature::Sshsig(bytes) => SshSignature::from_bytes(&bytes)
                .map(PersonSignature::Ssh)
                .map_err(|error| DecodeError::value(SSHSIG, error.to_string()))?,
        };
        Ok(Self { person: field::parse("StatementSignature.person", &message.person)?, signature })
    }
}

impl From<StatementSignature> for pb::StatementSignature {
    fn from(signature: StatementSignature) -> Self {
        let StatementSignature { person, signature } = signature;
        let signature = match signature {
            PersonSignature::Ed25519(signature) => {
                pb::statement_signature::Signature::Ed25519(signature.as_bytes().to_vec())
            }
            PersonSignature::Ssh(signature) => {
                pb::statement_signature::Signature::Sshsig(signature.as_bytes().to_vec())
            }
        };
        Self { person: person.to_string(), signature: Some(signature) }
    }
}

impl TryFrom<pb::Acceptance> for Acceptance {
    type Error = DecodeError;

    fn try_from(acceptance: pb::Acceptance) -> Result<Self, DecodeError> {
        Ok(Self {
            order: field::digest("Acceptance.order", &acceptance.order)?,
            begins: Timestamp::from_millis(acceptance.begin_time_ms),
            heads: field::required("Acceptance.heads", acceptance.heads)?.try_into()?,
        })
    }
}

impl From<Acceptance> for pb::Acceptance {
    fn from(acceptance: Acceptance) -> Self {
        let Acceptance { order, begins, heads } = acceptance;
        Self {
            order: order.as_bytes().to_vec(),
            heads: Some(heads.into()),
            begin_time_ms: begins.millis(),
        }
    }
}
