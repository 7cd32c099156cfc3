//! What clocks show.

use quorate_protocol::wire::ClockReading;

use crate::pb::node::v1 as pb;
use crate::{DecodeError, field};

impl TryFrom<pb::ClockReading> for ClockReading {
    type Error = DecodeError;

    fn try_from(reading: pb::ClockReading) -> Result<Self, DecodeError> {
        Ok(Self {
            challenge: field::digest("ClockReading.challenge", &reading.challenge)?,
            heads: field::required("ClockReading.heads", reading.heads)?.try_into()?,
        })
    }
}

impl From<ClockReading> for pb::ClockReading {
    fn from(reading: ClockReading) -> Self {
        let ClockReading { challenge, heads } = reading;
        Self { challenge: challenge.as_bytes().to_vec(), heads: Some(heads.into()) }
    }
}
