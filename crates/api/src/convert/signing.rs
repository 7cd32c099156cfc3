//! What signers are asked and answer.

use quorate_model::{Epoch, SharingId};
use quorate_protocol::sign::{Offer, ReserveAnswer, ShareAnswer};
use quorate_protocol::wire::Subject;

use crate::pb::node::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::reserve::Subject> for Subject {
    type Error = DecodeError;

    fn try_from(subject: pb::reserve::Subject) -> Result<Self, DecodeError> {
        match subject {
            pb::reserve::Subject::Request(request) => Ok(Self::Request(request.try_into()?)),
            pb::reserve::Subject::Confirmation(confirmation) => {
                let key = field::parse("ConfirmationSubject.key", &confirmation.key)?;
                let sharing = SharingId { key, epoch: Epoch(confirmation.epoch) };
                Ok(Self::Confirmation { sharing })
            }
        }
    }
}

impl From<Subject> for pb::reserve::Subject {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Request(request) => Self::Request(request.into()),
            Subject::Confirmation { sharing: SharingId { key, epoch: Epoch(epoch) } } => {
                Self::Confirmation(pb::ConfirmationSubject { key: key.to_string(), epoch })
            }
        }
    }
}

impl TryFrom<pb::ReserveAnswer> for ReserveAnswer {
    type Error = DecodeError;

    fn try_from(answer: pb::ReserveAnswer) -> Result<Self, DecodeError> {
        const COMMITMENTS: &str = "ReserveAnswer.commitments";
        field::count(COMMITMENTS, answer.commitments.len(), limits::MESSAGES_MAX)?;
        let commitments = answer.commitments.into_iter().map(commitments);
        Ok(Self {
            context: field::digest("ReserveAnswer.context", &answer.context)?,
            commitments: commitments.collect::<Result<_, _>>()?,
            heads: field::required("ReserveAnswer.heads", answer.heads)?.try_into()?,
            offer: answer.offer.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<ReserveAnswer> for pb::ReserveAnswer {
    fn from(answer: ReserveAnswer) -> Self {
        let commitments =
            |[hiding, binding]: [Vec<u8>; 2]| pb::SigningCommitments { hiding, binding };
        Self {
            context: answer.context.as_bytes().to_vec(),
            commitments: answer.commitments.into_iter().map(commitments).collect(),
            heads: Some(answer.heads.into()),
            offer: answer.offer.map(Into::into),
        }
    }
}

impl TryFrom<pb::Offer> for Offer {
    type Error = DecodeError;

    fn try_from(offer: pb::Offer) -> Result<Self, DecodeError> {
        Ok(Self {
            nonce: field::array("Offer.nonce", &offer.nonce)?,
            ephemeral: field::array("Offer.ephemeral", &offer.ephemeral)?,
        })
    }
}

impl From<Offer> for pb::Offer {
    fn from(offer: Offer) -> Self {
        Self { nonce: offer.nonce.to_vec(), ephemeral: offer.ephemeral.to_vec() }
    }
}

impl TryFrom<pb::ShareAnswer> for ShareAnswer {
    type Error = DecodeError;

    fn try_from(answer: pb::ShareAnswer) -> Result<Self, DecodeError> {
        Ok(Self {
            context: field::digest("ShareAnswer.context", &answer.context)?,
            package: field::digest("ShareAnswer.package", &answer.package)?,
            shares: field::byte_list(
                "ShareAnswer.shares",
                answer.shares,
                limits::MESSAGES_MAX,
                limits::SHARE_BYTES_MAX,
            )?,
        })
    }
}

impl From<ShareAnswer> for pb::ShareAnswer {
    fn from(answer: ShareAnswer) -> Self {
        Self {
            context: answer.context.as_bytes().to_vec(),
            package: answer.package.as_bytes().to_vec(),
            shares: answer.shares,
        }
    }
}

fn commitments(pair: pb::SigningCommitments) -> Result<[Vec<u8>; 2], DecodeError> {
    const MAX: usize = limits::ELEMENT_BYTES_MAX;
    Ok([
        field::bytes("SigningCommitments.hiding", pair.hiding, MAX)?,
        field::bytes("SigningCommitments.binding", pair.binding, MAX)?,
    ])
}
