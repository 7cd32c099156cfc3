//! Orders about the states of keys, and those that readmit nodes.

use std::collections::BTreeSet;

use super::*;
use crate::{Destination, Readmission, StateChange, Sweep};

fn key() -> KeyId {
    "treasury".parse().unwrap()
}

fn sweep(to: &[&str]) -> Sweep {
    let to = to.iter().map(|place| place.parse::<Destination>().unwrap()).collect::<BTreeSet<_>>();
    Sweep { key: key(), to }
}

fn readmission(node: u16, life: u64) -> OrderAction {
    let (node, head) = (ParticipantId::new(node).unwrap(), Digest::new([8; 32]));
    OrderAction::ReadmitNode(Readmission { node, life, length: 77, head })
}

/// One of each.
pub(super) fn actions() -> Vec<OrderAction> {
    let until = Some(Timestamp::from_millis(900_000));
    let changes = [
        StateChange::Activate { key: key(), until },
        StateChange::Activate { key: key(), until: None },
        StateChange::Deactivate(sweep(&[])),
        StateChange::Deactivate(sweep(&["eip155:1/0xAb", "eip155:10/0xAb"])),
        StateChange::Compromise {
            sweep: sweep(&["eip155:1/0xAb"]),
            quorum: "board".parse().unwrap(),
        },
        StateChange::Destroy(key()),
        StateChange::Keep(Digest::new([5; 32])),
    ];
    changes.into_iter().map(OrderAction::ChangeState).chain([readmission(2, 3)]).collect()
}

#[test]
fn each_is_a_text_of_its_own_that_reads_back() {
    let people = people();
    let lines = [
        "activate-key\nkey: treasury\nuntil: 1970-01-01T00:15:00.000Z",
        "activate-key\nkey: treasury\nuntil: never",
        "deactivate-key\nkey: treasury\npays-to: nowhere",
        "deactivate-key\nkey: treasury\npays-to: eip155:1/0xAb,eip155:10/0xAb",
        "compromise-key\nkey: treasury\npays-to: eip155:1/0xAb\napproved-by: board",
        "destroy-key\nkey: treasury",
        "keep-key\nkeeps: 0505",
        "readmit-node\nnode: 2\nlife: 3\nlog-length: 77\nlog-head: 0808",
    ];
    for (action, lines) in actions().into_iter().zip(lines) {
        let order = people.order_to(action);
        let text = order.render();
        assert!(text.contains(lines), "{text}");
        assert_eq!(Order::parse(&text).unwrap(), order);
    }
}

#[test]
fn destinations_are_written_in_one_way_and_are_few() {
    let people = people();
    let sweep = sweep(&["eip155:1/a", "eip155:1/b"]);
    let deactivate = OrderAction::ChangeState(StateChange::Deactivate(sweep));
    let text = people.order_to(deactivate).render();
    let swapped = text.replace("eip155:1/a,eip155:1/b", "eip155:1/b,eip155:1/a");
    assert_eq!(Order::parse(&swapped), Err(TextError::NotCanonical));
    let twice = text.replace("eip155:1/a,", "eip155:1/b,");
    assert_eq!(Order::parse(&twice), Err(TextError::NotCanonical));
    let many: Vec<_> = (0..65).map(|number| format!("eip155:1/{number:03}")).collect();
    let many = text.replace("eip155:1/a,eip155:1/b", &many.join(","));
    assert!(Order::parse(&many).unwrap_err().to_string().contains("at most 64 destinations"));
}

#[test]
fn what_takes_a_key_out_of_use_never_expires_and_everything_else_does() {
    let people = people();
    for action in actions() {
        let stops = matches!(
            action,
            OrderAction::ChangeState(StateChange::Deactivate(_) | StateChange::Compromise { .. })
        );
        assert_eq!(action.is_stop(), stops);
        let mut order = people.order_to(action);
        order.window.expires = if stops { Some(Timestamp::from_millis(1_000)) } else { None };
        let refused = people.sign(&order, &["alice", "bob"]).verify(&people.root).unwrap_err();
        assert_eq!(refused, OrderError::BadWindow);
    }
}

#[test]
fn a_node_of_the_root_is_readmitted_to_a_later_life() {
    let people = people();
    let verify = |action| {
        let order = people.order_to(action);
        people.sign(&order, &["alice", "bob"]).verify(&people.root).map(drop)
    };
    assert_eq!(verify(readmission(2, 2)), Ok(()));
    assert_eq!(verify(readmission(2, 1)), Err(OrderError::Life));
    let OrderAction::ReadmitNode(named) = readmission(2, 2) else { unreachable!() };
    let empty = OrderAction::ReadmitNode(Readmission { length: 0, ..named });
    assert_eq!(verify(empty), Err(OrderError::Life), "every log has that beginning");
    let nobody = ParticipantId::new(9).unwrap();
    assert_eq!(verify(readmission(9, 2)), Err(OrderError::NoSuchNode(nobody)));
}
