//! Orders, as clients see them.

use quorate_coordinator::OrderView;
use quorate_model::ParticipantId;
use quorate_protocol::wire::Acceptance;
use quorate_trust::Signed;

use crate::pb::custody::v1 as pb;
use crate::{field, limits, name};

/// Every order.
#[must_use]
pub fn orders_to_pb(orders: Vec<OrderView>) -> pb::ListOrdersResponse {
    pb::ListOrdersResponse { orders: orders.into_iter().map(Into::into).collect() }
}

impl From<OrderView> for pb::Order {
    fn from(view: OrderView) -> Self {
        let OrderView { id, record, nodes } = view;
        Self {
            name: name::order(&id),
            order: Some(record.order.into()),
            digest: record.digest.as_bytes().to_vec(),
            create_time_ms: record.created.millis(),
            answers: nodes.into_iter().map(answer).collect(),
        }
    }
}

fn answer((node, said): (ParticipantId, Result<Signed<Acceptance>, String>)) -> pb::OrderAnswer {
    let (acceptance, refusal) = match said {
        Ok(acceptance) => (Some(acceptance.into()), String::new()),
        Err(refusal) => (None, field::clip(refusal, limits::REASON_BYTES_MAX)),
    };
    pb::OrderAnswer { node: field::participant_to_pb(node), acceptance, refusal }
}
