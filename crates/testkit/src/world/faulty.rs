//! Defects to plant.

use quorate_protocol::Output;
use quorate_signer::{Action, Record};

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
