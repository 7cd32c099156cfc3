//! Frames of an attach stream: what a node may send on it, and which of its two streams things take.

use quorate_protocol::wire::{CallId, ExchangeKey, FromNode, ToNode};

use crate::pb::node::v1 as pb;
use crate::pb::node::v1::node_frame::Answer;
use crate::{DecodeError, Fault, field, limits};

/// A frame of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are answers")]
pub enum NodeFrame {
    /// The first frame of a stream, and only the first.
    Hello(Hello),
    /// The answer to a question.
    Answer(CallId, FromNode),
}

/// Opens a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// What the stream is for.
    pub stream: StreamKind,
    /// The version of the node's software.
    pub version: String,
}

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StreamKind {
    /// Everything small, orders that stop something among it.
    Control,
    /// The rounds of ceremonies, and lists.
    Bulk,
}

/// Whether a question takes the bulk stream.
#[must_use]
pub fn to_node_is_bulk(question: &ToNode) -> bool {
    match question {
        ToNode::Announcements(..)
        | ToNode::Round1(..)
        | ToNode::Round2(..)
        | ToNode::Exchange(ExchangeKey::Ceremony(_), _)
        | ToNode::Orders
        | ToNode::Order(_) => true,
        // A freeze never waits behind a document.
        ToNode::CarryOut { order, .. } => order.document.is_some(),
        ToNode::GenerateKey { .. }
        | ToNode::ReshareKey { .. }
        | ToNode::Certify(_)
        | ToNode::Reserve { .. }
        | ToNode::Reject { .. }
        | ToNode::Share { .. }
        | ToNode::Exchange(ExchangeKey::Signing { .. }, _)
        | ToNode::Confirm { .. }
        | ToNode::Replaced { .. }
        | ToNode::Simulate { .. }
        | ToNode::Testify { .. }
        | ToNode::HearTestimony(_)
        | ToNode::Status => false,
    }
}

/// Whether an answer takes the bulk stream. An announcement and a vote are small, and the former
/// answers a question of the control stream.
#[must_use]
pub fn node_frame_is_bulk(answer: &FromNode) -> bool {
    match answer {
        FromNode::Round1(_)
        | FromNode::Round2(_)
        | FromNode::Exchanged(_)
        | FromNode::Vote(..)
        | FromNode::Orders(_)
        | FromNode::Order(_) => true,
        FromNode::Announcement(_)
        | FromNode::Certified
        | FromNode::Reserved(_)
        | FromNode::Denied(_)
        | FromNode::Deferred(_)
        | FromNode::Shares(_)
        | FromNode::Active
        | FromNode::Simulated(_)
        | FromNode::Accepted(_)
        | FromNode::Testimony(_)
        | FromNode::Status(_)
        | FromNode::Refused(_) => false,
    }
}

impl TryFrom<pb::NodeFrame> for NodeFrame {
    type Error = DecodeError;

    fn try_from(frame: pb::NodeFrame) -> Result<Self, DecodeError> {
        match (frame.call, field::required("NodeFrame.answer", frame.answer)?) {
            (0, Answer::Hello(hello)) => Ok(Self::Hello(hello.try_into()?)),
            (call, answer) => Ok(Self::Answer(CallId(call), answer.try_into()?)),
        }
    }
}

impl From<NodeFrame> for pb::NodeFrame {
    fn from(frame: NodeFrame) -> Self {
        match frame {
            NodeFrame::Hello(hello) => Self { call: 0, answer: Some(Answer::Hello(hello.into())) },
            NodeFrame::Answer(call, answer) => Self { call: call.0, answer: Some(answer.into()) },
        }
    }
}

impl TryFrom<pb::Hello> for Hello {
    type Error = DecodeError;

    fn try_from(hello: pb::Hello) -> Result<Self, DecodeError> {
        let stream = match pb::StreamKind::try_from(hello.stream) {
            Ok(pb::StreamKind::Control) => StreamKind::Control,
            Ok(pb::StreamKind::Bulk) => StreamKind::Bulk,
            Ok(pb::StreamKind::Unspecified) | Err(_) => {
                return Err(DecodeError::new("Hello.stream", Fault::Unknown(hello.stream)));
            }
        };
        let version = field::text("Hello.version", hello.version, limits::VERSION_BYTES_MAX)?;
        Ok(Self { stream, version })
    }
}

impl From<Hello> for pb::Hello {
    fn from(hello: Hello) -> Self {
        let stream = match hello.stream {
            StreamKind::Control => pb::StreamKind::Control,
            StreamKind::Bulk => pb::StreamKind::Bulk,
        };
        let version = field::clip(hello.version, limits::VERSION_BYTES_MAX);
        Self { stream: stream.into(), version }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
