//! A node that was away, and the words of others that it goes by.

use super::*;

#[test]
fn a_node_that_was_away_does_as_the_others_did() {
    let mut lab = lab();
    let order = activate(&lab, &looser(&lab));
    let words: Vec<_> = [1, 2].map(|node| accept(&mut lab, node, &order)).into();
    // Long after: the order has expired, and the bundle is in force at the others.
    later(&mut lab, 8 * 24 * 3_600_000);
    assert_eq!(refused(give(&mut lab, 3, &order)), RefusalCode::Time);
    let with = |acceptances| ToNode::CarryOut { order: order.clone(), acceptances };
    let one = vec![words[0].clone()];
    assert_eq!(refused(lab.ask(id(3), with(one.clone()))), RefusalCode::Time, "one may lie");
    let twice = [one.clone(), one].concat();
    assert_eq!(refused(lab.ask(id(3), with(twice))), RefusalCode::Time, "and be repeated");
    let mut forged = words.clone();
    forged[1].body.begins = Timestamp::ZERO;
    assert_eq!(refused(lab.ask(id(3), with(forged))), RefusalCode::Time);
    let mut other = words.clone();
    let freeze = OrderAction::Freeze(quorate_trust::Scope::Cluster);
    let freeze = lab.fixture.order_to("freeze", freeze, &["alice"], lab.now);
    other[1] = accept(&mut lab, 2, &freeze);
    assert_eq!(refused(lab.ask(id(3), with(other))), RefusalCode::Time, "of another order");
    let FromNode::Accepted(word) = lab.ask(id(3), with(words.clone())) else { panic!("refused") };
    assert_eq!(word.body.begins, words[0].body.begins);
    assert_eq!(versions(&mut lab, 3), (1, 2));
}

#[test]
fn one_liar_does_not_hasten_what_waits() {
    let mut lab = lab();
    let order = activate(&lab, &looser(&lab));
    let honest = accept(&mut lab, 1, &order);
    let mut early = honest.body.clone();
    early.begins = Timestamp::ZERO;
    let liar = Signed::sign(id(2), early, &lab.fixture.signers.nodes[&id(2)]);
    let acceptances = vec![honest.clone(), liar];
    let question = ToNode::CarryOut { order, acceptances };
    let FromNode::Accepted(word) = lab.ask(id(3), question) else { panic!("refused") };
    assert_eq!(word.body.begins, honest.body.begins, "the later of the two");
}

/// The word of a node that lies about the time.
fn lie(lab: &Lab, honest: &Signed<Acceptance>, begins: Timestamp) -> Signed<Acceptance> {
    let body = Acceptance { begins, ..honest.body.clone() };
    Signed::sign(id(2), body, &lab.fixture.signers.nodes[&id(2)])
}

#[test]
fn one_liar_does_not_delay_a_tightening() {
    let mut lab = lab();
    let order = activate(&lab, &tighter(&lab));
    let honest = accept(&mut lab, 1, &order);
    let never = Timestamp::from_millis(u64::MAX);
    for acceptances in [vec![honest.clone(), lie(&lab, &honest, never)], Vec::new()] {
        let mut lab = Lab::with_key(1, 3, 2, quorate_model::Scheme::FrostEd25519);
        let FromNode::Accepted(word) =
            lab.ask(id(3), ToNode::CarryOut { order: order.clone(), acceptances })
        else {
            panic!("refused")
        };
        assert_eq!(word.body.begins, lab.now);
    }
}

#[test]
fn one_liar_delays_what_waits_by_no_more_than_the_delay() {
    let mut lab = lab();
    let order = activate(&lab, &looser(&lab));
    let honest = accept(&mut lab, 1, &order);
    later(&mut lab, 8 * 24 * 3_600_000);
    let never = Timestamp::from_millis(u64::MAX);
    let acceptances = vec![honest.clone(), lie(&lab, &honest, never)];
    let question = ToNode::CarryOut { order, acceptances };
    let FromNode::Accepted(word) = lab.ask(id(3), question) else { panic!("refused") };
    assert_eq!(word.body.begins, lab.now.plus_millis(DELAY_MS));
}

/// The others had taken back what this node, which was away since, begins when it wakes.
#[test]
fn a_node_that_slept_through_a_change_and_its_taking_back_follows() {
    let mut lab = lab();
    // What is written differently counts as looser, there and back.
    let loose = next_policy(&lab, "@title(\"bitcoin\")", "@title(\"other\")");
    let order = activate(&lab, &loose);
    for node in [1, 2, 3] {
        accept(&mut lab, node, &order);
    }
    let waits = quorate_policy::Bundle::parse(&loose).unwrap().hash();
    let back = next_policy(&lab, "policies", "policies")
        .replace("version = 2", "version = 3")
        .replace(&lab.fixture.root.policy.to_string(), &waits.to_string());
    // Three persons have to sign what may allow more from now on; two signed this.
    let strict = lab.fixture.next_root(|root| {
        root.quorums.get_mut(&"loosening".parse().unwrap()).unwrap().required = 3;
    });
    let strict = lab.fixture.update_root("root-2", &strict, QUORUM, lab.now);
    let back = lab.fixture.activate("activate-3", &back, QUORUM, lab.now);
    let words: Vec<_> = [1, 2].map(|node| accept(&mut lab, node, &back)).into();
    accept(&mut lab, 3, &strict);
    later(&mut lab, 2 * DELAY_MS);
    assert_eq!(versions(&mut lab, 3), (2, 2), "by its own records");
    assert_eq!(refused(give(&mut lab, 3, &back)), RefusalCode::Invalid, "by its own judgement");
    let question = ToNode::CarryOut { order: back, acceptances: words };
    assert!(matches!(lab.ask(id(3), question), FromNode::Accepted(_)));
    assert_eq!(versions(&mut lab, 3), (2, 3));
}
