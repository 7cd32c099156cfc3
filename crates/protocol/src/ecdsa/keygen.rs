//! Key generation: DKLs23's three rounds over an exchange, behind a round 0 that makes the session.

use std::sync::Arc;

use quorate_model::ParticipantId;
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

use super::backend::EcdsaBackend;
use crate::announcing::{Announcing, Session};
use crate::exchange::Exchange;
use crate::rounds::{CeremonyExchange, CeremonyProgress};
use crate::{Abort, Announcement, Ceremony};

/// Announced; waiting for everybody's announcement.
pub struct EcdsaAnnounced {
    announcing: Announcing,
    entropy: [u8; 32],
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
    ) -> Result<CeremonyProgress, Abort> {
        let Self { announcing, entropy } = self;
        let Session { id: session, announcements } = announcing.session(messages)?;
        let Announcing { ceremony, me, ephemeral, .. } = announcing;
        let announced = announcements.iter().map(|(id, a)| (*id, a.ephemeral)).collect();
        let roster = ceremony.roster.clone();
        let exchange = Exchange::begin(session, me, roster, &ephemeral, &announced)?;
        let first = backend.generate(session, me, &ceremony.roster, ceremony.threshold, entropy)?;
        CeremonyExchange::begin(ceremony, exchange, first)
    }
}
