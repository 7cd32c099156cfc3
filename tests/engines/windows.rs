//! Usage windows at a node: what was released is charged, durably, and only that.

use quorate_model::Attempt;
use quorate_protocol::wire::{FromNode, Subject, ToNode};
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::SignedRequest;

use crate::{FIRST, id, lab, set};

const HOUR_MS: u64 = 3_600_000;

/// A lab whose nodes release at most two payments an hour.
fn windowed() -> Lab {
    let mut lab = lab();
    for node in lab.ids() {
        lab.restart_with(node, ClusterFixture::windowed_bundle(), |_| {}).unwrap();
    }
    lab
}

fn release(lab: &mut Lab, request: &SignedRequest, attempt: Attempt) -> FromNode {
    let subject = Subject::Request(request.clone());
    let answers = lab.reserve_all(&subject, attempt, &set([1, 2]));
    lab.ask(id(1), ToNode::Share { subject: request.digest(), attempt, answers })
}

fn pay(lab: &mut Lab, number: u64) {
    let request = lab.payment(number, true);
    let answer = release(lab, &request, FIRST);
    assert!(matches!(answer, FromNode::Shares(_)), "{answer:?}");
}

fn reserve(lab: &mut Lab, number: u64) -> FromNode {
    let request = lab.payment(number, true);
    lab.reserve(id(1), &request, FIRST, &set([1, 2]))
}

#[test]
fn an_exhausted_window_says_until_when_and_opens_again() {
    let mut lab = windowed();
    let first = lab.now;
    pay(&mut lab, 1);
    lab.now = first.plus_millis(60_000);
    pay(&mut lab, 2);
    let FromNode::Deferred(deferral) = reserve(&mut lab, 3) else { panic!("not deferred") };
    let deferral = deferral.verify(&lab.fixture.root).unwrap().into_parts().1;
    assert!(deferral.missing.is_empty());
    let until = deferral.until.unwrap();
    assert!(until > first.plus_millis(HOUR_MS - 1) && until < first.plus_millis(HOUR_MS + 2));
    lab.now = until;
    assert!(matches!(reserve(&mut lab, 3), FromNode::Reserved(_)));
}

#[test]
fn what_was_charged_survives_a_restart() {
    let mut lab = windowed();
    pay(&mut lab, 1);
    pay(&mut lab, 2);
    lab.restart_with(id(1), ClusterFixture::windowed_bundle(), |_| {}).unwrap();
    assert!(matches!(reserve(&mut lab, 3), FromNode::Deferred(_)));
}

#[test]
fn reserving_charges_nothing_and_a_second_attempt_is_charged_once() {
    let mut lab = windowed();
    for number in 10..15 {
        assert!(matches!(reserve(&mut lab, number), FromNode::Reserved(_)));
    }
    let request = lab.payment(1, true);
    for attempt in 1..=4 {
        let answer = release(&mut lab, &request, Attempt(attempt));
        assert!(matches!(answer, FromNode::Shares(_)), "{answer:?}");
    }
    assert!(matches!(reserve(&mut lab, 2), FromNode::Reserved(_)));
}

#[test]
fn a_window_that_filled_between_the_phases_stops_the_shares() {
    let mut lab = windowed();
    let request = lab.payment(5, true);
    let answers = lab.reserve_all(&Subject::Request(request.clone()), FIRST, &set([1, 2]));
    pay(&mut lab, 1);
    pay(&mut lab, 2);
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    assert!(matches!(lab.ask(id(1), share), FromNode::Deferred(_)));
}
