//! Round 2: everybody has sent shares; add them up.

use std::collections::BTreeMap;

use frost_core::Error;
use frost_core::keys::SigningShare;
use frost_core::keys::dkg::{self, round1, round2};
use quorate_model::{Digest, ParticipantId, SessionId};
use quorate_trust::Authentic;

use super::NewShare;
use crate::channel::ReceivingKey;
use crate::inbox::collect;
use crate::suite::{Suite, identifier, participant};
use crate::{Abort, AbortReason, Ceremony, Round2};

/// Shares sent; waiting for everybody's.
pub struct AwaitRound2<S: Suite> {
    pub(super) ceremony: Ceremony,
    pub(super) me: ParticipantId,
    pub(super) session: SessionId,
    pub(super) echo: Digest,
    pub(super) receiving: BTreeMap<ParticipantId, ReceivingKey>,
    pub(super) packages: BTreeMap<frost_core::Identifier<S>, round1::Package<S>>,
    pub(super) secret: round2::SecretPackage<S>,
    pub(super) round2: Round2,
}

impl<S: Suite> AwaitRound2<S> {
    /// Takes everybody's round 2, checks that all saw the same, and makes this node's share.
    ///
    /// # Errors
    /// [`Abort`]. A bad share convicts nobody by itself: only its receiver could open it.
    pub fn handle(self, messages: Vec<Authentic<Round2>>) -> Result<NewShare, Abort> {
        let messages = collect(&self.ceremony.roster, messages)?;
        self.check(&messages)?;
        // The pairwise keys end here, before any vote is signed.
        let shares = open::<S>(self.me, self.receiving, &messages)?;
        let (key, group) =
            dkg::part3(&self.secret, &self.packages, &shares).map_err(|e| refused(&e))?;
        NewShare::finish(self.ceremony, &self.session, self.echo, &key, &group)
    }

    fn check(&self, messages: &BTreeMap<ParticipantId, Round2>) -> Result<(), Abort> {
        for (id, message) in messages {
            if message.session != self.session {
                return Err(Abort::unproven(AbortReason::OtherSession(*id)));
            }
        }
        if messages.get(&self.me) != Some(&self.round2) {
            return Err(Abort::unproven(AbortReason::NotOurs));
        }
        for (id, message) in messages {
            if message.echo != self.echo {
                return Err(Abort::unproven(AbortReason::EchoMismatch(*id)));
            }
            let receivers = self.ceremony.roster.iter().filter(|to| to != id);
            if !message.shares.iter().map(|share| share.to).eq(receivers) {
                let reason = AbortReason::Malformed { from: *id, what: "list of sealed shares" };
                return Err(Abort::proven(reason, *id));
            }
        }
        Ok(())
    }
}

type Shares<S> = BTreeMap<frost_core::Identifier<S>, round2::Package<S>>;

/// Opens what the others sealed for this node.
fn open<S: Suite>(
    me: ParticipantId,
    receiving: BTreeMap<ParticipantId, ReceivingKey>,
    messages: &BTreeMap<ParticipantId, Round2>,
) -> Result<Shares<S>, Abort> {
    let mut shares = BTreeMap::new();
    for (from, key) in receiving {
        let refused = || Abort::unproven(AbortReason::SealedShare(from));
        let message = messages.get(&from).ok_or_else(refused)?;
        let sealed = message.shares.iter().find(|share| share.to == me).ok_or_else(refused)?;
        let plain = key.open(&sealed.sealed).ok_or_else(refused)?;
        let share = SigningShare::<S>::deserialize(&plain).map_err(|_| refused())?;
        let id = identifier::<S>(from).map_err(|_| refused())?;
        shares.insert(id, round2::Package::new(share));
    }
    Ok(shares)
}

/// The library's refusal of round 2, as ours: the sender of a share that contradicts its commitment
/// is named in the reason, and convicted of nothing, since nobody else saw the share.
fn refused<S: Suite>(error: &Error<S>) -> Abort {
    let reason = match error.culprits().first().and_then(participant) {
        Some(from) => AbortReason::ShareMismatch(from),
        None => AbortReason::Library(error.to_string()),
    };
    Abort::unproven(reason)
}
