//! Messages with their sender's signature.

use quorate_protocol::exchange::ExchangeMessage;
use quorate_protocol::sign::{AnsweredHeads, ReserveAnswer, ShareAnswer};
use quorate_protocol::wire::{Acceptance, Deferral, SignedDenial, Testimony};
use quorate_protocol::{Announcement, Round1, Round2, Vote};
use quorate_trust::Signed;

use crate::pb::{node, statement};
use crate::{DecodeError, field};

macro_rules! signed {
    ($pb:ty, $body:ty, $name:literal) => {
        impl TryFrom<$pb> for Signed<$body> {
            type Error = DecodeError;

            fn try_from(message: $pb) -> Result<Self, DecodeError> {
                Ok(Self {
                    from: field::participant(concat!($name, ".from"), message.from)?,
                    body: field::required(concat!($name, ".body"), message.body)?.try_into()?,
                    signature: field::signature(concat!($name, ".signature"), &message.signature)?,
                })
            }
        }

        impl From<Signed<$body>> for $pb {
            fn from(signed: Signed<$body>) -> Self {
                Self {
                    from: field::participant_to_pb(signed.from),
                    body: Some(signed.body.into()),
                    signature: signed.signature.as_bytes().to_vec(),
                }
            }
        }
    };
}

signed!(node::v1::SignedAnnouncement, Announcement, "SignedAnnouncement");
signed!(node::v1::SignedRound1, Round1, "SignedRound1");
signed!(node::v1::SignedRound2, Round2, "SignedRound2");
signed!(node::v1::SignedExchangeMessage, ExchangeMessage, "SignedExchangeMessage");
signed!(node::v1::SignedVote, Vote, "SignedVote");
signed!(node::v1::SignedReserveAnswer, ReserveAnswer, "SignedReserveAnswer");
signed!(node::v1::SignedShareAnswer, ShareAnswer, "SignedShareAnswer");
signed!(node::v1::SignedAnsweredHeads, AnsweredHeads, "SignedAnsweredHeads");
signed!(node::v1::SignedTestimony, Testimony, "SignedTestimony");
signed!(statement::v1::SignedDenial, SignedDenial, "SignedDenial");
signed!(statement::v1::SignedDeferral, Deferral, "SignedDeferral");
signed!(statement::v1::SignedAcceptance, Acceptance, "SignedAcceptance");
