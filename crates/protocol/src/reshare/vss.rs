//! Verifiable sharing of shares, in one round: every dealer's commitment is a broadcast, and its parts are
//! sealed for their receivers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use frost_core::keys::{
    IdentifierList, PublicKeyPackage, SecretShare as Fragment, SigningShare,
    VerifiableSecretSharingCommitment, VerifyingShare, split, sum_commitments,
};
use frost_core::{Field, Group, Identifier, SigningKey, compute_lagrange_coefficient};
use quorate_model::{ParticipantId, ParticipantSet, Scheme, SessionId};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::ecdsa::{EcdsaBackend, PairStates};
use crate::exchange::{Inbox, Outbox};
use crate::suite::Suite;
use crate::{Ceremony, CeremonyRound, CeremonyStep, CertifiedKey, Fault, MadeShare, SecretShare};

type Commitment<S> = VerifiableSecretSharingCommitment<S>;
type Element<S> = frost_core::Element<S>;
type Scalar<S> = frost_core::Scalar<S>;

/// What is shared out, by whom and to whom.
pub(super) struct Plan {
    pub(super) ceremony: Ceremony,
    pub(super) predecessor: CertifiedKey,
    pub(super) me: ParticipantId,
    pub(super) session: SessionId,
    /// For a backend that has no randomness of its own.
    pub(super) entropy: [u8; 32],
}

/// Everybody's parts are out.
pub(super) struct Dealt<S: Suite> {
    plan: Plan,
    backend: Arc<dyn EcdsaBackend>,
    /// What this participant deals to itself, with its commitment.
    own: Option<Fragment<S>>,
}

type First = (Box<dyn CeremonyRound>, Outbox);

impl<S: Suite> Dealt<S> {
    /// Deals, where this participant is a dealer. Everybody sends a part to everybody, empty where there
    /// is nothing to give.
    pub(super) fn begin(
        plan: Plan,
        backend: Arc<dyn EcdsaBackend>,
        share: Option<&SecretShare>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<First, Fault> {
        let mut outbox = Outbox::default();
        let others = plan.ceremony.participants();
        for id in others.iter().filter(|id| *id != plan.me) {
            outbox.private.insert(id, Zeroizing::default());
        }
        let mut own = None;
        if plan.dealers().contains(plan.me) {
            let share = share.ok_or_else(|| other("a dealer has no share"))?;
            let points = Points::new(&plan, &*backend)?;
            for (id, fragment) in deal::<S>(&plan, &points, share, rng)? {
                if outbox.broadcast.is_empty() {
                    outbox.broadcast = fragment.commitment().serialize_whole().map_err(library)?;
                }
                if id == plan.me {
                    own = Some(fragment);
                } else {
                    let part = Zeroizing::new(fragment.signing_share().serialize());
                    outbox.private.insert(id, part);
                }
            }
        }
        Ok((Box::new(Self { plan, backend, own }), outbox))
    }
}

/// This dealer's share, times its Lagrange coefficient, shared out to the new roster.
fn deal<S: Suite>(
    plan: &Plan,
    points: &Points<S>,
    share: &SecretShare,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<(ParticipantId, Fragment<S>)>, Fault> {
    let share = SigningShare::<S>::deserialize(share.secret_bytes()).map_err(library)?;
    let weighed =
        Zeroizing::new(SigningShare::<S>::new(share.to_scalar() * points.coefficient(plan.me)?));
    let weighed = SigningKey::<S>::deserialize(&Zeroizing::new(weighed.serialize()));
    let receivers: Vec<_> = points.new.values().copied().collect();
    let holders = u16::try_from(receivers.len()).map_err(|_| other("too many holders"))?;
    let threshold = plan.ceremony.threshold.get();
    let list = IdentifierList::Custom(&receivers);
    let mut rng = rng;
    let (mut fragments, _) =
        split(&weighed.map_err(library)?, holders, threshold, list, &mut rng).map_err(library)?;
    let mut dealt = Vec::new();
    for (id, point) in &points.new {
        let fragment = fragments.remove(point).ok_or_else(|| other("a part was not made"))?;
        dealt.push((*id, fragment));
    }
    Ok(dealt)
}

impl<S: Suite> CeremonyRound for Dealt<S> {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault> {
        let Self { plan, backend, own } = *self;
        let points = Points::<S>::new(&plan, &*backend)?;
        let point = *points.new.get(&plan.me).ok_or_else(|| other("this node receives nothing"))?;
        let mut commitments = Vec::new();
        let mut sum = Zeroizing::new(SigningShare::<S>::new(zero::<S>()));
        for id in plan.ceremony.participants().iter() {
            let deals = plan.dealers().contains(id);
            let fragment = if id == plan.me {
                own.clone()
            } else if deals {
                Some(received::<S>(&plan, id, point, &inbox)?)
            } else {
                silent(id, &inbox)?;
                None
            };
            let Some(fragment) = fragment else { continue };
            let refused = |what: &str| Fault::Refused { from: id, what: what.to_owned() };
            let promised = points.promised(&plan.predecessor, id)?;
            let constant = fragment.commitment().coefficients().first().map(|c| c.value());
            if constant != Some(promised) {
                return Err(refused("it does not deal the share that it was certified to hold"));
            }
            let verified = fragment.verify();
            verified.map_err(|_| refused("the part does not match the commitment"))?;
            *sum = SigningShare::new(sum.to_scalar() + fragment.signing_share().to_scalar());
            commitments.push(fragment.commitment().clone());
        }
        let made = add_up::<S>(&plan, &points, &commitments, &sum)?;
        match plan.ceremony.scheme {
            Scheme::EcdsaSecp256k1 => set_up(&plan, &*backend, made),
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
                Ok(CeremonyStep::Done(Box::new(made)))
            }
        }
    }
}

/// A dealer's part for this participant, with the dealer's commitment: as many coefficients as the new
/// threshold, each an element of the group.
fn received<S: Suite>(
    plan: &Plan,
    from: ParticipantId,
    point: Identifier<S>,
    inbox: &Inbox,
) -> Result<Fragment<S>, Fault> {
    let refused = |what: &str| Fault::Refused { from, what: what.to_owned() };
    let broadcast = inbox.broadcasts.get(&from).map_or(&[][..], Vec::as_slice);
    let commitment = Commitment::<S>::deserialize_whole(broadcast)
        .map_err(|_| refused("no commitment to a polynomial"))?;
    if commitment.coefficients().len() != plan.ceremony.threshold.as_usize() {
        return Err(refused("a polynomial of another degree than the new threshold asks for"));
    }
    let part = inbox.private.get(&from).map_or(&[][..], |part| part.as_slice());
    let part = SigningShare::deserialize(part).map_err(|_| refused("its part is no scalar"))?;
    Ok(Fragment::new(point, part, commitment))
}

/// Who deals nothing says nothing.
fn silent(from: ParticipantId, inbox: &Inbox) -> Result<(), Fault> {
    let broadcast = inbox.broadcasts.get(&from).is_none_or(Vec::is_empty);
    let private = inbox.private.get(&from).is_none_or(|part| part.is_empty());
    if broadcast && private {
        return Ok(());
    }
    Err(Fault::Refused { from, what: "it deals, and is no dealer".to_owned() })
}

/// The new share, and the public side of the new sharing, which has to be of the same key.
fn add_up<S: Suite>(
    plan: &Plan,
    points: &Points<S>,
    commitments: &[Commitment<S>],
    share: &SigningShare<S>,
) -> Result<MadeShare, Fault> {
    let all: Vec<_> = commitments.iter().collect();
    let sum = sum_commitments(&all).map_err(library)?;
    let identifiers: BTreeSet<_> = points.new.values().copied().collect();
    let group = PublicKeyPackage::from_commitment(&identifiers, &sum).map_err(library)?;
    let group_verifying_key = group.verifying_key().serialize().map_err(library)?;
    if group_verifying_key != plan.predecessor.group_verifying_key {
        return Err(other("the new sharing is of another key"));
    }
    let mut verifying_shares = BTreeMap::new();
    for (id, point) in &points.new {
        let share = group.verifying_shares().get(point);
        let share = share.ok_or_else(|| other("a verifying share was not made"))?;
        verifying_shares.insert(*id, share.serialize().map_err(library)?);
    }
    let share = Zeroizing::new(share.serialize());
    let share = SecretShare::from_bytes(&share).ok_or_else(|| other("share length"))?;
    let (pairs, chain_code) = (PairStates::new(), plan.predecessor.chain_code);
    Ok(MadeShare { share, pairs, group_verifying_key, verifying_shares, chain_code })
}

/// The rounds in which holders of an ECDSA key set up what each pair of them shares. What they make has to
/// be of the sharing that was dealt.
fn set_up(
    plan: &Plan,
    backend: &dyn EcdsaBackend,
    dealt: MadeShare,
) -> Result<CeremonyStep, Fault> {
    let Ceremony { roster, threshold, .. } = &plan.ceremony;
    let among = (roster, *threshold);
    let (round, outbox) =
        backend.set_up(plan.session, plan.me, among, &dealt.share, plan.entropy)?;
    Ok(CeremonyStep::Next(Box::new(SettingUp { round, dealt }), outbox))
}

struct SettingUp {
    round: Box<dyn CeremonyRound>,
    dealt: MadeShare,
}

impl CeremonyRound for SettingUp {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault> {
        let Self { round, dealt } = *self;
        match round.step(inbox)? {
            CeremonyStep::Next(round, outbox) => {
                Ok(CeremonyStep::Next(Box::new(Self { round, dealt }), outbox))
            }
            CeremonyStep::Done(made) => {
                let same = made.group_verifying_key == dealt.group_verifying_key
                    && made.verifying_shares == dealt.verifying_shares
                    && made.share.secret_bytes() == dealt.share.secret_bytes();
                if !same {
                    return Err(other("what was set up is of another sharing"));
                }
                Ok(CeremonyStep::Done(Box::new(MadeShare { pairs: made.pairs, ..dealt })))
            }
        }
    }
}

/// Where the polynomials are evaluated for each holder.
struct Points<S: Suite> {
    dealers: BTreeMap<ParticipantId, Identifier<S>>,
    new: BTreeMap<ParticipantId, Identifier<S>>,
}

impl<S: Suite> Points<S> {
    fn new(plan: &Plan, backend: &dyn EcdsaBackend) -> Result<Self, Fault> {
        let at = |roster: &ParticipantSet, id: ParticipantId| {
            let point = match plan.ceremony.scheme {
                Scheme::EcdsaSecp256k1 => backend.point(roster, id),
                Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
                    Some(id.get())
                }
            };
            let point = point.ok_or_else(|| other("a node holds no share"))?;
            Ok::<_, Fault>((id, Identifier::<S>::try_from(point).map_err(library)?))
        };
        let (old, new) = (&plan.predecessor.roster, &plan.ceremony.roster);
        let dealers = plan.dealers().iter().map(|id| at(old, id)).collect::<Result<_, _>>()?;
        let new = new.iter().map(|id| at(new, id)).collect::<Result<_, _>>()?;
        Ok(Self { dealers, new })
    }

    /// A dealer's Lagrange coefficient at zero among all dealers.
    fn coefficient(&self, dealer: ParticipantId) -> Result<Scalar<S>, Fault> {
        let all: BTreeSet<_> = self.dealers.values().copied().collect();
        let own = self.dealers.get(&dealer).ok_or_else(|| other("a node does not deal"))?;
        compute_lagrange_coefficient(&all, None, *own).map_err(library)
    }

    /// What a dealer's commitment has to begin with.
    fn promised(&self, of: &CertifiedKey, dealer: ParticipantId) -> Result<Element<S>, Fault> {
        let share = of.verifying_shares.get(&dealer);
        let share = share.ok_or_else(|| other("a dealer has no verifying share"))?;
        let share = VerifyingShare::<S>::deserialize(share).map_err(library)?;
        Ok(share.to_element() * self.coefficient(dealer)?)
    }
}

impl Plan {
    fn dealers(&self) -> &ParticipantSet {
        // A ceremony of this kind has dealers; of another kind it has no predecessor either.
        self.ceremony.resharing.as_ref().map_or(&self.predecessor.roster, |r| &r.dealers)
    }
}

fn zero<S: Suite>() -> Scalar<S> {
    <<S::Group as Group>::Field as Field>::zero()
}

fn library<S: Suite>(error: frost_core::Error<S>) -> Fault {
    Fault::Other(error.to_string())
}

fn other(what: &str) -> Fault {
    Fault::Other(what.to_owned())
}
