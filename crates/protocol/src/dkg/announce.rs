//! Round 0: fresh nonces and ephemeral keys make the session.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use frost_core::keys::dkg;
use quorate_model::ParticipantId;
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

use super::AwaitRound1;
use crate::announcing::{Announcing, Session};
use crate::suite::{Suite, identifier};
use crate::{Abort, AbortReason, Announcement, Ceremony, Round1};

/// The round in which shares are sealed.
const SHARES_ROUND: u8 = 2;

/// Announced; waiting for everybody's announcement.
pub struct AwaitAnnouncements<S: Suite> {
    announcing: Announcing,
    suite: PhantomData<S>,
}

impl<S: Suite> AwaitAnnouncements<S> {
    /// Draws the nonce and the ephemeral key of round 0.
    pub fn begin(
        ceremony: Ceremony,
        me: ParticipantId,
        rng: &mut dyn CryptoRngCore,
    ) -> (Self, Announcement) {
        let (announcing, sent) = Announcing::begin(ceremony, me, rng);
        (Self { announcing, suite: PhantomData }, sent)
    }

    /// Takes everybody's announcement, fixes the session and makes the polynomial.
    ///
    /// # Errors
    /// [`Abort`], where an announcement is missing, foreign, repeated or degenerate.
    pub fn handle(
        self,
        messages: Vec<Authentic<Announcement>>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(AwaitRound1<S>, Round1), Abort> {
        let Session { id: session, announcements } = self.announcing.session(messages)?;
        let Announcing { ceremony, me, ephemeral, .. } = self.announcing;
        let mut pairwise = BTreeMap::new();
        for (id, announcement) in announcements.iter().filter(|(id, _)| **id != me) {
            let keys = ephemeral
                .agree(&session, me, *id, &announcement.ephemeral)
                .and_then(|pair| pair.keys(SHARES_ROUND))
                .ok_or_else(|| Abort::proven(AbortReason::DegenerateKey(*id), *id))?;
            pairwise.insert(*id, keys);
        }
        let library =
            |e: frost_core::Error<S>| Abort::unproven(AbortReason::Library(e.to_string()));
        let holders = u16::try_from(ceremony.roster.len())
            .map_err(|_| Abort::unproven(AbortReason::Library("roster too large".to_owned())))?;
        let identifier = identifier::<S>(me).map_err(library)?;
        let threshold = ceremony.threshold.get();
        let (secret, package) =
            dkg::part1::<S, _>(identifier, holders, threshold, rng).map_err(library)?;
        let round1 = Round1 {
            session,
            commitments: package.commitment().serialize().map_err(library)?,
            proof_of_knowledge: package.proof_of_knowledge().serialize().map_err(library)?,
        };
        let sent = round1.clone();
        Ok((AwaitRound1 { ceremony, me, session, announcements, pairwise, secret, round1 }, sent))
    }
}
