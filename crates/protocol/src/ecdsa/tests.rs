//! The machines over the real backend, and what can be otherwise in between.

mod envelope;
mod faults;
mod honest;
mod keygen;
mod relay;
mod signing;
mod tree;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use quorate_model::{
    Attempt, DerivationPath, Digest, Epoch, ParticipantId, ParticipantSet, Scheme,
};
use quorate_trust::{Authentic, Signed};
use rand_core::OsRng;

use self::faults::{Meddling, Said};
use super::*;
use crate::exchange::{ExchangeMessage, Parcel, SealedPart};
use crate::fixture::{Fixture, Outbox, id};
use crate::rounds::{CeremonyExchange, CeremonyProgress};
use crate::sign::{AnyGroupInfo, ReserveAnswer, ShareAnswer, SigningContext};
use crate::suite::Secp256k1;
use crate::{Abort, Announcement, Ceremony, CertifiedKey, SecretShare};

type Share = (CertifiedKey, SecretShare, PairStates);
type Ended<T> = BTreeMap<ParticipantId, Result<T, Abort>>;
type Round = (Vec<Authentic<ExchangeMessage>>, BTreeMap<ParticipantId, SealedPart>);

/// Everybody's shares of one key, 2 of 3: making it takes a second.
struct Key {
    fixture: Fixture,
    shares: BTreeMap<ParticipantId, Share>,
    /// What its holders said when they made it.
    said: Said,
}

fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let fixture = Fixture::new(3);
        let listening = Meddling::nothing();
        let shares = generate(&fixture, &Doing::with(Arc::new(listening.clone())));
        let shares = shares.into_iter().map(|(id, share)| (id, share.unwrap())).collect();
        Key { fixture, shares, said: listening.said() }
    })
}

/// What is done by others than honest nodes and an honest relay.
struct Doing<'a> {
    /// Computes the rounds of every node.
    backend: Arc<dyn EcdsaBackend>,
    /// What everybody hears of the others in round 0 of a key generation.
    announces: &'a dyn Fn(&mut Outbox<Announcement>),
    /// What everybody hears of the others in round 0 of a signing.
    reserves: &'a dyn Fn(&mut Outbox<ReserveAnswer>),
    /// What a node tells the others in a round, before it signs that.
    says: &'a dyn Fn(ParticipantId, &mut ExchangeMessage, &mut Vec<SealedPart>),
    /// What the relay makes of the parcels to one receiver in a round.
    relay: &'a dyn Fn(u8, Vec<Parcel>) -> Vec<Parcel>,
}

impl Doing<'_> {
    fn with(backend: Arc<dyn EcdsaBackend>) -> Self {
        let relay = &|_, parcels| parcels;
        Self { backend, announces: &|_| {}, reserves: &|_| {}, says: &|_, _, _| {}, relay }
    }

    fn honest() -> Self {
        Self::with(Arc::new(Dkls23))
    }
}

/// What follows a round, in key generation and signing alike.
enum Step<S: Rounds> {
    Next(Box<S>, ExchangeMessage, Vec<SealedPart>),
    Done(S::Done),
}

trait Rounds: Sized {
    type Done;
    fn step(self, round: Round) -> Result<Step<Self>, Abort>;
}

impl Rounds for CeremonyExchange {
    type Done = Share;
    fn step(self, (messages, parts): Round) -> Result<Step<Self>, Abort> {
        self.handle(messages, parts).map(Step::from)
    }
}

impl Rounds for EcdsaSigning {
    type Done = ShareAnswer;
    fn step(self, (messages, parts): Round) -> Result<Step<Self>, Abort> {
        self.handle(messages, parts).map(Step::from)
    }
}

impl From<CeremonyProgress> for Step<CeremonyExchange> {
    fn from(progress: CeremonyProgress) -> Self {
        match progress {
            CeremonyProgress::Next(state, message, parts) => Self::Next(state, message, parts),
            CeremonyProgress::Done(share) => Self::Done(*share),
        }
    }
}

impl From<SigningProgress> for Step<EcdsaSigning> {
    fn from(progress: SigningProgress) -> Self {
        match progress {
            SigningProgress::Next(state, message, parts) => Self::Next(state, message, parts),
            SigningProgress::Done(answer) => Self::Done(answer),
        }
    }
}

/// Takes rounds until anybody ends: how those ended that did.
fn run<S: Rounds>(
    fixture: &Fixture,
    doing: &Doing<'_>,
    mut progress: Vec<(ParticipantId, Result<Step<S>, Abort>)>,
) -> Ended<S::Done> {
    loop {
        let (mut waiting, mut ended) = (Vec::new(), BTreeMap::new());
        let (mut own, mut sent) = (BTreeMap::new(), BTreeMap::new());
        for (id, step) in progress {
            match step {
                Ok(Step::Next(state, mut message, mut parts)) => {
                    let sign = |message: &ExchangeMessage, parts: &[SealedPart]| Parcel {
                        message: Signed::sign(id, message.clone(), &fixture.keys[&id]),
                        parts: parts.to_vec(),
                    };
                    own.insert(id, sign(&message, &parts));
                    (doing.says)(id, &mut message, &mut parts);
                    sent.insert(id, sign(&message, &parts));
                    waiting.push((id, state));
                }
                Ok(Step::Done(done)) => drop(ended.insert(id, Ok(done))),
                Err(abort) => drop(ended.insert(id, Err(abort))),
            }
        }
        if waiting.is_empty() || !ended.is_empty() {
            return ended;
        }
        let step = |(to, state): (ParticipantId, Box<S>)| {
            let shown =
                sent.iter().map(|(from, parcel)| if *from == to { &own[&to] } else { parcel });
            let parcels = shown.map(|parcel| parcel.for_receiver(to)).collect();
            (to, state.step(deliver(fixture, doing, parcels)))
        };
        progress = waiting.into_iter().map(step).collect();
    }
}

/// Delivers parcels to one node, through the relay.
fn deliver(fixture: &Fixture, doing: &Doing<'_>, parcels: Vec<Parcel>) -> Round {
    let round = parcels.first().map_or(0, |parcel| parcel.message.body.round);
    let (mut messages, mut parts) = (Vec::new(), BTreeMap::new());
    for Parcel { message, parts: own } in (doing.relay)(round, parcels) {
        parts.extend(own.into_iter().map(|part| (message.from, part)));
        messages.extend(message.verify(&fixture.root));
    }
    (messages, parts)
}

/// What everybody is shown of round 0: each of itself what it said.
fn shown<T: Clone>(
    said: &Outbox<T>,
    to: ParticipantId,
    change: &dyn Fn(&mut Outbox<T>),
) -> Outbox<T> {
    let mut shown = said.clone();
    change(&mut shown);
    shown.insert(to, said[&to].clone());
    shown
}

fn ceremony(fixture: &Fixture) -> Ceremony {
    Ceremony { scheme: Scheme::EcdsaSecp256k1, ..fixture.ceremony::<Secp256k1>(2) }
}

/// Makes a key as far as it comes.
fn generate(fixture: &Fixture, doing: &Doing<'_>) -> Ended<Share> {
    let begin = |id: &ParticipantId| {
        let (state, sent) = begin_keygen(ceremony(fixture), *id, &mut OsRng);
        ((*id, state), (*id, sent))
    };
    let (states, said): (Vec<_>, Outbox<_>) = fixture.keys.keys().map(begin).unzip();
    let begun = |(id, state): (_, EcdsaAnnounced)| {
        let announced = fixture.deliver(&shown(&said, id, doing.announces));
        (id, state.handle(announced, &doing.backend).map(Step::from))
    };
    run(fixture, doing, states.into_iter().map(begun).collect())
}

fn context(key: &Key, signers: [u16; 2], messages: Vec<Vec<u8>>) -> SigningContext {
    SigningContext {
        cluster: key.fixture.root.hash(),
        key: "treasury".parse().unwrap(),
        scheme: Scheme::EcdsaSecp256k1,
        epoch: Epoch::FIRST,
        subject: Digest::new([4; 32]),
        attempt: Attempt::FIRST,
        signing_set: ParticipantSet::new(signers.map(id)).unwrap(),
        path: DerivationPath::root(),
        messages,
    }
}

/// Signs as far as it comes.
fn sign(
    fixture: &Fixture,
    shares: &BTreeMap<ParticipantId, Share>,
    context: &SigningContext,
    doing: &Doing<'_>,
) -> (Outbox<ReserveAnswer>, Ended<ShareAnswer>) {
    let reserve = |me: ParticipantId| {
        let (certified, share, pairs) = &shares[&me];
        let share = EcdsaKeyShare::load(&*doing.backend, certified, me, share, pairs).unwrap();
        let (context, heads) = (context.clone(), fixture.heads());
        let (reserved, answer) =
            EcdsaReserved::reserve(context, me, &share, heads, &mut OsRng).unwrap();
        ((me, reserved), (me, answer))
    };
    let (states, said): (Vec<_>, Outbox<_>) = context.signing_set.iter().map(reserve).unzip();
    let begun = |(id, reserved): (_, EcdsaReserved)| {
        let answers = fixture.deliver(&shown(&said, id, doing.reserves));
        (id, reserved.begin(answers).map(Step::from))
    };
    let ended = run(fixture, doing, states.into_iter().map(begun).collect());
    (said, ended)
}

/// The signatures of an honest signing.
fn signatures(
    fixture: &Fixture,
    shares: &BTreeMap<ParticipantId, Share>,
    context: &SigningContext,
) -> Result<Vec<Vec<u8>>, Abort> {
    let (answers, parts) = sign(fixture, shares, context, &Doing::honest());
    let parts = parts.into_iter().map(|(id, part)| part.map(|part| (id, part)));
    let parts = parts.collect::<Result<_, _>>()?;
    let (certified, ..) = shares.values().next().unwrap();
    let group = AnyGroupInfo::new(certified).unwrap();
    group.aggregate(context, fixture.deliver(&answers), fixture.deliver(&parts))
}
