use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use std::collections::BTreeMap;

use super::*;
use crate::fixture::{
    acceptance, certificate_of, denial, digest, key_record, order_with_document, request_record,
    request_states, reshared_key, sharing, sign_request, signed_order,
};
use crate::statement::encode_sign_request;
use crate::storage::Seal;

fn operation_record(state: OperationState) -> Record {
    Record::Operation(OperationRecord {
        order: signed_order(),
        digest: digest(8),
        attempt: Attempt(0),
        state,
        created: Timestamp::from_millis(1),
        updated: Timestamp::from_millis(2),
    })
}

/// A request that needs several pieces: the largest payload, and the longest denials of 64 nodes.
fn large_record() -> SignRequestRecord {
    let mut record = request_record(RequestState::Queued);
    let mut request = sign_request();
    request.payload = (0..limits::PAYLOAD_BYTES_MAX).map(|byte| byte as u8).collect();
    record.signed.statement = encode_sign_request(&request);
    record.signed.request = request;
    let mut denied = denial();
    denied.body.reason = "a".repeat(limits::REASON_BYTES_MAX);
    record.denials = vec![denied; limits::PARTICIPANTS_MAX];
    record
}

/// A sharing that follows the one of [`key_record`].
fn reshared_record(key: &str) -> Record {
    let certificate = certificate_of(reshared_key(key, 1));
    Record::Key(KeyRecord { certificate, active: false, ..key_record(key) })
}

fn entries(record: &Record) -> Vec<Stored> {
    let entry = |write| match write {
        Write::Put { tree, key, value, seal: Seal::Root } => Stored { tree, key, value },
        Write::Put { .. } | Write::Delete { .. } => panic!("no secrets, no deletions"),
    };
    encode(record).into_iter().map(entry).collect()
}

#[test]
fn every_record_is_read_as_it_was_written() {
    let requests = request_states().into_iter().map(|s| Record::Request(request_record(s)));
    let text = || "node 3 is silent".to_owned();
    let others = [
        operation_record(OperationState::Running(text())),
        operation_record(OperationState::Done),
        operation_record(OperationState::Failed(text())),
        Record::Key(key_record("treasury")),
        reshared_record("treasury"),
        Record::Order(OrderRecord {
            digest: signed_order().digest(),
            order: signed_order(),
            created: Timestamp::from_millis(3),
            begins: Timestamp::from_millis(4),
        }),
        Record::Order(OrderRecord {
            digest: order_with_document().digest(),
            order: order_with_document(),
            created: Timestamp::from_millis(3),
            begins: Timestamp::from_millis(4),
        }),
        Record::Acceptance(AcceptanceRecord { word: acceptance() }),
        Record::Request(large_record()),
    ];
    for record in requests.chain(others) {
        assert!(entries(&record).iter().all(|entry| TREES.contains(&entry.tree)));
        assert!(decode(entries(&record)).unwrap() == vec![record]);
    }
}

#[test]
fn no_value_is_larger_than_a_store_takes() {
    let entries = entries(&Record::Request(large_record()));
    assert!(entries.len() > 10);
    assert!(entries.iter().all(|entry| entry.value.0.len() <= 60 * 1024));
    let total: usize = entries.iter().map(|entry| entry.key.len() + entry.value.0.len()).sum();
    assert!(total < 1024 * 1024, "{total}");
}

#[test]
fn pieces_of_a_longer_record_before_it_are_ruled_out() {
    let large = entries(&Record::Request(large_record()));
    let small = Record::Request(request_record(RequestState::Canceled));
    let mut both: BTreeMap<_, _> = large.into_iter().map(|e| (e.key.clone(), e)).collect();
    both.extend(entries(&small).into_iter().map(|e| (e.key.clone(), e)));
    assert!(both.len() > 1);
    assert!(decode(both.into_values()).unwrap() == vec![small]);
}

#[test]
fn a_missing_piece_is_noticed() {
    let whole = entries(&Record::Request(large_record()));
    for missing in 1..whole.len() {
        let mut rest = whole.clone();
        rest.remove(missing);
        assert_eq!(decode(rest).unwrap_err(), DecodeError::missing("SignRequestRecord"));
    }
}

#[test]
fn what_is_forgotten_of_a_key_is_one_sharing() {
    let first = entries(&Record::Key(key_record("treasury"))).remove(0);
    let second = entries(&reshared_record("treasury")).remove(0);
    assert_eq!(
        (first.key.as_slice(), second.key.as_slice()),
        (&b"treasury/0"[..], &b"treasury/1"[..])
    );
    for (epoch, entry) in [(0, first), (1, second)] {
        let forgotten = encode(&Record::ForgetSharing(sharing("treasury", epoch)));
        assert_eq!(forgotten, vec![Write::Delete { tree: KEYS, key: entry.key }]);
    }
}

#[test]
fn a_record_under_another_name_is_refused() {
    for record in [
        Record::Request(request_record(RequestState::Queued)),
        operation_record(OperationState::Done),
        Record::Key(key_record("treasury")),
    ] {
        let mut entry = entries(&record).remove(0);
        entry.key.insert(0, b'x');
        assert_eq!(decode([entry]).unwrap_err().field, "key");
    }
    let mut entry = entries(&reshared_record("treasury")).remove(0);
    for other in ["treasury", "treasury/0"] {
        entry.key = other.into();
        assert_eq!(decode([entry.clone()]).unwrap_err().field, "key");
    }
    let mut entry = entries(&Record::Request(request_record(RequestState::Queued))).remove(0);
    entry.key.truncate(3);
    assert_eq!(decode([entry]).unwrap_err().field, "key");
}

#[test]
fn an_unknown_state_or_tree_is_refused() {
    for unknown in [0, 10] {
        let fault = Fault::Unknown(unknown);
        let state = request_state(unknown, vec![], vec![]).unwrap_err();
        assert_eq!(state, DecodeError::new("SignRequestRecord.state", fault));
    }
    let Record::Operation(record) = operation_record(OperationState::Done) else {
        panic!("an operation is expected")
    };
    let unknown = pb::OperationRecord { state: 0, ..operation(&record) };
    assert_eq!(operation_from_pb(unknown).unwrap_err().field, "OperationRecord.state");
    let mut entry = entries(&Record::Operation(record)).remove(0);
    entry.tree = "elsewhere";
    assert_eq!(decode([entry]).unwrap_err().field, "tree");
}

#[test]
fn changed_entries_are_values_or_errors() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let originals = [
        Record::Request(request_record(request_states()[2].clone())),
        operation_record(OperationState::Done),
        Record::Key(key_record("treasury")),
    ]
    .map(|record| entries(&record).remove(0));
    for round in 0..10_000 {
        let mut entry = originals[round % originals.len()].clone();
        let at = rng.next_u32() as usize % entry.value.0.len();
        if round % 2 == 0 {
            entry.value.0.truncate(at);
        } else {
            entry.value.0[at] ^= 1 << (rng.next_u32() % 8);
        }
        // Whatever comes out, nothing panics; also not for a count of 4 billion pieces.
        let _ = decode([entry]);
    }
}
