//! What participants of a ceremony say.

use quorate_protocol::wire::CeremonyKey;
use quorate_protocol::{Announcement, Round1, Round2, SealedShare, Vote};

use crate::pb::node::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::CeremonyKey> for CeremonyKey {
    type Error = DecodeError;

    fn try_from(ceremony: pb::CeremonyKey) -> Result<Self, DecodeError> {
        Ok(Self {
            key: field::parse("CeremonyKey.key", &ceremony.key)?,
            attempt: field::attempt("CeremonyKey.attempt", ceremony.attempt)?,
        })
    }
}

impl From<CeremonyKey> for pb::CeremonyKey {
    fn from(ceremony: CeremonyKey) -> Self {
        Self { key: ceremony.key.to_string(), attempt: ceremony.attempt.0 }
    }
}

impl TryFrom<pb::Announcement> for Announcement {
    type Error = DecodeError;

    fn try_from(announcement: pb::Announcement) -> Result<Self, DecodeError> {
        Ok(Self {
            order: field::digest("Announcement.order", &announcement.order)?,
            attempt: field::attempt("Announcement.attempt", announcement.attempt)?,
            nonce: field::array("Announcement.nonce", &announcement.nonce)?,
            ephemeral: field::array("Announcement.ephemeral", &announcement.ephemeral)?,
        })
    }
}

impl From<Announcement> for pb::Announcement {
    fn from(announcement: Announcement) -> Self {
        Self {
            order: announcement.order.as_bytes().to_vec(),
            attempt: announcement.attempt.0,
            nonce: announcement.nonce.to_vec(),
            ephemeral: announcement.ephemeral.to_vec(),
        }
    }
}

impl TryFrom<pb::Round1> for Round1 {
    type Error = DecodeError;

    fn try_from(round: pb::Round1) -> Result<Self, DecodeError> {
        Ok(Self {
            session: field::digest("Round1.session", &round.session)?,
            commitments: field::byte_list(
                "Round1.commitments",
                round.commitments,
                limits::COMMITMENTS_MAX,
                limits::ELEMENT_BYTES_MAX,
            )?,
            proof_of_knowledge: field::bytes(
                "Round1.proof_of_knowledge",
                round.proof_of_knowledge,
                limits::SIGNATURE_BYTES_MAX,
            )?,
        })
    }
}

impl From<Round1> for pb::Round1 {
    fn from(round: Round1) -> Self {
        Self {
            session: round.session.as_bytes().to_vec(),
            commitments: round.commitments,
            proof_of_knowledge: round.proof_of_knowledge,
        }
    }
}

impl TryFrom<pb::Round2> for Round2 {
    type Error = DecodeError;

    fn try_from(round: pb::Round2) -> Result<Self, DecodeError> {
        Ok(Self {
            session: field::digest("Round2.session", &round.session)?,
            echo: field::digest("Round2.echo", &round.echo)?,
            shares: field::list("Round2.shares", round.shares, limits::PARTICIPANTS_MAX)?,
        })
    }
}

impl From<Round2> for pb::Round2 {
    fn from(round: Round2) -> Self {
        Self {
            session: round.session.as_bytes().to_vec(),
            echo: round.echo.as_bytes().to_vec(),
            shares: round.shares.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::SealedShare> for SealedShare {
    type Error = DecodeError;

    fn try_from(share: pb::SealedShare) -> Result<Self, DecodeError> {
        const SEALED: &str = "SealedShare.sealed";
        Ok(Self {
            to: field::participant("SealedShare.to", share.to)?,
            sealed: field::bytes(SEALED, share.sealed, limits::SEALED_SHARE_BYTES_MAX)?,
        })
    }
}

impl From<SealedShare> for pb::SealedShare {
    fn from(share: SealedShare) -> Self {
        Self { to: field::participant_to_pb(share.to), sealed: share.sealed }
    }
}

impl TryFrom<pb::Vote> for Vote {
    type Error = DecodeError;

    fn try_from(vote: pb::Vote) -> Result<Self, DecodeError> {
        Ok(Self { certified: field::digest("Vote.certified", &vote.certified)? })
    }
}

impl From<Vote> for pb::Vote {
    fn from(vote: Vote) -> Self {
        Self { certified: vote.certified.as_bytes().to_vec() }
    }
}
