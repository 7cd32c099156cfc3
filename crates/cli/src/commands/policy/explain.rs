//! `quorate policy explain`.

use std::path::Path;

use quorate_policy::{Bundle, Explanation};
use serde::Serialize;

use super::outcome::Outcome;
use super::{legible, load};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report, fields};

#[derive(Serialize)]
struct ExplanationReport {
    file: String,
    hash: String,
    test: String,
    expected: &'static str,
    passed: bool,
    decision: Outcome,
    /// What the rules see, of each effect.
    observed: Vec<Vec<String>>,
}

pub(super) fn run(file: &Path, test: &str, output: &Output) -> Result<Exit, Failure> {
    let report = ExplanationReport::new(file, &load(file)?, test)?;
    output.show(&report)?;
    output.say(format_args!("Next: quorate policy test {}", report.file));
    Ok(Exit::Ok)
}

impl ExplanationReport {
    fn new(file: &Path, bundle: &Bundle, test: &str) -> Result<Self, Failure> {
        let missing = || {
            let message = format!("{} has no test {test:?}", file.display());
            let hint = format!("`quorate policy test {}` lists them", file.display());
            Failure::new(Exit::Error, message).hint(hint)
        };
        let explanation = bundle.explain(test).ok_or_else(missing)?;
        let Explanation { expected, decision, failure, observed } = explanation;
        Ok(Self {
            file: file.display().to_string(),
            hash: bundle.hash().to_string(),
            test: test.to_owned(),
            expected,
            passed: failure.is_none(),
            decision: Outcome::new(&decision, bundle),
            observed,
        })
    }

    fn decision_fields(&self) -> Vec<(&'static str, String)> {
        let Outcome { rules, missing, verdicts, until, nearest, .. } = &self.decision;
        let mut rows = Vec::new();
        let titled = |id: &str, title: &str| legible::line(&format!("{id} \"{title}\""));
        rows.extend(rules.iter().map(|rule| ("rule", titled(&rule.id, &rule.title))));
        rows.extend(missing.iter().map(|quorum| ("missing", quorum.line())));
        rows.extend(verdicts.iter().map(|verdict| ("missing verdict", verdict.line())));
        rows.extend(until.iter().map(|until| ("not before", until.clone())));
        if let Some(nearest) = nearest {
            rows.push(("nearest rule", titled(&nearest.id, &nearest.title)));
            rows.push(("did not hold", legible::line(&nearest.unmet)));
            rows.push(("observed", legible::line(&nearest.observed)));
        }
        rows
    }
}

impl Report for ExplanationReport {
    const SCHEMA: &'static str = "quorate.policy-explanation/v1";

    fn text(&self, paint: Paint) -> String {
        let met =
            if self.passed { paint.good("as expected") } else { paint.bad("not as expected") };
        let mut rows = vec![
            ("test", legible::line(&self.test)),
            ("expected", self.expected.to_owned()),
            ("decided", self.decision.line()),
        ];
        rows.extend(self.decision_fields());
        let mut text = fields(rows);
        for (effect, observed) in self.observed.iter().enumerate() {
            text.push_str(&format!("\n\nWhat the rules see of effect {effect}:"));
            let seen = observed.iter().map(|fact| format!("\n  {}", legible::line(fact)));
            text.extend(seen);
        }
        text.push_str(&format!("\n\n{met}"));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../deploy/policies/otc-desk.toml");

    fn report(test: &str) -> Result<ExplanationReport, Failure> {
        ExplanationReport::new(Path::new("a.toml"), &Bundle::parse(EXAMPLE).unwrap(), test)
    }

    fn told(test: &str, parts: &[&str]) {
        let text = report(test).unwrap().text(Paint::PLAIN);
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn each_kind_of_decision_is_explained() {
        told(
            "two traders settle in bitcoin",
            &[
                "allow: allowed by p01-settle",
                "p01-settle \"Two traders settle",
                "  windows = [\"btc-week\"]",
            ],
        );
        told("one trader is not enough", &["traders: 2 of tara, theo, tom; tara approved"]);
        told("on a Sunday it waits for Monday", &["2026-11-23T07:00:00.000Z", "as expected"]);
        told(
            "a stranger is never paid",
            &[
                "nearest rule",
                "p01-settle",
                "context.destination in",
                "12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S, in lists []",
            ],
        );
    }

    #[test]
    fn a_test_that_is_not_there_is_no_decision() {
        let failure = report("none").err().unwrap();
        assert_eq!(failure.exit(), Exit::Error);
        assert!(failure.next().unwrap().contains("policy test a.toml"));
    }

    #[test]
    fn programs_get_the_parts() {
        let value = serde_json::to_value(report("one trader is not enough").unwrap()).unwrap();
        let decision = &value["decision"];
        assert_eq!(decision["outcome"], "pending");
        assert_eq!(decision["missing"][0]["quorum"], "traders");
        assert_eq!(decision["missing"][0]["present"][0], "tara");
        assert_eq!(value["passed"], true);
    }
}
