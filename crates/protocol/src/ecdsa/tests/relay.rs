//! A relay that changes, swaps and holds back.

use std::sync::Mutex;

use super::*;
use crate::AbortReason;

type Change = Box<dyn Fn(Vec<Parcel>) -> Vec<Parcel>>;

fn flip(byte: usize) -> Change {
    Box::new(move |mut parcels| {
        for part in parcels.iter_mut().flat_map(|parcel| &mut parcel.parts) {
            let at = byte % part.sealed.len();
            part.sealed[at] ^= 1;
        }
        parcels
    })
}

/// Whatever a relay changes, swaps or holds back: no signature, and no pair at fault.
#[test]
fn nothing_that_a_relay_does_puts_a_pair_at_fault() {
    let key = key();
    let context = context(key, [1, 2], vec![vec![7; 32]]);
    let changes: Vec<(&str, Change)> = vec![
        ("first byte of a part", flip(0)),
        ("another byte of a part", flip(20_011)),
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
            let relay = &|now, parcels| if now == round { change(parcels) } else { parcels };
            let doing = Doing { relay, ..Doing::honest() };
            let (_, ended) = sign(&key.fixture, &key.shares, &context, &doing);
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

#[test]
fn a_session_takes_no_message_of_another() {
    let key = key();
    let context = context(key, [1, 2], vec![vec![7; 32]]);
    let earlier = Mutex::new(BTreeMap::new());
    let keep = |round, parcels: Vec<Parcel>| {
        let from_two = parcels.iter().find(|parcel| parcel.message.from == id(2)).cloned();
        earlier.lock().unwrap().entry(round).or_insert(from_two.unwrap());
        parcels
    };
    let keeping = Doing { relay: &keep, ..Doing::honest() };
    sign(&key.fixture, &key.shares, &context, &keeping);
    for round in 1..=2 {
        let replay = |now, mut parcels: Vec<Parcel>| {
            if now == round {
                parcels.retain(|parcel| parcel.message.from != id(2));
                parcels.push(earlier.lock().unwrap()[&round].clone());
            }
            parcels
        };
        let replaying = Doing { relay: &replay, ..Doing::honest() };
        let (_, ended) = sign(&key.fixture, &key.shares, &context, &replaying);
        let abort = ended[&id(1)].clone().unwrap_err();
        assert_eq!(abort, Abort::unproven(AbortReason::OtherSession(id(2))));
    }
}

#[test]
fn a_key_generation_with_a_changed_message_makes_no_key() {
    let fixture = Fixture::new(3);
    for round in 1..=3 {
        let relay = &|now, mut parcels: Vec<Parcel>| {
            if now == round {
                let part = parcels.iter_mut().flat_map(|parcel| &mut parcel.parts).next();
                part.unwrap().sealed[3] ^= 1;
            }
            parcels
        };
        let ended = generate(&fixture, &Doing { relay, ..Doing::honest() });
        assert!(!ended.is_empty());
        for abort in ended.into_values().map(|end| end.err().unwrap()) {
            assert!(matches!(abort.reason, AbortReason::Relay(_)), "{abort:?}");
            assert!(abort.culprits.is_empty());
        }
    }
}
