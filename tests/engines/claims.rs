//! What releases used up: outputs that a PSBT spends, at nodes that sign with Taproot.

use quorate_api::statement::encode_sign_request;
use quorate_audit::EventKind;
use quorate_intent::compose::{Coin, Payment, bitcoin_payment};
use quorate_intent::{Address, PayingKey, address};
use quorate_model::{Attempt, Network, ParticipantSet, RequestId, Scheme};
use quorate_policy::Bundle;
use quorate_protocol::wire::{Deferral, FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_signer::Record;
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{SignedApproval, SignedRequest, Verdict};

use crate::{FIRST, id, refused, set};

const DAY_MS: u64 = 24 * 3_600_000;
/// More than the span that releases are remembered.
const FORGOTTEN_MS: u64 = 32 * DAY_MS;

/// One coin that is spent, by its number.
#[derive(Clone, Copy)]
struct Spent {
    coin: u8,
    sats: u64,
}

const COIN: Spent = Spent { coin: 1, sats: 500_000 };

fn lab_under(bundle: fn() -> Bundle) -> Lab {
    let mut lab = Lab::with_key(1, 3, 2, Scheme::FrostSecp256k1Tr);
    for node in lab.ids() {
        lab.restart_with(node, bundle(), |_| {}).unwrap();
    }
    lab
}

/// A lab whose people are asked about large payments only.
fn lab() -> Lab {
    lab_under(ClusterFixture::asking_bundle)
}

fn restart(lab: &mut Lab, node: u16) {
    lab.restart_with(id(node), ClusterFixture::asking_bundle(), |_| {}).unwrap();
}

/// A small payment that the policy permits, out of these coins.
fn payment(lab: &Lab, number: u8, spent: &[Spent], sats: u64) -> SignedRequest {
    let certified = lab.certified();
    let network = Network::BitcoinRegtest;
    let group_verifying_key = &certified.group_verifying_key;
    let key = PayingKey { group_verifying_key, scheme: certified.scheme, network };
    let outpoints: Vec<_> =
        spent.iter().map(|s| format!("{}:0", hex::encode([s.coin; 32]))).collect();
    let coins = outpoints.iter().zip(spent);
    let coins: Vec<_> =
        coins.map(|(outpoint, spent)| Coin { outpoint, sats: spent.sats }).collect();
    let to: Address = payee();
    let psbt = bitcoin_payment(key, &coins, &[Payment { address: &to, sats }], 500).unwrap();
    let mut request = lab.payment(u64::from(number), true).request;
    request.request_id = RequestId::new([number; 16]);
    request.payload = psbt;
    let statement = encode_sign_request(&request);
    SignedRequest::sign(statement, request, &lab.fixture.signers.service)
}

/// Whom the fixture's policy lets be paid: the holder of the secret key 1.
fn payee() -> Address {
    let generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let group_verifying_key = &hex::decode(generator).unwrap();
    let network = Network::BitcoinRegtest;
    address(PayingKey { group_verifying_key, scheme: network.usual_scheme(), network }).unwrap()
}

fn ask(
    lab: &mut Lab,
    node: u16,
    request: &SignedRequest,
    (attempt, set): (Attempt, ParticipantSet),
    approvals: &[SignedApproval],
) -> FromNode {
    let words = Words { approvals: approvals.to_vec(), ..Words::default() };
    let subject = Subject::Request(request.clone());
    lab.ask(id(node), ToNode::Reserve { subject, words, attempt, signing_set: set })
}

/// Has nodes 1 and 2 sign.
fn release(
    lab: &mut Lab,
    request: &SignedRequest,
    attempt: Attempt,
    approvals: &[SignedApproval],
) -> [FromNode; 2] {
    let answers: Vec<_> = [1, 2]
        .map(|node| match ask(lab, node, request, (attempt, set([1, 2])), approvals) {
            FromNode::Reserved(answer) => answer,
            other => panic!("{other:?}"),
        })
        .into();
    let question = ToNode::Share { subject: request.digest(), attempt, answers };
    [1, 2].map(|node| lab.ask(id(node), question.clone()))
}

fn pay(lab: &mut Lab, request: &SignedRequest, attempt: Attempt, approvals: &[SignedApproval]) {
    for answer in release(lab, request, attempt, approvals) {
        assert!(matches!(answer, FromNode::Shares(_)), "{answer:?}");
    }
}

/// Of the treasury, or of risk.
fn approvals(lab: &Lab, request: &SignedRequest, by: &[(&str, &str)]) -> Vec<SignedApproval> {
    let (bundle, certified) = (ClusterFixture::asking_bundle().hash(), lab.certified());
    let say = |who: &(&str, &str)| {
        lab.fixture.say(&lab.fixture.approval(request, &certified, bundle, *who, lab.now))
    };
    by.iter().map(say).collect()
}

fn deferral(lab: &Lab, answer: FromNode) -> Deferral {
    let FromNode::Deferred(deferral) = answer else { panic!("{answer:?}") };
    deferral.verify(&lab.fixture.root).unwrap().into_parts().1
}

fn denial(lab: &Lab, answer: FromNode) -> String {
    let FromNode::Denied(denial) = answer else { panic!("{answer:?}") };
    denial.verify(&lab.fixture.root).unwrap().into_parts().1.reason
}

/// The first payment is signed by nodes 1 and 2; the second spends the same coin.
fn conflict(lab: &mut Lab) -> (SignedRequest, SignedRequest) {
    let first = payment(lab, 1, &[COIN], 100_000);
    pay(lab, &first, FIRST, &[]);
    let second = payment(lab, 2, &[COIN], 200_000);
    (first, second)
}

#[test]
fn a_second_payment_of_one_coin_gets_no_share_from_any_node() {
    let mut lab = lab();
    let (first, second) = conflict(&mut lab);
    for restarted in [false, true] {
        if restarted {
            [1, 2, 3].into_iter().for_each(|node| restart(&mut lab, node));
        }
        // Whatever set is asked, one of the nodes that released is in it.
        for (pair, holds) in [([1, 2], [1, 2].as_slice()), ([2, 3], &[2]), ([1, 3], &[1])] {
            for node in holds {
                let try_this = (Attempt(1), set(pair));
                let answer = ask(&mut lab, *node, &second, try_this, &[]);
                let deferral = deferral(&lab, answer);
                let reason = &deferral.reason;
                let outpoint = format!("outpoint:{}:0", "01".repeat(32));
                assert!(reason.contains(&outpoint), "{reason}");
                assert!(reason.contains(&first.digest().to_string()), "{reason}");
                assert!(reason.contains("quorum"), "says what to do: {reason}");
                assert_eq!(deferral.missing.len(), 1);
            }
        }
        // Node 3 has released nothing, so it reserves; alone it releases nothing.
        let attempt = if restarted { Attempt(2) } else { FIRST };
        let answer = ask(&mut lab, 3, &second, (attempt, set([2, 3])), &[]);
        let FromNode::Reserved(answer) = answer else { panic!("{answer:?}") };
        let (subject, answers) = (second.digest(), vec![answer]);
        let share = ToNode::Share { subject, attempt, answers };
        assert_eq!(refused(lab.ask(id(3), share)), RefusalCode::Aborted);
    }
}

#[test]
fn a_payment_that_shares_one_of_its_coins_is_held_as_well() {
    let mut lab = lab();
    conflict(&mut lab);
    let other = Spent { coin: 2, sats: 400_000 };
    let overlapping = payment(&lab, 3, &[other, COIN], 100_000);
    let answer = ask(&mut lab, 1, &overlapping, (FIRST, set([1, 2])), &[]);
    assert_eq!(deferral(&lab, answer).missing.len(), 1);
    let apart = payment(&lab, 4, &[other], 100_000);
    pay(&mut lab, &apart, FIRST, &[]);
}

#[test]
fn the_same_payload_is_signed_again_also_after_a_restart() {
    let mut lab = lab();
    let first = payment(&lab, 1, &[COIN], 100_000);
    pay(&mut lab, &first, FIRST, &[]);
    pay(&mut lab, &first, Attempt(2), &[]);
    restart(&mut lab, 1);
    restart(&mut lab, 2);
    pay(&mut lab, &first, Attempt(3), &[]);
    let renamed = payment(&lab, 2, &[COIN], 100_000);
    assert_ne!(renamed.digest(), first.digest());
    pay(&mut lab, &renamed, FIRST, &[]);
}

#[test]
fn reserving_uses_up_nothing() {
    let mut lab = lab();
    let first = payment(&lab, 1, &[COIN], 100_000);
    lab.reserve_all(&Subject::Request(first), FIRST, &set([1, 2]));
    let second = payment(&lab, 2, &[COIN], 200_000);
    pay(&mut lab, &second, FIRST, &[]);
}

#[test]
fn what_was_released_between_the_phases_holds_the_shares() {
    let mut lab = lab();
    let second = payment(&lab, 2, &[COIN], 200_000);
    let answers = lab.reserve_all(&Subject::Request(second.clone()), FIRST, &set([1, 2]));
    let first = payment(&lab, 1, &[COIN], 100_000);
    pay(&mut lab, &first, FIRST, &[]);
    let share = ToNode::Share { subject: second.digest(), attempt: FIRST, answers };
    for node in [1, 2] {
        let answer = lab.ask(id(node), share.clone());
        assert_eq!(deferral(&lab, answer).missing.len(), 1);
    }
}

#[test]
fn a_replacement_takes_a_whole_quorum_that_approves_this_request() {
    let mut lab = lab();
    let (first, second) = conflict(&mut lab);
    let held = |lab: &mut Lab, approvals: &[SignedApproval]| {
        let answer = ask(lab, 1, &second, (FIRST, set([1, 2])), approvals);
        assert_eq!(deferral(lab, answer).missing.len(), 1);
    };
    let (alice, bob) = (("alice", "treasury"), ("bob", "treasury"));
    let one = approvals(&lab, &second, &[alice]);
    held(&mut lab, &one);
    let of_another = approvals(&lab, &first, &[alice, bob]);
    held(&mut lab, &of_another);
    let whole = approvals(&lab, &second, &[alice, bob]);
    pay(&mut lab, &second, FIRST, &whole);
    // Now both are known, also after a restart, and a third one is held again.
    restart(&mut lab, 1);
    pay(&mut lab, &first, Attempt(2), &[]);
    let third = payment(&lab, 3, &[COIN], 300_000);
    let answer = ask(&mut lab, 1, &third, (FIRST, set([1, 2])), &[]);
    assert_eq!(deferral(&lab, answer).missing.len(), 1);
}

#[test]
fn any_quorum_of_the_bundle_will_do() {
    let mut lab = lab();
    let (_, second) = conflict(&mut lab);
    let risk = approvals(&lab, &second, &[("carol", "risk")]);
    pay(&mut lab, &second, FIRST, &risk);
}

#[test]
fn whoever_is_asked_about_a_replacement_may_reject_it() {
    let mut lab = lab();
    let (_, second) = conflict(&mut lab);
    let (bundle, certified) = (ClusterFixture::asking_bundle().hash(), lab.certified());
    let reject = |lab: &mut Lab, request: &SignedRequest, person: &str| {
        let mut said = lab.fixture.approval(request, &certified, bundle, (person, "risk"), lab.now);
        said.verdict = Verdict::Reject;
        let rejection = lab.fixture.say(&said);
        lab.ask(id(1), ToNode::Reject { request: request.clone(), rejection })
    };
    // Nobody is asked about a small payment that replaces nothing, and of risk there is carol.
    let free = payment(&lab, 5, &[Spent { coin: 5, sats: 500_000 }], 100_000);
    assert_eq!(refused(reject(&mut lab, &free, "carol")), RefusalCode::Invalid);
    assert_eq!(refused(reject(&mut lab, &second, "alice")), RefusalCode::Invalid);
    assert!(matches!(reject(&mut lab, &second, "carol"), FromNode::Denied(_)));
}

#[test]
fn where_the_bundle_has_no_quorum_a_replacement_is_denied() {
    let mut lab = lab_under(ClusterFixture::bundle);
    let (_, second) = conflict(&mut lab);
    let answer = ask(&mut lab, 1, &second, (FIRST, set([1, 2])), &[]);
    let reason = denial(&lab, answer);
    assert!(reason.contains("was used by request"), "{reason}");
}

/// Threat A15: of two sessions with different amounts for one outpoint the second is refused, whoever
/// approves it.
#[test]
fn an_outpoint_with_another_amount_is_denied_whoever_approves() {
    let mut lab = lab();
    conflict(&mut lab);
    restart(&mut lab, 1);
    for (number, sats) in [(3, 499_999), (4, 500_001)] {
        let lie = payment(&lab, number, &[Spent { sats, ..COIN }], 100_000);
        let whole = approvals(&lab, &lie, &[("alice", "treasury"), ("bob", "treasury")]);
        for attempt in [1, 2] {
            let try_this = (Attempt(attempt), set([1, 2]));
            let answer = ask(&mut lab, 1, &lie, try_this, &whole);
            let reason = denial(&lab, answer);
            let expected = format!("is said to be {sats} sat, and was 500000 sat");
            assert!(reason.contains(&expected), "{reason}");
        }
    }
}

#[test]
fn a_simulation_says_what_holds_a_payment() {
    let mut lab = lab();
    let (first, second) = conflict(&mut lab);
    let simulate = |lab: &mut Lab, request: &SignedRequest| {
        let question = ToNode::Simulate { request: request.clone(), verdicts: vec![] };
        match lab.ask(id(1), question) {
            FromNode::Simulated(said) => said,
            other => panic!("{other:?}"),
        }
    };
    assert!(simulate(&mut lab, &first).is_ok());
    let reason = simulate(&mut lab, &second).unwrap_err();
    assert!(reason.contains("was used by request"), "{reason}");
}

#[test]
fn what_was_used_up_is_forgotten_in_the_end() {
    let mut lab = lab();
    conflict(&mut lab);
    for (after, held) in [(30 * DAY_MS, true), (FORGOTTEN_MS - 30 * DAY_MS, false)] {
        lab.now = lab.now.plus_millis(after);
        for node in lab.ids() {
            lab.tick(node);
        }
        let number = if held { 6 } else { 7 };
        let second = payment(&lab, number, &[COIN], 200_000);
        let answer = ask(&mut lab, 1, &second, (FIRST, set([1, 2])), &[]);
        assert_eq!(matches!(answer, FromNode::Deferred(_)), held, "{answer:?}");
        assert_eq!(matches!(answer, FromNode::Reserved(_)), !held);
    }
}

/// The entry that has to be on the disk before a share leaves says what is used up.
#[test]
fn a_release_names_what_it_uses_up_in_the_audit_log() {
    let mut lab = lab();
    let first = payment(&lab, 1, &[COIN, Spent { coin: 2, sats: 400_000 }], 100_000);
    pay(&mut lab, &first, FIRST, &[]);
    let mut released = lab.records(id(1)).into_iter().filter_map(|record| match record {
        Record::Audit(entry) if entry.event.kind == EventKind::SharesReleased => Some(entry.event),
        _ => None,
    });
    let event = released.next_back().unwrap();
    let claims: Vec<_> = event.values("claim").map(str::to_owned).collect();
    let claim = |coin: &str, sats: u64| format!("outpoint:{}:0 {sats} sat", coin.repeat(32));
    assert_eq!(claims, [claim("01", 500_000), claim("02", 400_000)]);
    assert_eq!(event.values("payload").count(), 1);
}
