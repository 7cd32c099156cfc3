//! Policy bundles and versions of the trust root that come into force, at a node.

use quorate_model::{Moment, Timestamp};
use quorate_protocol::wire::{Acceptance, FromNode, RefusalCode, ToNode};
use quorate_signer::{Record, StartError};
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{
    Lineage, OrderAction, Quorum, Signed, SignedOrder, Successor, TrustRoot, UserVerification,
};

use crate::{FIRST, id, lab, refused, set};

/// The root's delay for what may allow more.
const DELAY_MS: u64 = 5_000;
const QUORUM: &[&str] = &["alice", "bob"];

/// The fixture's policy in its next version, changed.
fn next_policy(lab: &Lab, from: &str, to: &str) -> String {
    let first = ClusterFixture::bundle_text();
    assert!(first.contains(from), "{first}");
    let previous = lab.fixture.root.policy;
    first
        .replacen("version = 1\n", &format!("version = 2\nprevious = \"{previous}\"\n"), 1)
        .replace(from, to)
}

/// Payments are limited to a tenth.
fn tighter(lab: &Lab) -> String {
    next_policy(lab, "per_transaction = \"1000000\"", "per_transaction = \"100000\"")
}

/// Payments may be ten times as large.
fn looser(lab: &Lab) -> String {
    next_policy(lab, "per_transaction = \"1000000\"", "per_transaction = \"10000000\"")
}

fn activate(lab: &Lab, text: &str) -> SignedOrder {
    lab.fixture.activate("activate-2", text, QUORUM, lab.now)
}

fn give(lab: &mut Lab, node: u16, order: &SignedOrder) -> FromNode {
    lab.ask(id(node), ToNode::carry_out(order.clone()))
}

fn accept(lab: &mut Lab, node: u16, order: &SignedOrder) -> Signed<Acceptance> {
    let answer = give(lab, node, order);
    let FromNode::Accepted(word) = answer else { panic!("{answer:?}") };
    word.clone().verify(&lab.fixture.root).unwrap();
    word
}

fn versions(lab: &mut Lab, node: u16) -> (u64, u64) {
    let FromNode::Status(status) = lab.ask(id(node), ToNode::Status) else { panic!("no status") };
    (status.root_version, status.policy_version)
}

fn later(lab: &mut Lab, millis: u64) {
    lab.now = lab.now.plus_millis(millis);
}

fn is_allowed(lab: &mut Lab, number: u64) -> bool {
    let request = lab.payment(number, true);
    matches!(lab.reserve(id(1), &request, FIRST, &set([1, 2])), FromNode::Reserved(_))
}

#[test]
fn a_tightening_is_in_force_at_once() {
    let mut lab = lab();
    assert!(is_allowed(&mut lab, 1));
    let order = activate(&lab, &tighter(&lab));
    let word = accept(&mut lab, 1, &order);
    assert_eq!(word.body.begins, lab.now);
    assert_eq!(versions(&mut lab, 1), (1, 2));
    assert!(!is_allowed(&mut lab, 2));
    assert!(
        matches!(give(&mut lab, 1, &order), FromNode::Accepted(again) if again.body.begins == word.body.begins)
    );
    assert_eq!(versions(&mut lab, 1), (1, 2), "carried out once");
}

#[test]
fn what_may_allow_more_waits_and_survives_a_restart() {
    let mut lab = lab();
    let order = activate(&lab, &looser(&lab));
    let word = accept(&mut lab, 1, &order);
    assert_eq!(word.body.begins, lab.now.plus_millis(DELAY_MS));
    later(&mut lab, DELAY_MS - 1);
    assert_eq!(versions(&mut lab, 1), (1, 1));
    lab.restart(id(1)).unwrap();
    assert_eq!(versions(&mut lab, 1), (1, 1), "a restart does not shorten the wait");
    later(&mut lab, 1);
    assert_eq!(versions(&mut lab, 1), (1, 2));
    lab.restart(id(1)).unwrap();
    assert_eq!(versions(&mut lab, 1), (1, 2));
}

#[test]
fn what_waits_is_taken_back_at_once() {
    let mut lab = lab();
    let loose = looser(&lab);
    let order = activate(&lab, &loose);
    accept(&mut lab, 1, &order);
    later(&mut lab, DELAY_MS / 2);
    let waits = quorate_policy::Bundle::parse(&loose).unwrap().hash();
    let back = next_policy(&lab, "policies", "policies")
        .replace("version = 2", "version = 3")
        .replace(&lab.fixture.root.policy.to_string(), &waits.to_string());
    let order = lab.fixture.activate("activate-3", &back, QUORUM, lab.now);
    assert_eq!(accept(&mut lab, 1, &order).body.begins, lab.now);
    assert_eq!(versions(&mut lab, 1), (1, 3));
    later(&mut lab, DELAY_MS);
    assert_eq!(versions(&mut lab, 1), (1, 3), "the looser one never comes");
}

#[test]
fn what_waits_does_not_begin_by_a_wrong_clock() {
    for reboots in [false, true] {
        let mut lab = lab();
        let order = activate(&lab, &looser(&lab));
        accept(&mut lab, 1, &order);
        lab.wrong_ms.insert(id(1), 26 * 3_600_000);
        if reboots {
            lab.reboot(id(1), ClusterFixture::bundle()).unwrap();
        }
        assert_eq!(versions(&mut lab, 1), (1, 1));
        lab.wrong_ms.clear();
        lab.confirm_clock(id(1));
        assert_eq!(versions(&mut lab, 1), (1, 1), "the delay is not over");
        later(&mut lab, DELAY_MS);
        assert_eq!(versions(&mut lab, 1), (1, 2));
    }
}

#[test]
fn what_may_allow_more_takes_the_loosening_quorum() {
    let mut lab = lab();
    let strict = |root: &mut TrustRoot| {
        let loosening = root.quorums.get_mut(&"loosening".parse().unwrap()).unwrap();
        loosening.required = 3;
    };
    let root = lab.fixture.next_root(strict);
    let update = lab.fixture.update_root("root-2", &root, QUORUM, lab.now);
    accept(&mut lab, 1, &update);
    let order = activate(&lab, &looser(&lab));
    assert_eq!(refused(give(&mut lab, 1, &order)), RefusalCode::Invalid);
    let by_two = activate(&lab, &tighter(&lab));
    accept(&mut lab, 1, &by_two);
    assert_eq!(versions(&mut lab, 1), (2, 2), "a tightening takes the policy quorum only");
}

#[test]
fn a_bundle_that_is_not_the_next_one_is_refused() {
    let mut lab = lab();
    let text = tighter(&lab);
    let pinned = lab.fixture.root.policy.to_string();
    let elsewhere = text.replace(&pinned, &"7".repeat(64));
    let order = activate(&lab, &elsewhere);
    assert_eq!(refused(give(&mut lab, 1, &order)), RefusalCode::HeadsDiffer);
    // The order says other than the bundle.
    let bundle = quorate_policy::Bundle::parse(&text).unwrap();
    for (version, previous) in [(3, pinned.clone()), (2, "7".repeat(64))] {
        let previous = [previous.parse().unwrap(), pinned.parse().unwrap()].into();
        let named = Successor { version, hash: bundle.hash(), previous };
        let order =
            lab.fixture.order_to("other", OrderAction::ActivatePolicy(named), QUORUM, lab.now);
        let order = SignedOrder { document: Some(text.clone()), ..order };
        assert_eq!(refused(give(&mut lab, 1, &order)), RefusalCode::Invalid);
    }
    let next = activate(&lab, &text);
    accept(&mut lab, 1, &next);
    let fork = lab.fixture.activate("fork", &looser(&lab), QUORUM, lab.now);
    assert_eq!(refused(give(&mut lab, 1, &fork)), RefusalCode::Invalid, "nothing goes back");
}

#[test]
fn a_bundle_that_nodes_would_not_load_is_refused() {
    let mut lab = lab();
    let payee = "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM";
    let failing = format!(
        "{}\n[[tests]]\nname = \"too much\"\nservice = \"payments\"\nkey = \"treasury\"\n\
         network = \"{}\"\neffects = [{{ to = \"{payee}\", amount = \"9999999\" }}]\n\
         now = \"2026-11-22T10:00:00.000Z\"\nexpect = \"allow\"\n",
        tighter(&lab),
        quorate_model::Network::SolanaDevnet
    );
    let order = activate(&lab, &failing);
    assert_eq!(refused(give(&mut lab, 1, &order)), RefusalCode::Invalid, "it fails its own test");
    let mut named = activate(&lab, &tighter(&lab));
    named.document = None;
    assert_eq!(refused(give(&mut lab, 1, &named)), RefusalCode::Invalid);
    named.document = Some(looser(&lab));
    assert_eq!(refused(give(&mut lab, 1, &named)), RefusalCode::Invalid, "another bundle");
    assert_eq!(versions(&mut lab, 1), (1, 1));
}

#[test]
fn a_bundle_between_the_phases_ends_the_session() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    let answers: Vec<_> = [1, 2]
        .into_iter()
        .map(|node| match lab.reserve(id(node), &request, FIRST, &set([1, 2])) {
            FromNode::Reserved(answer) => answer,
            other => panic!("{other:?}"),
        })
        .collect();
    let order = activate(&lab, &tighter(&lab));
    accept(&mut lab, 1, &order);
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    assert_eq!(refused(lab.ask(id(1), share)), RefusalCode::HeadsDiffer);
}

#[test]
fn signers_on_different_bundles_or_roots_do_not_sign() {
    for by_root in [false, true] {
        let mut lab = lab();
        let order = if by_root {
            let root = lab.fixture.next_root(|root| root.change_delay_s += 1);
            lab.fixture.update_root("root-2", &root, QUORUM, lab.now)
        } else {
            let same = next_policy(&lab, "policies", "policies");
            activate(&lab, &same)
        };
        accept(&mut lab, 1, &order);
        let request = lab.payment(1, true);
        let mut answers = Vec::new();
        for node in [1, 2] {
            match lab.reserve(id(node), &request, FIRST, &set([1, 2])) {
                FromNode::Reserved(answer) => answers.push(answer),
                other => panic!("{other:?}"),
            }
        }
        for node in [1, 2] {
            let subject = request.digest();
            let share = ToNode::Share { subject, attempt: FIRST, answers: answers.clone() };
            assert_eq!(refused(lab.ask(id(node), share)), RefusalCode::HeadsDiffer);
        }
    }
}

#[test]
fn a_bundle_waits_for_its_own_time() {
    let mut lab = lab();
    let begins = lab.now.plus_millis(60_000);
    let text =
        tighter(&lab).replacen("policies", &format!("not_before = \"{begins}\"\npolicies"), 1);
    let order = activate(&lab, &text);
    assert_eq!(accept(&mut lab, 1, &order).body.begins, begins);
    later(&mut lab, 59_999);
    assert_eq!(versions(&mut lab, 1), (1, 1));
    later(&mut lab, 1);
    assert_eq!(versions(&mut lab, 1), (1, 2));
}

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

/// A bundle that ends a fork may be what one branch has in force and looser than the other.
#[test]
fn a_bundle_that_ends_a_fork_waits_everywhere() {
    let mut lab = lab();
    let order = activate(&lab, &tighter(&lab));
    accept(&mut lab, 2, &order);
    let (first, tight) = (lab.fixture.root.policy, &order.document.clone().unwrap());
    let tight = quorate_policy::Bundle::parse(tight).unwrap().hash();
    let both = next_policy(&lab, "policies", "policies")
        .replace("version = 2", "version = 3")
        .replace(&format!("\"{first}\""), &format!("[\"{first}\", \"{tight}\"]"));
    let order = lab.fixture.activate("both", &both, QUORUM, lab.now);
    for node in [1, 2] {
        let begins = accept(&mut lab, node, &order).body.begins;
        assert_eq!(begins, lab.now.plus_millis(DELAY_MS), "node {node}");
    }
}

#[test]
fn what_comes_after_a_stricter_one_that_waits_is_compared_with_that() {
    let mut lab = lab();
    let at = |text: String, time: Timestamp| {
        text.replacen("policies", &format!("not_before = \"{time}\"\npolicies"), 1)
    };
    let (soon, later_on) = (lab.now.plus_millis(1_000), lab.now.plus_millis(2_000));
    let strict = at(tighter(&lab), soon);
    let order = activate(&lab, &strict);
    accept(&mut lab, 1, &order);
    let waits = quorate_policy::Bundle::parse(&strict).unwrap().hash();
    let as_first = next_policy(&lab, "policies", "policies")
        .replace("version = 2", "version = 3")
        .replace(&lab.fixture.root.policy.to_string(), &waits.to_string());
    let order = lab.fixture.activate("activate-3", &at(as_first, later_on), QUORUM, lab.now);
    assert_eq!(accept(&mut lab, 1, &order).body.begins, lab.now.plus_millis(DELAY_MS));
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

#[test]
fn another_first_policy_does_not_start() {
    let lab = lab();
    let mut config = lab.config(id(1));
    config.policy = ClusterFixture::permissive_bundle();
    let now = Moment { time: lab.now, uptime_ms: 0 };
    let error = quorate_signer::Node::start(config, lab.records(id(1)), now).err().unwrap();
    assert!(matches!(error, StartError::Policy { .. }), "{error}");
}

#[test]
fn an_order_that_was_removed_shows_at_the_start() {
    let mut lab = lab();
    let order = activate(&lab, &tighter(&lab));
    accept(&mut lab, 1, &order);
    let forget = |records: &mut Vec<Record>| {
        records.retain(|record| !matches!(record, Record::Order(_)));
    };
    let started = lab.restart_with(id(1), ClusterFixture::bundle(), forget);
    assert_eq!(started, Err(StartError::State));
}
