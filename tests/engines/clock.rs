//! A node that doubts its clock: nothing that time alone brings about can be had by setting the clock,
//! neither while the node runs nor by starting its machine again.

mod confirmation;

use quorate_model::{Attempt, Timestamp};
use quorate_policy::Bundle;
use quorate_protocol::wire::{CeremonyKey, FromNode, Refusal, RefusalCode, Subject, ToNode};
use quorate_signer::Record;
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{OrderAction, Scope, SignedOrder, SignedRequest};

use crate::{FIRST, id, lab, refused, set};

const HOUR_MS: u64 = 3_600_000;
/// More than any delay, window or lifetime here.
const OFF_MS: i64 = 26 * 3_600_000;

/// How a clock gets wrong.
#[derive(Debug, Clone, Copy)]
enum How {
    /// While the node runs.
    Set,
    /// While its machine is off.
    Reboot,
    /// While the node is off and its machine is not.
    Restart,
}

const EVERY_WAY: [How; 3] = [How::Set, How::Reboot, How::Restart];

fn wrong(lab: &mut Lab, how: How, by_ms: i64, bundle: fn() -> Bundle) {
    lab.wrong_ms.insert(id(1), by_ms);
    match how {
        How::Set => {}
        How::Reboot => lab.reboot(id(1), bundle()).unwrap(),
        How::Restart => lab.restart_with(id(1), bundle(), |_| {}).unwrap(),
    }
}

/// The clock is right again, and whoever has to agrees.
fn right(lab: &mut Lab) {
    lab.wrong_ms.clear();
    lab.confirm_start(id(1));
}

/// A lab with this policy.
fn lab_with(bundle: fn() -> Bundle) -> Lab {
    let mut lab = lab();
    for node in lab.ids() {
        lab.restart_with(node, bundle(), |_| {}).unwrap();
    }
    lab
}

/// A payment that a node would sign by its own clock, whatever that shows.
fn payment(lab: &mut Lab, number: u64, by_ms: i64) -> SignedRequest {
    let now = lab.now;
    lab.now = Timestamp::from_millis(now.millis().saturating_add_signed(by_ms));
    let request = lab.payment(number, true);
    lab.now = now;
    request
}

fn reserve(lab: &mut Lab, request: &SignedRequest, attempt: u32) -> FromNode {
    lab.reserve(id(1), request, Attempt(attempt), &set([1, 2]))
}

fn doubted(answer: FromNode) -> String {
    let FromNode::Refused(Refusal { code, reason }) = answer else { panic!("{answer:?}") };
    assert_eq!(code, RefusalCode::Time, "{reason}");
    assert!(reason.contains("this node's clock"), "{reason}");
    reason
}

fn order(lab: &Lab, name: &str, action: OrderAction) -> SignedOrder {
    lab.fixture.order_to(name, action, &["alice", "bob"], lab.now)
}

fn accept(lab: &mut Lab, order: &SignedOrder) {
    let answer = lab.ask(id(1), ToNode::carry_out(order.clone()));
    assert!(matches!(answer, FromNode::Accepted(_)), "{answer:?}");
}

fn pay(lab: &mut Lab, number: u64) {
    let request = lab.payment(number, true);
    let answers = lab.reserve_all(&Subject::Request(request.clone()), FIRST, &set([1, 2]));
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    assert!(matches!(lab.ask(id(1), share), FromNode::Shares(_)));
}

#[test]
fn a_window_cannot_be_skipped_by_a_wrong_clock() {
    for how in EVERY_WAY {
        for by_ms in [OFF_MS, -OFF_MS] {
            let mut lab = lab_with(ClusterFixture::windowed_bundle);
            pay(&mut lab, 1);
            pay(&mut lab, 2);
            wrong(&mut lab, how, by_ms, ClusterFixture::windowed_bundle);
            let request = payment(&mut lab, 3, by_ms);
            doubted(reserve(&mut lab, &request, 1));
            lab.tick(id(1));
            right(&mut lab);
            let request = lab.payment(4, true);
            let answer = reserve(&mut lab, &request, 1);
            assert!(matches!(answer, FromNode::Deferred(_)), "{how:?} {by_ms}: {answer:?}");
            lab.now = lab.now.plus_millis(HOUR_MS + 1);
            let request = lab.payment(5, true);
            assert!(matches!(reserve(&mut lab, &request, 1), FromNode::Reserved(_)));
        }
    }
}

#[test]
fn what_is_released_is_not_charged_at_a_wrong_time() {
    // Charged yesterday, it would be out of the window today. The node has been idle for so long that
    // its own records do not tell.
    for how in EVERY_WAY {
        let mut lab = lab_with(ClusterFixture::windowed_bundle);
        lab.now = lab.now.plus_millis(72 * HOUR_MS);
        wrong(&mut lab, how, -OFF_MS, ClusterFixture::windowed_bundle);
        let request = payment(&mut lab, 1, -OFF_MS);
        doubted(reserve(&mut lab, &request, 1));
    }
}

#[test]
fn the_delay_of_a_lift_cannot_be_skipped_by_a_clock_that_is_ahead() {
    for how in EVERY_WAY {
        let mut lab = lab();
        let freeze = order(&lab, "freeze-1", OrderAction::Freeze(Scope::Cluster));
        accept(&mut lab, &freeze);
        let lift = order(&lab, "lift-1", OrderAction::Unfreeze(freeze.digest()));
        accept(&mut lab, &lift);
        wrong(&mut lab, how, OFF_MS, ClusterFixture::bundle);
        let request = payment(&mut lab, 1, OFF_MS);
        doubted(reserve(&mut lab, &request, 1));
        doubted(lab.ask(id(1), ToNode::Simulate { request, verdicts: Vec::new() }));
        right(&mut lab);
        let request = lab.payment(2, true);
        assert_eq!(refused(reserve(&mut lab, &request, 1)), RefusalCode::Frozen, "{how:?}");
        lab.now = lab.now.plus_millis(5_000);
        assert!(matches!(reserve(&mut lab, &request, 1), FromNode::Reserved(_)), "{how:?}");
    }
}

#[test]
fn the_delay_of_a_lift_does_not_begin_while_the_clock_is_behind() {
    for how in EVERY_WAY {
        let mut lab = lab();
        let freeze = order(&lab, "freeze-1", OrderAction::Freeze(Scope::Cluster));
        accept(&mut lab, &freeze);
        let lift = order(&lab, "lift-1", OrderAction::Unfreeze(freeze.digest()));
        lab.now = lab.now.plus_millis(72 * HOUR_MS);
        let later = order(&lab, "lift-2", OrderAction::Unfreeze(freeze.digest()));
        // Its own records are older than what the clock shows; only others can tell.
        wrong(&mut lab, how, -OFF_MS, ClusterFixture::bundle);
        for lift in [&lift, &later] {
            doubted(lab.ask(id(1), ToNode::carry_out(lift.clone())));
        }
        right(&mut lab);
        accept(&mut lab, &later);
        let request = lab.payment(2, true);
        assert_eq!(refused(reserve(&mut lab, &request, 1)), RefusalCode::Frozen, "{how:?}");
    }
}

#[test]
fn an_expired_request_does_not_come_back_and_none_is_forgotten_too_soon() {
    for how in EVERY_WAY {
        let mut lab = lab();
        let request = lab.payment(1, true);
        assert!(matches!(reserve(&mut lab, &request, 1), FromNode::Reserved(_)));
        let before = lab.records(id(1)).len();
        wrong(&mut lab, how, OFF_MS, ClusterFixture::bundle);
        lab.tick(id(1));
        lab.tick(id(1));
        let kept = |record: &Record| matches!(record, Record::Request(_));
        assert!(lab.records(id(1)).iter().any(kept), "{how:?}");
        assert!(lab.records(id(1)).len() >= before);
        // Nor is the node busy with wanting to.
        assert_eq!(lab.wake_at(id(1)), None, "{how:?}");
        right(&mut lab);
        assert!(matches!(reserve(&mut lab, &request, 2), FromNode::Reserved(_)), "{how:?}");
        assert!(lab.wake_at(id(1)).is_some());
        // Behind: the request expired long ago.
        lab.now = lab.now.plus_millis(26 * HOUR_MS);
        wrong(&mut lab, how, -OFF_MS, ClusterFixture::bundle);
        doubted(reserve(&mut lab, &request, 3));
        right(&mut lab);
        assert_eq!(refused(reserve(&mut lab, &request, 3)), RefusalCode::Time);
    }
}

#[test]
fn hours_cannot_be_skipped_by_a_wrong_clock() {
    // The lab begins on a Friday at eight.
    for how in EVERY_WAY {
        // Thursday at six looks like Friday at eight, and Saturday at ten as well.
        for (true_hours, by_ms) in [(6 * 24 - 2, OFF_MS), (26, -OFF_MS)] {
            let mut lab = lab_with(ClusterFixture::calendar_bundle);
            let request = lab.payment(1, true);
            assert!(matches!(reserve(&mut lab, &request, 1), FromNode::Reserved(_)));
            lab.now = lab.now.plus_millis(true_hours * HOUR_MS);
            let request = lab.payment(2, true);
            assert!(matches!(reserve(&mut lab, &request, 1), FromNode::Deferred(_)));
            wrong(&mut lab, how, by_ms, ClusterFixture::calendar_bundle);
            let request = payment(&mut lab, 3, by_ms);
            doubted(reserve(&mut lab, &request, 1));
            right(&mut lab);
            let request = lab.payment(4, true);
            let answer = reserve(&mut lab, &request, 1);
            assert!(matches!(answer, FromNode::Deferred(_)), "{how:?} {by_ms}: {answer:?}");
        }
    }
}

#[test]
fn a_clock_that_is_set_ends_what_was_begun_by_it() {
    for by_ms in [OFF_MS, -OFF_MS] {
        let mut lab = lab();
        let request = lab.payment(1, true);
        let answers = lab.reserve_all(&Subject::Request(request.clone()), FIRST, &set([1, 2]));
        let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
        let key = "another".parse().unwrap();
        let make = lab.fixture.order(&key, quorate_model::Scheme::FrostEd25519, 2, lab.now);
        let begin = ToNode::GenerateKey { order: make, attempt: FIRST, never_voted: vec![] };
        let announcements = lab.ask_all(&begin, |answer| match answer {
            FromNode::Announcement(message) => message,
            other => panic!("{other:?}"),
        });
        lab.wrong_ms.insert(id(1), by_ms);
        doubted(lab.ask(id(1), share.clone()));
        doubted(lab.ask(id(1), begin));
        // Set right again, it is believed at once: it keeps pace with what was confirmed.
        lab.wrong_ms.clear();
        assert_eq!(lab.challenge(id(1)), None);
        assert_eq!(refused(lab.ask(id(1), share)), RefusalCode::NotFound);
        let ceremony = CeremonyKey { key, attempt: FIRST };
        let next = ToNode::Announcements(ceremony, announcements);
        assert_eq!(refused(lab.ask(id(1), next)), RefusalCode::NotFound);
    }
}

#[test]
fn small_steps_are_no_jump_until_they_add_up() {
    let mut lab = lab();
    for (number, by_ms) in [(1, 4_000), (2, 8_000), (3, 10_000)] {
        lab.wrong_ms.insert(id(1), by_ms);
        let request = lab.payment(number, true);
        assert!(matches!(reserve(&mut lab, &request, 1), FromNode::Reserved(_)), "{by_ms}");
    }
    lab.wrong_ms.insert(id(1), 10_001);
    let request = lab.payment(4, true);
    let reason = doubted(reserve(&mut lab, &request, 1));
    assert!(reason.contains("was set 10001 ms ahead"), "{reason}");
}

#[test]
fn what_a_node_writes_in_doubt_does_not_make_the_right_time_seem_late() {
    for how in EVERY_WAY {
        let mut lab = lab();
        wrong(&mut lab, how, OFF_MS, ClusterFixture::bundle);
        // Whatever the clock shows, a freeze holds: at once, and over the next start.
        let freeze = order(&lab, "freeze-1", OrderAction::Freeze(Scope::Cluster));
        accept(&mut lab, &freeze);
        let (entries, _) = lab.read_audit(id(1));
        let taken = entries.iter().find(|e| e.event.kind.as_str() == "order-accepted").unwrap();
        assert_eq!(taken.event.values("clock").collect::<Vec<_>>(), ["in doubt"]);
        right(&mut lab);
        let request = lab.payment(1, true);
        assert_eq!(refused(reserve(&mut lab, &request, 1)), RefusalCode::Frozen, "{how:?}");
        lab.restart(id(1)).unwrap();
        assert_eq!(refused(reserve(&mut lab, &request, 1)), RefusalCode::Frozen, "{how:?}");
    }
}

#[test]
fn records_from_the_future_say_when_the_node_works_again() {
    // All clocks were wrong at once, so nobody could tell.
    let mut lab = lab();
    for node in lab.ids() {
        lab.wrong_ms.insert(node, OFF_MS);
        lab.reboot(node, ClusterFixture::bundle()).unwrap();
    }
    lab.confirm_start(id(1));
    let then = lab.now.plus_millis(26 * HOUR_MS);
    lab.wrong_ms.clear();
    lab.confirm_start(id(1));
    let request = lab.payment(1, true);
    let reason = doubted(reserve(&mut lab, &request, 1));
    assert!(reason.contains(&format!("works again at {then}")), "{reason}");
    let FromNode::Status(status) = lab.ask(id(1), ToNode::Status) else { panic!("no status") };
    assert!(!status.ready && status.reasons.contains(&reason));
    lab.now = then;
    let request = lab.payment(2, true);
    assert!(matches!(reserve(&mut lab, &request, 1), FromNode::Reserved(_)));
}

#[test]
fn a_jump_is_in_the_audit_log_once_and_so_is_what_ended_the_doubt() {
    let mut lab = lab();
    lab.wrong_ms.insert(id(1), -OFF_MS);
    for _ in 0..5 {
        lab.tick(id(1));
    }
    // A jump that came while the node was off is one too.
    lab.restart(id(1)).unwrap();
    lab.tick(id(1));
    let answer = lab.ask(id(1), ToNode::Status);
    let FromNode::Status(status) = answer else { panic!("{answer:?}") };
    assert!(!status.ready && status.reasons[0].contains("clock"), "{status:?}");
    // Somebody set it almost right, as the others say.
    lab.wrong_ms.insert(id(1), 500);
    lab.reboot(id(1), ClusterFixture::bundle()).unwrap();
    lab.confirm_start(id(1));
    let (entries, _) = lab.read_audit(id(1));
    let of = |kind: &str| {
        let found = entries.iter().filter(|entry| entry.event.kind.as_str() == kind);
        found.map(|entry| entry.event.facts.clone()).collect::<Vec<_>>()
    };
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let jump = [fact("ahead_ms", &format!("-{}", 26 * HOUR_MS)), fact("clock", "in doubt")];
    assert_eq!(of("clock-doubted"), [jump.clone(), jump]);
    assert_eq!(of("clock-confirmed").last().unwrap(), &[fact("by", "2,3")]);
}
