use prost::Message as _;

use super::*;
use crate::fixture::{self, answers, questions};
use crate::pb::node::v1::coordinator_frame::Question;

fn question(frame: pb::CoordinatorFrame) -> Result<(CallId, ToNode), DecodeError> {
    pb::CoordinatorFrame::decode(frame.encode_to_vec().as_slice()).unwrap().try_into()
}

fn answer(frame: pb::NodeFrame) -> Result<NodeFrame, DecodeError> {
    pb::NodeFrame::decode(frame.encode_to_vec().as_slice()).unwrap().try_into()
}

fn hello(stream: StreamKind) -> Hello {
    Hello { stream, version: "0.1.0".to_owned() }
}

#[test]
fn every_question_arrives_as_it_was_asked() {
    for (call, asked) in (7..).zip(questions()) {
        let arrived = question((CallId(call), asked.clone()).into()).unwrap();
        assert_eq!(arrived, (CallId(call), asked));
    }
}

#[test]
fn every_answer_arrives_as_it_was_given() {
    for (call, given) in (7..).zip(answers()) {
        let frame = NodeFrame::Answer(CallId(call), given);
        assert_eq!(answer(frame.clone().into()).unwrap(), frame);
    }
}

#[test]
fn a_stream_is_opened_for_one_purpose() {
    for stream in [StreamKind::Control, StreamKind::Bulk] {
        let frame = NodeFrame::Hello(hello(stream));
        assert_eq!(answer(frame.clone().into()).unwrap(), frame);
    }
    let frame = |call, stream| {
        let hello = pb::Hello { stream, version: String::new() };
        pb::NodeFrame { call, answer: Some(Answer::Hello(hello)) }
    };
    assert_eq!(answer(frame(1, 1)).unwrap_err().field, "NodeFrame.hello");
    for unknown in [0, 3] {
        let error = answer(frame(0, unknown)).unwrap_err();
        assert_eq!(error, DecodeError::new("Hello.stream", Fault::Unknown(unknown)));
    }
}

#[test]
fn rounds_of_ceremonies_and_lists_take_the_bulk_stream() {
    let bulk = questions().iter().filter(|question| to_node_is_bulk(question)).count();
    assert_eq!(bulk, 7);
    let bulk = answers().iter().filter(|answer| node_frame_is_bulk(answer)).count();
    assert_eq!(bulk, 7);
    let freeze = ToNode::carry_out(fixture::signed_order());
    assert!(!to_node_is_bulk(&freeze), "a freeze never waits");
    let document = ToNode::carry_out(fixture::order_with_document());
    assert!(to_node_is_bulk(&document), "not even behind a document");
    assert!(!to_node_is_bulk(&ToNode::Status));
    assert!(!node_frame_is_bulk(&FromNode::Denied(fixture::denial())));
}

#[test]
fn a_frame_without_content_is_refused() {
    let error = question(pb::CoordinatorFrame { call: 1, question: None }).unwrap_err();
    assert_eq!(error, DecodeError::missing("CoordinatorFrame.question"));
    let error = answer(pb::NodeFrame { call: 1, answer: None }).unwrap_err();
    assert_eq!(error, DecodeError::missing("NodeFrame.answer"));
}

#[test]
fn an_empty_question_is_refused_by_its_missing_part() {
    for (empty, field) in [
        (Question::GenerateKey(pb::GenerateKey::default()), "GenerateKey.order"),
        (Question::ReshareKey(pb::ReshareKey::default()), "ReshareKey.order"),
        (Question::Announcements(pb::Announcements::default()), "Announcements.ceremony"),
        (Question::Round1(pb::Round1Messages::default()), "Round1Messages.ceremony"),
        (Question::Round2(pb::Round2Messages::default()), "Round2Messages.ceremony"),
        (Question::Certify(pb::Certify::default()), "Certify.certificate"),
        (Question::Reserve(pb::Reserve::default()), "Reserve.subject"),
        (Question::Share(pb::Share::default()), "Share.subject"),
        (Question::Confirm(pb::Confirm::default()), "Confirm.key"),
        (Question::Simulate(pb::Simulate::default()), "Simulate.request"),
    ] {
        let frame = pb::CoordinatorFrame { call: 1, question: Some(empty) };
        assert_eq!(question(frame).unwrap_err().field, field);
    }
}

#[test]
fn an_empty_answer_is_refused_by_its_missing_part() {
    for (empty, field) in [
        (Answer::Announcement(pb::SignedAnnouncement::default()), "SignedAnnouncement.from"),
        (Answer::Round1(pb::SignedRound1::default()), "SignedRound1.from"),
        (Answer::Round2(pb::SignedRound2::default()), "SignedRound2.from"),
        (Answer::Vote(pb::CastVote::default()), "CastVote.certified"),
        (Answer::Reserved(pb::SignedReserveAnswer::default()), "SignedReserveAnswer.from"),
        (Answer::Denied(Default::default()), "SignedDenial.from"),
        (Answer::Shares(pb::SignedShareAnswer::default()), "SignedShareAnswer.from"),
        (Answer::Simulated(pb::Simulated::default()), "Simulated.decision"),
        (Answer::Status(pb::NodeStatus::default()), "NodeStatus.heads"),
        (Answer::Refused(pb::Refusal::default()), "Refusal.code"),
    ] {
        let frame = pb::NodeFrame { call: 1, answer: Some(empty) };
        assert_eq!(answer(frame).unwrap_err().field, field);
    }
    let reserved =
        pb::SignedReserveAnswer { from: 1, body: Some(Default::default()), signature: vec![1; 64] };
    let frame = pb::NodeFrame { call: 1, answer: Some(Answer::Reserved(reserved)) };
    assert_eq!(answer(frame).unwrap_err().field, "ReserveAnswer.context");
}

#[test]
fn unsigned_words_are_cut_to_what_the_receiver_takes() {
    let mut status = fixture::status();
    status.reasons = vec!["a".repeat(limits::REASON_BYTES_MAX + 1); 17];
    status.version = "a".repeat(65);
    let frame = NodeFrame::Answer(CallId(1), FromNode::Status(status));
    let Ok(NodeFrame::Answer(_, FromNode::Status(status))) = answer(frame.into()) else {
        panic!("a status that is cut arrives")
    };
    assert_eq!((status.reasons.len(), status.version.len()), (16, 64));
    let long = "a".repeat(limits::REASON_BYTES_MAX + 1);
    for decision in [Ok(vec![long.clone(); 257]), Err(long)] {
        let frame = NodeFrame::Answer(CallId(1), FromNode::Simulated(decision));
        assert!(answer(frame.into()).is_ok());
    }
}
