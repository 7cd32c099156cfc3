//! A node that has just started: it signs nothing until others have nothing to show that it forgot.

use quorate_model::{Attempt, Digest};
use quorate_protocol::sign::AnsweredHeads;
use quorate_protocol::wire::{FromNode, RefusalCode, Testimony, ToNode};
use quorate_signer::Record;
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{OrderAction, Readmission, Signed, SignedOrder};

use crate::{FIRST, id, lab, refused, set};

/// Nodes 1 and 2 pay: each sees what the other's log is.
fn pay(lab: &mut Lab, number: u64) {
    assert!(matches!(try_to_pay(lab, number), FromNode::Shares(_)));
}

/// What node 1 says to the last question, or node 2 to the first.
fn try_to_pay(lab: &mut Lab, number: u64) -> FromNode {
    let request = lab.payment(number, true);
    let mut answers = Vec::new();
    for node in [2, 1] {
        match lab.reserve(id(node), &request, FIRST, &set([1, 2])) {
            FromNode::Reserved(answer) => answers.insert(0, answer),
            other => return other,
        }
    }
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    lab.ask(id(2), share.clone());
    lab.ask(id(1), share)
}

/// Node 2 goes on from what its disk was before, and nobody has said anything.
fn put_back(lab: &mut Lab, records: &[Record]) {
    lab.put_back(id(2), records).unwrap();
}

/// Node 2 pays, and is put back to before. Gives what it had then.
fn forget_a_payment(lab: &mut Lab) -> Vec<Record> {
    let before = lab.records(id(2));
    pay(lab, 2);
    put_back(lab, &before);
    before
}

fn doubts(lab: &mut Lab) -> Option<String> {
    let FromNode::Status(status) = lab.ask(id(2), ToNode::Status) else { panic!("no status") };
    assert_eq!(status.ready, status.challenge.is_none());
    status.challenge.map(|_| status.reasons.join("\n"))
}

fn hear(lab: &mut Lab, testimony: Signed<Testimony>) -> FromNode {
    lab.ask(id(2), ToNode::HearTestimony(testimony))
}

/// What a node testifies to node 2 now.
fn testimony(lab: &mut Lab, from: u16) -> Signed<Testimony> {
    let challenge = lab.challenge(id(2)).unwrap();
    lab.testify(id(from), id(2), challenge)
}

/// The order that readmits node 2 on the log that it has now.
fn readmission(lab: &mut Lab, name: &str, life: u64) -> SignedOrder {
    let FromNode::Status(status) = lab.ask(id(2), ToNode::Status) else { panic!("no status") };
    let (length, head) = (status.heads.audit_length, status.heads.audit);
    let readmission = Readmission { node: id(2), life, length, head };
    lab.fixture.order_to(name, OrderAction::ReadmitNode(readmission), &["alice", "bob"], lab.now)
}

fn carry_out(lab: &mut Lab, node: u16, order: &SignedOrder) -> Result<(), RefusalCode> {
    match lab.ask(id(node), ToNode::carry_out(order.clone())) {
        FromNode::Accepted(_) => Ok(()),
        other => Err(refused(other)),
    }
}

#[test]
fn a_node_signs_nothing_until_enough_others_have_nothing_to_show() {
    let mut lab = lab();
    pay(&mut lab, 1);
    lab.restart_alone(id(2), ClusterFixture::bundle(), |_| {}).unwrap();
    assert_eq!(refused(try_to_pay(&mut lab, 2)), RefusalCode::LogInDoubt);
    let make = lab.fixture.order(
        &"another".parse().unwrap(),
        quorate_model::Scheme::FrostEd25519,
        2,
        lab.now,
    );
    let make = ToNode::GenerateKey { order: make, attempt: FIRST, never_voted: vec![] };
    assert_eq!(refused(lab.ask(id(2), make)), RefusalCode::LogInDoubt);
    // One other may lie, and says nothing more by saying it twice.
    for _ in 0..2 {
        let testimony = testimony(&mut lab, 1);
        hear(&mut lab, testimony);
        assert!(doubts(&mut lab).unwrap().contains("1 of 2 other nodes"));
    }
    let testimony = testimony(&mut lab, 3);
    hear(&mut lab, testimony);
    assert_eq!(doubts(&mut lab), None);
    pay(&mut lab, 3);
    let (entries, _) = lab.read_audit(id(2));
    let mut confirmed = entries.iter().filter(|entry| entry.event.kind.as_str() == "log-confirmed");
    assert_eq!(confirmed.next_back().unwrap().event.values("by").next(), Some("1,3"));
}

#[test]
fn a_node_that_was_put_back_finds_out_and_signs_nothing() {
    let mut lab = lab();
    pay(&mut lab, 1);
    forget_a_payment(&mut lab);
    // However often it starts meanwhile: its log is longer in the end, and is not the one it had.
    for _ in 0..20 {
        lab.restart_alone(id(2), ClusterFixture::bundle(), |_| {}).unwrap();
    }
    // Node 3 never signed with it, and has nothing to show.
    let unaware = testimony(&mut lab, 3);
    hear(&mut lab, unaware);
    let shown = testimony(&mut lab, 1);
    hear(&mut lab, shown);
    let reason = doubts(&mut lab).unwrap();
    assert!(reason.contains("node 1 shows that its audit log had"), "{reason}");
    assert!(reason.contains("quorate order propose readmit 2"), "{reason}");
    assert_eq!(refused(try_to_pay(&mut lab, 3)), RefusalCode::LogInDoubt);
    // Nothing but an order ends that: neither others nor a restart.
    lab.confirm_start(id(2));
    assert!(doubts(&mut lab).is_some());
    lab.restart(id(2)).unwrap();
    assert_eq!(refused(try_to_pay(&mut lab, 4)), RefusalCode::LogInDoubt);
    let (entries, _) = lab.read_audit(id(2));
    let found = entries.iter().filter(|entry| entry.event.kind.as_str() == "log-put-back");
    assert_eq!(found.count(), 2, "once each time it was found out");
}

#[test]
fn nobody_makes_a_node_doubt_itself_with_what_it_did_not_sign() {
    let mut lab = lab();
    pay(&mut lab, 1);
    lab.restart_alone(id(2), ClusterFixture::bundle(), |_| {}).unwrap();
    let key = lab.fixture.node_config(id(1), ClusterFixture::bundle()).identity.key;
    let honest = testimony(&mut lab, 1);
    let shown = honest.body.seen.clone().unwrap();
    let lies: [fn(&mut Signed<AnsweredHeads>); 6] = [
        |seen| seen.body.heads.audit_length += 100,
        |seen| seen.body.heads.audit = Digest::new([7; 32]),
        |seen| seen.body.heads.life += 1,
        |seen| seen.body.rest = Digest::new([7; 32]),
        |seen| seen.from = id(1),
        |seen| seen.from = id(9),
    ];
    for lie in lies {
        let mut seen = shown.clone();
        lie(&mut seen);
        let body = Testimony { seen: Some(seen), ..honest.body.clone() };
        let said = hear(&mut lab, Signed::sign(id(1), body, &key));
        assert!(matches!(refused(said), RefusalCode::Aborted | RefusalCode::Invalid));
        assert!(doubts(&mut lab).unwrap().contains("0 of 2 other nodes"), "nor does it count");
    }
    // Another node's word is that node's.
    let theirs = Signed::sign(id(1), shown.body.clone(), &key);
    let body = Testimony { seen: Some(theirs), ..honest.body.clone() };
    assert_eq!(refused(hear(&mut lab, Signed::sign(id(1), body, &key))), RefusalCode::Invalid);
    // A testimony is bound as a whole.
    let mut without = honest.clone();
    without.body.seen = None;
    assert_eq!(refused(hear(&mut lab, without)), RefusalCode::Aborted);
    hear(&mut lab, honest);
    assert!(doubts(&mut lab).unwrap().contains("1 of 2 other nodes"));
}

#[test]
fn an_order_readmits_a_node_and_serves_once() {
    let mut lab = lab();
    pay(&mut lab, 1);
    let before = forget_a_payment(&mut lab);
    lab.confirm_start(id(2));
    let order = readmission(&mut lab, "readmit-1", 2);
    // Others take it whenever it comes; the node itself takes it for the log that it has.
    carry_out(&mut lab, 1, &order).unwrap();
    carry_out(&mut lab, 3, &order).unwrap();
    assert_eq!(refused(try_to_pay(&mut lab, 3)), RefusalCode::LogInDoubt);
    carry_out(&mut lab, 2, &order).unwrap();
    assert!(doubts(&mut lab).unwrap().contains("0 of 2 other nodes"), "it compares again");
    lab.confirm_start(id(2));
    pay(&mut lab, 4);
    // Over a restart, and what it says now is held against it again.
    lab.restart(id(2)).unwrap();
    pay(&mut lab, 5);
    put_back(&mut lab, &before);
    lab.confirm_start(id(2));
    assert!(doubts(&mut lab).unwrap().contains("in its life 2"));
    assert_eq!(carry_out(&mut lab, 2, &order), Err(RefusalCode::Invalid), "that was another log");
    // It lost that order with its disk, and takes the next without it.
    let next = readmission(&mut lab, "readmit-3", 3);
    for node in [1, 2, 3] {
        carry_out(&mut lab, node, &next).unwrap();
    }
    lab.confirm_start(id(2));
    pay(&mut lab, 6);
}

#[test]
fn who_misses_a_readmission_does_not_sign_with_the_node() {
    let mut lab = lab();
    pay(&mut lab, 1);
    forget_a_payment(&mut lab);
    lab.confirm_start(id(2));
    let order = readmission(&mut lab, "readmit-1", 2);
    carry_out(&mut lab, 2, &order).unwrap();
    lab.confirm_start(id(2));
    assert_eq!(refused(try_to_pay(&mut lab, 3)), RefusalCode::HeadsDiffer);
    carry_out(&mut lab, 1, &order).unwrap();
    pay(&mut lab, 4);
    assert_eq!(carry_out(&mut lab, 1, &order), Ok(()), "the same order again");
    let again = readmission(&mut lab, "again", 2);
    assert_eq!(carry_out(&mut lab, 1, &again), Err(RefusalCode::Invalid), "its life 2 began");
}

#[test]
fn an_order_readmits_the_log_that_it_names_and_no_whole_one() {
    let mut lab = lab();
    pay(&mut lab, 1);
    // What others have to show may come late, but not for ever.
    lab.now = lab.now.plus_millis(300_001);
    lab.tick(id(2));
    let whole = readmission(&mut lab, "too-early", 2);
    assert_eq!(carry_out(&mut lab, 2, &whole), Err(RefusalCode::Busy), "nothing is wrong with it");
    forget_a_payment(&mut lab);
    lab.confirm_start(id(2));
    let good = readmission(&mut lab, "good", 2);
    let OrderAction::ReadmitNode(named) = quorate_trust::Order::parse(&good.text).unwrap().action
    else {
        panic!("another order")
    };
    // Every state that the disk could be put back to has this beginning.
    let (entries, _) = lab.read_audit(id(2));
    for (name, length, head) in [
        ("earlier", 3, entries[3].previous),
        ("longer", named.length + 1, named.head),
        ("shorter", named.length - 1, named.head),
        ("other", named.length, Digest::new([7; 32])),
    ] {
        let action = OrderAction::ReadmitNode(Readmission { length, head, ..named.clone() });
        let order = lab.fixture.order_to(name, action, &["alice", "bob"], lab.now);
        assert_eq!(carry_out(&mut lab, 2, &order), Err(RefusalCode::Invalid), "{name}");
    }
    carry_out(&mut lab, 2, &good).unwrap();
}

#[test]
fn what_is_testified_to_one_node_serves_no_other() {
    let mut lab = lab();
    pay(&mut lab, 1);
    lab.restart_alone(id(2), ClusterFixture::bundle(), |_| {}).unwrap();
    let challenge = lab.challenge(id(2)).unwrap();
    // Of anybody else it has nothing to show.
    for asker in [1, 3, 9] {
        let testimony = lab.testify(id(1), id(asker), challenge);
        assert_eq!(refused(hear(&mut lab, testimony.clone())), RefusalCode::Invalid);
        let mut changed = testimony;
        changed.body.asker = id(2);
        assert_eq!(refused(hear(&mut lab, changed)), RefusalCode::Aborted);
    }
    assert!(doubts(&mut lab).unwrap().contains("0 of 2 other nodes"));
}

#[test]
fn what_is_shown_late_counts_as_well() {
    let mut lab = lab();
    pay(&mut lab, 1);
    // One is enough here, and it is the one who has nothing to show.
    lab.start_peers = Some(1);
    forget_a_payment(&mut lab);
    let (unaware, shown) = (testimony(&mut lab, 3), testimony(&mut lab, 1));
    hear(&mut lab, unaware);
    assert_eq!(doubts(&mut lab), None);
    hear(&mut lab, shown);
    assert!(doubts(&mut lab).unwrap().contains("node 1 shows"));
    assert_eq!(refused(try_to_pay(&mut lab, 3)), RefusalCode::LogInDoubt);
}

#[test]
fn a_readmitted_node_catches_up_before_it_signs() {
    let mut lab = lab();
    pay(&mut lab, 1);
    let before = lab.records(id(2));
    pay(&mut lab, 2);
    let freeze = crate::orders::freeze(&lab);
    for node in [1, 2, 3] {
        carry_out(&mut lab, node, &freeze).unwrap();
    }
    put_back(&mut lab, &before);
    lab.confirm_start(id(2));
    let order = readmission(&mut lab, "readmit-1", 2);
    for node in [1, 2, 3] {
        carry_out(&mut lab, node, &order).unwrap();
    }
    lab.confirm_start(id(2));
    assert!(doubts(&mut lab).unwrap().contains("0 of 2 other nodes"), "it forgot the freeze");
    carry_out(&mut lab, 2, &freeze).unwrap();
    lab.confirm_start(id(2));
    assert_eq!(lab.challenge(id(2)), None);
    assert_eq!(refused(try_to_pay(&mut lab, 3)), RefusalCode::Frozen);
}

/// A lab in which node 2 did one of everything, and what its records were before.
fn lived() -> (Lab, Vec<Record>) {
    let mut lab = lab();
    pay(&mut lab, 1);
    let request = lab.payment(1_000, true);
    let reserve =
        |lab: &mut Lab, attempt| lab.reserve(id(2), &request, Attempt(attempt), &set([1, 2]));
    reserve(&mut lab, 1);
    let before = lab.records(id(2));
    reserve(&mut lab, 2);
    let freeze = crate::orders::freeze(&lab);
    let lift = OrderAction::Unfreeze(freeze.digest());
    let lift = lab.fixture.order_to("lift", lift, &["alice", "bob"], lab.now);
    for node in [1, 2] {
        carry_out(&mut lab, node, &freeze).unwrap();
        carry_out(&mut lab, node, &lift).unwrap();
    }
    lab.now = lab.now.plus_millis(60_000);
    lab.confirm_start(id(2));
    let denied = lab.payment(1_001, false);
    assert!(matches!(lab.reserve(id(2), &denied, FIRST, &set([1, 2])), FromNode::Denied(_)));
    pay(&mut lab, 2);
    (lab, before)
}

/// Starts node 2 on changed records: whether it notices, by itself or by what the others show.
fn notices(lab: &mut Lab, change: impl FnOnce(&mut Vec<Record>)) -> bool {
    let started = lab.restart_with(id(2), ClusterFixture::bundle(), change);
    started.is_err() || refused_as_in_doubt(try_to_pay(lab, 3))
}

fn refused_as_in_doubt(answer: FromNode) -> bool {
    match answer {
        FromNode::Refused(refusal) => {
            matches!(refusal.code, RefusalCode::LogInDoubt | RefusalCode::NotFound)
        }
        _ => false,
    }
}

/// Records that take nothing back: without them the node asks again, or is asked again.
fn takes_nothing_back(record: &Record) -> bool {
    matches!(record, Record::Clock(_) | Record::ConfirmationAttempt(_) | Record::Certificate(_))
}

#[test]
fn no_record_can_be_deleted() {
    let (lab, _) = lived();
    for index in 0..lab.records(id(2)).len() {
        let (mut lab, _) = lived();
        let mut deleted = None;
        let noticed = notices(&mut lab, |records| deleted = Some(records.remove(index)));
        let deleted = deleted.unwrap();
        assert_eq!(noticed, !takes_nothing_back(&deleted), "{deleted:?}");
    }
}

/// Whether the one is what the other was before.
fn was(before: &Record, now: &Record) -> bool {
    let same_place = match (before, now) {
        (Record::Request(before), Record::Request(now)) => before.request == now.request,
        (Record::Peer(before), Record::Peer(now)) => before.shown.from == now.shown.from,
        (Record::Clock(_), Record::Clock(_)) | (Record::Watermark(_), Record::Watermark(_)) => true,
        _ => false,
    };
    same_place && format!("{before:?}") != format!("{now:?}")
}

#[test]
fn no_record_can_be_put_back_alone() {
    let (_, before) = lived();
    let mut put_back = 0;
    for index in 0..before.len() {
        let (mut lab, mut before) = lived();
        let old = before.swap_remove(index);
        let Some(place) = lab.records(id(2)).iter().position(|now| was(&old, now)) else {
            continue;
        };
        put_back += 1;
        let what = format!("{old:?}");
        let expected = !takes_nothing_back(&old);
        assert_eq!(notices(&mut lab, |records| records[place] = old), expected, "{what}");
    }
    assert_eq!(put_back, 2, "a request and what is known of node 1");
}

/// The end of the log alone: what was written with it is there, and it shows.
#[test]
fn the_end_of_the_log_cannot_be_cut_off() {
    for cut in 1..4 {
        let (mut lab, _) = lived();
        let noticed = notices(&mut lab, |records| {
            let last = |records: &[Record]| {
                let index = |record: &Record| match record {
                    Record::Audit(entry) => Some(entry.index),
                    _ => None,
                };
                records.iter().filter_map(index).max()
            };
            let keep = last(records).unwrap() - cut;
            records.retain(|record| !matches!(record, Record::Audit(entry) if entry.index > keep));
        });
        assert!(noticed, "{cut}");
    }
}
