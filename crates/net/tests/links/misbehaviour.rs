//! A node that breaks the rules of its streams loses them, and nobody else does.

use quorate_api::frame::StreamKind;
use quorate_api::limits::FRAME_BYTES_MAX;
use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::node_frame::Answer;
use quorate_model::Attempt;
use quorate_net::attach::{GatewayEvent, Unreachable};
use quorate_protocol::wire::{CallId, ToNode};
use quorate_trust::SignedOrder;
use tokio::time::timeout;
use tonic::Code;

use crate::fixture::{Cluster, Coordinator, PATIENCE, RawNode, hello, node};

/// Attaches nodes 1 and 2, lets node 1 send a frame, and returns how it was told to go.
async fn sent(frame: pb::NodeFrame) -> (Code, String) {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut good = RawNode::connect(&coordinator, &cluster.node(2)).await;
    let mut good = good.attach().await;
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(2) });
    let mut bad = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let (mut control, mut bulk) = bad.attach().await;
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });

    control.answers.send(frame).await.unwrap();
    let status = control.end().await;
    assert_eq!(bulk.end().await.code(), status.code());
    assert_eq!(coordinator.event().await, GatewayEvent::Detached { node: node(1) });

    coordinator.handle.send(node(2), CallId(3), ToNode::Status).unwrap();
    assert_eq!(good.0.questions.message().await.unwrap().unwrap().call, 3);
    (status.code(), status.message().to_owned())
}

#[tokio::test]
async fn an_oversized_frame_is_refused() {
    let reason = "x".repeat(FRAME_BYTES_MAX);
    let refusal = pb::Refusal { code: pb::RefusalCode::Busy.into(), reason, pair_with: 0 };
    let (code, message) =
        sent(pb::NodeFrame { call: 1, answer: Some(Answer::Refused(refusal)) }).await;
    assert_eq!(code, Code::OutOfRange);
    assert!(message.contains(&FRAME_BYTES_MAX.to_string()), "{message}");
}

#[tokio::test]
async fn a_frame_that_is_no_answer_is_refused() {
    let unspecified = pb::Refusal { code: 0, reason: String::new(), pair_with: 0 };
    for answer in [None, Some(Answer::Refused(unspecified))] {
        let (code, _) = sent(pb::NodeFrame { call: 1, answer }).await;
        assert_eq!(code, Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_second_hello_is_refused() {
    let (code, message) = sent(hello(StreamKind::Control)).await;
    assert_eq!(code, Code::InvalidArgument);
    assert_eq!(message, "only the first frame is a hello");
}

#[tokio::test]
async fn a_stream_begins_with_a_hello() {
    let cluster = Cluster::new();
    let coordinator = Coordinator::start(&cluster).await;
    let mut raw = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let certified = Answer::Certified(pb::Certified {});
    let early = pb::NodeFrame { call: 1, answer: Some(certified) };
    let status = raw.open(early).await.err().unwrap();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "the first frame must be a hello");

    let nothing = pb::Hello { stream: 0, version: String::new() };
    let unspecified = pb::NodeFrame { call: 0, answer: Some(Answer::Hello(nothing)) };
    assert_eq!(raw.open(unspecified).await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_node_that_does_not_keep_up_is_detached() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut raw = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let (mut control, _bulk) = raw.attach().await;
    coordinator.event().await;

    // This test has one thread: nothing leaves the queue until it waits.
    let mut queued = 0;
    let refused = loop {
        match coordinator.handle.send(node(1), CallId(queued), ToNode::Status) {
            Ok(()) => queued += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((queued, refused), (256, Unreachable::QueueFull { node: node(1) }));
    let again = coordinator.handle.send(node(1), CallId(0), ToNode::Status);
    assert_eq!(again, Err(Unreachable::NotAttached { node: node(1) }));
    assert_eq!(control.end().await.code(), Code::ResourceExhausted);
    assert_eq!(coordinator.event().await, GatewayEvent::Detached { node: node(1) });
}

#[tokio::test]
async fn a_question_that_fits_in_no_frame_is_not_sent() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut raw = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let (mut control, _bulk) = raw.attach().await;
    coordinator.event().await;
    let refused = coordinator.handle.send(node(1), CallId(1), huge_question());
    assert!(
        matches!(refused, Err(Unreachable::FrameTooLong { bytes }) if bytes > FRAME_BYTES_MAX),
        "{refused:?}"
    );
    // The node stays attached.
    coordinator.handle.send(node(1), CallId(2), ToNode::Status).unwrap();
    assert_eq!(control.questions.message().await.unwrap().unwrap().call, 2);
}

fn huge_question() -> ToNode {
    let order =
        SignedOrder { text: "x".repeat(FRAME_BYTES_MAX), signatures: Vec::new(), document: None };
    ToNode::GenerateKey { order, attempt: Attempt(1), never_voted: Vec::new() }
}

#[tokio::test]
async fn a_node_that_attaches_in_a_loop_piles_nothing_up() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut raw = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let (control, _bulk) = raw.attach().await;
    // Nobody takes events here, so that the end of the first attachment cannot be announced.
    for call in 1..=32 {
        let certified = Some(Answer::Certified(pb::Certified {}));
        let frame = pb::NodeFrame { call, answer: certified };
        if timeout(PATIENCE / 20, control.answers.send(frame)).await.is_err() {
            break;
        }
    }
    let (_second_control, _second_bulk) = raw.attach().await;
    let status = raw.open(hello(StreamKind::Control)).await.err().unwrap();
    assert_eq!(status.code(), Code::Unavailable);

    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });
    while let GatewayEvent::Answer { .. } = coordinator.event().await {}
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });
}

#[tokio::test]
async fn a_node_that_says_half_of_it_or_nothing_is_not_waited_for() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut silent = RawNode::connect(&coordinator, &cluster.node(1)).await;
    let mut half = RawNode::connect(&coordinator, &cluster.node(2)).await;
    let mut control = half.open(hello(StreamKind::Control)).await.unwrap();
    let half = async {
        // One wait of the test's patience may not be enough for the limit of the same length.
        timeout(2 * PATIENCE, control.questions.message()).await.unwrap().unwrap_err()
    };
    let silence = timeout(2 * PATIENCE, silent.open_silently());
    let (half, silence) = tokio::join!(half, silence);
    assert_eq!(half.message(), "only one of two streams was opened");
    assert_eq!(silence.unwrap().message(), "no hello came");
    assert!(coordinator.events.try_recv().is_err());
}
