//! Ceremonies in rounds of an [`exchange`](crate::exchange): key generation of ECDSA keys, and new
//! sharings of keys of any scheme. What happens in the rounds is behind a trait.

use std::collections::BTreeMap;

use quorate_model::{Digest, ParticipantId};
use quorate_trust::Authentic;

use crate::ecdsa::PairStates;
use crate::exchange::{AwaitMessages, Exchange, ExchangeMessage, Inbox, Outbox, SealedPart};
use crate::{Abort, AbortReason, Ceremony, CertifiedKey, SecretShare};

/// A ceremony between two rounds: consumed by the step that leaves it.
pub trait CeremonyRound: Send {
    /// Takes what everybody said.
    ///
    /// # Errors
    /// [`Fault`].
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault>;
}

/// What follows a round.
pub enum CeremonyStep {
    /// Another round.
    Next(Box<dyn CeremonyRound>, Outbox),
    /// The share.
    Done(Box<MadeShare>),
}

/// What a ceremony makes at one participant.
pub struct MadeShare {
    /// Its share.
    pub share: SecretShare,
    /// What it shares with each of the others; nothing but for ECDSA keys.
    pub pairs: PairStates,
    /// The group key, in the scheme's encoding.
    pub group_verifying_key: Vec<u8>,
    /// Everybody's verifying share, in the same encoding.
    pub verifying_shares: BTreeMap<ParticipantId, Vec<u8>>,
    /// The chain code that all agreed on (BIP-32).
    pub chain_code: [u8; 32],
}

/// In a round; waiting for everybody's message.
pub struct CeremonyExchange {
    ceremony: Ceremony,
    exchange: AwaitMessages,
    round: Box<dyn CeremonyRound>,
}

/// What follows a round of messages.
pub enum CeremonyProgress {
    /// Another: the message to sign, and its sealed parts.
    Next(Box<CeremonyExchange>, ExchangeMessage, Vec<SealedPart>),
    /// A share, to be durable before the vote for it is sent, with what it shares with the others.
    Done(Box<(CertifiedKey, SecretShare, PairStates)>),
}

/// Why a round fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A message of that participant is refused; nothing that lasts is harmed.
    #[error("node {from}: {what}")]
    Refused {
        /// Whose.
        from: ParticipantId,
        /// Why.
        what: String,
    },
    /// A check failed on which the safety of the state shared with that participant rests: it must not
    /// be used again.
    #[error("the multiplication with node {with} failed: {what}")]
    Pair {
        /// With whom.
        with: ParticipantId,
        /// Which check.
        what: String,
    },
    /// Nobody's in particular.
    #[error("{0}")]
    Other(String),
}

impl From<Fault> for Abort {
    fn from(fault: Fault) -> Self {
        Self::unproven(match fault {
            Fault::Refused { from, what } => AbortReason::Refused { from, what },
            Fault::Pair { with, what } => AbortReason::Multiplication { with, what },
            Fault::Other(what) => AbortReason::Library(what),
        })
    }
}

impl CeremonyExchange {
    /// Sends the first round's messages.
    ///
    /// # Errors
    /// [`Abort`], where the channel fails.
    pub(crate) fn begin(
        ceremony: Ceremony,
        exchange: Exchange,
        (round, outbox): (Box<dyn CeremonyRound>, Outbox),
    ) -> Result<CeremonyProgress, Abort> {
        let (exchange, message, parts) = exchange.send(outbox)?;
        let next = Box::new(Self { ceremony, exchange, round });
        Ok(CeremonyProgress::Next(next, message, parts))
    }

    /// Whether this participant will hold a share; otherwise it has given its own away with the first round,
    /// and is done.
    pub fn receives(&self, me: ParticipantId) -> bool {
        self.ceremony.roster.contains(me)
    }

    /// Takes everybody's message of the round, with the parts that are for this participant.
    ///
    /// # Errors
    /// [`Abort`]. Nothing of a failed ceremony is used again, so no failure harms what lasts.
    pub fn handle(
        self,
        messages: Vec<Authentic<ExchangeMessage>>,
        parts: BTreeMap<ParticipantId, SealedPart>,
    ) -> Result<CeremonyProgress, Abort> {
        let Self { ceremony, exchange, round } = self;
        let (mut exchange, inbox) = exchange.receive(messages, parts)?;
        match round.step(inbox)? {
            CeremonyStep::Next(round, outbox) => {
                // Who only gave a sharing away is done with the first round.
                exchange.narrow(&ceremony.roster);
                Self::begin(ceremony, exchange, (round, outbox))
            }
            CeremonyStep::Done(made) => Ok(done(ceremony, exchange.seen(), *made)),
        }
    }
}

/// What was seen covers every message of every round, and through their digests every sealed part: with
/// it the votes agree on what each pair shares as well.
fn done(ceremony: Ceremony, seen: Digest, made: MadeShare) -> CeremonyProgress {
    let MadeShare { share, pairs, group_verifying_key, verifying_shares, chain_code } = made;
    let certified = CertifiedKey {
        cluster: ceremony.cluster,
        order: ceremony.order,
        attempt: ceremony.attempt,
        key: ceremony.key,
        scheme: ceremony.scheme,
        epoch: ceremony.epoch,
        predecessor: ceremony.resharing.map(|resharing| resharing.predecessor),
        roster: ceremony.roster,
        threshold: ceremony.threshold,
        raw_ok: ceremony.raw_ok,
        activation: ceremony.activation,
        group_verifying_key,
        verifying_shares,
        chain_code,
        echo: seen,
    };
    CeremonyProgress::Done(Box::new((certified, share, pairs)))
}
