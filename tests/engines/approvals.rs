//! What people say to requests, at a node.

use quorate_model::{Attempt, Digest, Epoch, KeyId, Network, ParticipantSet, RequestId, Scheme};
use quorate_policy::Bundle;
use quorate_protocol::wire::{Deferral, FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_signer::Record;
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{Approval, SignedApproval, SignedRequest, Verdict};

use crate::{FIRST, SIZES, id, lab, refused, set, subsets};

/// A lab whose nodes ask the treasury about payments over the limit.
fn asking(bundle: fn() -> Bundle) -> Lab {
    let mut lab = lab();
    for node in lab.ids() {
        lab.restart_with(node, bundle(), |_| {}).unwrap();
    }
    lab
}

fn approval(lab: &Lab, request: &SignedRequest, person: &str) -> Approval {
    let bundle = ClusterFixture::asking_bundle();
    lab.fixture.approval(request, &lab.certified(), bundle.hash(), (person, "treasury"), lab.now)
}

fn approve(lab: &Lab, request: &SignedRequest, persons: &[&str]) -> Vec<SignedApproval> {
    persons.iter().map(|person| lab.fixture.say(&approval(lab, request, person))).collect()
}

fn reserve(
    lab: &mut Lab,
    node: u16,
    request: &SignedRequest,
    approvals: &[SignedApproval],
) -> FromNode {
    let subject = Subject::Request(request.clone());
    let (words, signing_set) = (words(approvals.to_vec()), set([1, 2]));
    lab.ask(id(node), ToNode::Reserve { subject, words, attempt: FIRST, signing_set })
}

fn words(approvals: Vec<SignedApproval>) -> Words {
    Words { approvals, ..Words::default() }
}

fn deferred(lab: &Lab, answer: FromNode) -> Deferral {
    let FromNode::Deferred(deferral) = answer else { panic!("{answer:?}") };
    deferral.verify(&lab.fixture.root).unwrap().into_parts().1
}

#[test]
fn a_request_waits_for_as_many_persons_as_the_policy_says() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    for (persons, present) in [(&[][..], 0), (&["alice"], 1), (&["alice", "alice"], 1)] {
        let approvals = approve(&lab, &request, persons);
        let answer = reserve(&mut lab, 1, &request, &approvals);
        let deferral = deferred(&lab, answer);
        assert_eq!(deferral.request, request.digest());
        let [missing] = &deferral.missing[..] else { panic!("{deferral:?}") };
        assert_eq!((missing.name.as_str(), missing.required), ("treasury", 2));
        assert_eq!(missing.present.len(), present);
    }
    // The attempt was not used up by waiting.
    let approvals = approve(&lab, &request, &["alice", "carol"]);
    assert!(matches!(reserve(&mut lab, 1, &request, &approvals), FromNode::Reserved(_)));
}

#[test]
fn what_people_approved_is_signed() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    let approvals = approve(&lab, &request, &["alice", "bob"]);
    let mut answers = Vec::new();
    for node in [1, 2] {
        let answer = reserve(&mut lab, node, &request, &approvals);
        let FromNode::Reserved(answer) = answer else { panic!("{answer:?}") };
        answers.push(answer);
    }
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    assert!(matches!(lab.ask(id(1), share), FromNode::Shares(_)));
}

/// Every field that an approval is bound to: said to anything else, it does not count.
#[test]
fn an_approval_of_something_else_does_not_count() {
    type Change = fn(&mut Approval);
    let cases: [(&str, Change); 17] = [
        ("cluster", |a| a.subject.cluster = Digest::new([0xee; 32])),
        ("request", |a| a.subject.request.request_id = RequestId::new([8; 16])),
        ("service", |a| a.subject.request.service = "elsewhere".parse().unwrap()),
        ("request-digest", |a| a.subject.request_digest = Digest::new([0xee; 32])),
        ("key", |a| a.subject.key = "other".parse::<KeyId>().unwrap()),
        ("epoch", |a| a.subject.epoch = Epoch(9)),
        ("path", |a| a.subject.path = "m/0".parse().unwrap()),
        ("network", |a| a.subject.network = Network::Solana),
        ("action", |a| a.subject.action = "stake".to_owned()),
        ("effect", |a| a.subject.effects[1] = "transfer nothing".to_owned()),
        ("effects-digest", |a| a.subject.effects_digest = Digest::new([0xee; 32])),
        ("payload-digest", |a| a.subject.payload_digest = Digest::new([0xee; 32])),
        ("signing-digest", |a| a.subject.signing_digest = Digest::new([0xee; 32])),
        ("bundle", |a| a.subject.bundle = Digest::new([0xee; 32])),
        ("quorum", |a| a.quorum = "risk".parse().unwrap()),
        ("credential", |a| a.credential = "SHA256:another".to_owned()),
        ("expires", |a| a.expires = a.expires.plus_millis(1_000_000)),
    ];
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    for (field, change) in cases {
        let mut changed = approval(&lab, &request, "alice");
        change(&mut changed);
        let mut approvals = approve(&lab, &request, &["bob"]);
        approvals.push(lab.fixture.say(&changed));
        let answer = reserve(&mut lab, 1, &request, &approvals);
        let deferral = deferred(&lab, answer);
        assert_eq!(deferral.missing[0].present.len(), 1, "{field}");
    }
}

#[test]
fn an_approval_counts_in_its_window_also_between_the_phases() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    let mut short = approval(&lab, &request, "alice");
    short.expires = lab.now.plus_millis(5_000);
    let mut early = approval(&lab, &request, "carol");
    early.not_before = lab.now.plus_millis(1);
    let mut approvals = approve(&lab, &request, &["bob"]);
    approvals.push(lab.fixture.say(&early));
    let answer = reserve(&mut lab, 1, &request, &approvals);
    assert_eq!(deferred(&lab, answer).missing[0].present.len(), 1, "too early");
    let approvals = [&approvals[..1], &[lab.fixture.say(&short)]].concat();
    let mut answers = Vec::new();
    for node in [1, 2] {
        let answer = reserve(&mut lab, node, &request, &approvals);
        let FromNode::Reserved(answer) = answer else { panic!("{answer:?}") };
        answers.push(answer);
    }
    lab.now = lab.now.plus_millis(5_000);
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    let answer = lab.ask(id(1), share);
    assert_eq!(deferred(&lab, answer).missing[0].present.len(), 1, "too late");
}

#[test]
fn a_new_bundle_voids_approvals_given_under_the_old_one() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    let approvals = approve(&lab, &request, &["alice", "bob"]);
    lab.restart_with(id(1), ClusterFixture::strictly_asking_bundle(), |_| {}).unwrap();
    let answer = reserve(&mut lab, 1, &request, &approvals);
    let deferral = deferred(&lab, answer);
    assert!(deferral.missing.iter().all(|quorum| quorum.present.is_empty()), "{deferral:?}");
    assert!(deferral.reason.contains("bundle"), "says why: {}", deferral.reason);
}

#[test]
fn a_person_counts_once_over_all_quorums() {
    let mut lab = asking(ClusterFixture::strictly_asking_bundle);
    let request = lab.payment(1, false);
    let bundle = ClusterFixture::strictly_asking_bundle();
    let say = |lab: &Lab, person, quorum| {
        let certified = lab.certified();
        let said =
            lab.fixture.approval(&request, &certified, bundle.hash(), (person, quorum), lab.now);
        lab.fixture.say(&said)
    };
    // Carol is in both quorums.
    let twice = [
        say(&lab, "alice", "treasury"),
        say(&lab, "carol", "treasury"),
        say(&lab, "carol", "risk"),
    ];
    let answer = reserve(&mut lab, 1, &request, &twice);
    assert_eq!(deferred(&lab, answer).missing.len(), 1);
    let three =
        [say(&lab, "alice", "treasury"), say(&lab, "bob", "treasury"), say(&lab, "carol", "risk")];
    assert!(matches!(reserve(&mut lab, 1, &request, &three), FromNode::Reserved(_)));
}

#[test]
fn approvals_allow_nothing_that_the_policy_forbids() {
    // Under a policy that asks nobody, approvals change nothing.
    let mut lab = lab();
    let request = lab.payment(1, false);
    let bundle = ClusterFixture::bundle();
    let certified = lab.certified();
    let said =
        lab.fixture.approval(&request, &certified, bundle.hash(), ("alice", "treasury"), lab.now);
    let approvals = [lab.fixture.say(&said)];
    assert!(matches!(reserve(&mut lab, 1, &request, &approvals), FromNode::Denied(_)));
}

fn reject(lab: &mut Lab, request: &SignedRequest, rejection: SignedApproval) -> FromNode {
    lab.ask(id(1), ToNode::Reject { request: request.clone(), rejection })
}

#[test]
fn a_rejection_by_whoever_is_asked_is_final() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    let approvals = approve(&lab, &request, &["alice", "bob"]);
    // Reserved already: the nonces go with the rejection.
    let mut answers = Vec::new();
    for node in [1, 2] {
        let FromNode::Reserved(answer) = reserve(&mut lab, node, &request, &approvals) else {
            panic!("not reserved")
        };
        answers.push(answer);
    }
    let mut said = approval(&lab, &request, "carol");
    said.verdict = Verdict::Reject;
    let rejection = lab.fixture.say(&said);
    assert!(matches!(reject(&mut lab, &request, rejection), FromNode::Denied(_)));
    let share = ToNode::Share { subject: request.digest(), attempt: FIRST, answers };
    assert_eq!(refused(lab.ask(id(1), share)), RefusalCode::NotFound);
    lab.restart_with(id(1), ClusterFixture::asking_bundle(), |_| {}).unwrap();
    // A later approval by the same person does not revive it.
    let approvals = approve(&lab, &request, &["alice", "bob", "carol"]);
    let (subject, attempt) = (Subject::Request(request.clone()), Attempt(2));
    let words = words(approvals);
    let again = ToNode::Reserve { subject, words, attempt, signing_set: set([1, 2]) };
    let FromNode::Denied(denial) = lab.ask(id(1), again) else { panic!("revived") };
    assert_eq!(denial.body.reason, "rejected by carol");
    let forget = |records: &mut Vec<Record>| {
        records.retain(|record| !matches!(record, Record::Request(_)));
    };
    let started = lab.restart_with(id(1), ClusterFixture::asking_bundle(), forget);
    assert!(started.is_err(), "a rejection cannot be deleted");
}

#[test]
fn a_rejection_that_is_none_or_by_nobody_who_is_asked_changes_nothing() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let (request, other) = (lab.payment(1, false), lab.payment(2, false));
    let invalid = |lab: &mut Lab, rejection: SignedApproval| {
        assert_eq!(refused(reject(lab, &request, rejection)), RefusalCode::Invalid);
    };
    let approve = lab.fixture.say(&approval(&lab, &request, "alice"));
    invalid(&mut lab, approve);
    let mut elsewhere = approval(&lab, &other, "alice");
    elsewhere.verdict = Verdict::Reject;
    let elsewhere = lab.fixture.say(&elsewhere);
    invalid(&mut lab, elsewhere);
    let mut forged = approval(&lab, &request, "alice");
    forged.verdict = Verdict::Reject;
    let mut forged = lab.fixture.say(&forged);
    forged.text = forged.text.replace("alice", "bob");
    invalid(&mut lab, forged);
    // Nobody is asked about what the policy allows by itself.
    let small = lab.payment(3, true);
    let mut unasked = approval(&lab, &small, "alice");
    unasked.verdict = Verdict::Reject;
    let rejection = lab.fixture.say(&unasked);
    let answer = lab.ask(id(1), ToNode::Reject { request: small.clone(), rejection });
    assert_eq!(refused(answer), RefusalCode::Invalid);
    let persons = ["alice", "bob"];
    let approvals: Vec<_> =
        persons.iter().map(|p| lab.fixture.say(&approval(&lab, &request, p))).collect();
    assert!(matches!(reserve(&mut lab, 1, &request, &approvals), FromNode::Reserved(_)));
}

#[test]
fn a_rejection_of_what_has_expired_writes_nothing() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    let mut rejection = approval(&lab, &request, "alice");
    rejection.verdict = Verdict::Reject;
    let rejection = lab.fixture.say(&rejection);
    lab.now = request.request.expires;
    let before = lab.records(id(1)).len();
    assert_eq!(refused(reject(&mut lab, &request, rejection)), RefusalCode::Time);
    assert_eq!(lab.records(id(1)).len(), before);
}

#[test]
fn a_rejection_holds_whatever_the_clock_shows() {
    for by_ms in [26 * 3_600_000, -26 * 3_600_000] {
        let mut lab = asking(ClusterFixture::asking_bundle);
        let request = lab.payment(1, false);
        let mut rejection = approval(&lab, &request, "alice");
        rejection.verdict = Verdict::Reject;
        let rejection = lab.fixture.say(&rejection);
        lab.wrong_ms.insert(id(1), by_ms);
        let answer = reject(&mut lab, &request, rejection);
        assert!(matches!(answer, FromNode::Denied(_)), "{by_ms}: {answer:?}");
        lab.wrong_ms.clear();
        let approvals = approve(&lab, &request, &["alice", "bob"]);
        let answer = reserve(&mut lab, 1, &request, &approvals);
        assert!(matches!(answer, FromNode::Denied(_)), "{by_ms}: {answer:?}");
    }
}

#[test]
fn whoever_asks_again_and_again_does_not_fill_the_audit_log() {
    let mut lab = asking(ClusterFixture::asking_bundle);
    let request = lab.payment(1, false);
    let one = approve(&lab, &request, &["alice"]);
    let before = lab.records(id(1)).len();
    for number in 0..100 {
        // Words that nobody said do not even count as news.
        let mut forged = approval(&lab, &request, "alice");
        forged.approver = format!("nobody-{number}").parse().unwrap();
        let forged = SignedApproval { text: forged.render(), signature: one[0].signature.clone() };
        for approvals in [vec![forged], one.clone()] {
            let answer = reserve(&mut lab, 1, &request, &approvals);
            deferred(&lab, answer);
        }
    }
    assert!(lab.records(id(1)).len() - before <= 16);
}

/// Whatever a coordinator withholds: once so many nodes hold a rejection that fewer than the threshold
/// are left, no signing set completes, though two persons approved. With one node fewer, one does.
#[test]
fn a_rejection_at_n_minus_t_plus_one_nodes_stops_every_signing_set() {
    for (nodes, threshold) in SIZES {
        let mut lab = Lab::with_key(7, nodes, threshold, Scheme::FrostEd25519);
        for node in lab.ids() {
            lab.restart_with(node, ClusterFixture::asking_bundle(), |_| {}).unwrap();
        }
        let mut number = 0;
        for missing in [0, 1] {
            for holders in subsets(nodes, nodes - threshold + 1 - missing) {
                let mut signed = false;
                for signers in subsets(nodes, threshold) {
                    number += 1;
                    signed |= reserved_despite(&mut lab, number, &holders, &signers);
                }
                assert_eq!(signed, missing == 1, "{holders:?} of {nodes} hold it");
            }
        }
    }
}

/// Whether a whole signing set reserves a request that two persons approved, and whose rejection these
/// nodes hold.
fn reserved_despite(lab: &mut Lab, number: u64, holders: &[u16], signers: &[u16]) -> bool {
    let request = lab.payment(number, false);
    let approvals = approve(lab, &request, &["alice", "bob"]);
    let mut said = approval(lab, &request, "carol");
    said.verdict = Verdict::Reject;
    let rejection = lab.fixture.say(&said);
    for node in holders {
        let reject = ToNode::Reject { request: request.clone(), rejection: rejection.clone() };
        assert!(matches!(lab.ask(id(*node), reject), FromNode::Denied(_)));
    }
    let signing_set = ParticipantSet::new(signers.iter().map(|n| id(*n))).unwrap();
    let answers = signers.iter().map(|node| {
        let subject = Subject::Request(request.clone());
        let words = Words { approvals: approvals.clone(), verdicts: Vec::new() };
        let signing_set = signing_set.clone();
        let reserve = ToNode::Reserve { subject, words, attempt: FIRST, signing_set };
        let answer = lab.ask(id(*node), reserve);
        match &answer {
            FromNode::Reserved(_) => assert!(!holders.contains(node), "{node} was told"),
            FromNode::Denied(denial) => {
                assert!(holders.contains(node), "{node} heard of no rejection");
                assert_eq!(denial.body.reason, "rejected by carol");
            }
            other => panic!("{other:?}"),
        }
        matches!(answer, FromNode::Reserved(_))
    });
    answers.filter(|reserved| *reserved).count() == signers.len()
}
