//! New sharings of a key: refresh, reshare and repair, for every scheme. The group key stays as it is.
//!
//! Holders of the present sharing, as many as its threshold or more, are the dealers: each shares out its
//! own share, times its Lagrange coefficient, to the new roster (Desmedt and Jajodia, 1997, with Feldman's
//! commitments). Every receiver checks each dealer's commitment against the verifying share that is
//! certified, and its part against the commitment; so no dealer gives away anything else than its share, and
//! the sum is a sharing of the same key. ECDSA keys then set up anew what pairs of holders share.
//!
//! One machine serves all three: a refresh keeps roster and threshold, a repair does so with dealers other
//! than the node that lost its share, and a reshare changes them.

mod ceremony;
#[cfg(test)]
mod tests;
mod vss;

use std::sync::Arc;

use quorate_model::{Digest, ParticipantId, ParticipantSet};
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

pub use self::ceremony::ReshareError;
use self::vss::{Dealt, Plan};
use crate::announcing::{Announcing, Session};
use crate::ecdsa::EcdsaBackend;
use crate::exchange::Exchange;
use crate::suite::Secp256k1;
use crate::{
    Abort, Announcement, Ceremony, CeremonyExchange, CeremonyProgress, CertifiedKey, SecretShare,
    with_suite,
};

/// How a key's next sharing comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resharing {
    /// Digest of the sharing that it follows.
    pub predecessor: Digest,
    /// Who gives away its share of that one.
    pub dealers: ParticipantSet,
}

/// Announced; waiting for everybody's announcement.
pub struct ResharingAnnounced {
    announcing: Announcing,
    predecessor: CertifiedKey,
    share: Option<SecretShare>,
    entropy: [u8; 32],
}

/// Draws the nonce and the ephemeral key of round 0. `share` is a dealer's, of the sharing `predecessor`,
/// which the ceremony names.
pub fn begin_resharing(
    ceremony: Ceremony,
    predecessor: CertifiedKey,
    me: ParticipantId,
    share: Option<SecretShare>,
    rng: &mut dyn CryptoRngCore,
) -> (ResharingAnnounced, Announcement) {
    let (announcing, sent) = Announcing::begin(ceremony, me, rng);
    let mut entropy = [0; 32];
    rng.fill_bytes(&mut entropy);
    (ResharingAnnounced { announcing, predecessor, share, entropy }, sent)
}

impl ResharingAnnounced {
    /// Takes everybody's announcement, fixes the session and deals. `backend` does what ECDSA keys need
    /// beside their shares, in the rounds that follow.
    ///
    /// # Errors
    /// [`Abort`], where an announcement is missing, foreign, repeated or degenerate, or a dealer has no
    /// share.
    pub fn handle(
        self,
        messages: Vec<Authentic<Announcement>>,
        backend: &Arc<dyn EcdsaBackend>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<CeremonyProgress, Abort> {
        let Self { announcing, predecessor, share, entropy } = self;
        let Session { id: session, announcements } = announcing.session(messages)?;
        let Announcing { ceremony, me, ephemeral, .. } = announcing;
        let announced = announcements.iter().map(|(id, a)| (*id, a.ephemeral)).collect();
        let members = ceremony.participants();
        let exchange = Exchange::begin(session, me, members, &ephemeral, &announced)?;
        let plan = Plan { ceremony: ceremony.clone(), predecessor, me, session, entropy };
        let backend = Arc::clone(backend);
        let first = with_suite!(
            ceremony.scheme,
            S => Dealt::<S>::begin(plan, backend, share.as_ref(), rng)?,
            ecdsa => Dealt::<Secp256k1>::begin(plan, backend, share.as_ref(), rng)?
        );
        CeremonyExchange::begin(ceremony, exchange, first)
    }
}
