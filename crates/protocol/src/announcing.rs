//! Round 0 of a ceremony, which is the same for every scheme: fresh nonces and ephemeral keys make the
//! session.

use std::collections::BTreeMap;

use quorate_model::{ParticipantId, SessionId};
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

use crate::channel::EphemeralSecret;
use crate::inbox::collect;
use crate::{Abort, AbortReason, Announcement, Ceremony};

/// A participant that has announced.
pub(crate) struct Announcing {
    pub(crate) ceremony: Ceremony,
    pub(crate) me: ParticipantId,
    pub(crate) ephemeral: EphemeralSecret,
    announcement: Announcement,
}

/// Everybody's announcements, and the session that they make.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) announcements: BTreeMap<ParticipantId, Announcement>,
}

impl Announcing {
    /// Draws the nonce and the ephemeral key.
    pub(crate) fn begin(
        ceremony: Ceremony,
        me: ParticipantId,
        rng: &mut dyn CryptoRngCore,
    ) -> (Self, Announcement) {
        let ephemeral = EphemeralSecret::generate(rng);
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let announcement = Announcement {
            order: ceremony.order,
            attempt: ceremony.attempt,
            nonce,
            ephemeral: ephemeral.public(),
        };
        let sent = announcement.clone();
        (Self { ceremony, me, ephemeral, announcement }, sent)
    }

    /// Takes everybody's announcement and fixes the session.
    ///
    /// # Errors
    /// [`Abort`], where one is missing, foreign or repeated, or ours came back changed.
    pub(crate) fn session(&self, messages: Vec<Authentic<Announcement>>) -> Result<Session, Abort> {
        let announcements = collect(&self.ceremony.participants(), messages)?;
        for (id, announcement) in &announcements {
            let other = announcement.order != self.ceremony.order
                || announcement.attempt != self.ceremony.attempt;
            if other {
                return Err(Abort::unproven(AbortReason::OtherSession(*id)));
            }
        }
        if announcements.get(&self.me) != Some(&self.announcement) {
            return Err(Abort::unproven(AbortReason::NotOurs));
        }
        let id = self.ceremony.session_id(&announcements);
        Ok(Session { id, announcements })
    }
}
