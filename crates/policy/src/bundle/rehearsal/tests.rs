use super::*;
use crate::{BundleError, Denial};

const BTC: &str = "bip122:000000000019d6689c085ae165831e93/slip44:0";
const BUNDLE: &str = r#"
version = 1
policies = '''
@id("p1") @title("Small payments")
permit (principal, action, resource) when { context.limits.contains("small") };

@id("p2") @title("Others with treasury")
permit (principal, action, resource) when { context.quorums.contains("treasury") };

@id("p3") @title("No dust")
forbid (principal, action, resource) when { context.flags.contains("dust") };
'''

[assets."bip122:000000000019d6689c085ae165831e93/slip44:0"]
symbol = "BTC"
decimals = 8

[limits.small]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
per_transaction = "1000"

[quorums.treasury]
required = 2
members = ["alice", "bob", "carol"]
"#;

fn case(name: &str, amount: u64, more: &str) -> String {
    format!(
        r#"
[[tests]]
name = "{name}"
service = "payments"
key = "treasury"
network = "bip122:000000000019d6689c085ae165831e93"
effects = [{{ to = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", amount = "{amount}" }}]
now = "2026-11-22T10:00:00.000Z"
{more}
"#
    )
}

fn bundle() -> Bundle {
    let small = case("small", 1_000, "expect = \"allow\"");
    let large = case("large", 1_001, "approvers = [\"alice\"]\nexpect = \"deny\"");
    Bundle::parse(&format!("{BUNDLE}{small}{large}")).unwrap()
}

fn replayed(part: &str, replacement: &str) -> Vec<Changed> {
    assert!(BUNDLE.contains(part), "{part}");
    bundle().replay(&Bundle::parse(&BUNDLE.replace(part, replacement)).unwrap())
}

fn names(changed: &[Changed]) -> Vec<&str> {
    changed.iter().map(|changed| changed.name.as_str()).collect()
}

#[test]
fn a_replay_finds_what_is_decided_differently() {
    assert!(replayed("version = 1", "version = 1 # the same").is_empty());
    let changed = replayed("\"1000\"", "\"999\"");
    let [Changed { name, before: Decision::Allow(rules), after: Decision::Pending(_) }] =
        changed.as_slice()
    else {
        panic!("{changed:?}")
    };
    assert_eq!((name.as_str(), rules.as_slice()), ("small", ["p1".to_owned()].as_slice()));
    assert_eq!(names(&replayed("\"1000\"", "\"1001\"")), ["large"]);
    assert_eq!(names(&replayed("@id(\"p1\")", "@id(\"p0\")")), ["small"], "another rule decides");
    assert_eq!(names(&replayed("required = 2", "required = 3")), ["large"], "more must approve");
    assert_eq!(names(&replayed("required = 2", "required = 1")), ["large"], "alice is enough");
    assert_eq!(names(&replayed("contains(\"dust\")", "isEmpty()")), ["small", "large"]);
}

#[test]
fn denials_do_not_differ_in_what_came_nearest() {
    let large = case("large", 1_001, "expect = \"deny\"");
    let without = |title: &str| {
        let policies = BUNDLE.replace("Small payments", title);
        let (before, rest) = policies.split_once("@id(\"p2\")").unwrap();
        let (_, after) = rest.split_once("};").unwrap();
        Bundle::parse(&format!("{before}{after}{large}")).unwrap()
    };
    let (old, new) = (without("Small payments"), without("Payments"));
    let nearest = |bundle: &Bundle| match bundle.explain("large").unwrap().decision {
        Decision::Deny(Denial::NotPermitted { nearest, .. }) => nearest.unwrap().title,
        other => panic!("{other}"),
    };
    assert_ne!(nearest(&old), nearest(&new));
    assert!(old.replay(&new).is_empty());
}

#[test]
fn a_test_is_explained() {
    let bundle = bundle();
    assert_eq!(bundle.explain("none"), None);
    let explained = bundle.explain("small").unwrap();
    assert_eq!((explained.expected, &explained.failure), ("allow", &None));
    assert_eq!(explained.decision, Decision::Allow(vec!["p1".to_owned()]));
    let [effect] = explained.observed.as_slice() else { panic!("{explained:?}") };
    assert!(effect.contains(&"action = \"transfer\"".to_owned()), "{effect:?}");
    for fact in [
        "principal = \"payments\", in groups []",
        "resource.tier = \"unlisted\"",
        "amount = {units: 1, nano: 10000}",
        "limits = [\"small\"]",
        "quorums = []",
    ] {
        assert!(effect.iter().any(|seen| seen == fact), "{fact}: {effect:?}");
    }
    let explained = bundle.explain("large").unwrap();
    assert!(matches!(explained.decision, Decision::Pending(_)));
    let failure = explained.failure.unwrap();
    assert!(failure.contains("expect = \"pending\""), "{failure}");
}

#[test]
fn what_cannot_be_computed_is_observed_nowhere() {
    let unknown = BUNDLE.replace(BTC, "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501");
    let test = case("unknown", 1, "expect = \"deny\"");
    let bundle = Bundle::parse(&format!("{unknown}{test}")).unwrap();
    let explained = bundle.explain("unknown").unwrap();
    assert!(matches!(explained.decision, Decision::Deny(Denial::Indeterminate { .. })));
    assert!(explained.observed.is_empty());
}

#[test]
fn the_names_of_tests_are_told_apart() {
    let twice = case("one", 1, "expect = \"allow\"").repeat(2);
    let refused = Bundle::parse(&format!("{BUNDLE}{twice}")).unwrap_err();
    assert_eq!(refused, BundleError::DuplicateTest { name: "one".to_owned() });
}
