//! Round 1: everybody has committed; make a share for each of the others.

use std::collections::BTreeMap;

use frost_core::keys::VerifiableSecretSharingCommitment;
use frost_core::keys::dkg::{self, round1};
use frost_core::{Error, Signature};
use quorate_model::{Digest, ParticipantId, SessionId, Tag, Transcript};
use quorate_trust::Authentic;
use zeroize::Zeroizing;

use super::AwaitRound2;
use crate::channel::{PairwiseKeys, ReceivingKey};
use crate::inbox::collect;
use crate::suite::{Suite, identifier, participant};
use crate::{Abort, AbortReason, Announcement, Ceremony, Round1, Round2, SealedShare};

/// Committed; waiting for everybody's commitments.
pub struct AwaitRound1<S: Suite> {
    pub(super) ceremony: Ceremony,
    pub(super) me: ParticipantId,
    pub(super) session: SessionId,
    pub(super) announcements: BTreeMap<ParticipantId, Announcement>,
    pub(super) pairwise: BTreeMap<ParticipantId, PairwiseKeys>,
    pub(super) secret: round1::SecretPackage<S>,
    pub(super) round1: Round1,
}

type Packages<S> = BTreeMap<frost_core::Identifier<S>, round1::Package<S>>;

impl<S: Suite> AwaitRound1<S> {
    /// Takes everybody's commitments, checks them and seals a share for each of the others.
    ///
    /// # Errors
    /// [`Abort`]. A wrong number of commitments, bytes that are no element and a false proof
    /// convict their sender: the message is signed and bound to the session.
    pub fn handle(
        self,
        messages: Vec<Authentic<Round1>>,
    ) -> Result<(AwaitRound2<S>, Round2), Abort> {
        let messages = collect(&self.ceremony.roster, messages)?;
        for (id, message) in &messages {
            if message.session != self.session {
                return Err(Abort::unproven(AbortReason::OtherSession(*id)));
            }
        }
        if messages.get(&self.me) != Some(&self.round1) {
            return Err(Abort::unproven(AbortReason::NotOurs));
        }
        let echo = echo(&self.session, &self.announcements, &messages);
        let packages = self.packages(&messages)?;
        let (secret, shares) = dkg::part2(self.secret, &packages).map_err(|e| refused(&e))?;
        let (sealed, receiving) = seal::<S>(self.pairwise, &shares)?;
        let round2 = Round2 { session: self.session, echo, shares: sealed };
        let next = AwaitRound2 {
            ceremony: self.ceremony,
            me: self.me,
            session: self.session,
            echo,
            receiving,
            packages,
            secret,
            round2: round2.clone(),
        };
        Ok((next, round2))
    }

    /// Decodes the commitments of the others, lengths first.
    fn packages(&self, messages: &BTreeMap<ParticipantId, Round1>) -> Result<Packages<S>, Abort> {
        let expected = self.ceremony.threshold.as_usize();
        for (from, message) in messages {
            let found = message.commitments.len();
            if found != expected {
                let reason = AbortReason::CommitmentLength { from: *from, found, expected };
                return Err(Abort::proven(reason, *from));
            }
        }
        let others = messages.iter().filter(|(id, _)| **id != self.me);
        others.map(|(from, message)| decode::<S>(*from, message)).collect()
    }
}

fn decode<S: Suite>(
    from: ParticipantId,
    message: &Round1,
) -> Result<(frost_core::Identifier<S>, round1::Package<S>), Abort> {
    let malformed =
        |what| move |_: Error<S>| Abort::proven(AbortReason::Malformed { from, what }, from);
    let commitment = VerifiableSecretSharingCommitment::<S>::deserialize(&message.commitments)
        .map_err(malformed("commitment"))?;
    let proof = Signature::<S>::deserialize(&message.proof_of_knowledge)
        .map_err(malformed("proof of knowledge"))?;
    let id = identifier::<S>(from).map_err(malformed("identifier"))?;
    Ok((id, round1::Package::new(commitment, proof)))
}

/// Seals each share for its receiver and keeps the keys that open what they send.
fn seal<S: Suite>(
    pairwise: BTreeMap<ParticipantId, PairwiseKeys>,
    shares: &BTreeMap<frost_core::Identifier<S>, dkg::round2::Package<S>>,
) -> Result<(Vec<SealedShare>, BTreeMap<ParticipantId, ReceivingKey>), Abort> {
    let mut sealed_shares = Vec::new();
    let mut receiving = BTreeMap::new();
    for (to, keys) in pairwise {
        let package = identifier::<S>(to).ok().and_then(|id| shares.get(&id));
        let share = package.map(|p| Zeroizing::new(p.signing_share().serialize()));
        let (sealed, key) = keys.seal(share.as_ref().map_or(&[], |share| share.as_slice()));
        let (Some(sealed), Some(_)) = (sealed, share) else {
            return Err(Abort::unproven(AbortReason::Library("no share to seal".to_owned())));
        };
        sealed_shares.push(SealedShare { to, sealed });
        receiving.insert(to, key);
    }
    Ok((sealed_shares, receiving))
}

/// What every participant must have seen: the hash of all announcements and all commitments.
fn echo(
    session: &SessionId,
    announcements: &BTreeMap<ParticipantId, Announcement>,
    messages: &BTreeMap<ParticipantId, Round1>,
) -> Digest {
    let mut transcript = Transcript::new(Tag::CeremonyEcho);
    transcript.digest(session).u64(announcements.len() as u64);
    for (id, announcement) in announcements {
        transcript.u64(u64::from(id.get())).value(announcement);
    }
    transcript.u64(messages.len() as u64);
    for (id, message) in messages {
        transcript.u64(u64::from(id.get())).value(message);
    }
    transcript.finish()
}

/// The library's refusal of round 1, as ours: a false proof of knowledge names its sender.
fn refused<S: Suite>(error: &Error<S>) -> Abort {
    let culprit = error.culprits().first().and_then(participant);
    match culprit {
        Some(id) => Abort::proven(AbortReason::ProofOfKnowledge(id), id),
        None => Abort::unproven(AbortReason::Library(error.to_string())),
    }
}
