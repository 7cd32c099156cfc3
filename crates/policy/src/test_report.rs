//! What became of a bundle's own tests.

/// What became of a bundle's own tests, in the order of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// One result for each test.
    pub results: Vec<TestResult>,
}

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// What the bundle decides instead, where that is not what the test expects.
    pub failure: Option<String>,
}

impl TestReport {
    /// Whether every test decided as it expects. Also true where there is no test.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The tests that failed: name, and what the bundle decides instead.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.results
            .iter()
            .filter_map(|result| Some((result.name.as_str(), result.failure.as_deref()?)))
    }
}
