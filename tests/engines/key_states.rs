//! The states that orders put a key into: what a node signs in each.

mod walk;

use std::collections::BTreeSet;

use quorate_intent::{PayingKey, Payload, decode};
use quorate_model::{Activation, Attempt, Scheme};
use quorate_protocol::wire::{Acceptance, FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_signer::Record;
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{
    Destination, OrderAction, Scope, Signed, SignedOrder, SignedRequest, StateChange, Sweep,
};

use crate::{FIRST, id, refused, set};

/// The root's delay before what may do harm takes effect.
const DELAY_MS: u64 = 5_000;

fn lab(activation: Activation) -> Lab {
    let mut lab = Lab::new(1, 3, 2, Scheme::FrostEd25519);
    lab.fixture.activation = activation;
    lab.make_key();
    for node in lab.ids() {
        lab.restart_with(node, ClusterFixture::asking_bundle(), |_| {}).unwrap();
    }
    lab
}

/// Has a node carry out an order that these people signed.
fn order(
    lab: &mut Lab,
    node: u16,
    name: &str,
    action: OrderAction,
    by: &[&str],
) -> Result<(), RefusalCode> {
    let order = lab.fixture.order_to(name, action, by, lab.now);
    match lab.ask(id(node), ToNode::carry_out(order)) {
        FromNode::Accepted(_) => Ok(()),
        other => Err(refused(other)),
    }
}

/// Has every node carry out an order of the quorum.
fn order_all(lab: &mut Lab, name: &str, action: &OrderAction) {
    for node in [1, 2, 3] {
        order(lab, node, name, action.clone(), &["alice", "bob"]).unwrap();
    }
}

/// Where a payment goes, as nodes decode it.
fn payee(lab: &Lab, request: &SignedRequest) -> Destination {
    let request = &request.request;
    let certified = lab.certified();
    let paying = PayingKey {
        group_verifying_key: &certified.group_verifying_key,
        scheme: certified.scheme,
        network: request.network,
    };
    let payload = Payload::new(request.payload_format, request.payload.clone());
    let intent = decode(&payload, paying).unwrap().intent;
    format!("{}/{}", request.network, intent.effects[0].destination).parse().unwrap()
}

fn nowhere() -> Destination {
    "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1/11111111111111111111111111111111".parse().unwrap()
}

fn sweep(to: &[Destination]) -> Sweep {
    Sweep { key: Lab::key(), to: to.iter().cloned().collect::<BTreeSet<_>>() }
}

fn activate(lab: &Lab, for_ms: Option<u64>) -> OrderAction {
    OrderAction::ChangeState(StateChange::Activate {
        key: Lab::key(),
        until: for_ms.map(|ms| lab.now.plus_millis(ms)),
    })
}

/// Has every node take the key out of use.
fn deactivate(lab: &mut Lab) {
    order_all(lab, "deactivate", &OrderAction::ChangeState(StateChange::Deactivate(sweep(&[]))));
}

fn reserve(lab: &mut Lab, number: u64) -> FromNode {
    let request = lab.payment(number, true);
    lab.reserve(id(1), &request, FIRST, &set([1, 2]))
}

fn pass(lab: &mut Lab, ms: u64) {
    lab.now = lab.now.plus_millis(ms);
}

#[test]
fn a_key_that_is_activated_by_order_signs_for_as_long_as_the_order_says() {
    let mut lab = lab(Activation::ByOrder);
    assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::Frozen);
    let hour = activate(&lab, Some(3_600_000));
    order_all(&mut lab, "activate-1", &hour);
    assert!(matches!(reserve(&mut lab, 2), FromNode::Reserved(_)));
    pass(&mut lab, 3_599_000);
    // Begun in time and not ended in time: the nonces are gone, also for the next hour.
    let request = lab.payment(3, true);
    let answers = lab.reserve_all(&Subject::Request(request.clone()), FIRST, &set([1, 2]));
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    pass(&mut lab, 1_000);
    assert_eq!(refused(lab.ask(id(1), share.clone())), RefusalCode::Frozen);
    lab.restart_with(id(1), ClusterFixture::asking_bundle(), |_| {}).unwrap();
    assert_eq!(refused(reserve(&mut lab, 4)), RefusalCode::Frozen, "over a restart");
    let ever = activate(&lab, None);
    order_all(&mut lab, "activate-2", &ever);
    assert_eq!(refused(lab.ask(id(1), share)), RefusalCode::NotFound);
    assert!(matches!(reserve(&mut lab, 5), FromNode::Reserved(_)));
}

#[test]
fn a_key_is_activated_by_its_quorum_only_and_not_by_a_doubted_clock() {
    let mut lab = lab(Activation::ByOrder);
    for by in [&[][..], &["alice"]] {
        let action = activate(&lab, None);
        assert_eq!(order(&mut lab, 1, "activate", action, by), Err(RefusalCode::Invalid));
    }
    lab.reboot(id(1), ClusterFixture::asking_bundle()).unwrap();
    let action = activate(&lab, None);
    let doubted = order(&mut lab, 1, "activate", action, &["alice", "bob"]);
    assert_eq!(doubted, Err(RefusalCode::Time));
}

#[test]
fn a_deactivated_key_pays_to_preset_destinations_and_nowhere_else() {
    let mut lab = lab(Activation::AtOnce);
    let request = lab.payment(1, true);
    let place = payee(&lab, &request);
    let to_payee =
        OrderAction::ChangeState(StateChange::Deactivate(sweep(&[place.clone(), nowhere()])));
    order_all(&mut lab, "deactivate-1", &to_payee);
    assert!(matches!(reserve(&mut lab, 2), FromNode::Reserved(_)));
    // The rules hold as before: too much of it takes the treasury.
    let large = lab.payment(3, false);
    let answer = lab.reserve(id(1), &large, FIRST, &set([1, 2]));
    assert!(matches!(answer, FromNode::Deferred(_)), "{answer:?}");
    // What was reserved before is not signed after the destinations are fewer.
    let request = lab.payment(4, true);
    let answers = lab.reserve_all(&Subject::Request(request.clone()), FIRST, &set([1, 2]));
    let elsewhere = OrderAction::ChangeState(StateChange::Deactivate(sweep(&[nowhere()])));
    order_all(&mut lab, "deactivate-2", &elsewhere);
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    let FromNode::Denied(denial) = lab.ask(id(1), share) else { panic!("it was signed") };
    assert!(denial.body.reason.contains("is deactivated: it pays to"), "{}", denial.body.reason);
    let FromNode::Simulated(said) =
        lab.ask(id(1), ToNode::Simulate { request: lab.payment(5, true), verdicts: vec![] })
    else {
        panic!("no answer")
    };
    assert!(said.unwrap_err().contains("is deactivated"));
}

#[test]
fn a_compromised_key_pays_what_its_quorum_approves() {
    let mut lab = lab(Activation::AtOnce);
    let request = lab.payment(1, true);
    let place = payee(&lab, &request);
    let quorum = "treasury".parse().unwrap();
    let action = OrderAction::ChangeState(StateChange::Compromise {
        sweep: sweep(std::slice::from_ref(&place)),
        quorum,
    });
    order_all(&mut lab, "compromise-1", &action);
    let FromNode::Deferred(deferral) = reserve(&mut lab, 1) else { panic!("nobody was asked") };
    let [missing] = &deferral.body.missing[..] else { panic!("{deferral:?}") };
    assert_eq!((missing.name.as_str(), missing.required), ("treasury", 2));
    let bundle = ClusterFixture::asking_bundle().hash();
    let approve = |lab: &Lab, person| {
        let treasury = (person, "treasury");
        let approval = lab.fixture.approval(&request, &lab.certified(), bundle, treasury, lab.now);
        lab.fixture.say(&approval)
    };
    let approvals = ["alice", "bob"].map(|person| approve(&lab, person)).to_vec();
    let words = Words { approvals, ..Words::default() };
    let subject = Subject::Request(request.clone());
    let (attempt, signing_set) = (FIRST, set([1, 2]));
    let answer = lab.ask(id(1), ToNode::Reserve { subject, words, attempt, signing_set });
    assert!(matches!(answer, FromNode::Reserved(_)), "{answer:?}");
    // Who is asked may say no.
    let other = lab.payment(2, true);
    let no = lab.fixture.approval(&other, &lab.certified(), bundle, ("carol", "treasury"), lab.now);
    let no = quorate_trust::Approval { verdict: quorate_trust::Verdict::Reject, ..no };
    let rejection = lab.fixture.say(&no);
    let answer = lab.ask(id(1), ToNode::Reject { request: other, rejection });
    assert!(matches!(answer, FromNode::Denied(_)), "{answer:?}");
    // A quorum that the policy does not have approves nothing.
    let sweep = sweep(&[place]);
    let action = OrderAction::ChangeState(StateChange::Compromise {
        sweep,
        quorum: "board".parse().unwrap(),
    });
    order_all(&mut lab, "compromise-2", &action);
    let FromNode::Denied(denial) = reserve(&mut lab, 3) else { panic!("it was signed") };
    assert!(denial.body.reason.contains("takes quorum board"), "{}", denial.body.reason);
}

#[test]
fn a_destroyed_key_is_erased_after_the_delay() {
    let mut lab = lab(Activation::AtOnce);
    let destroy = OrderAction::ChangeState(StateChange::Destroy(Lab::key()));
    let early = order(&mut lab, 1, "destroy-0", destroy.clone(), &["alice", "bob"]);
    assert_eq!(early, Err(RefusalCode::HeadsDiffer), "it is in use; the order before may come yet");
    deactivate(&mut lab);
    // Node 3 keeps its share, to know the key by.
    for node in [1, 2] {
        order(&mut lab, node, "destroy", destroy.clone(), &["alice", "bob"]).unwrap();
    }
    pass(&mut lab, DELAY_MS - 1);
    lab.tick(id(1));
    assert_eq!((shares(&lab), lab.wake_at(id(1))), (1, Some(lab.now.plus_millis(1))));
    pass(&mut lab, 1);
    lab.tick(id(1));
    assert_eq!(shares(&lab), 0);
    assert_eq!(refused(reserve(&mut lab, 1)), RefusalCode::NotFound);
    lab.restart_with(id(1), ClusterFixture::asking_bundle(), |_| {}).unwrap();
    // An id is used once.
    let again =
        ToNode::GenerateKey { order: lab.order(), attempt: Attempt(2), never_voted: vec![] };
    assert_eq!(refused(lab.ask(id(1), again)), RefusalCode::Invalid);
    let digest = lab.fixture.order_to("destroy", destroy, &["alice", "bob"], lab.now).digest();
    let keep = OrderAction::ChangeState(StateChange::Keep(digest));
    let _ = order(&mut lab, 1, "keep", keep, &["alice", "bob"]);
    assert_eq!(refused(reserve(&mut lab, 2)), RefusalCode::NotFound);
}

#[test]
fn one_officer_holds_a_destruction_and_a_quorum_takes_it_back() {
    let mut lab = lab(Activation::AtOnce);
    deactivate(&mut lab);
    let destroy = OrderAction::ChangeState(StateChange::Destroy(Lab::key()));
    let destroy = lab.fixture.order_to("destroy", destroy, &["alice", "bob"], lab.now);
    lab.ask(id(1), ToNode::carry_out(destroy.clone()));
    let freeze = OrderAction::Freeze(Scope::Key(Lab::key()));
    order(&mut lab, 1, "freeze", freeze, &["carol"]).unwrap();
    pass(&mut lab, 10 * DELAY_MS);
    lab.tick(id(1));
    assert!(holds(&lab), "it is frozen");
    assert!(
        lab.wake_at(id(1)).is_none_or(|time| time > lab.now),
        "and there is nothing to wake up for"
    );
    let keep = || OrderAction::ChangeState(StateChange::Keep(destroy.digest()));
    assert_eq!(order(&mut lab, 1, "keep-0", keep(), &["carol"]), Err(RefusalCode::Invalid));
    order(&mut lab, 1, "keep", keep(), &["bob", "carol"]).unwrap();
    let freeze = OrderAction::Freeze(Scope::Key(Lab::key()));
    let freeze = lab.fixture.order_to("freeze", freeze, &["carol"], lab.now);
    let lift = OrderAction::Unfreeze(freeze.digest());
    let _ = order(&mut lab, 1, "unfreeze", lift, &["alice", "bob"]);
    pass(&mut lab, 10 * DELAY_MS);
    lab.tick(id(1));
    assert!(holds(&lab), "it was taken back");
}

/// How many shares node 1 has in its store.
fn shares(lab: &Lab) -> usize {
    lab.records(id(1)).iter().filter(|record| matches!(record, Record::Share(_))).count()
}

fn holds(lab: &Lab) -> bool {
    shares(lab) > 0
}

/// The words of nodes that carried an order out.
fn words(lab: &mut Lab, nodes: [u16; 2], order: &SignedOrder) -> Vec<Signed<Acceptance>> {
    let mut word = |node| match lab.ask(id(node), ToNode::carry_out(order.clone())) {
        FromNode::Accepted(word) => word,
        other => panic!("{other:?}"),
    };
    nodes.map(&mut word).into()
}

#[test]
fn a_destruction_waits_at_every_holder_whatever_others_say() {
    let mut lab = lab(Activation::AtOnce);
    deactivate(&mut lab);
    let destroy = OrderAction::ChangeState(StateChange::Destroy(Lab::key()));
    let order = lab.fixture.order_to("destroy", destroy, &["alice", "bob"], lab.now);
    let acceptances = words(&mut lab, [2, 3], &order);
    pass(&mut lab, DELAY_MS);
    lab.ask(id(1), ToNode::CarryOut { order, acceptances });
    lab.tick(id(1));
    assert!(holds(&lab), "somebody may want to stop it");
    // Nor does one erase anything that does not know yet what it forgot.
    lab.restart_alone(id(1), ClusterFixture::asking_bundle(), |_| {}).unwrap();
    pass(&mut lab, DELAY_MS);
    lab.tick(id(1));
    assert!(holds(&lab), "it was not here, and others may have stopped it");
    lab.confirm_start(id(1));
    lab.tick(id(1));
    assert!(!holds(&lab));
}

#[test]
fn an_activation_that_is_over_is_taken_by_who_was_away() {
    let mut lab = lab(Activation::ByOrder);
    let action = activate(&lab, Some(1_000));
    let order = lab.fixture.order_to("activate", action, &["alice", "bob"], lab.now);
    let acceptances = words(&mut lab, [2, 3], &order);
    pass(&mut lab, 10_000);
    let alone = lab.ask(id(1), ToNode::carry_out(order.clone()));
    assert_eq!(refused(alone), RefusalCode::Invalid, "it is over");
    let late = lab.ask(id(1), ToNode::CarryOut { order, acceptances });
    assert!(matches!(late, FromNode::Accepted(_)), "{late:?}");
    let deactivate = OrderAction::ChangeState(StateChange::Deactivate(sweep(&[])));
    assert_eq!(self::order(&mut lab, 1, "deactivate", deactivate, &["alice", "bob"]), Ok(()));
}
