use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use quorate_model::{
    Attempt, DerivationPath, Digest, Epoch, ParticipantId, ParticipantSet, Scheme, Threshold,
};
use quorate_trust::Signed;
use rand_core::OsRng;

use super::*;
use crate::exchange::{ExchangeMessage, Parcel, SealedPart};
use crate::fixture::{Fixture, Outbox, id};
use crate::sign::{ReserveAnswer, ShareAnswer, SigningContext};
use crate::suite::Secp256k1;
use crate::{Abort, AbortReason, Ceremony, CertifiedKey, SecretShare, verify_signature};

type Share = (CertifiedKey, SecretShare, PairStates);

/// Everybody's shares of one key, 2 of 3: making it takes a second.
struct Key {
    fixture: Fixture,
    shares: BTreeMap<ParticipantId, Share>,
}

fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let fixture = Fixture::new(3);
        let shares = generate(&fixture, &|_, parcels| parcels);
        let shares = shares.into_iter().map(|(id, share)| (id, share.unwrap())).collect();
        Key { fixture, shares }
    })
}

fn ceremony(fixture: &Fixture) -> Ceremony {
    Ceremony { scheme: Scheme::EcdsaSecp256k1, ..fixture.ceremony::<Secp256k1>(2) }
}

fn backend() -> Arc<dyn EcdsaBackend> {
    Arc::new(Dkls23)
}

/// What a relay makes of the parcels to one receiver in one round.
type Relay<'a> = &'a dyn Fn(u8, Vec<Parcel>) -> Vec<Parcel>;

fn parcel(
    fixture: &Fixture,
    from: ParticipantId,
    message: ExchangeMessage,
    parts: Vec<SealedPart>,
) -> Parcel {
    Parcel { message: Signed::sign(from, message, &fixture.keys[&from]), parts }
}

/// Delivers to `to` what everybody sent, through the relay.
fn deliver(
    fixture: &Fixture,
    to: ParticipantId,
    sent: &BTreeMap<ParticipantId, Parcel>,
    relay: Relay<'_>,
) -> (Vec<quorate_trust::Authentic<ExchangeMessage>>, BTreeMap<ParticipantId, SealedPart>) {
    let round = sent.values().next().map_or(0, |parcel| parcel.message.body.round);
    let parcels = relay(round, sent.values().map(|parcel| parcel.for_receiver(to)).collect());
    let mut parts = BTreeMap::new();
    let mut messages = Vec::new();
    for Parcel { message, parts: own } in parcels {
        parts.extend(own.into_iter().map(|part| (message.from, part)));
        messages.extend(message.verify(&fixture.root));
    }
    (messages, parts)
}

fn generate(fixture: &Fixture, relay: Relay<'_>) -> BTreeMap<ParticipantId, Result<Share, Abort>> {
    let begun =
        fixture.keys.keys().map(|id| (*id, begin_keygen(ceremony(fixture), *id, &mut OsRng)));
    let (states, sent): (Vec<_>, Outbox<_>) =
        begun.map(|(id, (state, sent))| ((id, state), (id, sent))).unzip();
    let announced = states
        .into_iter()
        .map(|(id, state)| (id, state.handle(fixture.deliver(&sent), &backend())));
    let mut progress: BTreeMap<_, _> = announced.collect();
    loop {
        let mut sent = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut ended = BTreeMap::new();
        for (id, step) in progress {
            match step {
                Ok(KeygenProgress::Next(state, message, parts)) => {
                    sent.insert(id, parcel(fixture, id, message, parts));
                    waiting.push((id, state));
                }
                Ok(KeygenProgress::Done(share)) => {
                    ended.insert(id, Ok(*share));
                }
                Err(abort) => {
                    ended.insert(id, Err(abort));
                }
            }
        }
        if waiting.is_empty() || !ended.is_empty() {
            return ended;
        }
        progress = waiting
            .into_iter()
            .map(|(id, state)| {
                let (messages, parts) = deliver(fixture, id, &sent, relay);
                (id, state.handle(messages, parts))
            })
            .collect();
    }
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

type Signed2 = (Outbox<ReserveAnswer>, BTreeMap<ParticipantId, Result<ShareAnswer, Abort>>);

/// Runs a signing as far as it comes.
fn sign(key: &Key, context: &SigningContext, relay: Relay<'_>) -> Signed2 {
    let reserve = |me: ParticipantId| {
        let (certified, share, pairs) = &key.shares[&me];
        let share = EcdsaKeyShare::load(&Dkls23, certified, me, share, pairs).unwrap();
        let heads = key.fixture.heads();
        let (reserved, answer) =
            EcdsaReserved::reserve(context.clone(), me, &share, heads, &mut OsRng).unwrap();
        ((me, reserved), (me, answer))
    };
    let (reserved, answers): (Vec<_>, Outbox<_>) = context.signing_set.iter().map(reserve).unzip();
    let begin =
        |(id, reserved): (_, EcdsaReserved)| (id, reserved.begin(key.fixture.deliver(&answers)));
    let mut progress: BTreeMap<_, _> = reserved.into_iter().map(begin).collect();
    loop {
        let mut sent = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut ended = BTreeMap::new();
        for (id, step) in progress {
            match step {
                Ok(SigningProgress::Next(state, message, parts)) => {
                    sent.insert(id, parcel(&key.fixture, id, message, parts));
                    waiting.push((id, state));
                }
                Ok(SigningProgress::Done(answer)) => {
                    ended.insert(id, Ok(answer));
                }
                Err(abort) => {
                    ended.insert(id, Err(abort));
                }
            }
        }
        if waiting.is_empty() || !ended.is_empty() {
            return (answers, ended);
        }
        progress = waiting
            .into_iter()
            .map(|(id, state)| {
                let (messages, parts) = deliver(&key.fixture, id, &sent, relay);
                (id, state.handle(messages, parts))
            })
            .collect();
    }
}

fn honest(_: u8, parcels: Vec<Parcel>) -> Vec<Parcel> {
    parcels
}

#[test]
fn every_pair_of_holders_signs_and_the_signature_is_plain_ecdsa() {
    let key = key();
    let certified = &key.shares[&id(1)].0;
    for signers in [[1, 2], [1, 3], [2, 3]] {
        let context = context(key, signers, vec![vec![7; 32], vec![8; 32]]);
        let (answers, parts) = sign(key, &context, &honest);
        let parts = parts.into_iter().map(|(id, part)| (id, part.unwrap())).collect();
        let group = crate::sign::AnyGroupInfo::new(certified).unwrap();
        let (answers, parts) = (key.fixture.deliver(&answers), key.fixture.deliver(&parts));
        let signatures = group.aggregate(&context, answers, parts).unwrap();
        for (message, signature) in context.messages.iter().zip(&signatures) {
            let group_key = &certified.group_verifying_key;
            assert!(verify_signature(certified.scheme, group_key, message, signature));
            assert!(!verify_signature(certified.scheme, group_key, &[9; 32], signature));
        }
    }
}

#[test]
fn children_of_the_key_sign_for_their_own_address() {
    let key = key();
    let certified = &key.shares[&id(1)].0;
    let group = crate::sign::AnyGroupInfo::new(certified).unwrap();
    for path in ["m/0", "m/44/7", "m/0/1/2147483647"] {
        let path: DerivationPath = path.parse().unwrap();
        let context = SigningContext { path, ..context(key, [1, 3], vec![vec![7; 32]]) };
        let (answers, parts) = sign(key, &context, &honest);
        let parts = parts.into_iter().map(|(id, part)| (id, part.unwrap())).collect();
        let (answers, parts) = (key.fixture.deliver(&answers), key.fixture.deliver(&parts));
        let signatures = group.aggregate(&context, answers, parts).unwrap();
        let child = certified.child(&context.path).unwrap().verifying_key;
        assert!(verify(&child, &[7; 32], &signatures[0]));
        assert!(!verify(&certified.group_verifying_key, &[7; 32], &signatures[0]));
    }
}

#[test]
fn holders_agree_on_the_key_and_each_share_is_the_certified_one() {
    let key = key();
    let (first, ..) = &key.shares[&id(1)];
    for (me, (certified, share, pairs)) in &key.shares {
        assert_eq!(certified, first);
        assert!(Dkls23.load(certified, *me, share, pairs).is_ok());
        assert!(pairs.values().all(|state| state.secret_bytes().len() < 64 * 1024));
    }
    let (certified, _, pairs) = &key.shares[&id(1)];
    let (_, other, _) = &key.shares[&id(2)];
    let mismatch = Dkls23.load(certified, id(1), other, pairs).err();
    assert_eq!(mismatch, Some(crate::sign::KeyShareError::Mismatch));
}

/// Whatever a relay changes, swaps or holds back: no signature, and no pair at fault.
#[test]
fn nothing_that_a_relay_does_puts_a_pair_at_fault() {
    let key = key();
    let context = context(key, [1, 2], vec![vec![7; 32]]);
    let flip = |byte: usize| {
        move |parcels: Vec<Parcel>| {
            let change = |mut parcel: Parcel| {
                for part in &mut parcel.parts {
                    let at = byte % part.sealed.len();
                    part.sealed[at] ^= 1;
                }
                parcel
            };
            parcels.into_iter().map(change).collect::<Vec<_>>()
        }
    };
    type Change = Box<dyn Fn(Vec<Parcel>) -> Vec<Parcel>>;
    let changes: Vec<(&str, Change)> = vec![
        ("first byte of a part", Box::new(flip(0))),
        ("another byte of a part", Box::new(flip(20_011))),
        (
            "a part is left out",
            Box::new(|mut parcels| {
                parcels.iter_mut().for_each(|parcel| parcel.parts.clear());
                parcels
            }),
        ),
        (
            "a message is left out",
            Box::new(|mut parcels| {
                parcels.truncate(1);
                parcels
            }),
        ),
        (
            "a message comes twice",
            Box::new(|mut parcels| {
                parcels[1] = parcels[0].clone();
                parcels
            }),
        ),
        (
            "the broadcast is changed",
            Box::new(|mut parcels| {
                parcels.iter_mut().for_each(|parcel| parcel.message.body.broadcast.push(1));
                parcels
            }),
        ),
    ];
    for round in 1..=2 {
        for (what, change) in &changes {
            let relay = |now, parcels| if now == round { change(parcels) } else { parcels };
            let (_, ended) = sign(key, &context, &relay);
            assert!(!ended.is_empty(), "{what}");
            for abort in ended.into_values().map(|end| end.expect_err(what)) {
                let relayed = matches!(
                    abort.reason,
                    AbortReason::Relay(_) | AbortReason::Missing(_) | AbortReason::Duplicate(_)
                );
                assert!(relayed && abort.culprits.is_empty(), "{what}: {abort:?}");
            }
        }
    }
}

/// What a node itself signs and seals wrongly names the pair, and nobody is convicted of it.
#[test]
fn a_false_multiplication_puts_the_pair_at_fault() {
    let key = key();
    let reserve = |me: ParticipantId, context: &SigningContext| {
        let (certified, share, pairs) = &key.shares[&me];
        let share = Dkls23.load(certified, me, share, pairs).unwrap();
        share.sign(&Signing {
            id: context.digest(),
            signing_set: &context.signing_set,
            child: &certified.child(&DerivationPath::root()).unwrap(),
            message: [7; 32],
            entropy: [0; 32],
        })
    };
    let context = context(key, [1, 2], vec![vec![7; 32]]);
    let (first, _) = reserve(id(1), &context).unwrap();
    let (_, mut outbox) = reserve(id(2), &context).unwrap();
    let mut bytes = outbox.private.remove(&id(1)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let mut inbox = crate::exchange::Inbox::default();
    inbox.private.insert(id(2), bytes);
    let fault = first.step(inbox).err().unwrap();
    assert!(matches!(fault, Fault::Pair { with, .. } if with == id(2)), "{fault:?}");
    let abort = Abort::from(fault);
    assert!(abort.culprits.is_empty() && abort.named().is_none());
}

/// Every field of every message, by its bytes: flipped, cut, longer, or another's. No panic, no
/// signature; a pair is at fault in signing only.
#[test]
fn a_message_that_is_not_as_it_should_be_never_signs() {
    let key = key();
    let context = context(key, [1, 2], vec![vec![7; 32]]);
    let signing = |me: u16| {
        let (certified, share, pairs) = &key.shares[&id(me)];
        let share = Dkls23.load(certified, id(me), share, pairs).unwrap();
        let message = [7; 32];
        let (id, entropy) = (context.digest(), [0; 32]);
        let child = &certified.child(&context.path).unwrap();
        share
            .sign(&Signing { id, signing_set: &context.signing_set, child, message, entropy })
            .unwrap()
    };
    let inbox = |from: u16, bytes: &[u8]| {
        let mut inbox = crate::exchange::Inbox::default();
        inbox.private.insert(id(from), zeroize::Zeroizing::new(bytes.to_vec()));
        inbox
    };
    type Change = Box<dyn Fn(&mut Vec<u8>)>;
    let mut changes: Vec<(String, Change)> = vec![
        ("empty".to_owned(), Box::new(Vec::clear)),
        ("longer".to_owned(), Box::new(|bytes| bytes.push(0))),
        ("shorter".to_owned(), Box::new(|bytes| bytes.truncate(bytes.len() - 1))),
        ("zero".to_owned(), Box::new(|bytes| bytes.fill(0))),
    ];
    for place in [0, 1, 2, 20, 40, 70, 100, 150, 300, 5_000, 20_000, 26_000, 50_000] {
        let flip = move |bytes: &mut Vec<u8>| {
            let at = place % bytes.len();
            bytes[at] ^= 0x10;
        };
        changes.push((format!("byte {place}"), Box::new(flip)));
    }
    for (what, change) in &changes {
        for round in 1..=2 {
            let ((one, from_one), (two, from_two)) = (signing(1), signing(2));
            let mut to_one = from_two.private[&id(1)].to_vec();
            if round == 1 {
                change(&mut to_one);
            }
            let one = match one.step(inbox(2, &to_one)) {
                Ok(SignStep::Next(one, _)) => one,
                Ok(SignStep::Done(_)) => panic!("{what}: signed in round 1"),
                Err(_) if round == 1 => continue,
                Err(fault) => panic!("{what}: {fault}"),
            };
            // What is committed to is opened in the next round only.
            let Ok(SignStep::Next(_, from_two)) = two.step(inbox(1, &from_one.private[&id(2)]))
            else {
                panic!("{what}")
            };
            let mut to_one = from_two.private[&id(1)].to_vec();
            if round == 2 {
                change(&mut to_one);
            }
            assert!(one.step(inbox(2, &to_one)).is_err(), "{what} in round {round}");
        }
    }
}

#[test]
fn a_session_takes_no_message_of_another() {
    let key = key();
    let context = context(key, [1, 2], vec![vec![7; 32]]);
    let earlier = std::sync::Mutex::new(BTreeMap::new());
    let keep = |round, parcels: Vec<Parcel>| {
        let from_two = parcels.iter().find(|parcel| parcel.message.from == id(2)).cloned();
        earlier.lock().unwrap().entry(round).or_insert(from_two.unwrap());
        parcels
    };
    sign(key, &context, &keep);
    for round in 1..=2 {
        let replay = |now, mut parcels: Vec<Parcel>| {
            if now == round {
                parcels.retain(|parcel| parcel.message.from != id(2));
                parcels.push(earlier.lock().unwrap()[&round].clone());
            }
            parcels
        };
        let (_, ended) = sign(key, &context, &replay);
        let abort = ended[&id(1)].clone().unwrap_err();
        assert_eq!(abort, Abort::unproven(AbortReason::OtherSession(id(2))));
    }
}

#[test]
fn parts_of_which_one_is_false_make_no_signature_and_convict_nobody() {
    let key = key();
    let certified = &key.shares[&id(1)].0;
    let context = context(key, [1, 3], vec![vec![7; 32]]);
    let group = crate::sign::AnyGroupInfo::new(certified).unwrap();
    for byte in [0, 31, 32, 63, 64, 95] {
        let (answers, parts) = sign(key, &context, &honest);
        let mut parts: BTreeMap<_, _> =
            parts.into_iter().map(|(id, part)| (id, part.unwrap())).collect();
        parts.get_mut(&id(3)).unwrap().shares[0][byte] ^= 1;
        let (answers, parts) = (key.fixture.deliver(&answers), key.fixture.deliver(&parts));
        let abort = group.aggregate(&context, answers, parts).unwrap_err();
        assert_eq!(abort, Abort::unproven(AbortReason::Combination), "byte {byte}");
    }
}

#[test]
fn a_key_generation_with_a_changed_message_makes_no_key() {
    let fixture = Fixture::new(3);
    for round in 1..=3 {
        let relay = |now, mut parcels: Vec<Parcel>| {
            if now == round {
                let part = parcels.iter_mut().flat_map(|parcel| &mut parcel.parts).next();
                part.unwrap().sealed[3] ^= 1;
            }
            parcels
        };
        let ended = generate(&fixture, &relay);
        assert!(!ended.is_empty());
        for abort in ended.into_values().map(|end| end.err().unwrap()) {
            assert!(matches!(abort.reason, AbortReason::Relay(_)), "{abort:?}");
            assert!(abort.culprits.is_empty());
        }
    }
}

#[test]
fn a_share_of_more_holders_than_a_threshold_of_the_library_is_refused() {
    let roster = ParticipantSet::from_wire(1..=300).unwrap();
    let threshold = Threshold::new(200).unwrap();
    let session = Digest::new([1; 32]);
    assert!(Dkls23.generate(session, id(1), &roster, threshold, [0; 32]).is_err());
}
