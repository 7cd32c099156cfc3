//! Every order, with every number of signatures.

use std::collections::BTreeSet;

use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::key_service_client::KeyServiceClient;
use quorate_api::pb::custody::v1::order_service_client::OrderServiceClient;
use quorate_api::pb::node::v1 as node;
use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_model::{Digest, KeyId, ParticipantId};
use quorate_net::connect_uds;
use quorate_trust::{OrderAction, Readmission, Scope, SignedOrder, StateChange, Sweep};
use tonic::Status;

use super::caller::code;
use super::markdown;
use super::people::{APPROVER, OFFICERS, People, key_id};

/// Columns: who signed.
const SIGNERS: [(&str, &[&str]); 5] = [
    ("nobody", &[]),
    ("an approver", &[APPROVER]),
    ("one officer", &[OFFICERS[0]]),
    ("quorum − 1", &[OFFICERS[0], OFFICERS[1]]),
    ("quorum", &[OFFICERS[0], OFFICERS[1], OFFICERS[2]]),
];

/// Where an order is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Coordinator,
    Node,
}

/// The table of every order by every number of signers. What lifts something lifts what was stopped
/// before it.
pub(super) async fn table(people: &People) -> String {
    let mut rows = Vec::new();
    for door in [Door::Coordinator, Door::Node] {
        let at = if door == Door::Coordinator { "coordinator" } else { "node" };
        // Before its key is suspended.
        rows.push(row(people, (door, at), &people.refresh().await, None).await);
        let freeze = OrderAction::Freeze(Scope::Key("nobody".parse().unwrap()));
        let froze = people.order(&format!("first-freeze-{at}"), freeze.clone(), &OFFICERS[..1]);
        let suspend = OrderAction::Suspend(key_id());
        let suspended =
            people.order(&format!("first-suspend-{at}"), suspend.clone(), &OFFICERS[..3]);
        for first in [&froze, &suspended] {
            hand_in(people, door, first).await.unwrap();
        }
        // The coordinator's come first; it has brought them to the node by then.
        let version = if door == Door::Coordinator { 2 } else { 3 };
        if door == Door::Node {
            people.wait_for_version(2).await;
        }
        let plain = [
            people.generate(&format!("more-{at}")),
            freeze,
            OrderAction::Unfreeze(froze.digest()),
            suspend,
            OrderAction::Resume(suspended.digest()),
            readmission(if door == Door::Coordinator { 3 } else { 2 }),
        ];
        let plain = plain.into_iter().chain(of_states());
        let plain = plain.map(|action| (action, None));
        let documents = people.successors(version).map(|(action, text)| (action, Some(text)));
        for (action, document) in plain.chain(documents) {
            rows.push(row(people, (door, at), &action, document).await);
        }
    }
    let mut head = vec!["at a", "order"];
    head.extend(SIGNERS.map(|(name, _)| name));
    let head: [&str; 7] = head.try_into().unwrap();
    markdown(head, rows)
}

/// Of a key that there is not: nobody here has to know it.
fn of_states() -> [OrderAction; 5] {
    let key: KeyId = "nobody".parse().unwrap();
    let sweep = Sweep { key: key.clone(), to: BTreeSet::new() };
    [
        StateChange::Activate { key: key.clone(), until: None },
        StateChange::Deactivate(sweep.clone()),
        StateChange::Compromise { sweep, quorum: "board".parse().unwrap() },
        StateChange::Destroy(key),
        StateChange::Keep(Digest::new([0; 32])),
    ]
    .map(OrderAction::ChangeState)
}

/// Of another node than the one whose door it is: a node takes none for itself while its log is whole.
fn readmission(node: u16) -> OrderAction {
    let node = ParticipantId::new(node).unwrap();
    let head = Digest::new([0; 32]);
    OrderAction::ReadmitNode(Readmission { node, life: 2, length: 1, head })
}

/// What an order comes to, by who signed it.
async fn row(
    people: &People,
    (door, at): (Door, &str),
    action: &OrderAction,
    document: Option<String>,
) -> [String; 7] {
    let mut row = vec![at.to_owned(), format!("`{}`", named(action))];
    for (number, (_, signers)) in SIGNERS.into_iter().enumerate() {
        let id = format!("{}-{at}-{number}", named(action));
        let order = people.order(&id, action.clone(), signers);
        let order = SignedOrder { document: document.clone(), ..order };
        row.push(match hand_in(people, door, &order).await {
            Ok(()) => "OK".to_owned(),
            Err(status) => {
                let says_who = status.message().contains("signed");
                assert!(says_who || is_ceremony(door, action), "{id}: {status}");
                code(&status)
            }
        });
    }
    row.try_into().unwrap()
}

/// A node takes part in a ceremony with a coordinator only, whoever signed the order.
fn is_ceremony(door: Door, action: &OrderAction) -> bool {
    door == Door::Node && matches!(action, OrderAction::GenerateKey(_) | OrderAction::ReshareKey(_))
}

/// A new order stops this from compiling: give it a row above.
fn named(action: &OrderAction) -> &'static str {
    match action {
        OrderAction::GenerateKey(_)
        | OrderAction::ReshareKey(_)
        | OrderAction::Freeze(_)
        | OrderAction::Unfreeze(_)
        | OrderAction::Suspend(_)
        | OrderAction::Resume(_)
        | OrderAction::ChangeState(_)
        | OrderAction::ReadmitNode(_)
        | OrderAction::ActivatePolicy(_)
        | OrderAction::UpdateRoot(_) => action.as_str(),
    }
}

/// Whether an order is carried out: where it is handed in at a coordinator, by every node that is there.
async fn hand_in(people: &People, door: Door, order: &SignedOrder) -> Result<(), Status> {
    let makes_a_key = order.text.contains("\naction: generate-key\n");
    let signed = Some(order.clone().into());
    match door {
        Door::Coordinator if order.text.contains("\naction: refresh-key\n") => {
            let mut keys = KeyServiceClient::new(people.channel().await);
            keys.reshare_key(pb::ReshareKeyRequest { order: signed }).await.map(drop)
        }
        Door::Coordinator if makes_a_key => {
            let mut keys = KeyServiceClient::new(people.channel().await);
            keys.generate_key(pb::GenerateKeyRequest { order: signed }).await.map(drop)
        }
        Door::Coordinator => {
            let mut orders = OrderServiceClient::new(people.channel().await);
            orders.submit_order(pb::SubmitOrderRequest { order: signed }).await.map(drop)
        }
        Door::Node => {
            let socket = people.hand.path("n1").join("admin.sock");
            let mut admin = NodeAdminClient::new(connect_uds(&socket).await.unwrap());
            admin.submit_order(node::SubmitOrderRequest { order: signed }).await.map(drop)
        }
    }
}
