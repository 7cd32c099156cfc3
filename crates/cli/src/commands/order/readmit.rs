//! What an order says that readmits a node: on the audit log that the node has now.

use quorate_model::{Heads, ParticipantId};
use quorate_trust::{OrderAction, Readmission};

use super::report::verified;
use crate::client::Client;
use crate::exit::{Exit, Failure};

/// The next life of a node, by its own account of its log and the orders that there were. Whatever the
/// coordinator makes of that, the node takes no order for another log than its own.
pub(super) async fn action(node: ParticipantId, client: &Client) -> Result<OrderAction, Failure> {
    let cluster = client.cluster().await?;
    let found = cluster.nodes.into_iter().find(|found| found.id == u32::from(node.get()));
    let status = found.filter(|found| found.attached).and_then(|found| found.status);
    let heads = status.and_then(|status| status.heads).map(Heads::try_from).transpose()?;
    let heads = heads.ok_or_else(|| {
        let message =
            format!("node {node} is not attached: start it, so that it shows what log it has");
        Failure::new(Exit::Unavailable, message)
    })?;
    let mut life = heads.life;
    for order in client.orders().await? {
        if let OrderAction::ReadmitNode(earlier) =
            &verified(&order, client.profile())?.order().action
            && earlier.node == node
        {
            life = life.max(earlier.life);
        }
    }
    let (length, head) = (heads.audit_length, heads.audit);
    let life = life.saturating_add(1);
    Ok(OrderAction::ReadmitNode(Readmission { node, life, length, head }))
}
