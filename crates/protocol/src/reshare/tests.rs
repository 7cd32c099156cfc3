//! Sharings that follow one another, of every scheme, and dealers that lie.

mod epochs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use quorate_model::{Attempt, DerivationPath, Digest, Epoch, ParticipantSet, Scheme, Threshold};
use quorate_trust::Signed;
use rand_core::OsRng;

use super::*;
use crate::dkg::NewShare;
use crate::ecdsa::{Dkls23, EcdsaReserved, PairStates, SigningProgress, begin_keygen};
use crate::exchange::{ExchangeMessage, Parcel, SealedPart};
use crate::fixture::{Fixture, Outbox, id};
use crate::sign::{AnyGroupInfo, AnyKeyShare, AnyReserved, ShareAnswer, SigningContext};
use crate::suite::{Ed25519, Secp256k1Tr};
use crate::{AbortReason, verify_signature};

type Share = (CertifiedKey, SecretShare, PairStates);
type Shares = BTreeMap<ParticipantId, Share>;
type Step = Result<CeremonyProgress, Abort>;
/// What a node says in a round, before it signs that.
type Says<'a> = &'a dyn Fn(ParticipantId, &mut ExchangeMessage, &mut Vec<SealedPart>);

fn set(ids: &[u16]) -> ParticipantSet {
    ParticipantSet::new(ids.iter().copied().map(id)).unwrap()
}

fn backend() -> Arc<dyn EcdsaBackend> {
    Arc::new(Dkls23)
}

/// Five nodes, of which the first three hold a key of each scheme, 2 of 3.
struct Cluster {
    fixture: Fixture,
    shares: BTreeMap<Scheme, Shares>,
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let mut fixture = Fixture::new(5);
        let others = fixture.keys.split_off(&id(4));
        let shares = Scheme::ALL.map(|scheme| (scheme, generate(&fixture, scheme)));
        fixture.keys.extend(others);
        Cluster { fixture, shares: shares.into() }
    })
}

fn generate(fixture: &Fixture, scheme: Scheme) -> Shares {
    let frost = |new: Outbox<NewShare>| -> Shares {
        let share = |(id, new): (_, NewShare)| (id, (new.certified, new.share, PairStates::new()));
        new.into_iter().map(share).collect()
    };
    match scheme {
        Scheme::FrostEd25519 => frost(fixture.generate::<Ed25519>(2)),
        Scheme::FrostSecp256k1Tr => frost(fixture.generate::<Secp256k1Tr>(2)),
        Scheme::FrostSecp256k1 => frost(fixture.generate::<Secp256k1>(2)),
        Scheme::EcdsaSecp256k1 => {
            let ceremony = Ceremony { scheme, ..fixture.ceremony::<Secp256k1>(2) };
            let begin = |id: &ParticipantId| {
                let (state, sent) = begin_keygen(ceremony.clone(), *id, &mut OsRng);
                ((*id, state), (*id, sent))
            };
            let (states, said): (Vec<_>, Outbox<_>) = fixture.keys.keys().map(begin).unzip();
            let first = states
                .into_iter()
                .map(|(id, state)| (id, state.handle(fixture.deliver(&said), &backend())));
            let first = first.collect();
            honest(run(fixture, first, &|_, _, _| {}))
        }
    }
}

fn honest(ended: BTreeMap<ParticipantId, Result<Share, Abort>>) -> Shares {
    ended.into_iter().map(|(id, share)| (id, share.unwrap())).collect()
}

/// Takes rounds until anybody ends. Who only gives its share away falls silent after the first.
fn run(
    fixture: &Fixture,
    mut steps: BTreeMap<ParticipantId, Step>,
    says: Says<'_>,
) -> BTreeMap<ParticipantId, Result<Share, Abort>> {
    loop {
        let (mut waiting, mut sent, mut ended) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (id, step) in steps {
            match step {
                Ok(CeremonyProgress::Next(state, mut message, mut parts)) => {
                    says(id, &mut message, &mut parts);
                    let message = Signed::sign(id, message, &fixture.keys[&id]);
                    sent.push(Parcel { message, parts });
                    waiting.push((id, state));
                }
                Ok(CeremonyProgress::Done(share)) => drop(ended.insert(id, Ok(*share))),
                Err(abort) => drop(ended.insert(id, Err(abort))),
            }
        }
        if waiting.is_empty() || !ended.is_empty() {
            return ended;
        }
        let receives = |(id, state): (ParticipantId, Box<CeremonyExchange>)| {
            let receiver = state.receives(id);
            receiver.then(|| {
                let own = sent.iter().map(|parcel| parcel.for_receiver(id));
                let (mut messages, mut parts) = (Vec::new(), BTreeMap::new());
                for Parcel { message, parts: own } in own {
                    parts.extend(own.into_iter().map(|part| (message.from, part)));
                    messages.extend(message.verify(&fixture.root));
                }
                (id, state.handle(messages, parts))
            })
        };
        steps = waiting.into_iter().filter_map(receives).collect();
    }
}

/// What a new sharing is to be.
struct To<'a> {
    dealers: &'a [u16],
    roster: &'a [u16],
    threshold: u32,
}

fn reshare(
    fixture: &Fixture,
    old: &Shares,
    to: &To<'_>,
    says: Says<'_>,
) -> BTreeMap<ParticipantId, Result<Share, Abort>> {
    let (predecessor, ..) = old.values().next().unwrap();
    let ceremony = Ceremony {
        order: Digest::new([predecessor.epoch.0 as u8 + 2; 32]),
        epoch: predecessor.epoch.next().unwrap(),
        threshold: Threshold::new(to.threshold).unwrap(),
        roster: set(to.roster),
        scheme: predecessor.scheme,
        resharing: Some(Resharing { predecessor: predecessor.digest(), dealers: set(to.dealers) }),
        ..fixture.ceremony::<Secp256k1>(2)
    };
    let begin = |me: ParticipantId| {
        let share =
            old.get(&me).and_then(|(_, share, _)| SecretShare::from_bytes(share.secret_bytes()));
        let (ceremony, predecessor) = (ceremony.clone(), predecessor.clone());
        let (state, sent) = begin_resharing(ceremony, predecessor, me, share, &mut OsRng);
        ((me, state), (me, sent))
    };
    let (states, said): (Vec<_>, Outbox<_>) = ceremony.participants().iter().map(begin).unzip();
    let dealt = states
        .into_iter()
        .map(|(id, state)| (id, state.handle(fixture.deliver(&said), &backend(), &mut OsRng)));
    run(fixture, dealt.collect(), says)
}

/// A signature by these holders, of shares that need not be of one sharing.
fn sign(
    fixture: &Fixture,
    shares: &BTreeMap<ParticipantId, &Share>,
    path: &str,
) -> Result<Vec<u8>, Abort> {
    let (certified, ..) = *shares.values().next().unwrap();
    let context = SigningContext {
        cluster: fixture.root.hash(),
        key: certified.key.clone(),
        scheme: certified.scheme,
        epoch: certified.epoch,
        subject: Digest::new([4; 32]),
        attempt: Attempt::FIRST,
        signing_set: ParticipantSet::new(shares.keys().copied()).unwrap(),
        path: path.parse::<DerivationPath>().unwrap(),
        messages: vec![vec![7; 32]],
    };
    let load = |(id, (certified, share, pairs)): (&ParticipantId, &&Share)| {
        (*id, AnyKeyShare::new(certified, *id, share, pairs, &Dkls23).unwrap())
    };
    let loaded: BTreeMap<_, _> = shares.iter().map(load).collect();
    let reserve = |(id, share): (&ParticipantId, &AnyKeyShare)| {
        let reserved = share.reserve(context.clone(), *id, fixture.heads(), &mut OsRng);
        let (reserved, answer) = reserved.unwrap();
        ((*id, reserved), (*id, answer))
    };
    let (reserved, answers): (Outbox<AnyReserved>, Outbox<_>) = loaded.iter().map(reserve).unzip();
    let (mut parts, mut rounds) = (Outbox::<ShareAnswer>::new(), Vec::new());
    for (id, reserved) in reserved {
        let answers = fixture.deliver(&answers);
        match reserved {
            AnyReserved::Ecdsa(reserved) => {
                rounds.push((id, EcdsaReserved::begin(*reserved, answers)?))
            }
            reserved @ (AnyReserved::Ed25519(_)
            | AnyReserved::Secp256k1Tr(_)
            | AnyReserved::Secp256k1(_)) => {
                drop(parts.insert(id, reserved.release(&loaded[&id], answers)?))
            }
        }
    }
    while parts.is_empty() {
        let mut sent = Vec::new();
        let mut waiting = Vec::new();
        for (id, progress) in rounds {
            match progress {
                SigningProgress::Next(state, message, parts) => {
                    let message = Signed::sign(id, message, &fixture.keys[&id]);
                    sent.push(Parcel { message, parts });
                    waiting.push((id, state));
                }
                SigningProgress::Done(answer) => drop(parts.insert(id, answer)),
            }
        }
        rounds = Vec::new();
        for (id, state) in waiting {
            let mut own = BTreeMap::new();
            let messages = sent.iter().map(|parcel| {
                let parts = parcel.for_receiver(id).parts;
                own.extend(parts.into_iter().map(|part| (parcel.message.from, part)));
                parcel.message.clone().verify(&fixture.root).unwrap()
            });
            let messages = messages.collect();
            rounds.push((id, state.handle(messages, own)?));
        }
    }
    let group = AnyGroupInfo::new(certified).unwrap();
    let signed = group.aggregate(&context, fixture.deliver(&answers), fixture.deliver(&parts))?;
    Ok(signed.into_iter().next().unwrap())
}

/// Every holder signs, with as many of the others as it takes.
fn check_sharing(fixture: &Fixture, shares: &Shares, of: &Shares) {
    let (first, ..) = of.values().next().unwrap();
    let (certified, ..) = shares.values().next().unwrap();
    assert_eq!(certified.group_verifying_key, first.group_verifying_key);
    assert_eq!(certified.chain_code, first.chain_code);
    assert!(shares.values().all(|(other, ..)| other == certified));
    let all: Vec<_> = shares.iter().collect();
    let threshold = certified.threshold.as_usize();
    for start in [0, all.len() - threshold] {
        let signers = all[start..start + threshold].iter();
        let signers: BTreeMap<_, _> = signers.map(|(id, share)| (**id, *share)).collect();
        let signature = sign(fixture, &signers, "m").unwrap();
        let key = &certified.group_verifying_key;
        assert!(verify_signature(certified.scheme, key, &[7; 32], &signature));
    }
}

fn nothing(_: ParticipantId, _: &mut ExchangeMessage, _: &mut Vec<SealedPart>) {}

/// 2-of-3, three refreshes, a reshare to 3-of-5 without node 1, a repair of node 5, a reshare to 2-of-3:
/// one key.
fn lives(scheme: Scheme) {
    let Cluster { fixture, shares } = cluster();
    let first = &shares[&scheme];
    let same = To { dealers: &[1, 2, 3], roster: &[1, 2, 3], threshold: 2 };
    let fewer = To { dealers: &[1, 3], roster: &[1, 2, 3], threshold: 2 };
    let other = To { dealers: &[2, 3], roster: &[2, 3, 4, 5], threshold: 3 };
    let repair = To { dealers: &[2, 3, 4], roster: &[2, 3, 4, 5], threshold: 3 };
    let back = To { dealers: &[2, 3, 4, 5], roster: &[1, 4, 5], threshold: 2 };
    let mut epochs: Vec<Shares> = Vec::new();
    for to in [&same, &fewer, &same, &other, &repair, &back] {
        let old = epochs.last().unwrap_or(first);
        let next = honest(reshare(fixture, old, to, &nothing));
        assert_eq!(
            next.keys().copied().collect::<Vec<_>>(),
            set(to.roster).iter().collect::<Vec<_>>()
        );
        check_sharing(fixture, &next, first);
        let (old, ..) = old.values().next().unwrap();
        let (new, ..) = next.values().next().unwrap();
        assert_eq!(new.predecessor, Some(old.digest()));
        assert_eq!(new.epoch, Epoch(old.epoch.0 + 1));
        epochs.push(next);
    }
}

#[test]
fn a_key_of_frost_ed25519_lives_through_every_change_of_its_sharing() {
    lives(Scheme::FrostEd25519);
}

#[test]
fn a_key_of_frost_secp256k1_tr_lives_through_every_change_of_its_sharing() {
    lives(Scheme::FrostSecp256k1Tr);
}

#[test]
fn a_key_of_frost_secp256k1_lives_through_every_change_of_its_sharing() {
    lives(Scheme::FrostSecp256k1);
}

#[test]
fn a_key_of_ecdsa_secp256k1_lives_through_every_change_of_its_sharing() {
    lives(Scheme::EcdsaSecp256k1);
}

/// One share of each of two epochs is not two shares.
#[test]
fn shares_of_different_epochs_do_not_sign_together() {
    let Cluster { fixture, shares } = cluster();
    let same = To { dealers: &[1, 2, 3], roster: &[1, 2, 3], threshold: 2 };
    for scheme in [Scheme::FrostEd25519, Scheme::FrostSecp256k1Tr, Scheme::FrostSecp256k1] {
        let old = &shares[&scheme];
        let new = honest(reshare(fixture, old, &same, &nothing));
        let (one, two) = (id(1), id(2));
        let (certified, ..) = &old[&one];
        // Whoever has both says that both are of the first sharing.
        let share = SecretShare::from_bytes(new[&two].1.secret_bytes()).unwrap();
        let mut claimed = certified.clone();
        let verifying = new[&two].0.verifying_shares[&two].clone();
        claimed.verifying_shares.insert(two, verifying);
        let mixed = [
            (
                one,
                (
                    claimed.clone(),
                    SecretShare::from_bytes(old[&one].1.secret_bytes()).unwrap(),
                    PairStates::new(),
                ),
            ),
            (two, (claimed, share, PairStates::new())),
        ];
        let mixed: Shares = mixed.into();
        let signers = mixed.iter().map(|(id, share)| (*id, share)).collect();
        if let Ok(signature) = sign(fixture, &signers, "m") {
            let key = &certified.group_verifying_key;
            assert!(!verify_signature(scheme, key, &[7; 32], &signature), "{scheme}");
        }
    }
}

fn refused_by_one(scheme: Scheme, says: Says<'_>) -> Abort {
    let Cluster { fixture, shares } = cluster();
    let same = To { dealers: &[1, 2], roster: &[1, 2, 3], threshold: 2 };
    let mut ended = reshare(fixture, &shares[&scheme], &same, says);
    ended.remove(&id(1)).expect("node 1 ended").expect_err("it was lied to")
}

/// What node 2 says in the round of the dealing is changed.
fn lying(
    change: impl Fn(&mut ExchangeMessage, &mut Vec<SealedPart>),
) -> impl Fn(ParticipantId, &mut ExchangeMessage, &mut Vec<SealedPart>) {
    move |from, message, parts| {
        if from == id(2) && message.round == 1 {
            change(message, parts);
        }
    }
}

#[test]
fn a_dealer_that_commits_to_something_else_is_named() {
    for scheme in Scheme::ALL {
        let shorter = lying(|message, _| {
            message.broadcast.truncate(message.broadcast.len() / 2);
        });
        let none = lying(|message, _| message.broadcast.clear());
        let longer = lying(|message, _| {
            let last = message.broadcast[message.broadcast.len() / 2..].to_vec();
            message.broadcast.extend(last);
        });
        // The constant is another's: both coefficients are the second.
        let other = lying(|message, _| {
            let half = message.broadcast.len() / 2;
            message.broadcast.copy_within(half.., 0);
        });
        let zero = lying(|message, _| message.broadcast.fill(0));
        // The constant is right, the other coefficient is not.
        let part = lying(|message, _| {
            let half = message.broadcast.len() / 2;
            message.broadcast.copy_within(..half, half);
        });
        for (says, what) in [
            (
                &shorter as Says<'_>,
                "a polynomial of another degree than the new threshold asks for",
            ),
            (&none, "a polynomial of another degree than the new threshold asks for"),
            (&zero, "no commitment to a polynomial"),
            (&part, "the part does not match the commitment"),
            (&longer, "a polynomial of another degree than the new threshold asks for"),
            (&other, "it does not deal the share that it was certified to hold"),
        ] {
            let abort = refused_by_one(scheme, says);
            let refused = AbortReason::Refused { from: id(2), what: what.to_owned() };
            assert_eq!(abort.reason, refused, "{scheme}");
        }
    }
}

#[test]
fn who_is_no_dealer_deals_nothing() {
    for scheme in Scheme::ALL {
        let says = |from: ParticipantId, message: &mut ExchangeMessage, _: &mut Vec<SealedPart>| {
            if from == id(3) && message.round == 1 {
                message.broadcast = vec![2; 66];
            }
        };
        let abort = refused_by_one(scheme, &says);
        let what = "it deals, and is no dealer".to_owned();
        assert_eq!(abort.reason, AbortReason::Refused { from: id(3), what });
    }
}

/// A dealer whose share is not the certified one: node 2 deals what it never held.
#[test]
fn a_dealer_deals_the_share_that_it_was_certified_to_hold() {
    let Cluster { fixture, shares } = cluster();
    let same = To { dealers: &[1, 2, 3], roster: &[1, 2, 3], threshold: 2 };
    for scheme in Scheme::ALL {
        let old: Shares = shares[&scheme]
            .iter()
            .map(|(at, (certified, share, _))| {
                let mut bytes = *share.secret_bytes();
                if *at == id(2) {
                    bytes[7] ^= 1;
                }
                (*at, (certified.clone(), SecretShare::from_array(&bytes), PairStates::new()))
            })
            .collect();
        let mut ended = reshare(fixture, &old, &same, &nothing);
        let abort = ended.remove(&id(1)).unwrap().unwrap_err();
        let what = "it does not deal the share that it was certified to hold".to_owned();
        assert_eq!(abort.reason, AbortReason::Refused { from: id(2), what }, "{scheme}");
    }
}
