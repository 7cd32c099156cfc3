//! The policy gate: decides, inside every node, whether a decoded transaction may be signed, and is
//! the only maker of a [`Permit`].
//!
//! A [`Bundle`] holds rules in Cedar and, beside them, the tables that the rules refer to by name.
//! The [`Gate`] asks the rules about every effect of an intent. Facts that must be exact (256-bit
//! limits) are computed here, not in rules.
//!
//! **Architecture invariant:** whatever is unknown, does not fit or fails to evaluate is a denial.
#![deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod amount;
mod bundle;
mod calendar;
mod decision;
mod fee;
mod gate;
mod limit;
mod permit;
mod quorum;
mod subject;
mod test_report;
mod usage;
mod verdict;
mod window;

pub use bundle::{
    Bundle, BundleError, Change, Changed, Entry, Explanation, Lint, RegisteredAsset, Value,
};
pub use decision::{
    Decision, Denial, Later, MissingQuorum, MissingVerdict, NearestRule, Pending, RefusedVerdict,
};
pub use fee::FeeBound;
pub use gate::{Gate, Replacement};
pub use permit::{Permit, Phase};
pub use ruint::aliases::U256;
pub use subject::{ConfirmationSubject, Rating, SigningSubject};
pub use test_report::{TestReport, TestResult};
pub use usage::Usage;
