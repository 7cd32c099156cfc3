//! Policy bundles and versions of the trust root that come into force, at a node.

mod late;
mod roots;

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
pub(crate) fn tighter(lab: &Lab) -> String {
    next_policy(lab, "per_transaction = \"1000000\"", "per_transaction = \"100000\"")
}

/// Payments may be ten times as large.
fn looser(lab: &Lab) -> String {
    next_policy(lab, "per_transaction = \"1000000\"", "per_transaction = \"10000000\"")
}

pub(crate) fn activate(lab: &Lab, text: &str) -> SignedOrder {
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
        lab.confirm_start(id(1));
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
