//! Defects to plant, and what shows one of them.

use quorate_protocol::Output;
use quorate_protocol::wire::FromNode;
use quorate_signer::{Action, Record};

/// So much that no clock is ever in doubt.
pub(super) const ANY_SKEW_MS: u64 = u64::MAX / 4;

/// Takes the memory of attempts out of what is to be durable.
pub(super) fn forget_attempts(outputs: &mut [Output<Record, Action>]) {
    for output in outputs {
        if let Output::Persist(batch) = output {
            batch.retain(|record| {
                !matches!(record, Record::Request(_) | Record::ConfirmationAttempt(_))
            });
        }
    }
}

/// What a node answers that rests on its clock, while that is wrong.
pub(super) fn by_a_wrong_clock(
    wrong_ms: i64,
    outputs: &[Output<Record, Action>],
) -> Option<&'static str> {
    outputs.iter().filter(|_| wrong_ms != 0).find_map(|output| match output {
        Output::Act(Action::Answer { answer: FromNode::Reserved(_), .. }) => Some("reserved"),
        Output::Act(Action::Answer { answer: FromNode::Shares(_), .. }) => Some("shares"),
        Output::Act(_) | Output::Now(_) | Output::Persist(_) => None,
    })
}
