//! Key generation: DKLs23's three rounds over an exchange, behind a round 0 that makes the session.

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_model::{Digest, ParticipantId};
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

use super::backend::{EcdsaBackend, KeygenRound, KeygenStep, NewEcdsaShare};
use super::pairs::PairStates;
use crate::announcing::{Announcing, Session};
use crate::exchange::{AwaitMessages, Exchange, ExchangeMessage, Outbox, SealedPart};
use crate::{Abort, Announcement, Ceremony, CertifiedKey, SecretShare};

/// Announced; waiting for everybody's announcement.
pub struct EcdsaAnnounced {
    announcing: Announcing,
    entropy: [u8; 32],
}

/// In a round; waiting for everybody's message.
pub struct EcdsaKeygen {
    ceremony: Ceremony,
    exchange: AwaitMessages,
    round: Box<dyn KeygenRound>,
}

/// What follows a round.
pub enum KeygenProgress {
    /// Another: the message to sign, and its sealed parts.
    Next(Box<EcdsaKeygen>, ExchangeMessage, Vec<SealedPart>),
    /// A share, to be durable before the vote for it is sent, with what it shares with the others.
    Done(Box<(CertifiedKey, SecretShare, PairStates)>),
}

/// Draws the nonce and the ephemeral key of round 0.
pub fn begin_keygen(
    ceremony: Ceremony,
    me: ParticipantId,
    rng: &mut dyn CryptoRngCore,
) -> (EcdsaAnnounced, Announcement) {
    let (announcing, sent) = Announcing::begin(ceremony, me, rng);
    let mut entropy = [0; 32];
    rng.fill_bytes(&mut entropy);
    (EcdsaAnnounced { announcing, entropy }, sent)
}

impl EcdsaAnnounced {
    /// Takes everybody's announcement and fixes the session; round 1 is heavy, and `backend` runs it.
    ///
    /// # Errors
    /// [`Abort`], where an announcement is missing, foreign, repeated or degenerate.
    pub fn handle(
        self,
        messages: Vec<Authentic<Announcement>>,
        backend: &Arc<dyn EcdsaBackend>,
    ) -> Result<KeygenProgress, Abort> {
        let Self { announcing, entropy } = self;
        let Session { id: session, announcements } = announcing.session(messages)?;
        let Announcing { ceremony, me, ephemeral, .. } = announcing;
        let announced = announcements.iter().map(|(id, a)| (*id, a.ephemeral)).collect();
        let roster = ceremony.roster.clone();
        let exchange = Exchange::begin(session, me, roster, &ephemeral, &announced)?;
        let (round, outbox) =
            backend.generate(session, me, &ceremony.roster, ceremony.threshold, entropy)?;
        next(ceremony, exchange, round, outbox)
    }
}

impl EcdsaKeygen {
    /// Takes everybody's message of the round, with the parts that are for this participant.
    ///
    /// # Errors
    /// [`Abort`]. Nothing of a failed key generation is used again, so no failure harms what lasts.
    pub fn handle(
        self,
        messages: Vec<Authentic<ExchangeMessage>>,
        parts: BTreeMap<ParticipantId, SealedPart>,
    ) -> Result<KeygenProgress, Abort> {
        let Self { ceremony, exchange, round } = self;
        let (exchange, inbox) = exchange.receive(messages, parts)?;
        match round.step(inbox)? {
            KeygenStep::Next(round, outbox) => next(ceremony, exchange, round, outbox),
            KeygenStep::Done(new) => Ok(done(ceremony, exchange.seen(), *new)),
        }
    }
}

fn next(
    ceremony: Ceremony,
    exchange: Exchange,
    round: Box<dyn KeygenRound>,
    outbox: Outbox,
) -> Result<KeygenProgress, Abort> {
    let (exchange, message, parts) = exchange.send(outbox)?;
    let next = Box::new(EcdsaKeygen { ceremony, exchange, round });
    Ok(KeygenProgress::Next(next, message, parts))
}

/// What was seen covers every message of every round, and through their digests every sealed part: with
/// it the votes agree on what each pair shares as well.
fn done(ceremony: Ceremony, seen: Digest, new: NewEcdsaShare) -> KeygenProgress {
    let NewEcdsaShare { share, pairs, group_verifying_key, verifying_shares, chain_code } = new;
    let certified = CertifiedKey {
        cluster: ceremony.cluster,
        order: ceremony.order,
        attempt: ceremony.attempt,
        key: ceremony.key,
        scheme: ceremony.scheme,
        epoch: ceremony.epoch,
        roster: ceremony.roster,
        threshold: ceremony.threshold,
        raw_ok: ceremony.raw_ok,
        group_verifying_key,
        verifying_shares,
        chain_code,
        echo: seen,
    };
    KeygenProgress::Done(Box::new((certified, share, pairs)))
}
