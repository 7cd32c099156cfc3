//! The node's end, when the coordinator comes and goes or misbehaves.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Mutex;

use quorate_api::limits::FRAME_BYTES_MAX;
use quorate_api::pb::node::v1 as pb;
use quorate_api::pb::node::v1::coordinator_frame::Question;
use quorate_api::pb::node::v1::node_frame::Answer;
use quorate_api::pb::node::v1::node_gateway_server::{NodeGateway, NodeGatewayServer};
use quorate_model::{Digest, Heads, Timestamp};
use quorate_net::attach::{AnswerError, GatewayEvent, UplinkEvent};
use quorate_net::{Listener, ListenerLimits, server};
use quorate_protocol::wire::{CallId, FromNode, SignedDenial, ToNode};
use quorate_trust::{Signed, SigningKey};
use rand_core::OsRng;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use crate::fixture::{Cluster, Coordinator, Node, PATIENCE, node};

#[tokio::test]
async fn a_node_attaches_again_after_its_coordinator_restarts() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut first = Node::start(coordinator.target(), cluster.node(1));
    assert_eq!(first.event().await, UplinkEvent::Attached { link: 4 });
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });
    coordinator.handle.send(node(1), CallId(1), ToNode::Status).unwrap();
    let UplinkEvent::Question { call: before, .. } = first.event().await else {
        panic!("the question comes");
    };

    let address = coordinator.address;
    coordinator.stop().await;
    let UplinkEvent::Detached { link: 4, .. } = first.event().await else {
        panic!("the loss is told");
    };
    assert_eq!(first.handle.send(before, FromNode::Active), Err(AnswerError::Detached));

    let mut coordinator = Coordinator::start_at(&cluster, address, ListenerLimits::default()).await;
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });
    while first.event().await != (UplinkEvent::Attached { link: 4 }) {}

    // The coordinator begins anew with its call ids. An answer to the question before its restart
    // must not be taken for one to the question after.
    coordinator.handle.send(node(1), CallId(1), ToNode::Status).unwrap();
    let UplinkEvent::Question { call: after, .. } = first.event().await else {
        panic!("the question comes");
    };
    assert_eq!(first.handle.send(before, FromNode::Active), Err(AnswerError::NotAsked(before)));
    first.handle.send(after, FromNode::Certified).unwrap();
    let (call, answer) = (CallId(1), FromNode::Certified);
    assert_eq!(coordinator.event().await, GatewayEvent::Answer { node: node(1), call, answer });
}

#[tokio::test]
async fn a_node_that_is_refused_says_why_and_goes_on() {
    let cluster = Cluster::new();
    let coordinator = Coordinator::start(&cluster).await;
    let mut nine = Node::start(coordinator.target(), cluster.stranger("quorate:node:9"));
    for _ in 0..2 {
        let UplinkEvent::Detached { link: 4, reason } = nine.event().await else {
            panic!("it is not attached");
        };
        assert!(reason.contains("the trust root has no node 9"), "{reason}");
    }
}

#[tokio::test]
async fn a_node_stays_away_from_another_authoritys_coordinator() {
    let (cluster, other) = (Cluster::new(), Cluster::new());
    let coordinator = Coordinator::start(&other).await;
    let mut first = Node::start(coordinator.target(), cluster.node(1));
    let UplinkEvent::Detached { reason, .. } = first.event().await else {
        panic!("it is not attached");
    };
    assert!(reason.contains("invalid peer certificate: BadSignature"), "{reason}");
}

#[tokio::test]
async fn a_node_that_shuts_down_is_detached() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut first = Node::start(coordinator.target(), cluster.node(1));
    first.event().await;
    coordinator.event().await;
    first.shutdown.cancel();
    assert_eq!(coordinator.event().await, GatewayEvent::Detached { node: node(1) });
    // Nothing more comes, and nothing more is tried.
    assert_eq!(timeout(PATIENCE, first.events.recv()).await.unwrap(), None);
    assert_eq!(first.handle.send(CallId(1), FromNode::Active), Err(AnswerError::Detached));
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_refused_and_the_next_is_asked() {
    let cluster = Cluster::new();
    let questions = [
        pb::CoordinatorFrame { call: 7, question: None },
        pb::CoordinatorFrame { call: 8, question: Some(Question::Status(pb::StatusQuery {})) },
    ];
    let (target, mut answers) = scripted(&cluster, questions.to_vec()).await;
    let mut first = Node::start(target, cluster.node(1));
    assert_eq!(first.event().await, UplinkEvent::Attached { link: 4 });
    let UplinkEvent::Question { question: ToNode::Status, .. } = first.event().await else {
        panic!("the good question comes");
    };
    let answer = timeout(PATIENCE, answers.recv()).await.unwrap().unwrap();
    assert_eq!(answer.call, 7);
    let Some(Answer::Refused(refusal)) = answer.answer else {
        panic!("the bad question is refused");
    };
    assert_eq!(refusal.code, i32::from(pb::RefusalCode::Invalid));
    assert!(refusal.reason.contains("CoordinatorFrame.question"), "{}", refusal.reason);
}

#[tokio::test]
async fn a_coordinator_that_asks_without_end_is_told_that_the_node_is_busy() {
    let cluster = Cluster::new();
    let question =
        |call| pb::CoordinatorFrame { call, question: Some(Question::Status(pb::StatusQuery {})) };
    let (target, mut answers) = scripted(&cluster, (1..=1025).map(question).collect()).await;
    let mut first = Node::start(target, cluster.node(1));
    assert_eq!(first.event().await, UplinkEvent::Attached { link: 4 });
    for _ in 0..1024 {
        assert!(matches!(first.event().await, UplinkEvent::Question { .. }));
    }
    let answer = timeout(PATIENCE, answers.recv()).await.unwrap().unwrap();
    assert_eq!(answer.call, 1025);
    let Some(Answer::Refused(refusal)) = answer.answer else {
        panic!("the question too many is refused");
    };
    assert_eq!(refusal.code, i32::from(pb::RefusalCode::Busy));
}

#[tokio::test]
async fn a_coordinator_that_does_not_read_answers_is_left() {
    let cluster = Cluster::new();
    let question =
        |call| pb::CoordinatorFrame { call, question: Some(Question::Status(pb::StatusQuery {})) };
    let (target, answers) = scripted(&cluster, (1..=300).map(question).collect()).await;
    let mut first = Node::start(target, cluster.node(1));
    let mut calls = Vec::new();
    while calls.len() < 300 {
        if let UplinkEvent::Question { call, .. } = first.event().await {
            calls.push(call);
        }
    }
    // This test has one thread: nothing leaves the queue until it waits.
    let queued = calls
        .iter()
        .map(|call| first.handle.send(*call, FromNode::Active))
        .take_while(Result::is_ok)
        .count();
    assert_eq!(queued, 256);
    let UplinkEvent::Detached { reason, .. } = first.event().await else {
        panic!("the link is taken down");
    };
    assert_eq!(reason, AnswerError::QueueFull.to_string());
    drop(answers);
}

#[tokio::test]
async fn an_answer_that_fits_in_no_frame_leaves_the_question_open() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut first = Node::start(coordinator.target(), cluster.node(1));
    first.event().await;
    coordinator.event().await;
    coordinator.handle.send(node(1), CallId(1), ToNode::Status).unwrap();
    let UplinkEvent::Question { call, .. } = first.event().await else {
        panic!("the question comes");
    };
    let refused = first.handle.send(call, huge_answer());
    assert!(
        matches!(refused, Err(AnswerError::FrameTooLong { bytes }) if bytes > FRAME_BYTES_MAX),
        "{refused:?}"
    );
    first.handle.send(call, FromNode::Active).unwrap();
    let (call, answer) = (CallId(1), FromNode::Active);
    assert_eq!(coordinator.event().await, GatewayEvent::Answer { node: node(1), call, answer });
}

fn huge_answer() -> FromNode {
    let zero = Digest::new([0; 32]);
    let (root, bundle, audit) = (zero, zero, zero);
    let denial = SignedDenial {
        request: zero,
        reason: "x".repeat(FRAME_BYTES_MAX),
        heads: Heads {
            root,
            bundle,
            orders: audit,
            life: 1,
            audit,
            audit_length: 0,
            clock: Timestamp::ZERO,
        },
    };
    FromNode::Denied(Signed::sign(node(1), denial, &SigningKey::generate(&mut OsRng)))
}

/// A coordinator that asks the same on the first stream that is opened, and keeps what it is told.
struct Scripted {
    questions: Mutex<Vec<pb::CoordinatorFrame>>,
    answers: mpsc::Sender<pb::NodeFrame>,
}

async fn scripted(
    cluster: &Cluster,
    questions: Vec<pb::CoordinatorFrame>,
) -> (String, mpsc::Receiver<pb::NodeFrame>) {
    let address = "127.0.0.1:0".parse().unwrap();
    let listener =
        Listener::bind(address, &cluster.coordinator(), ListenerLimits::default()).await.unwrap();
    let target = format!("localhost:{}", listener.local_address().port());
    let (sender, answers) = mpsc::channel(1);
    let service =
        NodeGatewayServer::new(Scripted { questions: Mutex::new(questions), answers: sender });
    let serving = server().add_service(service).serve_with_incoming(listener.incoming());
    tokio::spawn(async move { serving.await.unwrap() });
    (target, answers)
}

#[tonic::async_trait]
impl NodeGateway for Scripted {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<pb::CoordinatorFrame, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<pb::NodeFrame>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let questions = std::mem::take(&mut *self.questions.lock().unwrap());
        let answers = self.answers.clone();
        let mut frames = request.into_inner();
        // Open for as long as the node keeps it open.
        let (open, never) = mpsc::channel::<Result<pb::CoordinatorFrame, Infallible>>(1);
        tokio::spawn(async move {
            while let Ok(Some(frame)) = frames.message().await {
                if !matches!(frame.answer, Some(Answer::Hello(_))) {
                    drop(answers.send(frame).await);
                }
            }
            drop(open);
        });
        let questions = tokio_stream::iter(questions.into_iter().map(Ok));
        let rest = ReceiverStream::new(never).map(|frame| match frame {
            Ok(frame) => Ok(frame),
            Err(never) => match never {},
        });
        Ok(Response::new(Box::pin(questions.chain(rest))))
    }
}
