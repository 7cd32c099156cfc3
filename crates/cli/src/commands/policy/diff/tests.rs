use super::*;

const OLD: &str = include_str!("../../../../../../deploy/policies/exchange-hot-wallet.toml");

/// A successor in which parts of the text are replaced.
fn new(replacements: &[(&str, &str)]) -> String {
    let hash = Bundle::parse(OLD).unwrap().hash();
    let mut text = OLD.replace("version = 1", &format!("version = 2\nprevious = \"{hash}\""));
    for (part, replacement) in replacements {
        assert!(text.contains(part), "{part}");
        text = text.replace(part, replacement);
    }
    text
}

fn diff(old: &str, new: &str) -> DiffReport {
    let (old, new) = (Bundle::parse(old).unwrap(), Bundle::parse(new).unwrap());
    DiffReport::new((Path::new("old.toml"), &old), (Path::new("new.toml"), &new))
}

fn told(report: &DiffReport, parts: &[&str]) {
    let text = report.text(Paint::PLAIN);
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_successor_without_changes_is_a_tightening() {
    let report = diff(OLD, &new(&[]));
    assert_eq!((report.change, report.asked), ("tightening", 11));
    assert!(report.warnings.is_empty() && report.entries.is_empty());
    told(
        &report,
        &["TIGHTENING", "No entry has changed.", "Of 11 tests, 0 are decided differently."],
    );
}

#[test]
fn what_changed_is_told_with_what_it_decides() {
    let report = diff(
        OLD,
        &new(&[
            ("per_transaction = \"10000000\"", "per_transaction = \"150001500\""),
            ("[\"rita\", \"roland\"]", "[\"rita\", \"rosa\"]"),
            ("context.fee.nano <= 5000000", "context.fee.nano <= 6000000"),
            (
                "[limits.large]",
                "[limits.tiny]\nasset = \"bip122:000000000019d6689c085ae165831e93/slip44:0\"\nper_transaction = \"1\"\n\n[limits.large]",
            ),
        ]),
    );
    assert_eq!(report.change, "loosening");
    assert_eq!(report.why.len(), 3, "{:?}", report.why);
    told(
        &report,
        &[
            "rule p11-fee has changed",
            "limit small has changed",
            "changed  rules.p11-fee",
            "      - unless { context.fee.nano <= 5000000 };",
            "      + unless { context.fee.nano <= 6000000 };",
            "added  limits.tiny",
            "    per_transaction: 10000000 (0.1 BTC) -> 150001500 (1.500015 BTC)",
            "    members: -roland +rosa",
            "Of 11 tests, 5 are decided differently.",
            "  a large withdrawal waits for risk\n    old  pending: approvals are missing: risk",
            "    new  allow: allowed by p01-small",
            "  an excessive fee is refused\n    old  deny: ",
        ],
    );
}

#[test]
fn tests_that_only_the_new_bundle_has_are_asked_as_well() {
    let rule = "@id(\"p04-more\") @title(\"More\") permit (principal, action, resource) \
                when { context.effects == 3 };\n'''";
    let test = r#"
[[tests]]
name = "three at once"
service = "withdrawals"
key = "hot-btc"
network = "bip122:000000000019d6689c085ae165831e93"
effects = [
  { to = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", amount = "900000000" },
  { to = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", amount = "900000000" },
  { to = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", amount = "900000000" },
]
now = "2026-11-23T10:00:00.000Z"
expect = "allow"
"#;
    let (head, tail) = OLD.rsplit_once("'''").unwrap();
    let report = diff(OLD, &format!("{head}{rule}{tail}{test}"));
    assert_eq!(report.asked, 12);
    told(
        &report,
        &[
            "added  rules.p04-more",
            "added  tests.three at once",
            "  three at once\n    old  deny: ",
            "    new  allow: allowed by p04-more",
        ],
    );
}

#[test]
fn a_bundle_that_does_not_follow_is_warned_about() {
    let warnings = |new: &str| diff(OLD, new).warnings;
    let hash = Bundle::parse(OLD).unwrap().hash().to_string();
    let broken = warnings(&new(&[(&hash, &"0".repeat(64))]));
    assert!(matches!(broken.as_slice(), [one] if one.contains(&hash)), "{broken:?}");
    let skipped = warnings(&new(&[("version = 2", "version = 3")]));
    assert!(matches!(skipped.as_slice(), [one] if one.contains("`version = 2`")), "{skipped:?}");
    assert_eq!(warnings(&OLD.replace("never leaves", "does not leave")).len(), 2);
    assert!(warnings(OLD).is_empty(), "it is the same");
}

#[test]
fn programs_get_values_and_outcomes() {
    let report = diff(OLD, &new(&[("[\"rita\", \"roland\"]", "[\"rita\"]")]));
    let value = serde_json::to_value(&report).unwrap();
    let entry = value["entries"].as_array().unwrap().iter().find(|e| e["table"] == "quorums");
    let field = &entry.unwrap()["fields"][0];
    assert_eq!(
        (&field["before"][1], &field["after"][1]),
        (&"roland".into(), &serde_json::Value::Null)
    );
    assert_eq!(value["change"], "loosening");
    assert_eq!(value["decisions"][0]["before"]["outcome"], "pending");
}
