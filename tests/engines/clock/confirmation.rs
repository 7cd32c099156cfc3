//! Who may say that a node's clock is right, and what they have to say.

use quorate_model::{Digest, ParticipantId, Scheme};
use quorate_protocol::wire::{FromNode, RefusalCode, Testimony, ToNode};
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::Signed;

use super::{OFF_MS, doubted};
use crate::{FIRST, id, lab, refused, set};

/// A node whose machine has just started, and what it asks.
fn started(lab: &mut Lab, node: u16) -> Digest {
    lab.reboot(id(node), ClusterFixture::bundle()).unwrap();
    lab.challenge(id(node)).unwrap()
}

/// Brings node 1 a reading; tells whether it still doubts its clock.
fn hear(lab: &mut Lab, reading: Signed<Testimony>) -> bool {
    match lab.ask(id(1), ToNode::HearTestimony(reading)) {
        FromNode::Status(status) => status.challenge.is_some(),
        other => panic!("{other:?}"),
    }
}

fn refuses(lab: &mut Lab, reading: Signed<Testimony>) -> RefusalCode {
    refused(lab.ask(id(1), ToNode::HearTestimony(reading)))
}

fn signs(lab: &mut Lab, number: u64) -> bool {
    let request = lab.payment(number, true);
    matches!(lab.reserve(id(1), &request, FIRST, &set([1, 2])), FromNode::Reserved(_))
}

#[test]
fn a_restart_of_the_process_needs_nobody_and_one_of_the_machine_does() {
    let mut lab = lab();
    lab.restart(id(1)).unwrap();
    assert_eq!(lab.challenge(id(1)), None);
    assert!(signs(&mut lab, 1));
    started(&mut lab, 1);
    assert!(!signs(&mut lab, 2));
    lab.confirm_start(id(1));
    assert!(signs(&mut lab, 2));
    lab.restart(id(1)).unwrap();
    assert!(signs(&mut lab, 3));
}

#[test]
fn as_many_have_to_agree_as_the_threshold_and_where_there_are_fewer_all() {
    for (nodes, threshold, needed) in [(2, 2, 1), (3, 2, 2), (3, 3, 2), (4, 3, 3), (5, 3, 3)] {
        let mut lab = Lab::with_key(3, nodes, threshold, Scheme::FrostEd25519);
        let challenge = started(&mut lab, 1);
        for (heard, other) in (2..=nodes).enumerate() {
            let reading = lab.testify(id(other), id(1), challenge);
            // The same node again is no other.
            let still = hear(&mut lab, reading.clone()) && hear(&mut lab, reading);
            assert_eq!(still, heard + 1 < needed, "{heard} of {needed}, {threshold}-of-{nodes}");
        }
    }
}

#[test]
fn a_clock_that_others_contradict_is_not_believed_and_the_reason_names_them() {
    for (by_ms, said) in [(OFF_MS, "93600000 ms back"), (-OFF_MS, "93600000 ms ahead")] {
        let mut lab = lab();
        // So long after that its own records do not tell.
        lab.now = lab.now.plus_millis(3 * OFF_MS.unsigned_abs());
        lab.wrong_ms.insert(id(1), by_ms);
        started(&mut lab, 1);
        lab.confirm_start(id(1));
        let request = lab.payment(1, true);
        let reason = doubted(lab.reserve(id(1), &request, FIRST, &set([1, 2])));
        for node in [2, 3] {
            assert!(reason.contains(&format!("node {node}'s clock is {said}")), "{reason}");
        }
        assert!(reason.contains("0 of 2"), "{reason}");
        // One that lies as the clock does is not enough.
        lab.wrong_ms.insert(id(2), by_ms);
        lab.confirm_start(id(1));
        assert!(!signs(&mut lab, 1));
        lab.wrong_ms.clear();
        lab.confirm_start(id(1));
        assert!(signs(&mut lab, 1));
    }
}

#[test]
fn an_old_answer_serves_no_second_time() {
    let mut lab = lab();
    let challenge = started(&mut lab, 1);
    let old: Vec<_> = [2, 3].map(|node| lab.testify(id(node), id(1), challenge)).into();
    // The machine starts again with a clock that shows the time of then.
    lab.now = lab.now.plus_millis(OFF_MS.unsigned_abs());
    lab.wrong_ms.insert(id(1), -OFF_MS);
    started(&mut lab, 1);
    for reading in old {
        assert_eq!(refuses(&mut lab, reading), RefusalCode::Time);
    }
    assert!(!signs(&mut lab, 1));
}

#[test]
fn an_answer_that_was_held_back_comes_too_late() {
    let mut lab = lab();
    let challenge = started(&mut lab, 1);
    let readings: Vec<_> = [2, 3].map(|node| lab.testify(id(node), id(1), challenge)).into();
    lab.now = lab.now.plus_millis(10_001);
    for reading in readings {
        assert_eq!(refuses(&mut lab, reading), RefusalCode::Time);
    }
    // What is asked by then is another question; a little delay costs nothing.
    let challenge = lab.challenge(id(1)).unwrap();
    let readings: Vec<_> = [2, 3].map(|node| lab.testify(id(node), id(1), challenge)).into();
    lab.now = lab.now.plus_millis(4_000);
    assert_eq!(lab.challenge(id(1)), Some(challenge));
    let still: Vec<_> = readings.into_iter().map(|reading| hear(&mut lab, reading)).collect();
    assert_eq!(still, [true, false]);
}

#[test]
fn nobody_speaks_for_another_and_a_node_not_for_itself() {
    let mut lab = lab();
    let challenge = started(&mut lab, 1);
    let own = lab.testify(id(1), id(1), challenge);
    assert_eq!(refuses(&mut lab, own), RefusalCode::Invalid);
    let genuine = lab.testify(id(2), id(1), challenge);
    let renamed = Signed { from: id(3), ..genuine.clone() };
    assert_eq!(refuses(&mut lab, renamed), RefusalCode::Aborted);
    let stranger = Signed { from: ParticipantId::new(9).unwrap(), ..genuine.clone() };
    assert_eq!(refuses(&mut lab, stranger), RefusalCode::Aborted);
    let mut changed = genuine.clone();
    changed.body.heads.clock = changed.body.heads.clock.plus_millis(1);
    assert_eq!(refuses(&mut lab, changed), RefusalCode::Aborted);
    // Nor does an answer to another node's question.
    let theirs = started(&mut lab, 3);
    let elsewhere = lab.testify(id(2), id(1), theirs);
    assert_eq!(refuses(&mut lab, elsewhere), RefusalCode::Time);
    assert!(hear(&mut lab, genuine));
}

#[test]
fn a_cluster_that_starts_at_once_confirms_itself() {
    let mut lab = lab();
    for node in lab.ids() {
        lab.reboot(node, ClusterFixture::bundle()).unwrap();
    }
    for node in lab.ids() {
        lab.confirm_start(node);
        assert_eq!(lab.challenge(node), None);
    }
    assert!(signs(&mut lab, 1));
}

#[test]
fn where_others_are_lost_fewer_serve_if_the_operator_says_so() {
    let mut lab = lab();
    lab.start_peers = Some(1);
    let challenge = started(&mut lab, 1);
    let reading = lab.testify(id(3), id(1), challenge);
    assert!(!hear(&mut lab, reading));
    assert!(signs(&mut lab, 1));
    // Whoever starts it vouches for the clock: until it is set.
    lab.start_peers = Some(0);
    lab.reboot(id(1), ClusterFixture::bundle()).unwrap();
    assert!(signs(&mut lab, 2));
    lab.wrong_ms.insert(id(1), OFF_MS);
    assert!(!signs(&mut lab, 3));
    // More than there are cannot be asked for.
    lab.wrong_ms.clear();
    lab.start_peers = Some(9);
    lab.reboot(id(1), ClusterFixture::bundle()).unwrap();
    lab.confirm_start(id(1));
    assert!(signs(&mut lab, 4));
}
