use quorate_model::{Attempt, Scheme};
use quorate_protocol::wire::{CeremonyKey, FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_testkit::Lab;

use crate::{FIRST, id, lab, refused, set};

fn fresh() -> Lab {
    Lab::new(1, 3, 2, Scheme::FrostEd25519)
}

fn begin(lab: &Lab, attempt: u32) -> ToNode {
    ToNode::GenerateKey { order: lab.order(), attempt: Attempt(attempt), never_voted: vec![] }
}

#[test]
fn every_scheme_makes_keys_that_sign_their_confirmation() {
    for scheme in Scheme::ALL {
        for (nodes, threshold) in [(3, 2), (5, 3)] {
            Lab::with_key(3, nodes, threshold, scheme);
        }
    }
}

#[test]
fn an_order_without_its_quorum_moves_nobody() {
    let mut lab = fresh();
    let ToNode::GenerateKey { mut order, attempt, never_voted } = begin(&lab, 1) else { return };
    order.signatures.pop();
    let answer = lab.ask(id(1), ToNode::GenerateKey { order, attempt, never_voted });
    assert_eq!(refused(answer), RefusalCode::Invalid);
}

#[test]
fn an_order_is_begun_in_its_window_only() {
    let mut lab = fresh();
    let question = begin(&lab, 1);
    lab.now = lab.now.plus_millis(3_600_000);
    assert_eq!(refused(lab.ask(id(1), question)), RefusalCode::Time);
}

#[test]
fn an_attempt_at_an_order_is_used_once_also_after_a_restart() {
    let mut lab = fresh();
    assert!(matches!(lab.ask(id(1), begin(&lab, 2)), FromNode::Announcement(_)));
    lab.restart(id(1)).unwrap();
    assert_eq!(refused(lab.ask(id(1), begin(&lab, 2))), RefusalCode::AttemptUsed);
    assert_eq!(refused(lab.ask(id(1), begin(&lab, 1))), RefusalCode::AttemptUsed);
    assert!(matches!(lab.ask(id(1), begin(&lab, 3)), FromNode::Announcement(_)));
    assert_eq!(refused(lab.ask(id(1), begin(&lab, 9))), RefusalCode::AttemptsExhausted);
}

#[test]
fn a_round_out_of_turn_is_refused() {
    let mut lab = fresh();
    lab.ask(id(1), begin(&lab, 1));
    let key = CeremonyKey { key: Lab::key(), attempt: FIRST };
    assert_eq!(refused(lab.ask(id(1), ToNode::Round1(key, vec![]))), RefusalCode::NotFound);
}

#[test]
fn a_vote_is_cast_once_and_repeated_on_request() {
    let mut lab = fresh();
    let certificate = lab.certificate();
    lab.restart(id(1)).unwrap();
    for attempt in 1..=3 {
        let FromNode::Vote(certified, vote) = lab.ask(id(1), begin(&lab, attempt)) else {
            panic!("no vote");
        };
        assert_eq!(certified, certificate.certified);
        assert_eq!(certificate.votes[&id(1)], vote.signature);
    }
}

#[test]
fn a_vote_is_let_go_only_on_the_word_of_threshold_holders() {
    let mut lab = fresh();
    // All voted, but nodes 2 and 3 lost their disks with it: they announce a second attempt.
    lab.certificate();
    let mut elsewhere = fresh();
    let announce = |lab: &mut Lab, node| match lab.ask(node, begin(lab, 2)) {
        FromNode::Announcement(message) => message,
        other => panic!("{other:?}"),
    };
    let words = [announce(&mut elsewhere, id(2)), announce(&mut elsewhere, id(3))];
    let ask = |lab: &mut Lab, never_voted| {
        let order = lab.order();
        lab.ask(id(1), ToNode::GenerateKey { order, attempt: Attempt(2), never_voted })
    };
    assert_eq!(refused(ask(&mut lab, vec![words[0].clone()])), RefusalCode::Invalid);
    let twice = vec![words[0].clone(), words[0].clone()];
    assert_eq!(refused(ask(&mut lab, twice)), RefusalCode::Invalid);
    let own = announce(&mut elsewhere, id(1));
    assert_eq!(refused(ask(&mut lab, vec![words[0].clone(), own])), RefusalCode::Invalid);
    assert!(matches!(ask(&mut lab, words.to_vec()), FromNode::Announcement(_)));
    lab.restart(id(1)).unwrap();
}

#[test]
fn a_certified_share_is_never_let_go() {
    let mut lab = lab();
    let mut elsewhere = fresh();
    let words: Vec<_> = [2, 3]
        .map(|node| match elsewhere.ask(id(node), begin(&elsewhere, 2)) {
            FromNode::Announcement(message) => message,
            other => panic!("{other:?}"),
        })
        .into();
    let order = lab.order();
    let question = ToNode::GenerateKey { order, attempt: Attempt(2), never_voted: words };
    assert!(matches!(lab.ask(id(1), question), FromNode::Vote(..)));
}

#[test]
fn a_certificate_must_be_what_this_node_voted_for() {
    let mut lab = fresh();
    let certificate = lab.certificate();
    let mut changed = certificate.clone();
    changed.certified.chain_code[0] ^= 1;
    assert_eq!(refused(lab.ask(id(1), ToNode::Certify(changed))), RefusalCode::Invalid);
    let mut missing = certificate.clone();
    missing.votes.remove(&id(3));
    assert_eq!(refused(lab.ask(id(1), ToNode::Certify(missing))), RefusalCode::Invalid);
    assert_eq!(lab.ask(id(1), ToNode::Certify(certificate)), FromNode::Certified);
}

#[test]
fn nothing_but_the_confirmation_is_signed_before_a_key_is_active() {
    let mut lab = fresh();
    let certificate = lab.certificate();
    let request = lab.payment(1, true);
    let before = lab.reserve(id(1), &request, FIRST, &set([1, 2]));
    assert_eq!(refused(before), RefusalCode::NotFound);
    let subject = Subject::Confirmation { sharing: Lab::sharing() };
    let confirm = ToNode::Reserve {
        subject,
        words: Words::default(),
        attempt: FIRST,
        signing_set: set([1, 2]),
    };
    assert_eq!(refused(lab.ask(id(1), confirm.clone())), RefusalCode::NotFound);
    lab.ask(id(1), ToNode::Certify(certificate));
    assert!(matches!(lab.ask(id(1), confirm), FromNode::Reserved(_)));
    let after = lab.reserve(id(1), &request, FIRST, &set([1, 2]));
    assert_eq!(refused(after), RefusalCode::NotFound);
}

#[test]
fn a_key_is_active_only_when_verified_confirmations_cover_every_holder() {
    let mut lab = fresh();
    let certificate = lab.certificate();
    lab.ask_all(&ToNode::Certify(certificate.clone()), |_| ());
    let all = lab.confirmations(&certificate.certified);
    let ask = |lab: &mut Lab, confirmations| {
        lab.ask(id(1), ToNode::Confirm { sharing: Lab::sharing(), confirmations })
    };
    assert_eq!(refused(ask(&mut lab, vec![])), RefusalCode::Invalid);
    assert_eq!(refused(ask(&mut lab, all[..1].to_vec())), RefusalCode::Invalid);
    let mut forged = all.clone();
    forged[1].signature = forged[0].signature.clone();
    assert_eq!(refused(ask(&mut lab, forged)), RefusalCode::Invalid);
    let mut stretched = all.clone();
    stretched[0].signing_set = set([1, 2, 3]);
    assert_eq!(refused(ask(&mut lab, stretched)), RefusalCode::Invalid);
    assert_eq!(ask(&mut lab, all), FromNode::Active);
}
