use quorate_model::{DerivationPath, Digest, ParticipantSet, Threshold};

use super::*;
use crate::verify_signature;

#[test]
fn every_pair_of_holders_signs_and_the_signature_is_plain_ecdsa() {
    let key = key();
    let certified = &key.shares[&id(1)].0;
    for signers in [[1, 2], [1, 3], [2, 3]] {
        let context = context(key, signers, vec![vec![7; 32], vec![8; 32]]);
        let signatures = signatures(&key.fixture, &key.shares, &context).unwrap();
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
    for path in ["m/0", "m/44/7", "m/0/1/2147483647"] {
        let path: DerivationPath = path.parse().unwrap();
        let context = SigningContext { path, ..context(key, [1, 3], vec![vec![7; 32]]) };
        let signatures = signatures(&key.fixture, &key.shares, &context).unwrap();
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

#[test]
fn a_share_of_more_holders_than_a_threshold_of_the_library_is_refused() {
    let roster = ParticipantSet::from_wire(1..=300).unwrap();
    let threshold = Threshold::new(200).unwrap();
    let session = Digest::new([1; 32]);
    assert!(Dkls23.generate(session, id(1), &roster, threshold, [0; 32]).is_err());
}
