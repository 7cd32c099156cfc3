//! Versions of the trust root that come into force.

use super::*;

fn update(lab: &Lab, change: impl FnOnce(&mut TrustRoot)) -> SignedOrder {
    let root = lab.fixture.next_root(change);
    lab.fixture.update_root("root-2", &root, QUORUM, lab.now)
}

fn without_carol(root: &mut TrustRoot) {
    root.persons.retain(|name, _| name.as_str() != "carol");
    for Quorum { members, .. } in root.quorums.values_mut() {
        members.retain(|name| name.as_str() != "carol");
    }
}

#[test]
fn whoever_leaves_the_root_decides_nothing_any_more() {
    let mut lab = lab();
    let freeze = lab.fixture.order_to(
        "freeze",
        OrderAction::Freeze(quorate_trust::Scope::Cluster),
        &["carol"],
        lab.now,
    );
    let order = update(&lab, without_carol);
    let word = accept(&mut lab, 1, &order);
    assert_eq!((word.body.begins, versions(&mut lab, 1)), (lab.now, (2, 1)));
    assert_eq!(refused(give(&mut lab, 1, &freeze)), RefusalCode::Invalid);
    assert!(matches!(give(&mut lab, 2, &freeze), FromNode::Accepted(_)), "node 2 is behind");
    lab.restart(id(1)).unwrap();
    assert_eq!(versions(&mut lab, 1), (2, 1));
    assert_eq!(refused(give(&mut lab, 1, &freeze)), RefusalCode::Invalid);
}

#[test]
fn whoever_joins_the_root_decides_after_the_delay() {
    let mut lab = lab();
    let loosened = |root: &mut TrustRoot| {
        let alice = root.persons.values_mut().next().unwrap();
        assert_eq!(alice.user_verification, UserVerification::NotRequired);
        root.change_delay_s -= 1;
    };
    let order = update(&lab, loosened);
    assert_eq!(accept(&mut lab, 1, &order).body.begins, lab.now.plus_millis(DELAY_MS));
    later(&mut lab, DELAY_MS - 1);
    assert_eq!(versions(&mut lab, 1), (1, 1));
    later(&mut lab, 1);
    assert_eq!(versions(&mut lab, 1), (2, 1));
}

#[test]
fn a_root_that_no_quorum_can_make_is_refused() {
    let mut lab = lab();
    let changes: [fn(&mut TrustRoot); 3] = [
        |root| root.policy = quorate_model::Digest::new([7; 32]),
        |root| {
            let node = root.nodes.values_mut().next().unwrap();
            node.identity = root.services.values().next().unwrap().key;
            root.services.clear();
        },
        |root| {
            let unfreeze = root.quorums.get_mut(&"unfreeze".parse().unwrap()).unwrap();
            unfreeze.required = 1;
        },
    ];
    for change in changes {
        let order = update(&lab, change);
        assert_eq!(refused(give(&mut lab, 1, &order)), RefusalCode::Invalid);
    }
    assert_eq!(versions(&mut lab, 1), (1, 1));
    let by_one = lab.fixture.next_root(without_carol);
    let by_one = lab.fixture.update_root("root-2", &by_one, &["alice"], lab.now);
    assert_eq!(refused(give(&mut lab, 1, &by_one)), RefusalCode::Invalid);
}

#[test]
fn a_fork_of_the_root_is_healed_by_one_that_names_both_branches() {
    let mut lab = lab();
    let branch = |lab: &Lab, more: u64| lab.fixture.next_root(|root| root.change_delay_s += more);
    let (left, right) = (branch(&lab, 1), branch(&lab, 2));
    for (node, root) in [(1, &left), (2, &right)] {
        let order = lab.fixture.update_root("root-2", root, QUORUM, lab.now);
        accept(&mut lab, node, &order);
    }
    // Neither takes the other's.
    let order = lab.fixture.update_root("root-2", &right, QUORUM, lab.now);
    assert_eq!(refused(give(&mut lab, 1, &order)), RefusalCode::Invalid);
    // Nor a successor of the other's alone.
    let after = |previous| {
        let cluster = lab.fixture.root.cluster();
        let lineage = Some(Lineage { cluster, version: 3, previous });
        TrustRoot { lineage, change_delay_s: left.change_delay_s + 2, ..left.clone() }
    };
    let (of_right, both) =
        (after([right.hash()].into()), after([left.hash(), right.hash()].into()));
    let order = lab.fixture.update_root("root-3", &of_right, QUORUM, lab.now);
    assert_eq!(refused(give(&mut lab, 1, &order)), RefusalCode::HeadsDiffer);
    let healing = lab.fixture.update_root("root-3b", &both, QUORUM, lab.now);
    for node in [1, 2] {
        let begins = accept(&mut lab, node, &healing).body.begins;
        assert!(begins > lab.now, "what is on another branch may be stricter: it always waits");
    }
    later(&mut lab, DELAY_MS + 2_000);
    for node in [1, 2] {
        assert_eq!(versions(&mut lab, node), (3, 1));
    }
}
