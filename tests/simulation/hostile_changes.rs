//! Coordinators that lie about policy bundles and trust roots: what may allow more is in force nowhere
//! before its time, or without those who have to sign it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use quorate_model::Timestamp;
use quorate_protocol::wire::{FromNode, ToNode};
use quorate_testkit::{ClusterFixture, Faults, Frame, Outcome, Workload, World};

use crate::hostile::{holds, workload};

const SEEDS: u64 = 6;

fn run(seed: u64, what: &str, relay: impl FnMut(Frame) -> Vec<Frame> + 'static) -> Outcome {
    let workload = Workload { changes: true, ..workload() };
    let outcome = World::new(seed, workload, Faults::none()).with_meddler(relay).run();
    holds(&outcome, what, seed);
    outcome
}

/// Whether a frame brings a policy bundle or a version of the trust root.
fn brings_a_document(frame: &Frame) -> bool {
    let Frame::Question(_, _, ToNode::CarryOut { order, .. }) = frame else { return false };
    order.document.is_some()
}

fn is_of_node(frame: &Frame, number: u16) -> bool {
    matches!(frame, Frame::Question(node, ..) if node.get() == number)
}

/// What happens where nothing comes into force: what the first policy denies is denied.
fn unchanged() -> BTreeMap<String, u64> {
    [("DENIED", 1), ("REJECTED", 1), ("SIGNED", 3)].map(|(state, n)| (state.to_owned(), n)).into()
}

#[test]
fn a_node_that_is_kept_on_old_ones_signs_with_nobody_and_the_others_go_on() {
    for seed in 0..SEEDS {
        let outcome = run(seed, "keeping changes from one node", |frame| {
            let kept = brings_a_document(&frame) && is_of_node(&frame, 1);
            if kept { Vec::new() } else { vec![frame] }
        });
        assert!(outcome.ends.get("SIGNED") >= Some(&3), "seed {seed}: {:?}", outcome.ends);
    }
}

#[test]
fn a_node_that_goes_ahead_alone_changes_nothing() {
    for seed in 0..SEEDS {
        let outcome = run(seed, "bringing changes to one node", |frame| {
            let kept = brings_a_document(&frame) && !is_of_node(&frame, 1);
            if kept { Vec::new() } else { vec![frame] }
        });
        // What that node lets people approve is signed by nobody else: it is denied, or expires.
        assert_eq!(outcome.ends.get("SIGNED"), Some(&3), "seed {seed}: {:?}", outcome.ends);
    }
}

#[test]
fn another_document_under_the_same_signatures_is_in_force_nowhere() {
    for seed in 0..SEEDS {
        let outcome = run(seed, "swapping documents", |mut frame| {
            if let Frame::Question(_, _, ToNode::CarryOut { order, .. }) = &mut frame
                && let Some(document) = &mut order.document
            {
                *document = format!("{}# and more\n", ClusterFixture::loosened_text());
            }
            vec![frame]
        });
        assert_eq!(outcome.ends, unchanged(), "seed {seed}");
    }
}

#[test]
fn what_too_few_signed_is_in_force_nowhere() {
    for seed in 0..SEEDS {
        let outcome = run(seed, "dropping signatures", |mut frame| {
            if let Frame::Question(_, _, ToNode::CarryOut { order, .. }) = &mut frame
                && order.document.is_some()
            {
                order.signatures.truncate(1);
            }
            vec![frame]
        });
        assert_eq!(outcome.ends, unchanged(), "seed {seed}");
    }
}

/// The oracle sees whether anything is signed before the delay is over.
#[test]
fn words_that_nobody_said_hasten_nothing() {
    for seed in 0..SEEDS {
        let heard = Rc::new(RefCell::new(Vec::new()));
        run(seed, "inventing acceptances", move |mut frame| {
            match &mut frame {
                Frame::Answer(_, _, FromNode::Accepted(word)) => {
                    let mut early = word.clone();
                    early.body.begins = Timestamp::ZERO;
                    heard.borrow_mut().push(early);
                }
                Frame::Question(_, _, ToNode::CarryOut { order, acceptances }) => {
                    let of_it = |word: &&quorate_trust::Signed<_>| {
                        let word: &quorate_protocol::wire::Acceptance = &word.body;
                        word.order == order.digest()
                    };
                    let heard = heard.borrow();
                    acceptances.extend(heard.iter().filter(of_it).take(2).cloned());
                }
                _ => {}
            }
            vec![frame]
        });
    }
}

#[test]
fn changes_that_come_again_and_again_change_nothing_more() {
    for seed in 0..SEEDS {
        let mut changes = Vec::new();
        let outcome = run(seed, "replaying changes", move |frame| {
            let Frame::Question(node, call, question) = &frame else { return vec![frame] };
            if brings_a_document(&frame) {
                changes.push(question.clone());
                return vec![frame];
            }
            if !matches!(question, ToNode::Status) {
                return vec![frame];
            }
            let again = |change: &ToNode| Frame::Question(*node, *call, change.clone());
            let again: Vec<_> = changes.iter().rev().take(2).map(again).collect();
            again.into_iter().chain([frame]).collect()
        });
        assert!(outcome.ends.get("SIGNED") >= Some(&3), "seed {seed}: {:?}", outcome.ends);
    }
}
