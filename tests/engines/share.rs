use quorate_model::{Attempt, Digest};
use quorate_protocol::sign::ReserveAnswer;
use quorate_protocol::verify_signature;
use quorate_protocol::wire::{FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_testkit::{ClusterFixture, Lab, ToSign};
use quorate_trust::{Signed, SignedRequest};

use crate::{FIRST, id, lab, refused, set};

fn reserved(lab: &mut Lab) -> (SignedRequest, Vec<Signed<ReserveAnswer>>) {
    let request = lab.payment(1, true);
    let answers = lab.reserve_all(&Subject::Request(request.clone()), FIRST, &set([1, 2]));
    (request, answers)
}

fn share(subject: Digest, attempt: Attempt, answers: &[Signed<ReserveAnswer>]) -> ToNode {
    ToNode::Share { subject, attempt, answers: answers.to_vec() }
}

#[test]
fn two_of_three_sign_what_the_payload_says() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    let certified = lab.certified();
    // Ed25519 signs the Solana message itself.
    let messages = vec![request.request.payload.clone()];
    let subject = Subject::Request(request.clone());
    let what = ToSign { subject, digest: request.digest(), messages: messages.clone() };
    let signatures = lab.sign(what, &set([1, 3]), FIRST, &certified);
    let group = &certified.group_verifying_key;
    assert!(verify_signature(certified.scheme, group, &messages[0], &signatures[0]));
}

#[test]
fn shares_leave_once() {
    let mut lab = lab();
    let (request, answers) = reserved(&mut lab);
    let question = share(request.digest(), FIRST, &answers);
    assert!(matches!(lab.ask(id(1), question.clone()), FromNode::Shares(_)));
    assert_eq!(refused(lab.ask(id(1), question)), RefusalCode::NotFound);
}

#[test]
fn nonces_die_with_the_process() {
    let mut lab = lab();
    let (request, answers) = reserved(&mut lab);
    lab.restart(id(1)).unwrap();
    let answer = lab.ask(id(1), share(request.digest(), FIRST, &answers));
    assert_eq!(refused(answer), RefusalCode::NotFound);
}

#[test]
fn a_failed_share_phase_burns_the_nonces() {
    let mut lab = lab();
    let (request, answers) = reserved(&mut lab);
    let missing = share(request.digest(), FIRST, &answers[..1]);
    assert_eq!(refused(lab.ask(id(1), missing)), RefusalCode::Aborted);
    let full = share(request.digest(), FIRST, &answers);
    assert_eq!(refused(lab.ask(id(1), full)), RefusalCode::NotFound);
}

#[test]
fn an_answer_that_its_node_did_not_sign_is_refused_and_costs_nothing() {
    let mut lab = lab();
    let (request, answers) = reserved(&mut lab);
    let mut forged = answers.clone();
    forged[1].body.commitments[0][0] = answers[0].body.commitments[0][0].clone();
    let forged = share(request.digest(), FIRST, &forged);
    assert_eq!(refused(lab.ask(id(1), forged)), RefusalCode::Aborted);
    let mut renamed = answers.clone();
    renamed[1].from = id(3);
    let renamed = share(request.digest(), FIRST, &renamed);
    assert_eq!(refused(lab.ask(id(1), renamed)), RefusalCode::Aborted);
    // Nobody authentic said anything wrong, so the nonces are still there.
    let honest = share(request.digest(), FIRST, &answers);
    assert!(matches!(lab.ask(id(1), honest), FromNode::Shares(_)));
}

#[test]
fn an_answer_to_another_attempt_or_request_is_refused() {
    let mut lab = lab();
    let (request, answers) = reserved(&mut lab);
    let other = lab.payment(7, true);
    let others = lab.reserve_all(&Subject::Request(other), FIRST, &set([1, 2]));
    let mixed = [answers[0].clone(), others[1].clone()];
    let answer = lab.ask(id(1), share(request.digest(), FIRST, &mixed));
    assert_eq!(refused(answer), RefusalCode::Aborted);
}

#[test]
fn signers_on_another_policy_do_not_sign_together() {
    let mut lab = lab();
    lab.restart_with(id(2), ClusterFixture::permissive_bundle(), |_| {}).unwrap();
    let (request, answers) = reserved(&mut lab);
    let answer = lab.ask(id(1), share(request.digest(), FIRST, &answers));
    assert_eq!(refused(answer), RefusalCode::HeadsDiffer);
}

#[test]
fn signers_whose_clocks_differ_do_not_sign_together() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    let subject = Subject::Request(request.clone());
    let first = lab.reserve(id(1), &request, FIRST, &set([1, 2]));
    let FromNode::Reserved(first) = first else { panic!("not reserved") };
    let now = lab.now;
    lab.now = now.plus_millis(26_000);
    let question = ToNode::Reserve {
        subject,
        words: Words::default(),
        attempt: FIRST,
        signing_set: set([1, 2]),
    };
    let FromNode::Reserved(second) = lab.ask(id(2), question) else { panic!("not reserved") };
    lab.now = now;
    let answer = lab.ask(id(1), share(request.digest(), FIRST, &[first, second]));
    assert_eq!(refused(answer), RefusalCode::Time);
}

#[test]
fn the_gate_is_asked_again_before_shares_leave() {
    // Between the phases the request expires: what the gate allowed is allowed no more.
    let mut lab = lab();
    let mut request = lab.payment(1, true).request;
    request.expires = lab.now.plus_millis(5_000);
    let statement = format!("{request:?}").into_bytes();
    let key = &lab.fixture.signers.service;
    let signed = SignedRequest::sign(statement, request, key);
    let answers = lab.reserve_all(&Subject::Request(signed.clone()), FIRST, &set([1, 2]));
    lab.now = lab.now.plus_millis(5_000);
    let answer = lab.ask(id(1), share(signed.digest(), FIRST, &answers));
    assert_eq!(refused(answer), RefusalCode::Time);
}

#[test]
fn a_release_is_on_the_disk_before_it_is_said() {
    let mut lab = lab();
    let (request, answers) = reserved(&mut lab);
    // `Lab::ask` panics where an answer comes before what it rests on.
    lab.ask(id(1), share(request.digest(), FIRST, &answers));
    let released = lab.records(id(1)).into_iter().any(|record| match record {
        quorate_signer::Record::Request(record) => record.released == Some(FIRST),
        _ => false,
    });
    assert!(released);
}
