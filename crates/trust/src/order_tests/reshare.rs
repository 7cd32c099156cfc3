//! Orders for new sharings.

use quorate_model::Epoch;

use super::*;
use crate::{ReshareKey, SharingChange};

fn roster(ids: [u32; 3]) -> ParticipantSet {
    ParticipantSet::from_wire(ids).unwrap()
}

fn reshare(people: &People, change: SharingChange) -> Order {
    let key = "treasury".parse().unwrap();
    let (public_key, predecessor, epoch) = (vec![2; 33], Digest::new([5; 32]), Epoch(3));
    people.order_to(OrderAction::ReshareKey(ReshareKey {
        key,
        public_key,
        predecessor,
        epoch,
        change,
    }))
}

fn changes() -> [SharingChange; 3] {
    let threshold = Threshold::new(2).unwrap();
    let repaired = ParticipantId::new(3).unwrap();
    [
        SharingChange::Refresh,
        SharingChange::Reshare { threshold, roster: roster([1, 2, 3]) },
        SharingChange::Repair(repaired),
    ]
}

#[test]
fn each_change_is_a_text_of_its_own_that_reads_back() {
    let people = people();
    for (change, lines) in changes().into_iter().zip([
        "action: refresh-key\nkey: treasury\npublic-key: 0202",
        "action: reshare-key\nkey: treasury\npublic-key: 0202",
        "action: repair-key\nkey: treasury\npublic-key: 0202",
    ]) {
        let order = reshare(&people, change);
        let text = order.render();
        assert!(text.contains(lines), "{text}");
        assert_eq!(Order::parse(&text).unwrap(), order);
        let two = people.sign(&order, &["alice", "bob"]);
        assert!(two.verify(&people.root).unwrap().key_order().is_none());
        let one = people.sign(&order, &["alice"]).verify(&people.root).unwrap_err();
        assert!(matches!(one, OrderError::QuorumMissing { quorum: "keys", .. }), "{one}");
    }
    let text = reshare(&people, SharingChange::Refresh).render();
    let more = text.replacen("predecessor: ", "threshold: 2\npredecessor: ", 1);
    assert!(Order::parse(&more).is_err());
}

#[test]
fn a_new_roster_is_of_the_root_and_a_new_threshold_not_below_its_floor() {
    let mut people = people();
    people.root.threshold_floor = Threshold::new(3).unwrap();
    let refused = |threshold, ids| {
        let threshold = Threshold::new(threshold).unwrap();
        let change = SharingChange::Reshare { threshold, roster: roster(ids) };
        let order = reshare(&people, change);
        people.sign(&order, &["alice", "bob"]).verify(&people.root).unwrap_err()
    };
    assert!(matches!(refused(2, [1, 2, 3]), OrderError::BelowFloor { .. }));
    assert!(matches!(refused(3, [1, 2, 9]), OrderError::UnknownNode(_)));
    assert!(matches!(refused(4, [1, 2, 3]), OrderError::Threshold(_)));
    // What stays as it was is not compared: the key was ordered under the floor of its time.
    for change in [SharingChange::Refresh, SharingChange::Repair(ParticipantId::new(3).unwrap())] {
        let order = reshare(&people, change);
        assert!(people.sign(&order, &["alice", "bob"]).verify(&people.root).is_ok());
    }
}
