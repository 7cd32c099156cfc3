//! Why a bundle is refused, and what to do about it.

use std::path::Path;

use quorate_policy::{BundleError, Lint};

use super::legible;
use crate::exit::{Exit, Failure};

pub(crate) fn failure(file: &Path, error: &BundleError) -> Failure {
    let message = legible::lines(error.to_string().trim_end());
    Failure::new(Exit::Error, format!("{}: {message}", file.display())).hint(advice(error))
}

fn advice(error: &BundleError) -> String {
    let advice = match error {
        BundleError::TooLarge { .. } => "shorten its lists, or remove what no rule names",
        BundleError::Document(_) => {
            "correct it there: `quorate policy init --out FILE` writes a bundle of the right shape"
        }
        BundleError::VersionZero => "write `version = 1` in the first bundle",
        BundleError::Previous { .. } => {
            "`quorate policy check` prints the hash of the bundle before"
        }
        BundleError::Field { field: "previous", .. } => {
            "write a hash, as `quorate policy check` prints it"
        }
        BundleError::Field { .. } => "write a time such as \"2026-12-01T00:00:00.000Z\"",
        BundleError::TooManyEntries { .. } => "remove entries that no rule names, or merge some",
        BundleError::TooManyMembers { .. } => "make it two quorums, each with its own members",
        BundleError::DuplicateTest { .. } => "rename one of them",
        BundleError::Policies(_) => {
            "correct the text under `policies`: https://docs.cedarpolicy.com has its grammar"
        }
        BundleError::TooDeep => "write one rule for each alternative, and lists for addresses",
        BundleError::TooManyRules { .. } => {
            "put services into groups and addresses into lists, and write one rule for each"
        }
        BundleError::Template => "name them with == or in",
        BundleError::MissingAnnotation { .. } => {
            "write @id(\"…\") @title(\"…\") before permit or forbid"
        }
        BundleError::DuplicateRule { .. } => "give one of them another @id",
        BundleError::Invalid { .. } => {
            "compare the rule with the facts that there are: docs/how-to/write-a-policy.md"
        }
        BundleError::Lint { rule, lint } => return format!("in rule {rule}, {}", for_lint(lint)),
        BundleError::Entry { table, entry, .. } => {
            return format!("correct the entry {} of [{table}]", legible::line(entry));
        }
        BundleError::Schema(_) => "report it: no bundle can cause this",
    };
    advice.to_owned()
}

const fn for_lint(lint: &Lint) -> &'static str {
    match lint {
        Lint::Arithmetic => "compare the fact with the number that you mean",
        Lint::AmountNotBoundedAbove { .. } => {
            "use <= or < with a number, or a limit of [limits] and context.limits.contains(\"…\")"
        }
        Lint::SetMisused { .. } => {
            "turn the condition around: `unless { … .contains(\"…\") }` in a forbid"
        }
        Lint::OptionalFact { .. } => "ask `unless { context has … }`, or require it in each permit",
        Lint::WholeRecord { .. } => "use a part of it, such as context.amount.nano",
        Lint::UnknownName { .. } => "add the name to its table, or correct its spelling",
        Lint::Unsupported { .. } => "say it with comparisons, in, contains, &&, || and !",
    }
}

#[cfg(test)]
mod tests {
    use quorate_policy::Bundle;

    use super::*;

    #[test]
    fn a_refused_bundle_names_the_rule_and_says_what_to_do() {
        let rule = |clause: &str| {
            format!(
                "version = 1\npolicies = '''@id(\"p1\") @title(\"One\") \
                 permit (principal, action, resource) when {{ {clause} }};'''"
            )
        };
        for (text, message, advice) in [
            (rule("context.effects + 1 < 3"), "a.toml: rule p1: arithmetic", "in rule p1"),
            (
                rule("context.limits.contains(\"x\")"),
                "a.toml: rule p1: limit \"x\"",
                "add the name",
            ),
            (rule("context.nothing"), "a.toml: rule p1:", "write-a-policy.md"),
            ("version = 0\npolicies = ''".to_owned(), "a.toml: version", "version = 1"),
            ("version = 2\npolicies = ''".to_owned(), "a.toml: version 2:", "policy check"),
            ("version =".to_owned(), "a.toml: the bundle is not well-formed", "policy init"),
        ] {
            let failure = failure(Path::new("a.toml"), &Bundle::parse(&text).unwrap_err());
            assert_eq!(failure.exit(), Exit::Error);
            assert!(failure.message().starts_with(message), "{failure}");
            assert!(failure.next().unwrap().contains(advice), "{:?}", failure.next());
        }
    }
}
