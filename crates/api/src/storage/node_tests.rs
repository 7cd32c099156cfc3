use std::collections::BTreeSet;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use quorate_audit::{EventKind, Log};
use quorate_model::Digest;

use super::*;
use crate::Fault;
use crate::fixture::{
    answered_heads, certificate, certificate_of, certified_key, confirmation, digest,
    order_with_document, reshared_key, sharing, sign_request, signature, signed, signed_order,
};

const SECRET: [u8; 32] = [0x5e; 32];

fn share_record() -> Record {
    share_of(certified_key("treasury"), PairStates::new())
}

/// A share of a key whose holders share state with each other, as nodes 2 and 5 do with this one.
fn paired_share_record() -> Record {
    paired_share_of(certified_key("treasury"))
}

fn paired_share_of(certified: CertifiedKey) -> Record {
    let peers = certified.roster.iter().skip(1);
    let state = |byte| PairState::new(Zeroizing::new(vec![byte; 60_000])).unwrap();
    let pairs = peers.map(|peer| (peer, state(peer.get() as u8))).collect();
    share_of(certified, pairs)
}

fn share_of(certified: CertifiedKey, pairs: PairStates) -> Record {
    let share = SecretShare::from_bytes(&SECRET).unwrap();
    Record::Share(ShareRecord { certified, vote: signature(1), share, pairs })
}

/// Everything that is kept of a sharing that signs.
fn sharing_records(certified: CertifiedKey) -> Vec<Record> {
    let sharing = certified.sharing();
    vec![
        Record::Certificate(certificate_of(certified.clone())),
        Record::Active(ActiveRecord { sharing, confirmations: vec![confirmation()] }),
        paired_share_of(certified),
    ]
}

fn request_record(denied: Option<&str>, released: Option<Attempt>) -> Record {
    Record::Request(RequestRecord {
        request: sign_request().request_key(),
        digest: digest(1),
        expires: Timestamp::from_millis(9),
        attempt: Attempt(2),
        released,
        denied: denied.map(str::to_owned),
    })
}

fn records() -> Vec<Record> {
    let mut log = Log::default();
    let event = Event::new(EventKind::RequestReserved).fact("request", "payments/1");
    vec![
        Record::Ceremony(CeremonyRecord {
            key: "treasury".parse().unwrap(),
            order: digest(8),
            attempt: Attempt(2),
        }),
        Record::Certificate(certificate("treasury")),
        Record::Active(ActiveRecord {
            sharing: sharing("treasury", 0),
            confirmations: vec![confirmation()],
        }),
        request_record(None, Some(Attempt(2))),
        Record::Watermark(Timestamp::from_millis(7)),
        Record::Clock(ClockRecord {
            boot: BootId::from_bytes([3; 16]),
            confirmed: Moment { time: Timestamp::from_millis(9), uptime_ms: 8 },
        }),
        Record::ConfirmationAttempt(ConfirmationAttempt {
            statement: digest(4),
            attempt: Attempt(1),
        }),
        Record::Peer(PeerRecord { shown: signed(2, answered_heads()) }),
        Record::PairFreeze(PairFreezeRecord {
            key: "treasury".parse().unwrap(),
            epoch: Epoch(3),
            with: ParticipantId::new(2).unwrap(),
            reason: "a check failed".to_owned(),
            since: Timestamp::from_millis(8),
        }),
        Record::Audit(log.append(event, Timestamp::from_millis(5), digest(6))),
        Record::Order(OrderRecord { order: signed_order(), begins: Timestamp::from_millis(6) }),
        share_record(),
    ]
}

fn stored(writes: Vec<Write>) -> Vec<Stored> {
    let entry = |write| match write {
        Write::Put { tree, key, value, .. } => Stored { tree, key, value },
        Write::Delete { .. } => panic!("not an entry"),
    };
    writes.into_iter().map(entry).collect()
}

fn entries(records: &[Record]) -> Vec<Stored> {
    stored(records.iter().flat_map(encode).collect())
}

/// Records hold no secret but the share, and that is compared by its write.
fn assert_same(left: &[Record], right: &[Record]) {
    assert_eq!(format!("{left:?}"), format!("{right:?}"));
    let writes = |records: &[Record]| records.iter().flat_map(encode).collect::<Vec<_>>();
    assert!(writes(left) == writes(right));
}

#[test]
fn every_record_is_read_as_it_was_written() {
    let records = records();
    assert_same(&decode(entries(&records)).unwrap(), &records);
    let begins = Timestamp::from_millis(6);
    for record in [
        request_record(Some("no rule permits it"), None),
        request_record(Some(""), None),
        Record::Order(OrderRecord { order: order_with_document(), begins }),
    ] {
        let record = [record];
        assert_same(&decode(entries(&record)).unwrap(), &record);
    }
}

#[test]
fn every_record_goes_into_a_known_tree() {
    let paired = [paired_share_record()];
    let all = entries(&records()).into_iter().chain(entries(&paired));
    let used: Vec<_> = all.map(|entry| entry.tree).collect();
    assert!(TREES.iter().all(|tree| used.contains(tree)));
    assert!(used.iter().all(|tree| TREES.contains(tree)));
}

#[test]
fn the_secret_is_stored_raw_under_a_key_of_its_own() {
    let writes = encode(&share_record());
    let secrets: Vec<_> = writes
        .iter()
        .filter(|write| matches!(write, Write::Put { seal: Seal::Share { .. }, .. }))
        .collect();
    let [Write::Put { tree: "shares", key, value, seal }] = secrets.as_slice() else {
        panic!("one secret is expected")
    };
    assert_eq!((key.as_slice(), value.0.as_slice()), (b"treasury/0".as_slice(), &SECRET[..]));
    let (key, epoch) = ("treasury".parse().unwrap(), Epoch::FIRST);
    assert_eq!(*seal, Seal::Share { key, epoch });
    let Write::Put { key, seal, .. } =
        encode(&share_of(reshared_key("treasury", 3), [].into())).remove(1)
    else {
        panic!("the secret is expected")
    };
    assert_eq!(key, b"treasury/3");
    assert_eq!(seal, Seal::Share { key: "treasury".parse().unwrap(), epoch: Epoch(3) });
    let elsewhere = writes.iter().filter(|write| match write {
        Write::Put { seal: Seal::Root, value, .. } => {
            value.0.windows(32).any(|window| window == SECRET)
        }
        Write::Put { .. } | Write::Delete { .. } => false,
    });
    assert_eq!(elsewhere.count(), 0);
    assert!(!format!("{writes:?}").contains("94, 94"));
}

#[test]
fn what_is_dropped_is_what_was_written_of_that_epoch() {
    let peers = || [2, 5].map(|peer| ParticipantId::new(peer).unwrap()).to_vec();
    let epochs = || {
        let reshared = [1, 12].map(|epoch| reshared_key("treasury", epoch));
        [certified_key("treasury")].into_iter().chain(reshared)
    };
    for dropped in epochs().map(|certified| certified.sharing()) {
        let places: BTreeSet<_> =
            encode(&Record::DropSharing { sharing: dropped.clone(), peers: peers() })
                .into_iter()
                .map(|write| match write {
                    Write::Delete { tree, key } => (tree, key),
                    Write::Put { .. } => panic!("nothing is put"),
                })
                .collect();
        let trees: BTreeSet<_> = places.iter().map(|(tree, _)| *tree).collect();
        assert_eq!(trees, [VOTES, SHARES, PAIRS, CERTIFICATES, CONFIRMATIONS].into());
        let mut all = entries(&epochs().flat_map(sharing_records).collect::<Vec<_>>());
        let before = all.len();
        all.retain(|entry| !places.contains(&(entry.tree, entry.key.clone())));
        // Each deletion hits an entry, and what stays is every record of the other epochs.
        assert_eq!(all.len(), before - places.len());
        let others = epochs().filter(|certified| certified.sharing() != dropped);
        let expected = entries(&others.flat_map(sharing_records).collect::<Vec<_>>());
        assert!(all == expected);
        assert!(decode(all).is_ok());
    }
    let written = entries(&[request_record(None, None)]);
    let forget = encode(&Record::ForgetRequest(sign_request().request_key()));
    let key = written[0].key.clone();
    assert_eq!(forget, vec![Write::Delete { tree: "requests", key }]);
}

#[test]
fn what_pairs_share_is_stored_with_the_share_and_under_its_key() {
    let writes = encode(&paired_share_record());
    let secret = |write: &&Write| match write {
        Write::Put { tree: "pairs", seal, value, .. } => {
            matches!(seal, Seal::Share { .. }) && value.0.len() == 60_000
        }
        Write::Put { .. } | Write::Delete { .. } => false,
    };
    assert_eq!(writes.iter().filter(secret).count(), 2);
    let read = decode(entries(&[paired_share_record()])).unwrap();
    let [Record::Share(read)] = read.as_slice() else { panic!("one share") };
    let lengths = read.pairs.values().map(|state| state.secret_bytes().len());
    assert_eq!(lengths.collect::<Vec<_>>(), [60_000, 60_000]);
    // What no share is there for is refused.
    let pairs_only = entries(&[paired_share_record()]).into_iter().skip(2);
    assert_eq!(decode(pairs_only).unwrap_err(), DecodeError::missing("votes"));
}

#[test]
fn sharings_of_a_key_stand_side_by_side() {
    let mut records = sharing_records(certified_key("treasury"));
    records.extend(sharing_records(reshared_key("treasury", 1)));
    let places: BTreeSet<_> = entries(&records).into_iter().map(|e| (e.tree, e.key)).collect();
    assert_eq!(places.len(), entries(&records).len(), "no entry replaces another");
    // Shares come last: their parts are put together once all are read.
    records.sort_by_key(|record| matches!(record, Record::Share(_)));
    assert_same(&decode(entries(&records)).unwrap(), &records);
}

#[test]
fn a_record_of_another_epoch_is_refused() {
    for record in sharing_records(reshared_key("treasury", 1)) {
        let mut moved = entries(&[record]);
        assert_eq!(moved[0].key, b"treasury/1");
        moved[0].key = b"treasury/2".to_vec();
        assert_eq!(decode(moved.clone()).unwrap_err().field, "key", "{}", moved[0].tree);
        moved[0].key = b"treasury".to_vec();
        assert_eq!(decode(moved.clone()).unwrap_err().field, "key", "{}", moved[0].tree);
    }
    // A share of one epoch is none of another.
    let mut moved = entries(&[share_of(reshared_key("treasury", 1), PairStates::new())]);
    moved[1].key = b"treasury/2".to_vec();
    assert_eq!(decode(moved).unwrap_err(), DecodeError::missing("shares"));
}

#[test]
fn half_a_share_is_refused() {
    let both = entries(&[share_record()]);
    let vote_only = decode(both.iter().take(1).cloned()).unwrap_err();
    assert_eq!(vote_only, DecodeError::missing("shares"));
    let share_only = decode(both.iter().skip(1).cloned()).unwrap_err();
    assert_eq!(share_only, DecodeError::missing("votes"));
    let mut short = both;
    short[1].value.0.truncate(31);
    assert_eq!(decode(short).unwrap_err(), DecodeError::missing("shares"));
}

#[test]
fn a_record_under_another_name_is_refused() {
    for mut entry in entries(&records()) {
        if entry.tree == SHARES {
            continue;
        }
        entry.key.push(b'x');
        let mut moved = vec![entry.clone()];
        if entry.tree == VOTES {
            moved.extend(entries(&[share_record()]).into_iter().skip(1));
        }
        assert_eq!(decode(moved).unwrap_err().field, "key", "{}", entry.tree);
    }
}

#[test]
fn an_unknown_tree_is_refused() {
    let mut entry = entries(&[request_record(None, None)]).remove(0);
    entry.tree = "elsewhere";
    assert_eq!(decode([entry]).unwrap_err().field, "tree");
}

#[test]
fn an_unknown_event_is_refused() {
    let message = pb::AuditRecord {
        index: 0,
        previous: Digest::new([0; 32]).as_bytes().to_vec(),
        kind: "unheard-of".to_owned(),
        ..Default::default()
    };
    let entry = stored(vec![put(AUDIT, 0u64.to_be_bytes(), &message)]);
    let error = decode(entry).unwrap_err();
    assert_eq!(error.field, "AuditRecord.kind");
    assert!(matches!(error.fault, Fault::Value(_)));
}

#[test]
fn changed_entries_are_values_or_errors() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let originals = entries(&records());
    for round in 0..10_000 {
        let mut entry = originals[round % originals.len()].clone();
        let at = rng.next_u32() as usize % entry.value.0.len();
        if round % 3 == 0 {
            entry.value.0.truncate(at);
        } else {
            entry.value.0[at] ^= 1 << (rng.next_u32() % 8);
        }
        // Whatever comes out, nothing panics.
        let _ = decode([entry]);
    }
}
