//! What nodes say of each other.

use quorate_protocol::sign::AnsweredHeads;
use quorate_protocol::wire::Testimony;

use crate::pb::node::v1 as pb;
use crate::{DecodeError, field};

impl TryFrom<pb::Testimony> for Testimony {
    type Error = DecodeError;

    fn try_from(testimony: pb::Testimony) -> Result<Self, DecodeError> {
        Ok(Self {
            challenge: field::digest("Testimony.challenge", &testimony.challenge)?,
            asker: field::participant("Testimony.asker", testimony.asker)?,
            holds: field::digest("Testimony.holds", &testimony.holds)?,
            seen: testimony.seen.map(TryInto::try_into).transpose()?,
            heads: field::required("Testimony.heads", testimony.heads)?.try_into()?,
        })
    }
}

impl From<Testimony> for pb::Testimony {
    fn from(testimony: Testimony) -> Self {
        let Testimony { asker, challenge, holds, seen, heads } = testimony;
        Self {
            challenge: challenge.as_bytes().to_vec(),
            heads: Some(heads.into()),
            seen: seen.map(Into::into),
            asker: field::participant_to_pb(asker),
            holds: holds.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<pb::AnsweredHeads> for AnsweredHeads {
    type Error = DecodeError;

    fn try_from(answered: pb::AnsweredHeads) -> Result<Self, DecodeError> {
        Ok(Self {
            rest: field::digest("AnsweredHeads.rest", &answered.rest)?,
            heads: field::required("AnsweredHeads.heads", answered.heads)?.try_into()?,
        })
    }
}

impl From<AnsweredHeads> for pb::AnsweredHeads {
    fn from(answered: AnsweredHeads) -> Self {
        let AnsweredHeads { rest, heads } = answered;
        Self { rest: rest.as_bytes().to_vec(), heads: Some(heads.into()) }
    }
}
