//! A bundle's own tests, asked on demand: of the bundle, one at a time, and of another bundle.

use super::Bundle;
use super::case::{Case, differ};
use crate::{Decision, Gate, TestReport, TestResult};

/// One of a bundle's own tests, and everything about what the bundle decides of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What the test expects: `allow`, `pending`, `later` or `deny`.
    pub expected: &'static str,
    /// What the bundle decides.
    pub decision: Decision<Vec<String>>,
    /// What the bundle decides otherwise than the test expects, if anything.
    pub failure: Option<String>,
    /// What the rules see of each effect, such as `limits = ["small"]`. Nothing where a fact could
    /// not be computed, which the decision then says.
    pub observed: Vec<Vec<String>>,
}

/// A request that two bundles decide differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The name of the test that describes it.
    pub name: String,
    /// What the bundle decides that has the test.
    pub before: Decision<Vec<String>>,
    /// What the other decides.
    pub after: Decision<Vec<String>>,
}

impl Bundle {
    /// Runs the bundle's own tests. Loading a bundle does not.
    pub fn run_tests(&self) -> TestReport {
        let gate = Gate::new(self.clone());
        let run = |case: &Case| TestResult {
            name: case.test.name.clone(),
            failure: case.failure(&gate.simulate(&case.subject())),
        };
        TestReport { results: self.cases.iter().map(run).collect() }
    }

    /// Asks another bundle what this one's own tests describe, whatever they expect: the requests
    /// that it decides differently, in the order of this one's text. Approvals count for the quorums
    /// that they name here.
    pub fn replay(&self, other: &Self) -> Vec<Changed> {
        let (own, other) = (Gate::new(self.clone()), Gate::new(other.clone()));
        let cases = self.cases.iter();
        let changed = cases.filter_map(|case| {
            let before = own.simulate(&case.subject());
            let after = other.simulate(&case.subject());
            let name = &case.test.name;
            differ(&before, &after).then(|| Changed { name: name.clone(), before, after })
        });
        changed.collect()
    }

    /// Everything about one of the bundle's own tests; `None` where it has none of that name.
    pub fn explain(&self, test: &str) -> Option<Explanation> {
        let case = self.cases.iter().find(|case| case.test.name == test)?;
        let gate = Gate::new(self.clone());
        let decision = gate.simulate(&case.subject());
        Some(Explanation {
            expected: case.test.expect.as_str(),
            failure: case.failure(&decision),
            observed: gate.observed(&case.subject()),
            decision,
        })
    }
}

#[cfg(test)]
#[expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what failed by panicking"
)]
mod tests;
