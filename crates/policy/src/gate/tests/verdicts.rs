use super::*;
use crate::Pending;

const TABLES_OF_VERDICTS: &str = r#"
[quorums.risk]
required = 1
members = ["dora"]

[windows.hourly]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
seconds = 3600
count = 1

[providers.chainwatch]
key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

[providers.sanctions]
key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

[verdicts.low-risk]
provider = "chainwatch"
levels = ["clear", "low"]
fresh_seconds = 600

[verdicts.not-high]
provider = "chainwatch"
levels = ["clear", "low", "medium"]
fresh_seconds = 60

[verdicts.unlisted]
provider = "sanctions"
levels = ["unlisted"]
fresh_seconds = 3600
"#;

fn when(conditions: &[&str]) -> Gate {
    let rules = conditions.iter().enumerate().map(|(n, condition)| {
        format!(
            r#"@id("p{n}") @title("t") permit (principal, action, resource)
               when {{ {condition} }};"#
        )
    });
    let rules: String = rules.collect();
    let text = format!("version = 1\npolicies = '''{rules}'''\n{TABLES}{TABLES_OF_VERDICTS}");
    Gate::new(Bundle::parse(&text).unwrap())
}

fn verdict(name: &str) -> String {
    format!(r#"context.verdicts.contains("{name}")"#)
}

const BOTH: &str = r#"context.verdicts.containsAll(["low-risk", "unlisted"])"#;
const RISK: &str = r#"context.quorums.contains("risk")"#;

/// A minute ago, a provider said so.
fn said(level: &str) -> Case {
    let case = Case::new();
    let issued = Timestamp::from_millis(case.now.millis() - 60_000);
    case.rated("chainwatch", level, issued)
}

fn pending(case: &Case, gate: &Gate) -> Pending {
    match case.decision(gate) {
        Decision::Pending(pending) => pending,
        other => panic!("{other:?}"),
    }
}

/// Missing quorums, then missing verdicts.
fn missing(case: &Case, gate: &Gate) -> (Vec<String>, Vec<String>) {
    let Pending { missing, verdicts, .. } = pending(case, gate);
    let quorums = missing.into_iter().map(|quorum| quorum.name).collect();
    (quorums, verdicts.into_iter().map(|verdict| verdict.name).collect())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_verdict_that_is_missing_is_asked_for_by_name() {
    let gate = when(&[&verdict("low-risk")]);
    let pending = pending(&Case::new(), &gate);
    assert_eq!(pending.rules, ["p0"]);
    let told = Decision::<Vec<String>>::Pending(pending).to_string();
    assert_eq!(told, "fresh verdicts are missing: low-risk of chainwatch");
    assert_eq!(said("low").simulate(&gate), Ok(names(&["p0"])));
    let either =
        format!("({} && context.effects > 9) || context.effects > 10", verdict("low-risk"));
    let (_, observed) = Case::new().unmet(&when(&[&either]));
    assert_eq!(observed, r#"verdicts = ["low-risk", "not-high", "unlisted"]; effects = 1"#);
}

#[test]
fn a_verdict_counts_while_it_is_fresh_and_is_then_asked_for_again() {
    let gate = when(&[&verdict("low-risk")]);
    let mut case = said("clear");
    case.now = case.now.plus_millis(540_000);
    assert_eq!(case.simulate(&gate), Ok(names(&["p0"])));
    case.now = case.now.plus_millis(1);
    assert_eq!(missing(&case, &gate), (names(&[]), names(&["low-risk"])));
    // Each verdict has its own time.
    let gate = when(&[&verdict("not-high")]);
    assert_eq!(said("medium").simulate(&gate), Ok(names(&["p0"])));
    assert_eq!(missing(&case, &gate), (names(&[]), names(&["not-high"])));
}

#[test]
fn another_level_is_a_no_that_is_final_whatever_its_age() {
    let gate = when(&[&verdict("low-risk")]);
    for age in [60_000, 10_000_000] {
        let mut case = said("high");
        case.now = case.now.plus_millis(age);
        let (unmet, observed) = case.unmet(&gate);
        assert_eq!(unmet, verdict("low-risk"));
        // As with quorums, all that may still come is taken to be there.
        let expected = "[\"unlisted\"] (chainwatch said high at 2026-11-22T09:59:00.000Z)";
        assert_eq!(observed, format!("verdicts = {expected}"));
    }
}

/// Also where the rule that came nearest is another one.
#[test]
fn a_denial_names_the_verdicts_that_were_refused() {
    let near = r#"context.asset_known && context.effects == 1 && context.fee.nano <= 0"#;
    let gate = when(&[near, &verdict("low-risk")]);
    let refused = |case: &Case| match case.simulate(&gate).unwrap_err() {
        Denial::NotPermitted { refused, .. } => {
            refused.into_iter().map(|verdict| verdict.name).collect::<Vec<_>>()
        }
        other => panic!("{other}"),
    };
    let case = said("high");
    assert_eq!(refused(&case), names(&["low-risk"]));
    let told = case.decision(&gate).to_string();
    let expected =
        "; verdict low-risk is refused: chainwatch said high at 2026-11-22T09:59:00.000Z";
    assert!(told.contains("nearest is p0") && told.ends_with(expected), "{told}");
    // Not where no verdict would help.
    let gate = when(&[&format!("{near} && {}", verdict("low-risk"))]);
    assert!(!case.decision(&gate).to_string().contains("refused"));
}

#[test]
fn what_people_can_allow_alone_is_asked_of_people() {
    let gate = when(&[&verdict("low-risk"), RISK]);
    for case in [Case::new(), said("high")] {
        assert_eq!(missing(&case, &gate), (names(&["risk"]), names(&[])));
    }
    assert_eq!(said("low").simulate(&gate), Ok(names(&["p0"])));
}

#[test]
fn people_and_verdicts_may_both_be_missing() {
    let gate = when(&[&format!("{RISK} && {BOTH}")]);
    let everything = (names(&["risk"]), names(&["low-risk", "unlisted"]));
    assert_eq!(missing(&Case::new(), &gate), everything);
    assert_eq!(missing(&said("low"), &gate), (names(&["risk"]), names(&["unlisted"])));
    let told = Case::new().decision(&gate).to_string();
    let expected = "fresh verdicts are missing: low-risk of chainwatch, unlisted of sanctions; \
                    approvals are missing: risk has 0 of 1 (dora)";
    assert_eq!(told, expected);
    assert!(said("high").simulate(&gate).is_err(), "no approval helps");
}

#[test]
fn no_verdict_is_asked_for_that_would_not_help() {
    let gate = when(&[&format!("{} || {BOTH}", verdict("not-high"))]);
    assert_eq!(missing(&Case::new(), &gate), (names(&[]), names(&["not-high"])));
    // Once one is refused, the other ways are asked for.
    let either = when(&[&verdict("low-risk"), &verdict("unlisted")]);
    assert_eq!(missing(&said("high"), &either), (names(&[]), names(&["unlisted"])));
}

#[test]
fn time_and_a_verdict_may_both_be_missing() {
    let window = r#"context.windows.contains("hourly")"#;
    let gate = when(&[&format!("{window} && {}", verdict("low-risk"))]);
    let used = Case::new().after(&[(1, "2026-11-22T09:30:00.000Z")]);
    let pending = pending(&used, &gate);
    assert_eq!(pending.verdicts.len(), 1);
    let until = pending.later.unwrap().until;
    assert_eq!(until.to_string(), "2026-11-22T10:30:00.001Z");
}

#[test]
fn a_forbid_stands_unless_its_verdict_is_there() {
    let forbid = r#"@id("f") @title("t") forbid (principal, action, resource)
        unless { context.verdicts.contains("unlisted") };"#;
    let permit = r#"@id("p") @title("t") permit (principal, action, resource);"#;
    let text =
        format!("version = 1\npolicies = '''{permit}{forbid}'''\n{TABLES}{TABLES_OF_VERDICTS}");
    let gate = Gate::new(Bundle::parse(&text).unwrap());
    assert_eq!(missing(&Case::new(), &gate), (names(&[]), names(&["unlisted"])));
    let now = Case::new().now;
    let listed = Case::new().rated("sanctions", "listed", now);
    assert!(matches!(listed.simulate(&gate), Err(Denial::Forbidden { .. })));
    let unlisted = Case::new().rated("sanctions", "unlisted", now);
    assert_eq!(unlisted.simulate(&gate), Ok(names(&["p"])));
}

#[test]
fn whoever_is_asked_with_or_without_verdicts_may_reject() {
    let gate = when(&[&format!("{RISK} && {}", verdict("low-risk"))]);
    for case in [Case::new(), said("low"), said("high")] {
        assert!(gate.may_reject(&case.subject(), &"dora".parse().unwrap()));
        assert!(!gate.may_reject(&case.subject(), &"erin".parse().unwrap()));
    }
}
