//! Attaching, as it should be.

use std::time::Duration;

use quorate_api::frame::StreamKind;
use quorate_model::Attempt;
use quorate_net::attach::{AnswerError, GatewayEvent, Unreachable, UplinkEvent};
use quorate_protocol::wire::{CallId, CeremonyKey, FromNode, ToNode};
use tokio::time::sleep;
use tonic::Code;

use crate::fixture::{Cluster, Coordinator, Node, RawNode, hello, node};

#[tokio::test]
async fn questions_come_down_and_answers_go_up() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut second = Node::start(coordinator.target(), cluster.node(2));
    assert_eq!(second.event().await, UplinkEvent::Attached { link: 4 });
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(2) });
    assert_eq!(coordinator.handle.attached(), [node(2)]);

    coordinator.handle.send(node(2), CallId(70), ToNode::Status).unwrap();
    let UplinkEvent::Question { link: 4, call, question: ToNode::Status } = second.event().await
    else {
        panic!("the question comes as it was asked");
    };
    second.handle.send(call, FromNode::Certified).unwrap();
    let (id, answer) = (CallId(70), FromNode::Certified);
    assert_eq!(coordinator.event().await, GatewayEvent::Answer { node: node(2), call: id, answer });
}

#[tokio::test]
async fn bulk_and_control_are_both_answered() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut first = Node::start(coordinator.target(), cluster.node(1));
    first.event().await;
    coordinator.event().await;

    let ceremony = CeremonyKey { key: "treasury".parse().unwrap(), attempt: Attempt(1) };
    let bulk = ToNode::Round1(ceremony, Vec::new());
    coordinator.handle.send(node(1), CallId(1), bulk.clone()).unwrap();
    coordinator.handle.send(node(1), CallId(2), ToNode::Status).unwrap();
    for _ in 0..2 {
        let UplinkEvent::Question { call, question, .. } = first.event().await else {
            panic!("two questions come");
        };
        let answer = if question == bulk { FromNode::Active } else { FromNode::Certified };
        first.handle.send(call, answer).unwrap();
    }
    let mut answers = Vec::new();
    for _ in 0..2 {
        let GatewayEvent::Answer { call, answer, .. } = coordinator.event().await else {
            panic!("two answers come");
        };
        answers.push((call, answer == FromNode::Active));
    }
    answers.sort_unstable();
    assert_eq!(answers, [(CallId(1), true), (CallId(2), false)]);
}

#[tokio::test]
async fn a_question_is_answered_once() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut first = Node::start(coordinator.target(), cluster.node(1));
    first.event().await;
    coordinator.event().await;

    coordinator.handle.send(node(1), CallId(1), ToNode::Status).unwrap();
    let UplinkEvent::Question { call, .. } = first.event().await else {
        panic!("the question comes");
    };
    let never = CallId(call.0 + 1);
    assert_eq!(first.handle.send(never, FromNode::Active), Err(AnswerError::NotAsked(never)));
    first.handle.send(call, FromNode::Active).unwrap();
    assert_eq!(first.handle.send(call, FromNode::Active), Err(AnswerError::NotAsked(call)));
}

#[tokio::test]
async fn one_stream_is_not_enough() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut raw = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let _control = raw.open(hello(StreamKind::Control)).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert!(coordinator.events.try_recv().is_err());
    let refused = coordinator.handle.send(node(1), CallId(1), ToNode::Status);
    assert_eq!(refused, Err(Unreachable::NotAttached { node: node(1) }));

    let _bulk = raw.open(hello(StreamKind::Bulk)).await.unwrap();
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });
    coordinator.handle.send(node(1), CallId(1), ToNode::Status).unwrap();
}

#[tokio::test]
async fn two_streams_of_different_connections_are_no_pair() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut one = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let mut other = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let mut control = one.open(hello(StreamKind::Control)).await.unwrap();
    let _bulk = other.open(hello(StreamKind::Bulk)).await.unwrap();
    assert_eq!(control.end().await.code(), Code::Aborted);
    assert!(coordinator.events.try_recv().is_err());
}

#[tokio::test]
async fn a_node_that_attaches_again_replaces_itself() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut first = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let (mut control, mut bulk) = first.attach().await;
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });

    let mut second = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let (mut new_control, _new_bulk) = second.attach().await;
    for old in [&mut control, &mut bulk] {
        let status = old.end().await;
        assert_eq!((status.code(), status.message()), (Code::Aborted, "the node attached anew"));
    }
    assert_eq!(coordinator.event().await, GatewayEvent::Detached { node: node(1) });
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });
    coordinator.handle.send(node(1), CallId(9), ToNode::Status).unwrap();
    assert_eq!(new_control.questions.message().await.unwrap().unwrap().call, 9);
}

#[tokio::test]
async fn a_node_whose_stream_ends_is_detached() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut raw = RawNode::connect(&coordinator, &cluster.node(1)).await;
    for half_closed in [true, false] {
        let (mut control, bulk) = raw.attach().await;
        assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });
        // Either way, for one stream only.
        let _open = half_closed.then_some(bulk.questions);
        drop(bulk.answers);
        assert_eq!(coordinator.event().await, GatewayEvent::Detached { node: node(1) });
        assert_eq!(control.end().await.code(), Code::Cancelled);
        let refused = coordinator.handle.send(node(1), CallId(1), ToNode::Status);
        assert_eq!(refused, Err(Unreachable::NotAttached { node: node(1) }));
    }
}

#[tokio::test]
async fn a_coordinator_that_shuts_down_does_not_wait_for_nodes() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut raw = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let (mut control, _bulk) = raw.attach().await;
    coordinator.event().await;
    coordinator.stop().await;
    assert_eq!(control.end().await.code(), Code::Unavailable);
}
