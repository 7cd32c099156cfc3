//! Rounds of messages between participants.

use std::collections::BTreeMap;

use quorate_model::{Attempt, Digest, ParticipantId};
use quorate_protocol::exchange::{ExchangeMessage, Parcel, SealedPart};
use quorate_protocol::wire::ExchangeKey;

use crate::pb::node::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::exchange::Exchange> for ExchangeKey {
    type Error = DecodeError;

    fn try_from(exchange: pb::exchange::Exchange) -> Result<Self, DecodeError> {
        Ok(match exchange {
            pb::exchange::Exchange::Ceremony(ceremony) => Self::Ceremony(ceremony.try_into()?),
            pb::exchange::Exchange::Signing(signing) => Self::Signing {
                subject: field::digest("SigningKey.subject", &signing.subject)?,
                attempt: field::attempt("SigningKey.attempt", signing.attempt)?,
            },
        })
    }
}

impl From<ExchangeKey> for pb::exchange::Exchange {
    fn from(exchange: ExchangeKey) -> Self {
        match exchange {
            ExchangeKey::Ceremony(ceremony) => Self::Ceremony(ceremony.into()),
            ExchangeKey::Signing { subject, attempt: Attempt(attempt) } => {
                Self::Signing(pb::SigningKey { subject: subject.as_bytes().to_vec(), attempt })
            }
        }
    }
}

impl TryFrom<pb::Parcel> for Parcel {
    type Error = DecodeError;

    fn try_from(parcel: pb::Parcel) -> Result<Self, DecodeError> {
        Ok(Self {
            message: field::required("Parcel.message", parcel.message)?.try_into()?,
            parts: field::list("Parcel.parts", parcel.parts, limits::PARTICIPANTS_MAX)?,
        })
    }
}

impl From<Parcel> for pb::Parcel {
    fn from(Parcel { message, parts }: Parcel) -> Self {
        Self { message: Some(message.into()), parts: parts.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<pb::ExchangeMessage> for ExchangeMessage {
    type Error = DecodeError;

    fn try_from(message: pb::ExchangeMessage) -> Result<Self, DecodeError> {
        const SEALED: &str = "ExchangeMessage.sealed";
        field::count(SEALED, message.sealed.len(), limits::PARTICIPANTS_MAX)?;
        let mut sealed: BTreeMap<ParticipantId, Digest> = BTreeMap::new();
        for pb::SealedDigest { to, digest } in message.sealed {
            let to = field::participant("SealedDigest.to", to)?;
            if sealed.last_key_value().is_some_and(|(last, _)| *last >= to) {
                return Err(DecodeError::value(SEALED, "receivers are not in ascending order"));
            }
            sealed.insert(to, field::digest("SealedDigest.digest", &digest)?);
        }
        Ok(Self {
            session: field::digest("ExchangeMessage.session", &message.session)?,
            round: u8::try_from(message.round)
                .map_err(|_| DecodeError::value("ExchangeMessage.round", "more than 255"))?,
            seen: field::digest("ExchangeMessage.seen", &message.seen)?,
            broadcast: field::bytes(
                "ExchangeMessage.broadcast",
                message.broadcast,
                limits::BROADCAST_BYTES_MAX,
            )?,
            sealed,
        })
    }
}

impl From<ExchangeMessage> for pb::ExchangeMessage {
    fn from(message: ExchangeMessage) -> Self {
        let sealed = |(to, digest): (ParticipantId, Digest)| pb::SealedDigest {
            to: field::participant_to_pb(to),
            digest: digest.as_bytes().to_vec(),
        };
        Self {
            session: message.session.as_bytes().to_vec(),
            round: u32::from(message.round),
            seen: message.seen.as_bytes().to_vec(),
            broadcast: message.broadcast,
            sealed: message.sealed.into_iter().map(sealed).collect(),
        }
    }
}

impl TryFrom<pb::SealedPart> for SealedPart {
    type Error = DecodeError;

    fn try_from(part: pb::SealedPart) -> Result<Self, DecodeError> {
        const SEALED: &str = "SealedPart.sealed";
        Ok(Self {
            to: field::participant("SealedPart.to", part.to)?,
            sealed: field::bytes(SEALED, part.sealed, limits::FRAME_BYTES_MAX)?,
        })
    }
}

impl From<SealedPart> for pb::SealedPart {
    fn from(part: SealedPart) -> Self {
        Self { to: field::participant_to_pb(part.to), sealed: part.sealed }
    }
}
