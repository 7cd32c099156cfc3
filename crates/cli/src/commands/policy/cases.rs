//! `quorate policy test`.

use std::path::Path;

use quorate_policy::{Bundle, TestResult};
use serde::Serialize;

use super::{legible, load, quoted};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report};

#[derive(Serialize)]
struct TestsReport {
    file: String,
    version: u64,
    hash: String,
    passed: usize,
    failed: usize,
    tests: Vec<TestLine>,
}

#[derive(Serialize)]
struct TestLine {
    name: String,
    passed: bool,
    /// What the bundle decides instead.
    decided: Option<String>,
}

pub(super) fn run(file: &Path, allow_none: bool, output: &Output) -> Result<Exit, Failure> {
    let report = TestsReport::new(file, &load(file)?);
    if report.tests.is_empty() && !allow_none {
        let message = format!("{} has no tests, so nothing says what it decides", file.display());
        return Err(Failure::new(Exit::Error, message)
            .hint("add [[tests]] to it (docs/how-to/write-a-policy.md), or pass --allow-none"));
    }
    output.show(&report)?;
    output.say(report.next());
    Ok(report.exit())
}

impl TestsReport {
    fn new(file: &Path, bundle: &Bundle) -> Self {
        let line = |result: TestResult| TestLine {
            passed: result.failure.is_none(),
            name: result.name,
            decided: result.failure,
        };
        let tests: Vec<_> = bundle.run_tests().results.into_iter().map(line).collect();
        let passed = tests.iter().filter(|test| test.passed).count();
        Self {
            file: file.display().to_string(),
            version: bundle.version(),
            hash: bundle.hash().to_string(),
            passed,
            failed: tests.len() - passed,
            tests,
        }
    }

    const fn exit(&self) -> Exit {
        if self.failed == 0 { Exit::Ok } else { Exit::Error }
    }

    fn next(&self) -> String {
        let file = &self.file;
        match self.tests.iter().find(|test| !test.passed) {
            Some(test) => {
                format!("Next: quorate policy explain {file} --test {}", quoted(&test.name))
            }
            None => format!("Next: quorate policy diff OLD {file}, OLD being what nodes have now"),
        }
    }
}

impl Report for TestsReport {
    const SCHEMA: &'static str = "quorate.policy-test/v1";

    fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for test in &self.tests {
            let word = if test.passed { paint.good("ok    ") } else { paint.bad("failed") };
            text.push_str(&format!("{word}  {}\n", legible::line(&test.name)));
            if let Some(decided) = &test.decided {
                text.push_str(&format!("        {}\n", legible::line(decided)));
            }
        }
        text.push_str(&format!("\n{} passed, {} failed", self.passed, self.failed));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../deploy/policies/otc-desk.toml");

    fn report(text: &str) -> TestsReport {
        TestsReport::new(Path::new("a.toml"), &Bundle::parse(text).unwrap())
    }

    #[test]
    fn tests_that_pass_are_told_by_name() {
        let report = report(EXAMPLE);
        assert_eq!((report.exit(), report.failed), (Exit::Ok, 0));
        let text = report.text(Paint::PLAIN);
        assert!(text.contains("ok      one trader is not enough\n"), "{text}");
        assert!(text.ends_with("7 passed, 0 failed"), "{text}");
        assert!(report.next().contains("policy diff OLD a.toml"));
    }

    #[test]
    fn a_test_that_fails_says_what_is_decided_instead() {
        let report = report(&EXAMPLE.replace("expect = \"later\"", "expect = \"deny\""));
        assert_eq!((report.exit(), report.failed), (Exit::Error, 1));
        let text = report.text(Paint::PLAIN);
        assert!(text.contains("failed  on a Sunday it waits for Monday\n"), "{text}");
        assert!(text.contains("not before 2026-11-23T07:00:00.000Z"), "{text}");
        assert!(report.next().ends_with("--test 'on a Sunday it waits for Monday'"));
    }
}
