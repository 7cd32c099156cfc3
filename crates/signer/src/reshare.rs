//! New sharings of keys that there are: see [`quorate_protocol::begin_resharing`].
//!
//! Each attempt makes an epoch of its own. A node keeps every sharing that it voted for until one that is
//! as late or later is active, and switches to that: whatever was certified, and whoever was told so or not,
//! every holder has the share that signs next. So an attempt that was left half done stops nothing, and
//! nobody has to be believed about votes that were or were not cast.

use quorate_model::{Attempt, ParticipantSet};
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode};
use quorate_protocol::{Ceremony, Certificate, CertifiedKey, begin_resharing};
use quorate_trust::SignedOrder;
use rand_core::CryptoRngCore;

use crate::keygen::Machine;
use crate::keys::HeldKey;
use crate::node::Node;
use crate::refusal::{
    certificate as bad_certificate, order as order_refused, refuse, unless_stopped,
};
use crate::turn::Turn;

/// How a coordinator would carry out an order for a new sharing.
pub(crate) struct Asking {
    pub(crate) attempt: Attempt,
    pub(crate) dealers: ParticipantSet,
    pub(crate) predecessor: Certificate,
}

impl Node {
    /// Round 0 of a new sharing: verifies the order and what it follows, and announces.
    pub(crate) fn reshare_key(
        &mut self,
        signed: &SignedOrder,
        Asking { attempt, dealers, predecessor }: Asking,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let verified = signed.verify(&self.root).map_err(order_refused)?;
        self.check_fit(turn.now)?;
        let predecessor = self.predecessor(predecessor, &dealers)?;
        let ceremony = Ceremony::reshare(&verified, attempt, &predecessor, dealers)
            .map_err(|error| refuse(RefusalCode::Invalid, error))?;
        let epoch = ceremony.epoch;
        unless_stopped(self.stops.on_key(&ceremony.key, turn.now))?;
        if !ceremony.participants().contains(self.me) {
            let reason = "this node neither deals nor will hold a share";
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        if let Some(last) = self.keys.last_epoch(&ceremony.key).filter(|last| *last >= epoch) {
            let reason = format!(
                "this node voted for epoch {last}, and epoch {epoch} is not later: try the next \
                 attempt, or order one of a later epoch"
            );
            return Err(refuse(RefusalCode::AttemptUsed, reason));
        }
        let deals = ceremony.resharing.as_ref().is_some_and(|r| r.dealers.contains(self.me));
        let share = match deals {
            true => {
                let missing = || refuse(RefusalCode::NotFound, "this node has no share to deal");
                let share = self.vault.to_deal(&ceremony, &predecessor.sharing());
                Some(share.ok_or_else(missing)?)
            }
            false => None,
        };
        self.begin_ceremony(&verified, &ceremony, turn)?;
        let (key, order) = (ceremony.key.clone(), ceremony.order);
        let (machine, announcement) = begin_resharing(ceremony, predecessor, self.me, share, rng);
        let machine = Machine::Resharing(Box::new(machine));
        Ok(self.announce(key, (order, attempt), machine, announcement, turn))
    }

    /// The sharing that a new one follows: this node's own, where it deals or has one as late. A node without
    /// one, or with an earlier one because it was put back, takes the word of every holder, which is the
    /// certificate; dealers refuse any other than their own.
    /// Of a key that this node knows, nothing else than the sharing may be another: a certificate alone says
    /// only that those whom it names voted for it.
    fn predecessor(
        &self,
        certificate: Certificate,
        dealers: &ParticipantSet,
    ) -> Result<CertifiedKey, Refusal> {
        let named = &certificate.certified;
        if self.keys.of_key(&named.key).any(|held| !held.certified.is_same_key(named)) {
            let reason = format!("this node knows key {} as another key", named.key);
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        let present = self.keys.present(&named.key);
        let concerns =
            |held: &&HeldKey| dealers.contains(self.me) || held.certified.epoch >= named.epoch;
        if let Some(held) = present.filter(concerns) {
            if held.certified != *named || held.confirmations.is_none() {
                let reason = format!(
                    "this node signs with epoch {} of key {}, not with epoch {}",
                    held.certified.epoch, named.key, named.epoch
                );
                return Err(refuse(RefusalCode::Invalid, reason));
            }
            return Ok(certificate.certified);
        }
        certificate.verify(&self.root).map_err(bad_certificate)?;
        Ok(certificate.certified)
    }
}
