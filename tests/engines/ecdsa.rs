//! ECDSA keys: what a failed check leads to, and what a relay cannot make it seem.

use std::sync::Arc;

use quorate_audit::EventKind;
use quorate_model::{Attempt, Digest, ParticipantId, ParticipantSet, Scheme};
use quorate_protocol::ecdsa::{SignRound, SignStep};
use quorate_protocol::exchange::{Inbox, Parcel};
use quorate_protocol::sign::ReserveAnswer;
use quorate_protocol::wire::{
    CeremonyKey, ExchangeKey, FromNode, RefusalCode, Subject, ToNode, Words,
};
use quorate_protocol::{Confirmation, Fault};
use quorate_signer::{Input, Record, StartError};
use quorate_testkit::{ClusterFixture, Lab, ToSign};
use quorate_trust::Signed;

use crate::altered::{AlteredEcdsa, Begun, cheating};
use crate::{id, refused, set};

pub(crate) fn ecdsa_lab() -> Lab {
    Lab::with_key(5, 3, 2, Scheme::EcdsaSecp256k1)
}

/// Ends with a part that is false.
pub(crate) fn falsifying((round, outbox): Begun) -> Begun {
    (Box::new(FalsifyingRound(round)), outbox)
}

struct FalsifyingRound(Box<dyn SignRound>);

impl SignRound for FalsifyingRound {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<SignStep, Fault> {
        Ok(match self.0.step(inbox)? {
            SignStep::Next(round, outbox) => SignStep::Next(Box::new(Self(round)), outbox),
            SignStep::Done(mut part) => {
                part.w[31] ^= 1;
                SignStep::Done(part)
            }
        })
    }
}

/// Panics at a message of another.
fn panicking((_, outbox): Begun) -> Begun {
    (Box::new(PanickingRound), outbox)
}

struct PanickingRound;

impl SignRound for PanickingRound {
    fn step(self: Box<Self>, _: Inbox) -> Result<SignStep, Fault> {
        panic!("an index out of bounds, say")
    }
}

struct Attempted {
    exchange: ExchangeKey,
    set: ParticipantSet,
    first: Vec<FromNode>,
}

/// The key's confirmation by two nodes, as far as the first round.
fn attempt(lab: &mut Lab, signers: [u32; 2], attempt: u32) -> Attempted {
    let (answers, set) = reserved(lab, signers, attempt);
    let (subject, attempt) = (statement(lab, &set), Attempt(attempt));
    let share = ToNode::Share { subject, attempt, answers };
    let first = set.iter().map(|id| lab.ask(id, share.clone())).collect();
    Attempted { exchange: ExchangeKey::Signing { subject, attempt }, set, first }
}

fn reserved(
    lab: &mut Lab,
    signers: [u32; 2],
    attempt: u32,
) -> (Vec<Signed<ReserveAnswer>>, ParticipantSet) {
    let set = set(signers);
    let subject = Subject::Confirmation { sharing: Lab::sharing() };
    (lab.reserve_all(&subject, Attempt(attempt), &set), set)
}

fn statement(lab: &Lab, set: &ParticipantSet) -> Digest {
    Confirmation::statement(&lab.certified(), set)
}

fn finish(lab: &mut Lab, attempted: Attempted, change: Change<'_>) -> Vec<FromNode> {
    lab.exchange(&attempted.exchange, &attempted.set, attempted.first, change)
}

type Change<'a> = &'a dyn Fn(ParticipantId, Vec<Parcel>) -> Vec<Parcel>;

fn frozen_pairs(lab: &Lab, node: ParticipantId) -> Vec<ParticipantId> {
    let frozen = |record| match record {
        Record::PairFreeze(freeze) => Some(freeze.with),
        _ => None,
    };
    lab.records(node).into_iter().filter_map(frozen).collect()
}

fn signs(lab: &mut Lab, signers: [u32; 2], attempt: u32) {
    let certified = lab.certified();
    let set = set(signers);
    let digest = statement(lab, &set);
    let subject = Subject::Confirmation { sharing: Lab::sharing() };
    let what = ToSign { subject, digest, messages: vec![digest.as_bytes().to_vec()] };
    lab.sign(what, &set, Attempt(attempt), &certified);
}

#[test]
fn a_failed_check_freezes_the_pair_before_anything_is_answered_and_for_good() {
    let mut lab = ecdsa_lab();
    lab.backends.insert(id(2), Arc::new(AlteredEcdsa(cheating)));
    lab.restart(id(2)).unwrap();
    // Another session of the pair is open, and one of another pair.
    let (waiting, both) = reserved(&mut lab, [1, 2], 2);
    let (other, others) = reserved(&mut lab, [1, 3], 2);
    let attempted = attempt(&mut lab, [1, 2], 3);
    let answers = finish(&mut lab, attempted, &|_, parcels| parcels);
    let frozen = RefusalCode::PairFrozen(id(2));
    assert_eq!(refused(answers.into_iter().next().unwrap()), frozen);
    // The lab checks that the record was durable before the answer came.
    assert_eq!(frozen_pairs(&lab, id(1)), [id(2)]);
    let share = |set: &ParticipantSet, answers| ToNode::Share {
        subject: statement(&lab, set),
        attempt: Attempt(2),
        answers,
    };
    let (of_the_pair, of_another) = (share(&both, waiting), share(&others, other));
    assert_eq!(refused(lab.ask(id(1), of_the_pair)), RefusalCode::NotFound);
    assert!(matches!(lab.ask(id(1), of_another), FromNode::Exchanged(_)));
    // For good: over restarts, for every attempt.
    lab.restart(id(1)).unwrap();
    let question = |attempt| ToNode::Reserve {
        subject: Subject::Confirmation { sharing: Lab::sharing() },
        words: Words::default(),
        attempt: Attempt(attempt),
        signing_set: set([1, 2]),
    };
    assert_eq!(refused(lab.ask(id(1), question(4))), frozen);
    let (entries, _) = lab.read_audit(id(1));
    let frozen = entries.iter().filter(|entry| entry.event.kind == EventKind::PairFrozen);
    assert_eq!(frozen.count(), 1);
    // The others are free to sign.
    lab.backends.clear();
    lab.restart(id(2)).unwrap();
    signs(&mut lab, [1, 3], 4);
    signs(&mut lab, [2, 3], 4);
}

#[test]
fn a_panic_in_a_round_is_no_way_around_the_freeze() {
    let mut lab = ecdsa_lab();
    lab.backends.insert(id(1), Arc::new(AlteredEcdsa(panicking)));
    lab.restart(id(1)).unwrap();
    let attempted = attempt(&mut lab, [1, 2], 2);
    let answers = finish(&mut lab, attempted, &|_, parcels| parcels);
    assert_eq!(refused(answers.into_iter().next().unwrap()), RefusalCode::Aborted);
    assert_eq!(frozen_pairs(&lab, id(1)), [id(2)]);
}

#[test]
fn a_pair_freeze_that_is_deleted_from_the_disk_is_noticed() {
    let mut lab = ecdsa_lab();
    lab.backends.insert(id(2), Arc::new(AlteredEcdsa(cheating)));
    lab.restart(id(2)).unwrap();
    let attempted = attempt(&mut lab, [1, 2], 2);
    finish(&mut lab, attempted, &|_, parcels| parcels);
    let deleted = lab.restart_with(id(1), ClusterFixture::bundle(), |records| {
        records.retain(|record| !matches!(record, Record::PairFreeze(_)));
    });
    assert_eq!(deleted, Err(StartError::State));
}

#[test]
fn whatever_a_relay_does_freezes_nobody() {
    let mut lab = ecdsa_lab();
    let changes: [(&str, Change<'_>); 5] = [
        ("a sealed byte", &|_, mut parcels| {
            for part in parcels.iter_mut().flat_map(|parcel| &mut parcel.parts) {
                part.sealed[77] ^= 1;
            }
            parcels
        }),
        ("no parts", &|_, mut parcels| {
            parcels.iter_mut().for_each(|parcel| parcel.parts.clear());
            parcels
        }),
        ("a message less", &|_, mut parcels| {
            parcels.pop();
            parcels
        }),
        ("a signed field", &|_, mut parcels| {
            parcels.iter_mut().for_each(|parcel| parcel.message.body.round += 1);
            parcels
        }),
        ("one of them only", &|to, mut parcels| {
            if to == id(1) {
                parcels.clear();
            }
            parcels
        }),
    ];
    for (number, (what, change)) in (2..).zip(changes) {
        let attempted = attempt(&mut lab, [1, 2], number);
        let answers = finish(&mut lab, attempted, change);
        assert!(!answers.iter().any(|answer| matches!(answer, FromNode::Shares(_))), "{what}");
        for node in [1, 2].map(id) {
            assert_eq!(frozen_pairs(&lab, node), [], "{what}");
        }
    }
    signs(&mut lab, [1, 2], 8);
}

/// A coordinator that shows each of two nodes other reserve answers makes their sessions differ: that is
/// noticed before a multiplication is.
#[test]
fn views_that_differ_freeze_nobody() {
    let mut lab = ecdsa_lab();
    let both = set([1, 2]);
    let (subject, number) = (statement(&lab, &both), Attempt(2));
    let (first, _) = reserved(&mut lab, [1, 2], 2);
    // Node 2 forgets its session, and reserves again: another ephemeral key.
    lab.restart(id(2)).unwrap();
    let question = ToNode::Reserve {
        subject: Subject::Confirmation { sharing: Lab::sharing() },
        words: Words::default(),
        attempt: Attempt(3),
        signing_set: both.clone(),
    };
    let FromNode::Reserved(again) = lab.ask(id(2), question) else { panic!("reserved") };
    let shown = ToNode::Share { subject, attempt: number, answers: vec![first[0].clone(), again] };
    assert_eq!(refused(lab.ask(id(1), shown)), RefusalCode::Aborted);
    assert_eq!(frozen_pairs(&lab, id(1)), []);
}

#[test]
fn a_key_is_active_only_when_every_pair_was_seen_to_sign() {
    let mut lab = Lab::new(6, 3, 2, Scheme::EcdsaSecp256k1);
    let certificate = lab.certificate();
    let certified = certificate.certified.clone();
    lab.ask_all(&ToNode::Certify(certificate), |answer| assert_eq!(answer, FromNode::Certified));
    let mut confirmations = lab.confirmations(&certified);
    assert_eq!(confirmations.len(), 3);
    let last = confirmations.pop().unwrap();
    let confirm = |confirmations: &[Confirmation]| ToNode::Confirm {
        sharing: Lab::sharing(),
        confirmations: confirmations.to_vec(),
    };
    // Two sets of two cover three holders, and not three pairs.
    assert_eq!(refused(lab.ask(id(1), confirm(&confirmations))), RefusalCode::Invalid);
    confirmations.push(last);
    assert_eq!(lab.ask(id(1), confirm(&confirmations)), FromNode::Active);
}

#[test]
fn a_round_is_taken_once() {
    let mut lab = ecdsa_lab();
    let attempted = attempt(&mut lab, [1, 2], 2);
    let parcel = |answer: &FromNode| match answer {
        FromNode::Exchanged(parcel) => parcel.for_receiver(id(1)),
        other => panic!("{other:?}"),
    };
    let parcels: Vec<_> = attempted.first.iter().map(parcel).collect();
    let question = ToNode::Exchange(attempted.exchange, parcels);
    assert!(matches!(lab.ask(id(1), question.clone()), FromNode::Exchanged(_)));
    // The round is over: the same messages are of another one now.
    assert_eq!(refused(lab.ask(id(1), question.clone())), RefusalCode::Aborted);
    assert_eq!(refused(lab.ask(id(1), question)), RefusalCode::NotFound);
}

/// What was decided under one policy is not signed under another.
#[test]
fn a_bundle_between_rounds_ends_the_session() {
    let mut lab = ecdsa_lab();
    let attempted = attempt(&mut lab, [1, 2], 2);
    let order = crate::successors::activate(&lab, &crate::successors::tighter(&lab));
    assert!(matches!(lab.ask(id(1), ToNode::carry_out(order)), FromNode::Accepted(_)));
    let answers = finish(&mut lab, attempted, &|_, parcels| parcels);
    assert_eq!(refused(answers.into_iter().next().unwrap()), RefusalCode::NotFound);
}

#[test]
fn a_freeze_between_rounds_ends_the_session() {
    let mut lab = ecdsa_lab();
    let attempted = attempt(&mut lab, [1, 2], 2);
    let order = crate::orders::freeze(&lab);
    assert!(matches!(lab.ask(id(1), ToNode::carry_out(order)), FromNode::Accepted(_)));
    let answers = finish(&mut lab, attempted, &|_, parcels| parcels);
    assert_eq!(refused(answers.into_iter().next().unwrap()), RefusalCode::Frozen);
}

/// Attempts are counted for each order: two orders for one key may both be at their first.
#[test]
fn the_outcome_of_one_ceremony_is_not_taken_for_that_of_another() {
    let mut lab = Lab::new(5, 3, 2, Scheme::EcdsaSecp256k1);
    let first_round = |lab: &mut Lab| {
        let begin = ToNode::GenerateKey {
            order: lab.order(),
            attempt: Attempt::FIRST,
            never_voted: vec![],
        };
        let announcements = lab.ask_all(&begin, |answer| match answer {
            FromNode::Announcement(message) => message,
            other => panic!("{other:?}"),
        });
        let ceremony = CeremonyKey { key: Lab::key(), attempt: Attempt::FIRST };
        let question = ToNode::Announcements(ceremony, announcements);
        lab.ask_or_work(id(1), question).expect_err("the round is heavy")
    };
    let earlier = first_round(&mut lab);
    lab.now = lab.now.plus_millis(1);
    let later = first_round(&mut lab);
    let told = lab.tell(id(1), Input::WorkDone(earlier.run())).unwrap();
    assert_eq!(refused(told), RefusalCode::NotFound);
    let told = lab.tell(id(1), Input::WorkDone(later.run())).unwrap();
    assert!(matches!(told, FromNode::Exchanged(_)), "{told:?}");
}
