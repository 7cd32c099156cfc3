//! Answers of a node.

use quorate_protocol::wire::{FromNode, Refusal, RefusalCode};

use crate::pb::node::v1 as pb;
use crate::pb::node::v1::node_frame::Answer;
use crate::{DecodeError, Fault, field, limits};

impl TryFrom<Answer> for FromNode {
    type Error = DecodeError;

    fn try_from(answer: Answer) -> Result<Self, DecodeError> {
        Ok(match answer {
            Answer::Hello(_) => {
                let reason = "a stream is opened by a frame that answers no call";
                return Err(DecodeError::value("NodeFrame.hello", reason));
            }
            Answer::Announcement(message) => Self::Announcement(message.try_into()?),
            Answer::Round1(message) => Self::Round1(message.try_into()?),
            Answer::Round2(message) => Self::Round2(message.try_into()?),
            Answer::Vote(pb::CastVote { certified, vote }) => Self::Vote(
                field::required("CastVote.certified", certified)?.try_into()?,
                field::required("CastVote.vote", vote)?.try_into()?,
            ),
            Answer::Certified(pb::Certified {}) => Self::Certified,
            Answer::Reserved(message) => Self::Reserved(message.try_into()?),
            Answer::Denied(message) => Self::Denied(message.try_into()?),
            Answer::Deferred(message) => Self::Deferred(message.try_into()?),
            Answer::Shares(message) => Self::Shares(message.try_into()?),
            Answer::Exchanged(parcel) => Self::Exchanged(parcel.try_into()?),
            Answer::Active(pb::Active {}) => Self::Active,
            Answer::Simulated(message) => Self::Simulated(simulated(message)?),
            Answer::Accepted(message) => Self::Accepted(message.try_into()?),
            Answer::Orders(pb::Orders { digests }) => {
                Self::Orders(field::digests("Orders.digests", &digests, limits::ORDERS_MAX)?)
            }
            Answer::Order(order) => Self::Order(order.try_into()?),
            Answer::Testimony(message) => Self::Testimony(message.try_into()?),
            Answer::Status(message) => Self::Status(message.try_into()?),
            Answer::Refused(message) => Self::Refused(message.try_into()?),
        })
    }
}

impl From<FromNode> for Answer {
    fn from(answer: FromNode) -> Self {
        match answer {
            FromNode::Announcement(message) => Self::Announcement(message.into()),
            FromNode::Round1(message) => Self::Round1(message.into()),
            FromNode::Round2(message) => Self::Round2(message.into()),
            FromNode::Exchanged(parcel) => Self::Exchanged(parcel.into()),
            FromNode::Vote(certified, vote) => {
                let (certified, vote) = (Some(certified.into()), Some(vote.into()));
                Self::Vote(pb::CastVote { certified, vote })
            }
            FromNode::Certified => Self::Certified(pb::Certified {}),
            FromNode::Reserved(message) => Self::Reserved(message.into()),
            FromNode::Denied(message) => Self::Denied(message.into()),
            FromNode::Deferred(message) => Self::Deferred(message.into()),
            FromNode::Shares(message) => Self::Shares(message.into()),
            FromNode::Active => Self::Active(pb::Active {}),
            FromNode::Simulated(decision) => Self::Simulated(simulated_to_pb(decision)),
            FromNode::Accepted(message) => Self::Accepted(message.into()),
            FromNode::Orders(digests) => {
                let digests = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
                Self::Orders(pb::Orders { digests })
            }
            FromNode::Order(order) => Self::Order(order.into()),
            FromNode::Testimony(message) => Self::Testimony(message.into()),
            FromNode::Status(status) => Self::Status(status.into()),
            FromNode::Refused(refusal) => Self::Refused(refusal.into()),
        }
    }
}

impl TryFrom<pb::Refusal> for Refusal {
    type Error = DecodeError;

    fn try_from(refusal: pb::Refusal) -> Result<Self, DecodeError> {
        let code = match pb::RefusalCode::try_from(refusal.code) {
            Ok(pb::RefusalCode::Invalid) => RefusalCode::Invalid,
            Ok(pb::RefusalCode::NotFound) => RefusalCode::NotFound,
            Ok(pb::RefusalCode::AttemptUsed) => RefusalCode::AttemptUsed,
            Ok(pb::RefusalCode::AttemptsExhausted) => RefusalCode::AttemptsExhausted,
            Ok(pb::RefusalCode::HeadsDiffer) => RefusalCode::HeadsDiffer,
            Ok(pb::RefusalCode::Aborted) => RefusalCode::Aborted,
            Ok(pb::RefusalCode::Busy) => RefusalCode::Busy,
            Ok(pb::RefusalCode::Time) => RefusalCode::Time,
            Ok(pb::RefusalCode::LogInDoubt) => RefusalCode::LogInDoubt,
            Ok(pb::RefusalCode::Frozen) => RefusalCode::Frozen,
            Ok(pb::RefusalCode::PeerPutBack) => RefusalCode::PeerPutBack,
            Ok(pb::RefusalCode::PairFrozen) => {
                let with = field::participant("Refusal.pair_with", refusal.pair_with)?;
                RefusalCode::PairFrozen(with)
            }
            Ok(pb::RefusalCode::Unspecified) | Err(_) => {
                return Err(DecodeError::new("Refusal.code", Fault::Unknown(refusal.code)));
            }
        };
        let reason = field::text("Refusal.reason", refusal.reason, limits::REASON_BYTES_MAX)?;
        Ok(Self { code, reason })
    }
}

impl From<Refusal> for pb::Refusal {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.code {
            RefusalCode::Invalid => pb::RefusalCode::Invalid,
            RefusalCode::NotFound => pb::RefusalCode::NotFound,
            RefusalCode::AttemptUsed => pb::RefusalCode::AttemptUsed,
            RefusalCode::AttemptsExhausted => pb::RefusalCode::AttemptsExhausted,
            RefusalCode::HeadsDiffer => pb::RefusalCode::HeadsDiffer,
            RefusalCode::Aborted => pb::RefusalCode::Aborted,
            RefusalCode::Busy => pb::RefusalCode::Busy,
            RefusalCode::Time => pb::RefusalCode::Time,
            RefusalCode::LogInDoubt => pb::RefusalCode::LogInDoubt,
            RefusalCode::Frozen => pb::RefusalCode::Frozen,
            RefusalCode::PeerPutBack => pb::RefusalCode::PeerPutBack,
            RefusalCode::PairFrozen(_) => pb::RefusalCode::PairFrozen,
        };
        let pair_with = match refusal.code {
            RefusalCode::PairFrozen(with) => field::participant_to_pb(with),
            RefusalCode::Invalid
            | RefusalCode::NotFound
            | RefusalCode::AttemptUsed
            | RefusalCode::AttemptsExhausted
            | RefusalCode::HeadsDiffer
            | RefusalCode::Aborted
            | RefusalCode::Busy
            | RefusalCode::Time
            | RefusalCode::LogInDoubt
            | RefusalCode::Frozen
            | RefusalCode::PeerPutBack => 0,
        };
        let reason = field::clip(refusal.reason, limits::REASON_BYTES_MAX);
        Self { code: code.into(), reason, pair_with }
    }
}

fn simulated(message: pb::Simulated) -> Result<Result<Vec<String>, String>, DecodeError> {
    const REASON: &str = "Simulated.refused";
    match field::required("Simulated.decision", message.decision)? {
        pb::simulated::Decision::Allowed(pb::Allowed { rules }) => {
            field::text_list("Allowed.rules", rules, limits::RULES_MAX).map(Ok)
        }
        pb::simulated::Decision::Refused(reason) => {
            field::text(REASON, reason, limits::REASON_BYTES_MAX).map(Err)
        }
    }
}

fn simulated_to_pb(decision: Result<Vec<String>, String>) -> pb::Simulated {
    let clip = |text| field::clip(text, limits::REASON_BYTES_MAX);
    let decision = match decision {
        Ok(rules) => {
            let rules = rules.into_iter().take(limits::RULES_MAX).map(clip).collect();
            pb::simulated::Decision::Allowed(pb::Allowed { rules })
        }
        Err(reason) => pb::simulated::Decision::Refused(clip(reason)),
    };
    pb::Simulated { decision: Some(decision) }
}
