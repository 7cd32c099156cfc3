//! Orders.

use quorate_protocol::wire::Acceptance;
use quorate_trust::{OrderSignature, SignedOrder};

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
        })
    }
}

impl From<SignedOrder> for pb::SignedOrder {
    fn from(order: SignedOrder) -> Self {
        let signatures = order.signatures.into_iter().map(Into::into).collect();
        Self { text: order.text, signatures }
    }
}

/// The order of a call to a node's admin socket.
impl TryFrom<node::SubmitOrderRequest> for SignedOrder {
    type Error = DecodeError;

    fn try_from(call: node::SubmitOrderRequest) -> Result<Self, DecodeError> {
        field::required("SubmitOrderRequest.order", call.order)?.try_into()
    }
}

impl TryFrom<pb::OrderSignature> for OrderSignature {
    type Error = DecodeError;

    fn try_from(signature: pb::OrderSignature) -> Result<Self, DecodeError> {
        Ok(Self {
            person: field::parse("OrderSignature.person", &signature.person)?,
            signature: field::signature("OrderSignature.signature", &signature.signature)?,
        })
    }
}

impl From<OrderSignature> for pb::OrderSignature {
    fn from(signature: OrderSignature) -> Self {
        Self {
            person: signature.person.to_string(),
            signature: signature.signature.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<pb::Acceptance> for Acceptance {
    type Error = DecodeError;

    fn try_from(acceptance: pb::Acceptance) -> Result<Self, DecodeError> {
        Ok(Self {
            order: field::digest("Acceptance.order", &acceptance.order)?,
            heads: field::required("Acceptance.heads", acceptance.heads)?.try_into()?,
        })
    }
}

impl From<Acceptance> for pb::Acceptance {
    fn from(acceptance: Acceptance) -> Self {
        let Acceptance { order, heads } = acceptance;
        Self { order: order.as_bytes().to_vec(), heads: Some(heads.into()) }
    }
}
