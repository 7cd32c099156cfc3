use quorate_model::{Attempt, Timestamp};
use quorate_protocol::wire::{FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_testkit::ClusterFixture;
use quorate_trust::SignedRequest;

use crate::{FIRST, id, lab, refused, set};

#[test]
fn a_permitted_request_is_reserved_and_a_denied_one_says_why() {
    let mut lab = lab();
    let permitted = lab.payment(1, true);
    assert!(matches!(lab.reserve(id(1), &permitted, FIRST, &set([1, 2])), FromNode::Reserved(_)));
    let denied = lab.payment(2, false);
    let FromNode::Denied(denial) = lab.reserve(id(1), &denied, FIRST, &set([1, 2])) else {
        panic!("not denied");
    };
    assert_eq!(denial.body.request, denied.digest());
    assert!(denial.body.reason.contains("limits"), "{}", denial.body.reason);
    denial.verify(&lab.fixture.root).unwrap();
}

#[test]
fn a_denial_is_final_even_if_the_policy_changes() {
    let mut lab = lab();
    let denied = lab.payment(2, false);
    assert!(matches!(lab.reserve(id(1), &denied, FIRST, &set([1, 2])), FromNode::Denied(_)));
    lab.restart_with(id(1), ClusterFixture::permissive_bundle(), |_| {}).unwrap();
    let again = lab.reserve(id(1), &denied, Attempt(2), &set([1, 2]));
    assert!(matches!(again, FromNode::Denied(_)), "{again:?}");
}

#[test]
fn an_attempt_is_answered_once_also_after_a_restart() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    assert!(matches!(
        lab.reserve(id(1), &request, Attempt(2), &set([1, 2])),
        FromNode::Reserved(_)
    ));
    for restart in [false, true] {
        if restart {
            lab.restart(id(1)).unwrap();
        }
        for attempt in [1, 2] {
            let answer = lab.reserve(id(1), &request, Attempt(attempt), &set([1, 2]));
            assert_eq!(refused(answer), RefusalCode::AttemptUsed);
        }
    }
    assert!(matches!(
        lab.reserve(id(1), &request, Attempt(3), &set([1, 2])),
        FromNode::Reserved(_)
    ));
}

#[test]
fn attempts_are_counted_and_limited() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    let zero = lab.reserve(id(1), &request, Attempt(0), &set([1, 2]));
    assert_eq!(refused(zero), RefusalCode::Invalid);
    let ninth = lab.reserve(id(1), &request, Attempt(9), &set([1, 2]));
    assert_eq!(refused(ninth), RefusalCode::AttemptsExhausted);
}

#[test]
fn a_request_id_stands_for_one_statement_for_ever() {
    let mut lab = lab();
    let first = lab.payment(1, true);
    assert!(matches!(lab.reserve(id(1), &first, FIRST, &set([1, 2])), FromNode::Reserved(_)));
    lab.now = lab.now.plus_millis(1_000);
    let other = lab.payment(1, true);
    assert_ne!(first.digest(), other.digest());
    let answer = lab.reserve(id(1), &other, Attempt(2), &set([1, 2]));
    assert_eq!(refused(answer), RefusalCode::Invalid);
}

#[test]
fn a_signing_set_is_exactly_the_threshold_with_this_node_in_it() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    for wrong in [set([1, 2, 3]), set([2, 3])] {
        let answer = lab.reserve(id(1), &request, FIRST, &wrong);
        assert_eq!(refused(answer), RefusalCode::Invalid);
    }
    for wrong in [set([1]), set([1, 9])] {
        let answer = lab.reserve(id(1), &request, FIRST, &wrong);
        assert_eq!(refused(answer), RefusalCode::Invalid);
    }
}

#[test]
fn a_changed_statement_or_signature_is_refused() {
    let mut lab = lab();
    let mut request = lab.payment(1, true);
    request.statement.push(0);
    assert_eq!(refused(lab.reserve(id(1), &request, FIRST, &set([1, 2]))), RefusalCode::Invalid);
    let mut request = lab.payment(1, true);
    request.signature = lab.payment(2, true).signature;
    assert_eq!(refused(lab.reserve(id(1), &request, FIRST, &set([1, 2]))), RefusalCode::Invalid);
}

#[test]
fn time_ends_a_request_and_forbids_one_that_lives_too_long() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    lab.now = request.request.expires;
    assert_eq!(refused(lab.reserve(id(1), &request, FIRST, &set([1, 2]))), RefusalCode::Time);
    let later = lab.payment(2, true);
    lab.now = Timestamp::from_millis(later.request.expires.millis() - 8 * 24 * 3_600_000);
    // The node's clock is far behind what it wrote itself: it says so before anything else.
    assert_eq!(refused(lab.reserve(id(1), &later, FIRST, &set([1, 2]))), RefusalCode::Time);
}

#[test]
fn a_forgotten_request_is_not_taken_for_a_new_one() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    assert!(matches!(lab.reserve(id(1), &request, FIRST, &set([1, 2])), FromNode::Reserved(_)));
    let then = lab.now;
    lab.now = then.plus_millis(300_000 + 3_600_000 + 10);
    lab.tick(id(1));
    // Another clock, as after a restart on a machine that lost the time: within the skew that a
    // node tolerates nothing is known of the request, yet it stays dead.
    lab.now = lab.now.plus_millis(1);
    assert_eq!(refused(lab.reserve(id(1), &request, Attempt(2), &set([1, 2]))), RefusalCode::Time);
    lab.restart(id(1)).unwrap();
    assert_eq!(refused(lab.reserve(id(1), &request, Attempt(2), &set([1, 2]))), RefusalCode::Time);
}

#[test]
fn a_clock_behind_the_nodes_own_records_stops_signing() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    lab.now = Timestamp::from_millis(lab.now.millis() - 10_001);
    assert_eq!(refused(lab.reserve(id(1), &request, FIRST, &set([1, 2]))), RefusalCode::Time);
    lab.now = lab.now.plus_millis(1);
    assert!(matches!(lab.reserve(id(1), &request, FIRST, &set([1, 2])), FromNode::Reserved(_)));
}

#[test]
fn the_declared_action_must_be_what_the_payload_does() {
    let mut lab = lab();
    let mut request = lab.payment(1, true).request;
    request.action = "stake".to_owned();
    let statement = format!("{request:?}").into_bytes();
    let key = &lab.fixture.signers.service;
    let signed = SignedRequest::sign(statement, request, key);
    let FromNode::Denied(denial) = lab.reserve(id(1), &signed, FIRST, &set([1, 2])) else {
        panic!("not denied");
    };
    assert!(denial.body.reason.contains("stake"), "{}", denial.body.reason);
}

#[test]
fn an_undecodable_payload_is_denied_naming_where() {
    let mut lab = lab();
    let mut request = lab.payment(1, true).request;
    request.payload.push(0);
    let statement = format!("{request:?}").into_bytes();
    let key = &lab.fixture.signers.service;
    let signed = SignedRequest::sign(statement, request, key);
    let FromNode::Denied(denial) = lab.reserve(id(1), &signed, FIRST, &set([1, 2])) else {
        panic!("not denied");
    };
    assert!(denial.body.reason.starts_with("undecodable: "), "{}", denial.body.reason);
}

#[test]
fn sessions_are_limited_and_expire() {
    let mut lab = lab();
    for number in 0..512 {
        let request = lab.payment(number, true);
        let answer = lab.reserve(id(1), &request, FIRST, &set([1, 2]));
        assert!(matches!(answer, FromNode::Reserved(_)), "{answer:?}");
    }
    let request = lab.payment(999, true);
    assert_eq!(refused(lab.reserve(id(1), &request, FIRST, &set([1, 2]))), RefusalCode::Busy);
    lab.now = lab.now.plus_millis(15_001);
    assert!(matches!(lab.reserve(id(1), &request, FIRST, &set([1, 2])), FromNode::Reserved(_)));
}

#[test]
fn a_coordinator_that_lost_the_confirmations_gets_the_same_statements_signed_again() {
    let mut lab = lab();
    let subject = Subject::Confirmation { sharing: quorate_testkit::Lab::sharing() };
    let ask = |lab: &mut quorate_testkit::Lab, attempt| {
        let subject = subject.clone();
        lab.ask(
            id(1),
            ToNode::Reserve { subject, words: Words::default(), attempt, signing_set: set([1, 2]) },
        )
    };
    assert_eq!(refused(ask(&mut lab, FIRST)), RefusalCode::AttemptUsed);
    assert!(matches!(ask(&mut lab, Attempt(2)), FromNode::Reserved(_)));
}

fn simulate(request: SignedRequest) -> ToNode {
    ToNode::Simulate { request, verdicts: vec![] }
}

#[test]
fn simulating_reserves_and_writes_nothing() {
    let mut lab = lab();
    let before = lab.records(id(1)).len();
    let (good, bad) = (lab.payment(1, true), lab.payment(2, false));
    assert!(matches!(lab.ask(id(1), simulate(good)), FromNode::Simulated(Ok(_))));
    assert!(matches!(lab.ask(id(1), simulate(bad)), FromNode::Simulated(Err(_))));
    assert_eq!(lab.records(id(1)).len(), before);
}
