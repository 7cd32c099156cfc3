//! What an order to reshare a key asks for, of the sharing that there is.

use quorate_model::{
    Attempt, Digest, Epoch, KeyId, ParticipantId, ParticipantSet, Scheme, Threshold,
};
use quorate_trust::{OrderAction, ReshareKey, SharingChange, VerifiedOrder};

use super::Resharing;
use crate::ecdsa::HOLDERS_MAX;
use crate::{Ceremony, CertifiedKey};

/// Epochs that failed attempts may leave out: nobody is to use up all there are.
const EPOCHS_AHEAD_MAX: u64 = 4_096;

/// Why a sharing cannot follow another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReshareError {
    /// The order is for something else.
    #[error("the order makes no new sharing of key {0}")]
    OtherOrder(KeyId),
    /// The order follows another sharing.
    #[error(
        "the order follows sharing {ordered}, and the key's is {present}: give an order for that one"
    )]
    OtherSharing {
        /// What the order names.
        ordered: Digest,
        /// What there is.
        present: Digest,
    },
    /// Too few dealers, or one who holds no share.
    #[error("nodes {dealers} do not deal: it takes {threshold} or more of the holders {roster}")]
    Dealers {
        /// Who would deal.
        dealers: ParticipantSet,
        /// How many it takes.
        threshold: Threshold,
        /// Who holds a share.
        roster: ParticipantSet,
    },
    /// A node is to be repaired that holds no share, or that would deal with the share that it lost.
    #[error("node {0} is to be repaired: it has to be a holder, and deals nothing")]
    Repaired(ParticipantId),
    /// More holders than the scheme can have.
    #[error("an ECDSA key has at most {HOLDERS_MAX} holders")]
    Holders,
    /// An epoch that does not follow, or that leaves out too many.
    #[error("epoch {asked} does not follow epoch {present} closely")]
    Epoch {
        /// What was asked for.
        asked: Epoch,
        /// The sharing's.
        present: Epoch,
    },
}

impl Ceremony {
    /// The ceremony that an order for the sharing after `predecessor` asks for, with these dealers. Each
    /// attempt makes an epoch of its own, since one that failed may have left votes behind.
    ///
    /// # Errors
    /// [`ReshareError`].
    pub fn reshare(
        order: &VerifiedOrder,
        attempt: Attempt,
        predecessor: &CertifiedKey,
        dealers: ParticipantSet,
    ) -> Result<Self, ReshareError> {
        let OrderAction::ReshareKey(reshare) = &order.order().action else {
            return Err(ReshareError::OtherOrder(predecessor.key.clone()));
        };
        let ReshareKey { key, public_key, predecessor: ordered, epoch, change } = reshare;
        if *key != predecessor.key || *public_key != predecessor.group_verifying_key {
            return Err(ReshareError::OtherOrder(predecessor.key.clone()));
        }
        let (ordered, present) = (*ordered, predecessor.digest());
        if ordered != present {
            return Err(ReshareError::OtherSharing { ordered, present });
        }
        let (threshold, roster) = (predecessor.threshold, predecessor.roster.clone());
        if dealers.len() < threshold.as_usize() || !dealers.is_subset(&roster) {
            return Err(ReshareError::Dealers { dealers, threshold, roster });
        }
        let (threshold, roster) = match change {
            SharingChange::Refresh => (threshold, roster),
            SharingChange::Reshare { threshold, roster } => (*threshold, roster.clone()),
            SharingChange::Repair(node) => {
                if !roster.contains(*node) || dealers.contains(*node) {
                    return Err(ReshareError::Repaired(*node));
                }
                (threshold, roster)
            }
        };
        if predecessor.scheme == Scheme::EcdsaSecp256k1 && roster.len() > HOLDERS_MAX {
            return Err(ReshareError::Holders);
        }
        let epoch = Epoch(epoch.0.saturating_add(u64::from(attempt.0.saturating_sub(1))));
        let ahead = epoch.0.checked_sub(predecessor.epoch.0);
        if ahead.is_none_or(|ahead| ahead == 0 || ahead > EPOCHS_AHEAD_MAX) {
            return Err(ReshareError::Epoch { asked: epoch, present: predecessor.epoch });
        }
        Ok(Self {
            cluster: predecessor.cluster,
            order: order.digest(),
            attempt,
            key: key.clone(),
            scheme: predecessor.scheme,
            epoch,
            threshold,
            roster,
            raw_ok: predecessor.raw_ok,
            activation: predecessor.activation,
            resharing: Some(Resharing { predecessor: present, dealers }),
        })
    }
}
