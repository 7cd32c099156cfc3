//! Nodes that run nothing but the protocol's machines.

use std::collections::BTreeMap;

use quorate_model::{
    Attempt, DerivationPath, Digest, Epoch, ParticipantId, ParticipantSet, Threshold,
};
use quorate_protocol::dkg::{AwaitAnnouncements, NewShare};
use quorate_protocol::sign::{KeyShare, ReserveAnswer, Reserved, ShareAnswer, SigningContext};
use quorate_protocol::suite::Suite;
use quorate_protocol::{Ceremony, GroupInfo};
use quorate_testkit::{ClusterFixture, seeded};
use quorate_trust::{Authentic, Body, Signed};
use rand_core::OsRng;

use crate::heads::heads;

/// What each node says or holds.
pub(crate) type Each<T> = BTreeMap<ParticipantId, T>;

/// Nodes that make keys.
pub(crate) struct Ceremonies {
    fixture: ClusterFixture,
}

impl Ceremonies {
    pub(crate) fn new(nodes: u16) -> Self {
        Self { fixture: ClusterFixture::new(nodes, &mut seeded(1)) }
    }

    /// One key generation, all rounds at all nodes.
    pub(crate) fn generate<S: Suite>(&self, threshold: u16) -> Each<NewShare> {
        let Self { fixture } = self;
        let ceremony = ceremony::<S>(fixture, threshold);
        let begin = |id: &ParticipantId| {
            let (state, sent) = AwaitAnnouncements::<S>::begin(ceremony.clone(), *id, &mut OsRng);
            ((*id, state), (*id, sent))
        };
        let (states, sent): (Each<_>, Each<_>) = fixture.root.nodes.keys().map(begin).unzip();
        let (states, sent) =
            round(states, |state| state.handle(deliver(fixture, &sent), &mut OsRng));
        let (states, sent) = round(states, |state| state.handle(deliver(fixture, &sent)));
        let finish = |(id, state): (ParticipantId, quorate_protocol::dkg::AwaitRound2<S>)| {
            (id, state.handle(deliver(fixture, &sent)).expect("an honest ceremony"))
        };
        states.into_iter().map(finish).collect()
    }
}

fn round<A, B, M, E: std::fmt::Debug>(
    states: Each<A>,
    step: impl Fn(A) -> Result<(B, M), E>,
) -> (Each<B>, Each<M>) {
    let step = |(id, state)| {
        let (next, sent) = step(state).expect("an honest ceremony");
        ((id, next), (id, sent))
    };
    states.into_iter().map(step).unzip()
}

fn ceremony<S: Suite>(fixture: &ClusterFixture, threshold: u16) -> Ceremony {
    Ceremony {
        cluster: fixture.root.hash(),
        order: Digest::new([1; 32]),
        attempt: Attempt::FIRST,
        key: "bench".parse().expect("a name"),
        scheme: S::SCHEME,
        epoch: Epoch::FIRST,
        threshold: Threshold::new(u32::from(threshold)).expect("at least 2"),
        roster: ParticipantSet::new(fixture.root.nodes.keys().copied()).expect("nodes"),
        raw_ok: false,
        activation: quorate_model::Activation::AtOnce,
        resharing: None,
    }
}

/// A key, and the signers of one message.
pub(crate) struct Signing<S: Suite> {
    pub(crate) threshold: u16,
    pub(crate) nodes: u16,
    pub(crate) fixture: ClusterFixture,
    pub(crate) shares: Each<KeyShare<S>>,
    pub(crate) group: GroupInfo<S>,
    pub(crate) context: SigningContext,
}

impl<S: Suite> Signing<S> {
    pub(crate) fn new(threshold: u16, nodes: u16) -> Self {
        let ceremonies = Ceremonies::new(nodes);
        let made = ceremonies.generate::<S>(threshold);
        let (_, first) = made.first_key_value().expect("a node");
        let group = GroupInfo::new(&first.certified).expect("an honest key");
        let signers: Vec<_> = made.keys().copied().take(usize::from(threshold)).collect();
        let context = SigningContext {
            cluster: first.certified.cluster,
            key: first.certified.key.clone(),
            scheme: S::SCHEME,
            epoch: Epoch::FIRST,
            subject: Digest::new([2; 32]),
            attempt: Attempt::FIRST,
            signing_set: ParticipantSet::new(signers).expect("signers"),
            path: DerivationPath::root(),
            messages: vec![vec![7; 32]],
        };
        let share = |id: ParticipantId| {
            let new = made.get(&id).expect("a holder");
            (id, KeyShare::new(&new.certified, id, &new.share).expect("an honest share"))
        };
        let shares = context.signing_set.iter().map(share).collect();
        Self { threshold, nodes, fixture: ceremonies.fixture, shares, group, context }
    }

    /// Round one at every signer.
    pub(crate) fn reserve(&self) -> (Each<Reserved<S>>, Each<ReserveAnswer>) {
        let reserve = |(id, share): (&ParticipantId, &KeyShare<S>)| {
            let reserved = Reserved::reserve(self.context.clone(), *id, share, heads(), &mut OsRng);
            let (reserved, answer) = reserved.expect("commitments have an encoding");
            ((*id, reserved), (*id, answer))
        };
        self.shares.iter().map(reserve).unzip()
    }

    /// Both rounds at every signer.
    pub(crate) fn release(&self) -> (Each<ReserveAnswer>, Each<ShareAnswer>) {
        let (reserved, answers) = self.reserve();
        let release = |(id, reserved): (ParticipantId, Reserved<S>)| {
            let share = self.shares.get(&id).expect("a signer");
            let said = reserved.release(share, deliver(&self.fixture, &answers));
            (id, said.expect("honest answers"))
        };
        let shares = reserved.into_iter().map(release).collect();
        (answers, shares)
    }
}

/// Signs what each node says, and verifies it, as every receiver does.
pub(crate) fn deliver<T: Body + Clone>(
    fixture: &ClusterFixture,
    said: &Each<T>,
) -> Vec<Authentic<T>> {
    let sign = |(from, body): (&ParticipantId, &T)| {
        let key = fixture.signers.nodes.get(from).expect("a node");
        Signed::sign(*from, body.clone(), key).verify(&fixture.root).expect("its own signature")
    };
    said.iter().map(sign).collect()
}
