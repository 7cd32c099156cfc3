//! What an administrator does to a node as a whole.

use quorate_audit::{Event, EventKind};
use quorate_model::{Erasure, ParticipantId};
use quorate_protocol::wire::{FromNode, RefusalCode, Subject, ToNode};
use quorate_signer::{Administration, Record};
use quorate_testkit::Lab;

use crate::{FIRST, id, lab, refused, set};

/// What a node's audit log says of a kind.
pub(crate) fn told(lab: &Lab, node: ParticipantId, kind: EventKind) -> Vec<Event> {
    let entries = lab.records(node).into_iter().filter_map(|record| match record {
        Record::Audit(entry) if entry.event.kind == kind => Some(entry.event),
        _ => None,
    });
    entries.collect()
}

#[test]
fn a_sealed_node_says_so_in_its_log_and_does_nothing_more_until_it_starts() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    let subject = Subject::Request(request.clone());
    let answers = lab.reserve_all(&subject, FIRST, &set([1, 2]));
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    assert!(lab.administer(id(1), Administration::Seal));
    assert_eq!(told(&lab, id(1), EventKind::NodeSealed).len(), 1);

    let records = lab.records(id(1)).len();
    assert_eq!(refused(lab.ask(id(1), share.clone())), RefusalCode::Busy);
    assert_eq!(refused(lab.ask(id(1), ToNode::Status)), RefusalCode::Busy);
    assert!(!lab.administer(id(1), Administration::Seal));
    lab.tick(id(1));
    assert_eq!((lab.records(id(1)).len(), lab.wake_at(id(1))), (records, None));

    lab.restart(id(1)).unwrap();
    assert_eq!(refused(lab.ask(id(1), share)), RefusalCode::NotFound);
    assert!(matches!(lab.ask(id(1), ToNode::Status), FromNode::Status(_)));
    lab.reserve_all(&Subject::Request(lab.payment(2, true)), FIRST, &set([1, 2]));
}

#[test]
fn a_rotation_of_the_kek_is_told_before_and_after() {
    let mut lab = lab();
    let to = "token hsm".to_owned();
    assert!(lab.administer(id(1), Administration::RotateKek { to: to.clone() }));
    let erasure = Erasure::Complete;
    assert!(lab.administer(id(1), Administration::KekRotated { to, erasure }));
    let told = told(&lab, id(1), EventKind::KekRotation);
    let facts = |event: &Event| {
        ["stage", "to", "erasure"].map(|name| event.values(name).next().unwrap_or("-").to_owned())
    };
    assert_eq!(facts(&told[0]), ["begun", "token hsm", "-"]);
    assert_eq!(facts(&told[1]), ["done", "token hsm", "complete"]);
}
