//! A coordinator brings every order about stops to every node.

use quorate_coordinator::{
    ClientError, ClientReply, ClientRequest, ErrorCode, Hold, Input, OrderView, RequestState,
};
use quorate_model::{Attempt, ParticipantId};
use quorate_protocol::wire::{FromNode, ToNode};
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{Order, OrderAction, Scope, SignedOrder};

use super::{Cluster, cluster};
use crate::id;

fn freeze(cluster: &Cluster, name: &str) -> SignedOrder {
    let action = OrderAction::Freeze(Scope::Cluster);
    cluster.lab.fixture.order_to(name, action, &["alice"], cluster.lab.now)
}

fn order_view(reply: Result<ClientReply, ClientError>) -> OrderView {
    match reply.unwrap() {
        ClientReply::Order(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn holders(cluster: &mut Cluster, order: &SignedOrder) -> Vec<ParticipantId> {
    let id = Order::parse(&order.text).unwrap().id;
    let view = order_view(cluster.ask(ClientRequest::GetOrder(id)));
    view.nodes.into_iter().filter(|(_, word)| word.is_ok()).map(|(node, _)| node).collect()
}

#[test]
fn an_order_reaches_every_node_that_is_there_and_the_others_when_they_come() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2]);
    let freeze = freeze(&cluster, "freeze-1");
    order_view(cluster.ask(ClientRequest::SubmitOrder(freeze.clone())));
    assert_eq!(holders(&mut cluster, &freeze), [id(1), id(2)]);
    cluster.attach(&[3]);
    assert_eq!(holders(&mut cluster, &freeze), [id(1), id(2), id(3)]);
    // Also from another coordinator that starts with the records of this one.
    cluster.restart();
    cluster.attach(&[1, 2, 3]);
    let id = Order::parse(&freeze.text).unwrap().id;
    assert_eq!(order_view(cluster.ask(ClientRequest::GetOrder(id))).record.order, freeze);
}

#[test]
fn a_freeze_that_was_brought_to_one_node_by_hand_reaches_the_others() {
    let mut cluster = cluster();
    let freeze = freeze(&cluster, "freeze-1");
    let taken = cluster.lab.ask(id(2), ToNode::carry_out(freeze.clone()));
    assert!(matches!(taken, FromNode::Accepted(_)));
    cluster.attach(&[1, 2, 3]);
    assert_eq!(holders(&mut cluster, &freeze), [id(1), id(3)]);
    let request = cluster.lab.payment(1, true);
    assert_eq!(cluster.create(&request).unwrap_err().code, ErrorCode::Frozen);
}

#[test]
fn what_waits_when_a_freeze_comes_is_held_and_signed_once_it_ends() {
    let mut cluster = cluster();
    cluster.attach(&[1]);
    let request = cluster.lab.payment(1, true);
    cluster.create(&request).unwrap();
    let freeze = freeze(&cluster, "freeze-1");
    order_view(cluster.ask(ClientRequest::SubmitOrder(freeze.clone())));
    cluster.attach(&[2, 3]);
    let held = cluster.get(&request).unwrap();
    assert_eq!((held.hold, held.record.state), (Some(Hold::Frozen), RequestState::Queued));
    assert_eq!(held.record.attempt, Attempt(0), "no attempt is spent on it");
    let lift = OrderAction::Unfreeze(freeze.digest());
    let now = cluster.lab.now;
    let lift = cluster.lab.fixture.order_to("lift-1", lift, &["alice", "bob"], now);
    order_view(cluster.ask(ClientRequest::SubmitOrder(lift)));
    assert_eq!(cluster.get(&request).unwrap().hold, Some(Hold::Frozen), "the delay");
    cluster.lab.now = now.plus_millis(5_001);
    cluster.tell(Input::Tick);
    let signed = cluster.get(&request).unwrap();
    assert!(matches!(signed.record.state, RequestState::Signed { .. }), "{signed:?}");
}

#[test]
fn a_node_that_was_away_for_long_takes_bundle_and_root_as_the_others_did() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2]);
    let (now, fixture) = (cluster.lab.now, &cluster.lab.fixture);
    let text = ClusterFixture::bundle_text();
    let head = format!("version = 2\nprevious = \"{}\"\n", fixture.root.policy);
    let text = text.replacen("version = 1\n", &head, 1).replace("= \"1000000\"", "= \"9000000\"");
    let policy = fixture.activate("policy-2", &text, &["alice", "bob"], now);
    let root = fixture.next_root(|root| root.unfreeze_delay_s -= 1);
    let root = fixture.update_root("root-2", &root, &["alice", "bob"], now);
    for order in [&policy, &root] {
        order_view(cluster.ask(ClientRequest::SubmitOrder(order.clone())));
        assert_eq!(holders(&mut cluster, order), [id(1), id(2)]);
    }
    // Longer than orders live, and over a restart of the coordinator, which kept the words of nodes.
    cluster.restart();
    cluster.lab.now = now.plus_millis(8 * 24 * 3_600_000);
    cluster.attach(&[1, 2, 3]);
    let FromNode::Status(status) = cluster.lab.ask(id(3), ToNode::Status) else { panic!("none") };
    assert_eq!((status.root_version, status.policy_version), (2, 2));
    assert!(holders(&mut cluster, &policy).contains(&id(3)));
}

/// A bundle that nodes refuse is in nobody's way, and more signatures can still come.
#[test]
fn a_bundle_that_too_few_signed_for_what_it_allows_can_be_signed_by_more() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    let (now, fixture) = (cluster.lab.now, &cluster.lab.fixture);
    let root = fixture.next_root(|root| {
        root.quorums.get_mut(&"loosening".parse().unwrap()).unwrap().required = 3;
    });
    let root = fixture.update_root("root-2", &root, &["alice", "bob"], now);
    let text = ClusterFixture::bundle_text();
    let head = format!("version = 2\nprevious = \"{}\"\n", fixture.root.policy);
    let text = text.replacen("version = 1\n", &head, 1).replace("= \"1000000\"", "= \"9000000\"");
    let sign = |by: &[&str]| fixture.activate("policy-2", &text, by, now);
    let (few, all) = (sign(&["alice", "bob"]), sign(&["alice", "bob", "carol"]));
    order_view(cluster.ask(ClientRequest::SubmitOrder(root)));
    order_view(cluster.ask(ClientRequest::SubmitOrder(few.clone())));
    assert_eq!(holders(&mut cluster, &few), []);
    order_view(cluster.ask(ClientRequest::SubmitOrder(all.clone())));
    assert_eq!(holders(&mut cluster, &all), [id(1), id(2), id(3)]);
}

#[test]
fn an_order_that_nobody_may_give_is_refused_and_changes_nothing() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    let now = cluster.lab.now;
    let action = OrderAction::Suspend(Lab::key());
    let alone = cluster.lab.fixture.order_to("suspend-1", action, &["alice"], now);
    let refused = cluster.ask(ClientRequest::SubmitOrder(alone)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Invalid);
    let make = cluster.lab.order();
    assert_eq!(cluster.ask(ClientRequest::SubmitOrder(make)).unwrap_err().code, ErrorCode::Invalid);
    let first = freeze(&cluster, "freeze-1");
    order_view(cluster.ask(ClientRequest::SubmitOrder(first)));
    let second = cluster.lab.fixture.order_to(
        "freeze-1",
        OrderAction::Freeze(Scope::Key(Lab::key())),
        &["bob"],
        now,
    );
    let conflict = cluster.ask(ClientRequest::SubmitOrder(second)).unwrap_err();
    assert_eq!(conflict.code, ErrorCode::Conflict);
}
