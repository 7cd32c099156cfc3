//! Coordinators that lie: nothing is signed that is not permitted, and nobody honest is convicted.

use std::cell::RefCell;
use std::rc::Rc;

use quorate_model::{Attempt, Digest, ParticipantId, ParticipantSet, Scheme, Timestamp};
use quorate_protocol::exchange::Parcel;
use quorate_protocol::wire::{Acceptance, CeremonyKey, FromNode, Subject, ToNode};
use quorate_testkit::{Faults, Frame, Outcome, Workload, World, seeded};
use quorate_trust::Signed;
use rand_core::RngCore;

pub(crate) fn workload() -> Workload {
    let scheme = Scheme::FrostEd25519;
    Workload {
        nodes: 3,
        threshold: 2,
        scheme,
        permitted: 2,
        denied: 1,
        asking: 2,
        changes: false,
        rotations: 0,
    }
}

fn world(seed: u64) -> World {
    World::new(seed, workload(), Faults::none())
}

/// Runs with a relay that changes each question with odds of one in `odds`.
fn meddled(
    seed: u64,
    odds: u32,
    change: impl Fn(&mut ToNode, &mut dyn RngCore) + 'static,
) -> Outcome {
    let mut rng = seeded(seed ^ 0xbad);
    let meddler = move |mut frame: Frame| {
        if let Frame::Question(_, _, question) = &mut frame
            && rng.next_u32().is_multiple_of(odds)
        {
            change(question, &mut rng);
        }
        vec![frame]
    };
    world(seed).with_meddler(meddler).run()
}

pub(crate) fn holds(outcome: &Outcome, what: &str, seed: u64) {
    if let Some(violation) = &outcome.violation {
        panic!("{what}, seed {seed}: {violation}\n{}", outcome.timeline);
    }
}

fn flip(bytes: &mut [u8], rng: &mut dyn RngCore) {
    let length = bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(rng.next_u32() as usize % length) {
        *byte ^= 1 << (rng.next_u32() % 8);
    }
}

fn digest_of(rng: &mut dyn RngCore) -> Digest {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    Digest::new(bytes)
}

/// Changes one thing in one message of a list, and leaves the signature as it was.
fn tamper<T>(
    messages: &mut [Signed<T>],
    rng: &mut dyn RngCore,
    change: fn(&mut T, &mut dyn RngCore),
) {
    let length = messages.len().max(1);
    if let Some(message) = messages.get_mut(rng.next_u32() as usize % length) {
        change(&mut message.body, rng);
    }
}

fn tamper_with_parcels(parcels: &mut [Parcel], rng: &mut dyn RngCore) {
    let length = parcels.len().max(1);
    let Some(parcel) = parcels.get_mut(rng.next_u32() as usize % length) else { return };
    match parcel.parts.first_mut().filter(|_| rng.next_u32().is_multiple_of(2)) {
        Some(part) => flip(&mut part.sealed, rng),
        None => parcel.message.body.broadcast.push(1),
    }
}

fn tamper_with(question: &mut ToNode, rng: &mut dyn RngCore) {
    match question {
        ToNode::ReshareKey { attempt, .. } => attempt.0 += 1 + rng.next_u32() % 3,
        ToNode::GenerateKey { order, .. } => {
            let mut text = order.text.clone().into_bytes();
            flip(&mut text, rng);
            if let Ok(text) = String::from_utf8(text) {
                order.text = text;
            }
        }
        ToNode::Announcements(_, messages) => {
            tamper(messages, rng, |body, rng| flip(&mut body.ephemeral, rng));
        }
        ToNode::Round1(_, messages) => tamper(messages, rng, |body, rng| {
            if rng.next_u32() % 2 == 0 {
                flip(&mut body.proof_of_knowledge, rng);
            } else if let Some(commitment) = body.commitments.first_mut() {
                flip(commitment, rng);
            }
        }),
        ToNode::Round2(_, messages) => tamper(messages, rng, |body, rng| {
            if let Some(share) = body.shares.first_mut() {
                flip(&mut share.sealed, rng);
            }
        }),
        ToNode::Exchange(_, parcels) => tamper_with_parcels(parcels, rng),
        ToNode::Certify(certificate) => flip(&mut certificate.certified.chain_code, rng),
        ToNode::Reserve { subject: Subject::Request(request), .. } => {
            flip(&mut request.request.payload, rng);
            flip(&mut request.statement, rng);
        }
        ToNode::Reserve { subject: Subject::Confirmation { .. }, attempt, .. } => attempt.0 += 1,
        ToNode::Share { answers, .. } => tamper(answers, rng, |body, rng| {
            if let Some([hiding, _]) = body.commitments.first_mut() {
                flip(hiding, rng);
            }
        }),
        ToNode::Confirm { confirmations, .. } | ToNode::Replaced { confirmations, .. } => {
            if let Some(confirmation) = confirmations.first_mut() {
                flip(&mut confirmation.signature, rng);
            }
        }
        ToNode::CarryOut { order, acceptances } => {
            let changed = match &mut order.document {
                Some(document) if rng.next_u32().is_multiple_of(2) => document,
                Some(_) | None => &mut order.text,
            };
            let mut text = changed.clone().into_bytes();
            flip(&mut text, rng);
            if let Ok(text) = String::from_utf8(text) {
                *changed = text;
            }
            let early = |body: &mut Acceptance, _: &mut dyn RngCore| body.begins = Timestamp::ZERO;
            tamper(acceptances, rng, early);
        }
        ToNode::Reject { request, .. } => flip(&mut request.statement, rng),
        ToNode::HearTestimony(reading) => {
            reading.body.heads.clock = reading.body.heads.clock.plus_millis(1);
        }
        ToNode::Testify { .. }
        | ToNode::Simulate { .. }
        | ToNode::Orders
        | ToNode::Order(_)
        | ToNode::Status => {}
    }
}

#[test]
fn flipping_bits_of_relayed_messages_gains_nothing() {
    for seed in 0..40 {
        holds(&meddled(seed, 12, tamper_with), "tampering", seed);
    }
}

#[test]
fn a_payload_swapped_under_the_same_signature_is_refused_everywhere() {
    for seed in 0..10 {
        // What is not permitted gets the statement, digest and signature of what is.
        let first = Rc::new(RefCell::new(None));
        let outcome = meddled(seed, 1, move |question, _| {
            if let ToNode::Reserve { subject: Subject::Request(request), .. } = question {
                let mut first = first.borrow_mut();
                match &*first {
                    None => *first = Some(request.request.clone()),
                    Some(other) => request.request = other.clone(),
                }
            }
        });
        // The adapters re-encode, so over a wire this cannot even arrive; the engines sign what
        // was decoded only if the statement is its encoding.
        holds(&outcome, "swapping", seed);
    }
}

#[test]
fn replaying_questions_across_sessions_and_attempts_gains_nothing() {
    for seed in 0..30 {
        let mut rng = seeded(seed ^ 0x7e9);
        let mut heard: Vec<Frame> = Vec::new();
        let meddler = move |frame: Frame| {
            if !matches!(frame, Frame::Question(..)) {
                return vec![frame];
            }
            let mut frames = vec![frame.clone()];
            if !heard.is_empty() && rng.next_u32().is_multiple_of(3) {
                let old = heard[rng.next_u32() as usize % heard.len()].clone();
                // An old question under the call id of the new one, to the node of the new one.
                if let (Frame::Question(node, call, _), Frame::Question(_, _, question)) =
                    (&frame, old)
                {
                    frames.push(Frame::Question(*node, *call, question));
                    if rng.next_u32().is_multiple_of(2) {
                        frames.swap(0, 1);
                    }
                }
            }
            heard.push(frame);
            frames
        };
        holds(&world(seed).with_meddler(meddler).run(), "replaying", seed);
    }
}

#[test]
fn invented_attempts_signing_sets_and_subjects_gain_nothing() {
    for seed in 0..30 {
        let outcome = meddled(seed, 6, |question, rng| match question {
            ToNode::Reserve { attempt, signing_set, .. } => match rng.next_u32() % 3 {
                0 => *attempt = Attempt(rng.next_u32() % 12),
                1 => *signing_set = ParticipantSet::from_wire([1, 2, 3]).unwrap(),
                _ => *signing_set = ParticipantSet::from_wire([1, 9]).unwrap(),
            },
            ToNode::Share { subject, attempt, answers } => match rng.next_u32() % 4 {
                0 => *subject = digest_of(rng),
                1 => attempt.0 += 1,
                2 => drop(answers.pop()),
                _ => {
                    if let Some(one) = answers.first().cloned() {
                        answers.push(one);
                    }
                }
            },
            ToNode::GenerateKey { attempt, .. } => attempt.0 += rng.next_u32() % 3,
            ToNode::Announcements(CeremonyKey { attempt, .. }, _) => attempt.0 += 1,
            ToNode::Round1(..)
            | ToNode::Round2(..)
            | ToNode::Exchange(..)
            | ToNode::Certify(_)
            | ToNode::ReshareKey { .. }
            | ToNode::Confirm { .. }
            | ToNode::Replaced { .. }
            | ToNode::Simulate { .. }
            | ToNode::CarryOut { .. }
            | ToNode::Reject { .. }
            | ToNode::Orders
            | ToNode::Order(_)
            | ToNode::Testify { .. }
            | ToNode::HearTestimony(_)
            | ToNode::Status => {}
        });
        holds(&outcome, "inventing", seed);
    }
}

#[test]
fn clocks_that_are_withheld_replayed_or_invented_gain_nothing() {
    for seed in 0..30 {
        let mut rng = seeded(seed ^ 0xc10c);
        let mut heard: Vec<FromNode> = Vec::new();
        let meddler = move |mut frame: Frame| {
            let Frame::Answer(_, _, answer) = &mut frame else { return vec![frame] };
            let FromNode::Testimony(reading) = answer else { return vec![frame] };
            heard.push(FromNode::Testimony(reading.clone()));
            match rng.next_u32() % 4 {
                0 => return Vec::new(),
                1 => *answer = heard[rng.next_u32() as usize % heard.len()].clone(),
                2 => reading.body.heads.clock = Timestamp::ZERO,
                _ => {}
            }
            vec![frame]
        };
        let faults = Faults { crashes: 6, jumps: 4, ..Faults::none() };
        let world = World::new(seed, workload(), faults).with_meddler(meddler);
        holds(&world.run(), "lying about clocks", seed);
    }
}

#[test]
fn a_request_that_no_service_signed_is_refused() {
    for seed in 0..10 {
        let outcome = meddled(seed, 1, |question, _| {
            if let ToNode::Reserve { subject: Subject::Request(request), .. } = question {
                request.request.expires = Timestamp::from_millis(u64::MAX);
                request.statement.push(0);
            }
        });
        holds(&outcome, "forging", seed);
        assert!(!outcome.ends.contains_key("SIGNED"), "{:?}", outcome.ends);
    }
}

#[test]
fn an_order_with_another_roster_or_threshold_makes_no_key() {
    for (from, to) in [("roster: 1,2,3", "roster: 1,2"), ("threshold: 2", "threshold: 3")] {
        let outcome = meddled(1, 1, move |question, _| {
            if let ToNode::GenerateKey { order, .. } = question {
                order.text = order.text.replace(from, to);
            }
        });
        holds(&outcome, "lying about the roster", 1);
        assert!(!outcome.key_active);
    }
}

#[test]
fn answers_under_another_nodes_name_are_not_believed() {
    for seed in 0..20 {
        let mut rng = seeded(seed ^ 0x1d);
        let meddler = move |mut frame: Frame| {
            if let Frame::Answer(node, _, answer) = &mut frame
                && rng.next_u32().is_multiple_of(8)
            {
                let other = ParticipantId::new(node.get() % 3 + 1).unwrap();
                match answer {
                    FromNode::Reserved(signed) => signed.from = other,
                    FromNode::Shares(signed) => signed.from = other,
                    FromNode::Denied(signed) => signed.from = other,
                    FromNode::Vote(_, signed) => signed.from = other,
                    FromNode::Announcement(signed) => signed.from = other,
                    _ => {}
                }
            }
            vec![frame]
        };
        holds(&world(seed).with_meddler(meddler).run(), "impersonating", seed);
    }
}
