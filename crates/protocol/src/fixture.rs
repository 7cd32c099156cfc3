//! A cluster of identity keys for the machines' own tests.

use std::collections::BTreeMap;

use quorate_model::{
    Attempt, Digest, Epoch, Heads, ParticipantId, ParticipantSet, Threshold, Timestamp,
};
use quorate_trust::{
    Authentic, Body, NodeEntry, PersonEntry, Quorum, Signed, SigningKey, TrustRoot,
    UserVerification,
};
use rand_core::OsRng;

use crate::dkg::{AwaitAnnouncements, AwaitRound1, AwaitRound2, NewShare};
use crate::suite::Suite;
use crate::{Announcement, Ceremony, Round1, Round2};

pub(crate) type Outbox<T> = BTreeMap<ParticipantId, T>;

pub(crate) struct Fixture {
    pub(crate) root: TrustRoot,
    pub(crate) keys: BTreeMap<ParticipantId, SigningKey>,
}

pub(crate) fn id(number: u16) -> ParticipantId {
    ParticipantId::new(number).unwrap()
}

impl Fixture {
    pub(crate) fn new(nodes: u16) -> Self {
        let keys: BTreeMap<_, _> =
            (1..=nodes).map(|n| (id(n), SigningKey::generate(&mut OsRng))).collect();
        let label = || "x".parse().unwrap();
        let entry = |(id, key): (&ParticipantId, &SigningKey)| {
            let tls = Digest::new([id.get() as u8; 32]);
            let identity = key.public_key();
            let (operator, region, provider) = (label(), label(), label());
            (*id, NodeEntry { identity, tls, operator, region, provider, recovery: None })
        };
        let person = PersonEntry {
            officer: true,
            user_verification: UserVerification::NotRequired,
            credentials: [SigningKey::generate(&mut OsRng).public_key().into()].into(),
            recovery: None,
        };
        let quorum = || Quorum { required: 1, members: ["ann".parse().unwrap()].into() };
        let root = TrustRoot {
            lineage: None,
            created: Timestamp::ZERO,
            policy: Digest::new([8; 32]),
            threshold_floor: Threshold::new(2).unwrap(),
            unfreeze_delay_s: 0,
            change_delay_s: 0,
            nodes: keys.iter().map(entry).collect(),
            services: BTreeMap::new(),
            persons: [("ann".parse().unwrap(), person)].into(),
            quorums: quorate_trust::QUORUMS.map(|name| (name.parse().unwrap(), quorum())).into(),
        };
        Self { root, keys }
    }

    pub(crate) fn ceremony<S: Suite>(&self, threshold: u32) -> Ceremony {
        Ceremony {
            cluster: self.root.hash(),
            order: Digest::new([1; 32]),
            attempt: Attempt::FIRST,
            key: "treasury".parse().unwrap(),
            scheme: S::SCHEME,
            epoch: Epoch::FIRST,
            threshold: Threshold::new(threshold).unwrap(),
            roster: ParticipantSet::new(self.keys.keys().copied()).unwrap(),
            raw_ok: false,
            activation: quorate_model::Activation::AtOnce,
            resharing: None,
        }
    }

    /// Signs everybody's message and verifies it, as a relay in between would deliver it.
    pub(crate) fn deliver<T: Body + Clone>(&self, outbox: &Outbox<T>) -> Vec<Authentic<T>> {
        outbox.iter().map(|(from, body)| self.authentic(*from, body.clone())).collect()
    }

    pub(crate) fn authentic<T: Body>(&self, from: ParticipantId, body: T) -> Authentic<T> {
        Signed::sign(from, body, &self.keys[&from]).verify(&self.root).unwrap()
    }

    pub(crate) fn announce<S: Suite>(
        &self,
        ceremony: &Ceremony,
    ) -> (Outbox<AwaitAnnouncements<S>>, Outbox<Announcement>) {
        let begin = |id: &ParticipantId| {
            let (state, sent) = AwaitAnnouncements::begin(ceremony.clone(), *id, &mut OsRng);
            ((*id, state), (*id, sent))
        };
        self.keys.keys().map(begin).unzip()
    }

    pub(crate) fn round1<S: Suite>(
        &self,
        ceremony: &Ceremony,
    ) -> (Outbox<AwaitRound1<S>>, Outbox<Round1>) {
        let (states, sent) = self.announce::<S>(ceremony);
        let step = |(id, state): (ParticipantId, AwaitAnnouncements<S>)| {
            let (next, message) = state.handle(self.deliver(&sent), &mut OsRng).unwrap();
            ((id, next), (id, message))
        };
        states.into_iter().map(step).unzip()
    }

    pub(crate) fn round2<S: Suite>(
        &self,
        ceremony: &Ceremony,
    ) -> (Outbox<AwaitRound2<S>>, Outbox<Round2>) {
        let (states, sent) = self.round1::<S>(ceremony);
        let step = |(id, state): (ParticipantId, AwaitRound1<S>)| {
            let (next, message) = state.handle(self.deliver(&sent)).unwrap();
            ((id, next), (id, message))
        };
        states.into_iter().map(step).unzip()
    }

    pub(crate) fn generate<S: Suite>(&self, threshold: u32) -> Outbox<NewShare> {
        let (states, sent) = self.round2::<S>(&self.ceremony::<S>(threshold));
        let step = |(id, state): (ParticipantId, AwaitRound2<S>)| {
            (id, state.handle(self.deliver(&sent)).unwrap())
        };
        states.into_iter().map(step).collect()
    }

    pub(crate) fn heads(&self) -> Heads {
        Heads {
            root: self.root.hash(),
            bundle: Digest::new([2; 32]),
            orders: Digest::new([4; 32]),
            life: 1,
            audit: Digest::new([3; 32]),
            audit_length: 1,
            clock: Timestamp::from_millis(5),
        }
    }
}
