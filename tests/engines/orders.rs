//! Orders that stop something and orders that lift a stop, at a node.

use quorate_model::{Digest, ParticipantSet, Scheme, Timestamp};
use quorate_protocol::wire::{FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_signer::{Record, StartError};
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{OrderAction, Scope, SignedOrder};

use crate::{FIRST, SIZES, id, lab, refused, set, subsets};

const DELAY_MS: u64 = 5_000;

fn order(lab: &Lab, name: &str, action: OrderAction, by: &[&str]) -> SignedOrder {
    lab.fixture.order_to(name, action, by, lab.now)
}

pub(crate) fn freeze(lab: &Lab) -> SignedOrder {
    order(lab, "freeze-1", OrderAction::Freeze(Scope::Cluster), &["alice"])
}

fn unfreeze(lab: &Lab, name: &str, freeze: Digest) -> SignedOrder {
    order(lab, name, OrderAction::Unfreeze(freeze), &["alice", "bob"])
}

fn accept(lab: &mut Lab, node: u16, order: &SignedOrder) {
    let answer = lab.ask(id(node), ToNode::carry_out(order.clone()));
    let FromNode::Accepted(word) = answer else { panic!("{answer:?}") };
    let word = word.verify(&lab.fixture.root).unwrap();
    assert_eq!((word.from(), word.body().order), (id(node), order.digest()));
}

fn reserve(lab: &mut Lab, number: u64) -> FromNode {
    let request = lab.payment(number, true);
    lab.reserve(id(1), &request, FIRST, &set([1, 2]))
}

#[test]
fn a_freeze_stops_its_scope_before_nonces_are_made() {
    let key = OrderAction::Freeze(Scope::Key(Lab::key()));
    let service = OrderAction::Freeze(Scope::Service("payments".parse().unwrap()));
    let other = OrderAction::Freeze(Scope::Key("other".parse().unwrap()));
    for (action, stops) in
        [(OrderAction::Freeze(Scope::Cluster), true), (key, true), (service, true), (other, false)]
    {
        let mut lab = lab();
        let order = order(&lab, "freeze-1", action.clone(), &["carol"]);
        accept(&mut lab, 1, &order);
        let answer = reserve(&mut lab, 1);
        if stops {
            assert_eq!(refused(answer), RefusalCode::Frozen, "{action:?}");
        } else {
            assert!(matches!(answer, FromNode::Reserved(_)), "{action:?}");
        }
    }
}

#[test]
fn a_stop_between_the_phases_stops_the_shares_and_burns_the_nonces() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    let subject = Subject::Request(request.clone());
    let answers = lab.reserve_all(&subject, FIRST, &set([1, 2]));
    let suspend = order(&lab, "suspend-1", OrderAction::Suspend(Lab::key()), &["alice", "bob"]);
    accept(&mut lab, 1, &suspend);
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    assert_eq!(refused(lab.ask(id(1), share.clone())), RefusalCode::Frozen);
    // Also once it has ended.
    let resume = OrderAction::Resume(suspend.digest());
    let resume = order(&lab, "resume-1", resume, &["alice", "bob"]);
    accept(&mut lab, 1, &resume);
    assert_eq!(refused(lab.ask(id(1), share)), RefusalCode::NotFound);
}

#[test]
fn a_freeze_stops_confirmations_and_key_generation() {
    let mut lab = lab();
    let freeze = freeze(&lab);
    accept(&mut lab, 1, &freeze);
    let subject = Subject::Confirmation { sharing: Lab::sharing() };
    let reserve = ToNode::Reserve {
        subject,
        words: Words::default(),
        attempt: FIRST,
        signing_set: set([1, 2]),
    };
    assert_eq!(refused(lab.ask(id(1), reserve)), RefusalCode::Frozen);
    let key = "another".parse().unwrap();
    let order = lab.fixture.order(&key, Scheme::FrostEd25519, 2, lab.now);
    let begin = ToNode::GenerateKey { order, attempt: FIRST, never_voted: vec![] };
    assert_eq!(refused(lab.ask(id(1), begin)), RefusalCode::Frozen);
}

#[test]
fn a_freeze_in_the_middle_of_a_key_generation_ends_it() {
    use quorate_protocol::wire::CeremonyKey;
    let mut lab = Lab::new(1, 3, 2, Scheme::FrostEd25519);
    let begin = ToNode::GenerateKey { order: lab.order(), attempt: FIRST, never_voted: vec![] };
    let announcements = lab.ask_all(&begin, |answer| match answer {
        FromNode::Announcement(message) => message,
        other => panic!("{other:?}"),
    });
    let freeze = freeze(&lab);
    accept(&mut lab, 1, &freeze);
    let ceremony = CeremonyKey { key: Lab::key(), attempt: FIRST };
    let next = ToNode::Announcements(ceremony, announcements);
    assert_eq!(refused(lab.ask(id(1), next)), RefusalCode::Frozen);
}

#[test]
fn a_freeze_survives_a_restart_and_holds_on_for_the_delay() {
    let mut lab = lab();
    let freeze = freeze(&lab);
    accept(&mut lab, 1, &freeze);
    lab.restart(id(1)).unwrap();
    assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::Frozen);
    let lift = unfreeze(&lab, "lift-1", freeze.digest());
    accept(&mut lab, 1, &lift);
    lab.now = lab.now.plus_millis(DELAY_MS - 1);
    lab.restart(id(1)).unwrap();
    assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::Frozen);
    lab.now = lab.now.plus_millis(1);
    assert!(matches!(reserve(&mut lab, 1), FromNode::Reserved(_)));
}

#[test]
fn an_order_is_carried_out_once_for_ever() {
    let mut lab = lab();
    let freeze = freeze(&lab);
    accept(&mut lab, 1, &freeze);
    let lift = unfreeze(&lab, "lift-1", freeze.digest());
    accept(&mut lab, 1, &lift);
    lab.now = lab.now.plus_millis(DELAY_MS);
    lab.restart(id(1)).unwrap();
    // A coordinator replays what it once carried.
    accept(&mut lab, 1, &freeze);
    assert!(matches!(reserve(&mut lab, 1), FromNode::Reserved(_)));
    let again = order(&lab, "freeze-2", OrderAction::Freeze(Scope::Cluster), &["bob"]);
    accept(&mut lab, 1, &again);
    accept(&mut lab, 1, &lift);
    lab.now = lab.now.plus_millis(DELAY_MS);
    assert_eq!(
        refused(reserve(&mut lab, 2)),
        RefusalCode::Frozen,
        "the old lift lifts nothing new"
    );
}

#[test]
fn one_person_stops_and_only_a_quorum_starts() {
    let mut lab = lab();
    let freeze = freeze(&lab);
    accept(&mut lab, 1, &freeze);
    let refuse = |lab: &mut Lab, action: OrderAction, by: &[&str]| {
        let order = order(lab, "order-9", action, by);
        assert_eq!(refused(lab.ask(id(1), ToNode::carry_out(order))), RefusalCode::Invalid);
    };
    refuse(&mut lab, OrderAction::Unfreeze(freeze.digest()), &["alice"]);
    refuse(&mut lab, OrderAction::Unfreeze(freeze.digest()), &["alice", "alice"]);
    refuse(&mut lab, OrderAction::Suspend(Lab::key()), &["alice"]);
    refuse(&mut lab, OrderAction::Resume(freeze.digest()), &["alice"]);
    refuse(&mut lab, OrderAction::Freeze(Scope::Cluster), &[]);
    refuse(&mut lab, OrderAction::Resume(freeze.digest()), &["alice", "bob"]);
    assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::Frozen);
}

#[test]
fn a_suspended_key_signs_nothing_until_it_is_resumed() {
    let mut lab = lab();
    let suspend = order(&lab, "suspend-1", OrderAction::Suspend(Lab::key()), &["alice", "bob"]);
    accept(&mut lab, 1, &suspend);
    assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::Frozen);
    let resume = order(&lab, "resume-1", OrderAction::Resume(suspend.digest()), &["bob", "carol"]);
    accept(&mut lab, 1, &resume);
    assert!(matches!(reserve(&mut lab, 1), FromNode::Reserved(_)));
}

#[test]
fn what_lifts_depends_on_time_and_what_stops_does_not() {
    let mut lab = lab();
    let freeze = freeze(&lab);
    let lift = unfreeze(&lab, "lift-1", freeze.digest());
    let now = lab.now;
    lab.now = Timestamp::from_millis(now.millis() + 8 * 24 * 3_600_000);
    assert_eq!(refused(lab.ask(id(1), ToNode::carry_out(lift.clone()))), RefusalCode::Time);
    // Whatever its clock says, a node takes a freeze.
    accept(&mut lab, 1, &freeze);
    lab.now = Timestamp::from_millis(now.millis() - 26 * 3_600_000);
    accept(&mut lab, 2, &freeze);
    // A clock that was set back does not make an expired order valid again.
    lab.now = now;
    assert_eq!(refused(lab.ask(id(1), ToNode::carry_out(lift))), RefusalCode::Time);
}

#[test]
fn an_order_of_another_kind_is_refused_where_it_does_not_belong() {
    let mut lab = lab();
    let make = lab.order();
    assert_eq!(refused(lab.ask(id(1), ToNode::carry_out(make))), RefusalCode::Invalid);
    let freeze = freeze(&lab);
    let begin = ToNode::GenerateKey { order: freeze, attempt: FIRST, never_voted: vec![] };
    assert_eq!(refused(lab.ask(id(1), begin)), RefusalCode::Invalid);
}

#[test]
fn every_field_of_an_order_is_bound() {
    let mut lab = lab();
    let freeze = freeze(&lab);
    for index in 0..freeze.text.len() {
        let mut bytes = freeze.text.clone().into_bytes();
        bytes[index] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let changed = SignedOrder { text, ..freeze.clone() };
        assert_eq!(refused(lab.ask(id(1), ToNode::carry_out(changed))), RefusalCode::Invalid);
    }
    assert!(matches!(reserve(&mut lab, 1), FromNode::Reserved(_)));
}

#[test]
fn a_freeze_that_was_deleted_from_the_disk_stops_the_start() {
    let mut lab = lab();
    let freeze = freeze(&lab);
    accept(&mut lab, 1, &freeze);
    let forget = |records: &mut Vec<Record>| {
        records.retain(|record| !matches!(record, Record::Order(_)));
    };
    let started = lab.restart_with(id(1), ClusterFixture::bundle(), forget);
    assert_eq!(started, Err(StartError::State));
}

/// Whatever a coordinator withholds: once so many nodes hold a freeze that fewer than the threshold
/// are left, no signing set completes. With one node fewer, one does.
#[test]
fn a_freeze_at_n_minus_t_plus_one_nodes_stops_every_signing_set() {
    for (nodes, threshold) in SIZES {
        let mut lab = Lab::with_key(7, nodes, threshold, Scheme::FrostEd25519);
        let mut number = 0;
        for missing in [0, 1] {
            for frozen in subsets(nodes, nodes - threshold + 1 - missing) {
                let name = format!("freeze-{number}");
                let freeze = order(&lab, &name, OrderAction::Freeze(Scope::Cluster), &["alice"]);
                frozen.iter().for_each(|node| accept(&mut lab, *node, &freeze));
                let mut signed = false;
                for signers in subsets(nodes, threshold) {
                    number += 1;
                    let request = lab.payment(number, true);
                    let set = ParticipantSet::new(signers.iter().map(|n| id(*n))).unwrap();
                    let reserves = |n: &u16| {
                        let answer = lab.reserve(id(*n), &request, FIRST, &set);
                        let reserved = matches!(answer, FromNode::Reserved(_));
                        assert!(reserved || refused(answer) == RefusalCode::Frozen);
                        assert!(!reserved || !frozen.contains(n), "{n} is frozen");
                        reserved
                    };
                    let reserved: Vec<_> = signers.iter().map(reserves).collect();
                    signed |= reserved.into_iter().all(|reserved| reserved);
                }
                assert_eq!(signed, missing == 1, "{frozen:?} of {nodes} hold it");
                let lift = unfreeze(&lab, &format!("lift-{number}"), freeze.digest());
                frozen.iter().for_each(|node| accept(&mut lab, *node, &lift));
                lab.now = lab.now.plus_millis(DELAY_MS);
            }
        }
    }
}

#[test]
fn nobody_can_use_up_the_freezes_of_others() {
    let mut lab = lab();
    let scope = |number: u32| Scope::Key(format!("none-{number}").parse().unwrap());
    for number in 0..64 {
        let name = format!("order-{number}");
        let freeze = order(&lab, &name, OrderAction::Freeze(scope(number)), &["alice"]);
        accept(&mut lab, 1, &freeze);
    }
    let more = order(&lab, "more", OrderAction::Freeze(Scope::Cluster), &["alice"]);
    assert_eq!(refused(lab.ask(id(1), ToNode::carry_out(more))), RefusalCode::Busy);
    let theirs = order(&lab, "theirs", OrderAction::Freeze(Scope::Cluster), &["bob"]);
    accept(&mut lab, 1, &theirs);
    assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::Frozen);
    lab.restart(id(1)).unwrap();
}

#[test]
fn a_lift_of_the_wrong_kind_that_came_first_lifts_nothing_and_stops_no_start() {
    // The records are read by digest: in one of these, the freeze comes before its false lift.
    for number in 0..8 {
        let mut lab = lab();
        let freeze = order(
            &lab,
            &format!("freeze-{number}"),
            OrderAction::Freeze(Scope::Cluster),
            &["alice"],
        );
        let resume = OrderAction::Resume(freeze.digest());
        let resume = order(&lab, "resume", resume, &["alice", "bob"]);
        accept(&mut lab, 1, &resume);
        accept(&mut lab, 1, &freeze);
        lab.restart(id(1)).unwrap();
        assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::Frozen);
    }
}
