//! Coordinators that lie about what people said: nobody is quoted for what they did not say, and what
//! they said cannot be taken back.

use std::collections::BTreeMap;

use quorate_protocol::wire::{Subject, ToNode};
use quorate_testkit::{Faults, Frame, Outcome, World};
use quorate_trust::SignedApproval;

use crate::hostile::{holds, workload};

const SEEDS: u64 = 6;

/// What a coordinator that lets everything through brings about.
fn honest() -> BTreeMap<String, u64> {
    [("DENIED", 1), ("REJECTED", 1), ("SIGNED", 3)].map(|(state, n)| (state.to_owned(), n)).into()
}

fn run(seed: u64, what: &str, relay: impl FnMut(Frame) -> Vec<Frame> + 'static) -> Outcome {
    let outcome = World::new(seed, workload(), Faults::none()).with_meddler(relay).run();
    holds(&outcome, what, seed);
    outcome
}

/// Runs with a relay that changes the approvals of each request, and expects that what waits for
/// people is never signed.
fn misquote(what: &str, change: impl Fn(&mut Vec<SignedApproval>) + Copy + 'static) {
    for seed in 0..SEEDS {
        let outcome = run(seed, what, move |mut frame| {
            if let Frame::Question(_, _, ToNode::Reserve { words, .. }) = &mut frame {
                change(&mut words.approvals);
            }
            vec![frame]
        });
        assert_eq!(outcome.ends.get("SIGNED"), Some(&2), "{what}, seed {seed}: {:?}", outcome.ends);
    }
}

#[test]
fn approvals_that_are_withheld_do_not_count() {
    misquote("withholding approvals", Vec::clear);
}

#[test]
fn one_approval_twice_is_one() {
    misquote("repeating an approval", |approvals| {
        if let Some(first) = approvals.first().cloned() {
            *approvals = vec![first.clone(), first];
        }
    });
}

#[test]
fn an_approval_under_another_name_does_not_count() {
    misquote("renaming an approver", |approvals| {
        if let Some(first) = approvals.first().cloned() {
            let mut other = first.clone();
            other.text = other.text.replace("approver: alice", "approver: carol");
            other.signature.person = "carol".parse().unwrap();
            *approvals = vec![first, other];
        }
    });
}

#[test]
fn a_rejection_is_no_approval() {
    misquote("turning words around", |approvals| {
        for approval in approvals {
            approval.text = approval.text.replace("verdict: approve", "verdict: reject");
        }
    });
}

#[test]
fn approvals_of_another_request_do_not_count() {
    for seed in 0..SEEDS {
        // The approvals of whatever was approved go with everything else, what was rejected before all.
        let mut given: Vec<SignedApproval> = Vec::new();
        let outcome = run(seed, "moving approvals", move |mut frame| {
            if let Frame::Question(_, _, ToNode::Reserve { words, .. }) = &mut frame {
                if words.approvals.len() > 1 && given.is_empty() {
                    given.clone_from(&words.approvals);
                }
                words.approvals.clone_from(&given);
            }
            vec![frame]
        });
        assert!(outcome.ends.get("SIGNED") <= Some(&3), "seed {seed}: {:?}", outcome.ends);
    }
}

#[test]
fn a_rejection_that_is_withheld_still_gets_no_signature() {
    for seed in 0..SEEDS {
        let outcome = run(seed, "withholding rejections", |frame| {
            let withheld = matches!(frame, Frame::Question(_, _, ToNode::Reject { .. }));
            if withheld { Vec::new() } else { vec![frame] }
        });
        assert_eq!(outcome.ends, honest(), "seed {seed}");
    }
}

#[test]
fn a_rejection_denies_its_own_request_only() {
    for seed in 0..SEEDS {
        let mut other = None;
        let outcome = run(seed, "moving a rejection", move |frame| {
            if let Frame::Question(_, _, ToNode::Reserve { subject, .. }) = &frame
                && let Subject::Request(request) = subject
            {
                other.get_or_insert_with(|| request.clone());
            }
            match (frame, &other) {
                (
                    Frame::Question(node, call, ToNode::Reject { rejection, request }),
                    Some(other),
                ) => {
                    let moved =
                        ToNode::Reject { request: other.clone(), rejection: rejection.clone() };
                    let moved = Frame::Question(node, call, moved);
                    vec![moved, Frame::Question(node, call, ToNode::Reject { request, rejection })]
                }
                (frame, _) => vec![frame],
            }
        });
        assert_eq!(outcome.ends, honest(), "seed {seed}");
    }
}

#[test]
fn a_freeze_that_is_withheld_from_one_node_stops_the_others() {
    for seed in 0..SEEDS {
        let outcome = run(seed, "withholding a freeze", |frame| {
            let Frame::Question(node, _, ToNode::CarryOut { order, .. }) = &frame else {
                return vec![frame];
            };
            let withheld = node.get() == 1 && order.text.contains("action: freeze");
            if withheld { Vec::new() } else { vec![frame] }
        });
        assert_eq!(outcome.ends, honest(), "seed {seed}");
    }
}

#[test]
fn a_freeze_that_comes_back_after_its_lift_stops_nothing() {
    for seed in 0..SEEDS {
        let mut freeze = None;
        let outcome = run(seed, "replaying a freeze", move |frame| {
            let Frame::Question(node, call, question) = &frame else { return vec![frame] };
            let ToNode::CarryOut { order, .. } = question else { return vec![frame] };
            if order.text.contains("action: freeze") {
                freeze = Some(question.clone());
                return vec![frame];
            }
            let again = freeze.clone().map(|freeze| Frame::Question(*node, *call, freeze));
            [Some(frame), again].into_iter().flatten().collect()
        });
        assert_eq!(outcome.ends, honest(), "seed {seed}");
    }
}

#[test]
fn a_lift_by_too_few_lifts_nothing() {
    let signed = (0..SEEDS).map(|seed| {
        let outcome = run(seed, "lifting with one signature", |mut frame| {
            if let Frame::Question(_, _, ToNode::CarryOut { order, .. }) = &mut frame {
                order.signatures.truncate(1);
            }
            vec![frame]
        });
        outcome.ends.get("SIGNED").copied().unwrap_or(0)
    });
    // Some were signed before the freeze came. The others are not signed at all.
    assert!(signed.sum::<u64>() < 3 * SEEDS);
}
