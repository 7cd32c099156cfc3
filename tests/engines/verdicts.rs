//! What risk providers say about payloads, at a node.

use quorate_model::{Attempt, Digest, Timestamp};
use quorate_policy::Bundle;
use quorate_protocol::wire::{Deferral, FromNode, Subject, ToNode, Words};
use quorate_signer::Record;
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{RiskVerdict, SignedRequest, SignedRiskVerdict};

use crate::{FIRST, id, lab, set};

/// How long a verdict counts in the fixture's policies.
const FRESH_MS: u64 = 60_000;
/// How far clocks may differ.
const SKEW_MS: u64 = 10_000;

/// A lab whose nodes sign payments over the limit where `chainwatch` says that the risk is low.
fn screening() -> Lab {
    let mut lab = lab();
    for node in lab.ids() {
        lab.restart_with(node, ClusterFixture::screened_bundle(), |_| {}).unwrap();
    }
    lab
}

fn low(lab: &Lab, request: &SignedRequest, issued: Timestamp) -> RiskVerdict {
    lab.fixture.verdict(request, &lab.certified(), issued)
}

fn reserve_at(
    lab: &mut Lab,
    node: u16,
    request: &SignedRequest,
    verdicts: &[SignedRiskVerdict],
) -> FromNode {
    let (subject, signing_set) = (Subject::Request(request.clone()), set([1, 2]));
    let words = Words { verdicts: verdicts.to_vec(), ..Words::default() };
    lab.ask(id(node), ToNode::Reserve { subject, words, attempt: FIRST, signing_set })
}

fn reserve(lab: &mut Lab, request: &SignedRequest, verdicts: &[SignedRiskVerdict]) -> FromNode {
    reserve_at(lab, 1, request, verdicts)
}

fn deferred(lab: &Lab, answer: FromNode) -> Deferral {
    let FromNode::Deferred(deferral) = answer else { panic!("{answer:?}") };
    deferral.verify(&lab.fixture.root).unwrap().into_parts().1
}

/// The verdict does not count: the node waits for another, and says why this one is none.
fn is_ignored(lab: &mut Lab, request: &SignedRequest, verdict: SignedRiskVerdict, why: &str) {
    let answer = reserve(lab, request, &[verdict]);
    let deferral = deferred(lab, answer);
    assert_eq!(deferral.verdicts.len(), 1, "{why}");
    assert!(deferral.reason.contains(why), "{why}: {}", deferral.reason);
}

#[test]
fn a_request_waits_for_the_verdict_that_the_policy_demands() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let answer = reserve(&mut lab, &request, &[]);
    let deferral = deferred(&lab, answer);
    let [missing] = &deferral.verdicts[..] else { panic!("{deferral:?}") };
    assert_eq!((missing.name.as_str(), missing.provider.as_str()), ("low-risk", "chainwatch"));
    assert!(deferral.missing.is_empty() && deferral.until.is_none());
    // The attempt was not used up by waiting.
    let verdict = ClusterFixture::rate(low(&lab, &request, lab.now));
    let digest = verdict.digest().to_string();
    assert!(matches!(reserve(&mut lab, &request, &[verdict]), FromNode::Reserved(_)));
    let audited = lab.records(id(1)).into_iter().rev().find_map(|record| match record {
        Record::Audit(entry) => entry.event.values("rated_by").next().map(str::to_owned),
        _ => None,
    });
    let audited = audited.unwrap();
    assert!(audited.starts_with("chainwatch said low at ") && audited.contains(&digest));
}

#[test]
fn a_verdict_on_something_else_does_not_count() {
    let mut lab = screening();
    let (request, other) = (lab.payment(1, false), lab.payment(2, true));
    let good = low(&lab, &request, lab.now);
    let elsewhere = RiskVerdict { cluster: Digest::new([0xee; 32]), ..good.clone() };
    is_ignored(&mut lab, &request, ClusterFixture::rate(elsewhere), "is for cluster eeee");
    let changed = RiskVerdict { effects: Digest::new([0xee; 32]), ..good };
    is_ignored(&mut lab, &request, ClusterFixture::rate(changed), "is about effects eeee");
    let replayed = ClusterFixture::rate(low(&lab, &other, lab.now));
    is_ignored(&mut lab, &request, replayed, "is about effects");
}

#[test]
fn a_verdict_of_somebody_else_does_not_count() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let good = low(&lab, &request, lab.now);
    let unknown = RiskVerdict { provider: "stranger".parse().unwrap(), ..good.clone() };
    let unknown = ClusterFixture::rate(unknown);
    is_ignored(&mut lab, &request, unknown, "the policy bundle has no provider stranger");
    let stranger = ClusterFixture::provider_key("stranger");
    let forged = SignedRiskVerdict::sign(good, &stranger);
    is_ignored(&mut lab, &request, forged.clone(), "is not signed by provider chainwatch");
    // Nor does it take the place of a good one, on either side of it.
    let good = ClusterFixture::rate(low(&lab, &request, lab.now));
    let all = [forged.clone(), good, forged];
    assert!(matches!(reserve(&mut lab, &request, &all), FromNode::Reserved(_)));
}

/// The provider signed something that would not do, and somebody made it good in one field.
#[test]
fn every_field_of_a_verdict_is_bound() {
    type Change = fn(&mut RiskVerdict);
    let changes: [(&str, Change); 5] = [
        ("cluster", |v| v.cluster = Digest::new([0xee; 32])),
        ("provider", |v| v.provider = "other".parse().unwrap()),
        ("effects", |v| v.effects = Digest::new([0xee; 32])),
        ("level", |v| v.level = "high".parse().unwrap()),
        ("issued", |v| v.issued = Timestamp::from_millis(v.issued.millis() - 2 * FRESH_MS)),
    ];
    let mut lab = screening();
    let request = lab.payment(1, false);
    let good = low(&lab, &request, lab.now);
    let key = ClusterFixture::provider_key("chainwatch");
    for (field, change) in changes {
        let mut signed = good.clone();
        change(&mut signed);
        assert_ne!(signed, good);
        let signature = SignedRiskVerdict::sign(signed, &key).signature;
        let forged = SignedRiskVerdict { verdict: good.clone(), signature };
        let answer = reserve(&mut lab, &request, &[forged]);
        assert_eq!(deferred(&lab, answer).verdicts.len(), 1, "{field}");
    }
}

#[test]
fn a_verdict_is_fresh_for_its_time_also_between_the_phases() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let verdict = ClusterFixture::rate(low(&lab, &request, lab.now));
    let issued = lab.now;
    lab.now = issued.plus_millis(FRESH_MS + 1);
    let stale = reserve(&mut lab, &request, std::slice::from_ref(&verdict));
    assert_eq!(deferred(&lab, stale).verdicts.len(), 1, "too old");
    lab.now = issued.plus_millis(FRESH_MS - 5_000);
    let mut answers = Vec::new();
    for node in [1, 2] {
        let answer = reserve_at(&mut lab, node, &request, std::slice::from_ref(&verdict));
        let FromNode::Reserved(answer) = answer else { panic!("{answer:?}") };
        answers.push(answer);
    }
    let share = |answers| ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    lab.now = issued.plus_millis(FRESH_MS);
    let answer = lab.ask(id(2), share(answers.clone()));
    assert!(matches!(answer, FromNode::Shares(_)), "{answer:?}");
    lab.now = issued.plus_millis(FRESH_MS + 1);
    let answer = lab.ask(id(1), share(answers));
    assert_eq!(deferred(&lab, answer).verdicts.len(), 1, "too old for shares");
}

#[test]
fn a_verdict_from_the_future_counts_as_far_as_clocks_differ() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let ahead =
        |lab: &Lab, millis| ClusterFixture::rate(low(lab, &request, lab.now.plus_millis(millis)));
    let early = ahead(&lab, SKEW_MS + 1);
    is_ignored(&mut lab, &request, early, "in the future");
    // Nor does it hide what was said before.
    let both = [ahead(&lab, 0), ahead(&lab, SKEW_MS + 1)];
    assert!(matches!(reserve(&mut lab, &request, &both), FromNode::Reserved(_)));
    let mut lab = screening();
    let slightly = ahead(&lab, SKEW_MS);
    assert!(matches!(reserve(&mut lab, &request, &[slightly]), FromNode::Reserved(_)));
}

#[test]
fn another_level_is_a_denial_that_says_what_was_said() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let high = RiskVerdict { level: "high".parse().unwrap(), ..low(&lab, &request, lab.now) };
    let answer = reserve(&mut lab, &request, &[ClusterFixture::rate(high)]);
    let FromNode::Denied(denial) = answer else { panic!("{answer:?}") };
    let reason = denial.body.reason;
    assert!(reason.contains("verdict low-risk is refused: chainwatch said high"), "{reason}");
    // It is final: the provider can change its mind about another request only.
    let mild = ClusterFixture::rate(low(&lab, &request, lab.now.plus_millis(1)));
    assert!(matches!(reserve(&mut lab, &request, &[mild]), FromNode::Denied(_)));
}

#[test]
fn what_a_provider_said_last_counts() {
    for (levels, allowed) in [(["high", "low"], true), (["low", "high"], false)] {
        for swapped in [false, true] {
            let mut lab = screening();
            let request = lab.payment(1, false);
            let mut verdicts: Vec<_> = (0..)
                .zip(levels)
                .map(|(n, level)| {
                    let said = low(&lab, &request, lab.now.plus_millis(n));
                    ClusterFixture::rate(RiskVerdict { level: level.parse().unwrap(), ..said })
                })
                .collect();
            if swapped {
                verdicts.reverse();
            }
            let answer = reserve(&mut lab, &request, &verdicts);
            assert_eq!(matches!(answer, FromNode::Reserved(_)), allowed, "{levels:?}");
        }
    }
}

#[test]
fn whom_to_believe_is_for_the_bundle_to_say() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let verdict = ClusterFixture::rate(low(&lab, &request, lab.now));
    let other: fn() -> Bundle = ClusterFixture::otherwise_screened_bundle;
    lab.restart_with(id(1), other(), |_| {}).unwrap();
    is_ignored(&mut lab, &request, verdict, "is not signed by provider chainwatch");
}

#[test]
fn a_verdict_allows_nothing_that_the_policy_does_not() {
    // Under a policy that asks no provider, it changes nothing.
    let mut lab = lab();
    let request = lab.payment(1, false);
    let verdict = ClusterFixture::rate(low(&lab, &request, lab.now));
    assert!(matches!(reserve(&mut lab, &request, &[verdict]), FromNode::Denied(_)));
}

#[test]
fn what_many_providers_said_is_read_to_a_limit() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let good = ClusterFixture::rate(low(&lab, &request, lab.now));
    let stranger = RiskVerdict { provider: "stranger".parse().unwrap(), ..good.verdict.clone() };
    let mut verdicts = vec![ClusterFixture::rate(stranger); 8];
    verdicts.push(good);
    let answer = reserve(&mut lab, &request, &verdicts);
    assert_eq!(deferred(&lab, answer).verdicts.len(), 1);
    assert!(matches!(reserve(&mut lab, &request, &verdicts[1..]), FromNode::Reserved(_)));
}

#[test]
fn a_simulation_takes_verdicts_as_well() {
    let mut lab = screening();
    let request = lab.payment(1, false);
    let verdict = ClusterFixture::rate(low(&lab, &request, lab.now));
    for (verdicts, allowed) in [(vec![], false), (vec![verdict], true)] {
        let question = ToNode::Simulate { request: request.clone(), verdicts };
        let FromNode::Simulated(decision) = lab.ask(id(1), question) else { panic!() };
        assert_eq!(decision.is_ok(), allowed, "{decision:?}");
    }
    assert!(matches!(
        lab.reserve(id(1), &request, Attempt(1), &set([1, 2])),
        FromNode::Deferred(_)
    ));
}
