//! A node that was put back to an earlier state and goes on as if nothing had happened: the others notice.

use quorate_protocol::wire::{FromNode, RefusalCode, ToNode};
use quorate_signer::Record;
use quorate_testkit::Lab;
use quorate_trust::SignedRequest;

use crate::{FIRST, id, lab, refused, set};

/// Longer than sessions that run at one time can be apart.
const APART_MS: u64 = 30_000;

/// Everybody reserves, and node 1 is asked for its share.
fn sign(lab: &mut Lab, number: u64) -> FromNode {
    let request = lab.payment(number, true);
    let answers = reserved(lab, &request);
    lab.ask(id(1), ToNode::Share { subject: request.digest(), attempt: FIRST, answers })
}

fn reserved(
    lab: &mut Lab,
    request: &SignedRequest,
) -> Vec<quorate_trust::Signed<quorate_protocol::sign::ReserveAnswer>> {
    let reserve = |node| match lab.reserve(id(node), request, FIRST, &set([1, 2])) {
        FromNode::Reserved(answer) => answer,
        other => panic!("{other:?}"),
    };
    [1, 2].map(reserve).into()
}

fn later(lab: &mut Lab) {
    lab.now = lab.now.plus_millis(APART_MS);
}

/// Node 2 goes on from what its disk was before, and asks nobody.
fn put_back(lab: &mut Lab, before: Vec<Record>) {
    lab.start_peers = Some(0);
    lab.put_back(id(2), &before).unwrap();
}

fn signs(answer: FromNode) -> bool {
    matches!(answer, FromNode::Shares(_))
}

#[test]
fn a_node_that_was_put_back_is_noticed_and_signed_with_no_more() {
    let mut lab = lab();
    assert!(signs(sign(&mut lab, 1)));
    let before = lab.records(id(2));
    for number in 2..10 {
        assert!(signs(sign(&mut lab, number)));
    }
    later(&mut lab);
    assert!(signs(sign(&mut lab, 10)), "time alone changes nothing");
    put_back(&mut lab, before);
    later(&mut lab);
    assert_eq!(refused(sign(&mut lab, 11)), RefusalCode::PeerPutBack);
    // Who remembers does so over a restart.
    lab.start_peers = None;
    lab.restart(id(1)).unwrap();
    assert_eq!(refused(sign(&mut lab, 12)), RefusalCode::PeerPutBack);
    let (entries, _) = lab.read_audit(id(1));
    let noticed = entries.iter().filter(|entry| entry.event.kind.as_str() == "peer-put-back");
    assert_eq!(noticed.count(), 2, "and it is in the audit log");
}

#[test]
fn another_log_of_the_same_length_is_noticed_at_once() {
    let mut lab = lab();
    let before = lab.records(id(2));
    for number in 1..4 {
        assert!(signs(sign(&mut lab, number)));
    }
    // It starts, believes its log, and reserves: that makes three entries again, and others.
    put_back(&mut lab, before);
    assert_eq!(refused(sign(&mut lab, 4)), RefusalCode::PeerPutBack);
}

#[test]
fn sessions_that_cross_accuse_nobody() {
    let mut lab = lab();
    let (first, second) = (lab.payment(1, true), lab.payment(2, true));
    let (early, late) = (reserved(&mut lab, &first), reserved(&mut lab, &second));
    for (request, answers) in [(second, late), (first, early)] {
        let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
        assert!(signs(lab.ask(id(1), share)));
    }
}
