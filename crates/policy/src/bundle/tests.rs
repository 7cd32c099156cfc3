use super::*;

mod cases;
mod entries;

const RULE: &str = r#"@id("p1") @title("One") permit (principal, action, resource);"#;
const PREVIOUS: &str = "00000000000000000000000000000000000000000000000000000000000000aa";
const TABLES: &str = r#"
[groups.withdrawals]
services = ["payments"]

[keys.treasury]
tier = "hot"
vault = "hot"

[assets."bip122:000000000019d6689c085ae165831e93/slip44:0"]
symbol = "BTC"
decimals = 8

[lists.counterparties]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]

[nonce_accounts.payouts]
network = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
addresses = ["11111111111111111111111111111111"]

[limits.small]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
per_transaction = "100000000"

[quorums.treasury]
required = 2
members = ["alice", "bob", "carol"]

[windows.daily]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
seconds = 86400
amount = "500000000"
count = 10

[calendars.office]
utc_offset = "+01:00"
days = ["mon"]
from = "08:00"
to = "18:00"

[providers.chainwatch]
key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

[verdicts.low-risk]
provider = "chainwatch"
levels = ["clear", "low"]
fresh_seconds = 600
"#;

fn text(policies: &str) -> String {
    format!("version = 3\nprevious = \"{PREVIOUS}\"\npolicies = '''\n{policies}\n'''\n{TABLES}")
}

fn refused(policies: &str) -> BundleError {
    Bundle::parse(&text(policies)).expect_err(policies)
}

fn permit(clauses: &str) -> String {
    format!(r#"@id("p1") @title("One") permit (principal, action, resource) {clauses};"#)
}

fn forbid(clauses: &str) -> String {
    format!(r#"@id("p1") @title("One") forbid (principal, action, resource) {clauses};"#)
}

fn linted(rule: &str) -> Lint {
    match refused(rule) {
        BundleError::Lint { rule: id, lint } => {
            assert_eq!(id, "p1");
            lint
        }
        other => panic!("{rule}: {other}"),
    }
}

fn accepted(rule: &str) {
    if let Err(error) = Bundle::parse(&text(rule)) {
        panic!("{rule}: {error}");
    }
}

/// The bundle with one part of its text replaced.
fn with(part: &str, replacement: &str) -> Result<Bundle, BundleError> {
    let whole = text(RULE);
    assert!(whole.contains(part), "{part}");
    Bundle::parse(&whole.replace(part, replacement))
}

fn entry_refused(part: &str, replacement: &str) -> (&'static str, String) {
    match with(part, replacement).unwrap_err() {
        BundleError::Entry { table, entry, .. } => (table, entry),
        other => panic!("{other}"),
    }
}

#[test]
fn a_bundle_says_what_it_is() {
    let bundle = Bundle::parse(&text(RULE)).unwrap();
    assert_eq!(bundle.version(), 3);
    assert_eq!(bundle.rules().collect::<Vec<_>>(), [("p1", "One")]);
    let btc = Asset::native(quorate_model::Network::Bitcoin);
    let registered = RegisteredAsset { symbol: "BTC".to_owned(), decimals: 8 };
    assert_eq!(bundle.asset(&btc), Some(&registered));
    assert_eq!(bundle.asset(&Asset::native(quorate_model::Network::Solana)), None);
    assert_eq!(*bundle.previous(), [PREVIOUS.parse().unwrap()].into());
    assert_eq!(bundle.not_before(), None);
    let time = "2026-12-01T00:00:00.000Z";
    let bundle = with("policies =", &format!("not_before = \"{time}\"\npolicies =")).unwrap();
    assert_eq!(bundle.not_before(), Some(time.parse().unwrap()));
}

#[test]
fn the_hash_covers_every_byte() {
    let hash = |text: &str| Bundle::parse(text).unwrap().hash();
    let whole = text(RULE);
    assert_eq!(hash(&whole), hash(&whole));
    assert_ne!(hash(&whole), hash(&format!("{whole}\n")));
    assert_ne!(hash(&whole), hash(&whole.replace("BTC", "XBT")));
}

#[test]
fn what_is_not_the_shape_of_a_bundle_is_refused() {
    let malformed = |result: Result<Bundle, BundleError>| {
        assert!(matches!(result.unwrap_err(), BundleError::Document(_)));
    };
    malformed(Bundle::parse("version = 1"));
    malformed(with("version = 3", "version = 3\npeople = 1"));
    malformed(with("services =", "people = []\nservices ="));
    malformed(with("tier =", "frozen = true\ntier ="));
    malformed(with("symbol =", "price = 1\nsymbol ="));
    malformed(with("network =", "entry = 1\nnetwork ="));
    malformed(with("per_transaction =", "per_day = \"1\"\nper_transaction ="));
    assert_eq!(with("version = 3", "version = 0").unwrap_err(), BundleError::VersionZero);
}

#[test]
fn a_bundle_is_bounded_in_bytes_rules_and_depth() {
    let padded = |bytes: usize| {
        let whole = text(RULE);
        format!("{whole}#{}", "x".repeat(bytes - whole.len() - 1))
    };
    assert!(Bundle::parse(&padded(BYTES_MAX)).is_ok());
    let bytes = BYTES_MAX + 1;
    assert_eq!(Bundle::parse(&padded(bytes)).unwrap_err(), BundleError::TooLarge { bytes });

    let rules = |count: usize| -> String {
        (0..count)
            .map(|n| format!(r#"@id("p{n}") @title("t") permit (principal, action, resource);"#))
            .collect()
    };
    accepted(&rules(rules::COUNT_MAX));
    let count = rules::COUNT_MAX + 1;
    assert_eq!(refused(&rules(count)), BundleError::TooManyRules { count });

    let nested = |n| format!("when {{ {}true{} }}", "(".repeat(n), ")".repeat(n));
    assert_eq!(refused(&permit(&nested(10_000))), BundleError::TooDeep);
}

/// The deepest rules that are let through do not overflow the stack of a test, which is as small as
/// that of a node's worker thread.
#[test]
fn the_deepest_rules_that_are_accepted_do_not_overflow_the_stack() {
    let chain = |n| vec!["context.amount.nano <= 5"; n].join(" && ");
    let nested = |n| format!("{}context.asset_known{}", "!(".repeat(n), ")".repeat(n));
    let branches = |n| {
        let open = "if context.asset_known then context.asset_known else (".repeat(n);
        format!("{open}context.asset_known{}", ")".repeat(n))
    };
    let shapes: [&dyn Fn(usize) -> String; 3] = [&chain, &nested, &branches];
    for shape in shapes {
        let deepest = (1..200)
            .map(|n| permit(&format!("when {{ {} }}", shape(n))))
            .take_while(|rule| nesting::is_shallow(rule))
            .last()
            .unwrap();
        accepted(&deepest);
    }
}

#[test]
fn every_rule_needs_an_id_and_a_title_of_its_own() {
    let missing = |policy: &str| match refused(policy) {
        BundleError::MissingAnnotation { annotation, .. } => annotation,
        other => panic!("{other}"),
    };
    assert_eq!(missing(r#"@title("t") permit (principal, action, resource);"#), "id");
    assert_eq!(missing(r#"@id("") @title("t") permit (principal, action, resource);"#), "id");
    assert_eq!(missing(r#"@id("a") permit (principal, action, resource);"#), "title");
    let duplicate = BundleError::DuplicateRule { rule: "p1".to_owned() };
    assert_eq!(refused(&format!("{RULE}{RULE}")), duplicate);
}

#[test]
fn what_cedar_does_not_accept_is_refused() {
    assert!(matches!(refused("permit ("), BundleError::Policies(_)));
    let error = refused(&format!("{RULE}\n{}", RULE.replace("permit (", "permit (("))).to_string();
    assert!(error.contains("in line 2 of them: @id(\"p1\") @title(\"One\") permit (("), "{error}");
    let template = r#"@id("t") @title("t") permit (principal == ?principal, action, resource);"#;
    assert_eq!(refused(template), BundleError::Template);
    for clause in [
        "when { context.amount.nanos <= 5 }",
        "when { context.asset <= 5 }",
        "when { resource.tiers == \"hot\" }",
        // Never true: Cedar only warns.
        "when { resource.tier == \"hot\" && false }",
        r#"when { context.now < datetime("2026-13-01") }"#,
    ] {
        let error = refused(&permit(clause));
        assert!(
            matches!(&error, BundleError::Invalid { rule, .. } if rule == "p1"),
            "{clause}: {error}"
        );
    }
}

#[test]
fn arithmetic_is_refused() {
    for condition in [
        "context.effects + 1 < 3",
        "context.effects - 1 < 3",
        "context.effects * 2 < 3",
        "-context.effects < 3",
        r#"context.now.offset(duration("1d")) > context.now"#,
        r#"context.now.durationSince(datetime("2026-01-01")) > duration("1d")"#,
        "context.effects == 1 || context.effects + 1 < 3",
        "[context.effects + 1].contains(3)",
        "{a: context.effects + 1}.a == 3",
        "context has asset && context.effects + 1 < 3",
        "if context.effects + 1 < 3 then true else false",
    ] {
        for rule in [permit, forbid] {
            for clause in ["when", "unless"] {
                let rule = rule(&format!("{clause} {{ {condition} }}"));
                assert_eq!(linted(&rule), Lint::Arithmetic, "{rule}");
            }
        }
    }
    accepted(&permit("when { context.effects < -3 || context.effects > 3 }"));
    // Also where only the presence of something is asked for: in a `when`, since it is always there.
    let has = |effects: &str| {
        permit(&format!("when {{ {{a: {effects}}} has a && principal is Custody::Service }}"))
    };
    assert_eq!(linted(&has("context.effects + 1")), Lint::Arithmetic);
    accepted(&has("context.effects"));
}

#[test]
fn an_amount_is_only_bounded_from_above() {
    for upper in [
        "context.amount.nano <= 5",
        "context.amount.units < 5",
        "context.fee.nano < 5",
        "5 > context.amount.nano",
        "5 >= context.fee.units",
    ] {
        for (good, bad) in [
            (permit(&format!("when {{ {upper} }}")), permit(&format!("unless {{ {upper} }}"))),
            (forbid(&format!("unless {{ {upper} }}")), forbid(&format!("when {{ {upper} }}"))),
            (forbid(&format!("when {{ !({upper}) }}")), permit(&format!("when {{ !({upper}) }}"))),
            (
                permit(&format!("when {{ if context.effects == 1 then {upper} else false }}")),
                permit(&format!("when {{ if {upper} then true else false }}")),
            ),
        ] {
            accepted(&good);
            assert!(matches!(linted(&bad), Lint::AmountNotBoundedAbove { .. }), "{bad}");
        }
    }
    accepted(&forbid("when { context.amount.units > 250 }"));
    for lower in [
        "context.amount.nano > 5",
        "context.amount.nano >= 5",
        "context.fee.nano > 5",
        "5 < context.amount.units",
        "5 <= context.amount.units",
        "context.amount.nano == 5",
        "context.amount.nano != 5",
        "[5, 6].contains(context.amount.nano)",
        "[context.amount.nano].contains(5)",
        "context.fee.nano <= context.amount.nano",
        "context.amount.nano <= context.effects",
        "context.effects <= context.amount.nano",
        "context.effects == 1 && context.amount.nano > 5",
        "context.effects == 1 || context.amount.nano > 5",
        "(context.amount.nano <= 5) == false",
        "{a: context.amount.nano}.a > 5",
        "(if context.effects == 1 then context.amount else context.fee).nano > 5",
    ] {
        let lint = linted(&permit(&format!("when {{ {lower} }}")));
        assert!(
            matches!(lint, Lint::AmountNotBoundedAbove { .. } | Lint::WholeRecord { .. }),
            "{lower}: {lint}"
        );
    }
}

#[test]
fn guarded_records_are_used_through_their_parts() {
    for whole in [
        "context.amount == context.fee",
        "[context.amount].contains(context.fee)",
        "{a: context}.a.limits.isEmpty()",
        "(if context.effects == 1 then context else context).effects == 1",
    ] {
        let lint = linted(&permit(&format!("when {{ {whole} }}")));
        assert!(matches!(lint, Lint::WholeRecord { .. }), "{whole}: {lint}");
    }
}

#[test]
fn a_limit_that_holds_never_allows_less() {
    let small = r#"context.limits.contains("small")"#;
    for (good, bad) in [
        (permit(&format!("when {{ {small} }}")), permit(&format!("unless {{ {small} }}"))),
        (forbid(&format!("unless {{ {small} }}")), forbid(&format!("when {{ {small} }}"))),
        (forbid(&format!("when {{ !{small} }}")), permit(&format!("when {{ !{small} }}"))),
    ] {
        accepted(&good);
        assert_eq!(linted(&bad), Lint::SetMisused { fact: "context.limits".to_owned() }, "{bad}");
    }
    accepted(&permit(r#"when { context.limits.containsAny(["small"]) }"#));
    accepted(&permit(r#"when { context.effects == 1 || context.limits.containsAll(["small"]) }"#));
    for misuse in [
        "context.limits.isEmpty()",
        r#"context.limits == ["small"]"#,
        r#"(context.limits.contains("small")) == false"#,
        "context.limits.contains(context.asset)",
        "context.limits.containsAll(context.flags)",
        r#"["small"].containsAll(context.limits)"#,
        r#"if context.limits.contains("small") then false else true"#,
    ] {
        assert_eq!(
            linted(&permit(&format!("when {{ {misuse} }}"))),
            Lint::SetMisused { fact: "context.limits".to_owned() },
            "{misuse}"
        );
    }
}

/// Otherwise more approvals, or more time, could deny.
#[test]
fn quorums_windows_calendars_and_verdicts_never_allow_less() {
    for (set, name) in [
        ("quorums", "treasury"),
        ("windows", "daily"),
        ("calendars", "office"),
        ("verdicts", "low-risk"),
    ] {
        let has = format!(r#"context.{set}.contains("{name}")"#);
        let misused = Lint::SetMisused { fact: format!("context.{set}") };
        for (good, bad) in [
            (permit(&format!("when {{ {has} }}")), permit(&format!("unless {{ {has} }}"))),
            (forbid(&format!("unless {{ {has} }}")), forbid(&format!("when {{ {has} }}"))),
            (forbid(&format!("when {{ !{has} }}")), permit(&format!("when {{ !{has} }}"))),
        ] {
            accepted(&good);
            assert_eq!(linted(&bad), misused, "{bad}");
        }
        for misuse in
            [format!("context.{set}.isEmpty()"), format!(r#"context.{set} == ["{name}"]"#)]
        {
            assert_eq!(linted(&permit(&format!("when {{ {misuse} }}"))), misused, "{misuse}");
        }
    }
}

#[test]
fn every_name_that_a_rule_uses_is_in_the_bundle() {
    let btc = "bip122:000000000019d6689c085ae165831e93/slip44:0";
    let address = "bip122:000000000019d6689c085ae165831e93:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    for (condition, known, unknown) in [
        (r#"principal in Custody::Group::"NAME""#, "withdrawals", "withdrawal"),
        (r#"principal == Custody::Service::"NAME""#, "payments", "payment"),
        (r#"resource in Custody::Vault::"NAME""#, "hot", "cold"),
        (r#"resource == Custody::Key::"NAME""#, "treasury", "other"),
        (r#"context.destination in Custody::AddressList::"NAME""#, "counterparties", "denied"),
        (r#"context.destination == Custody::Address::"NAME""#, address, "1A1zP1"),
        (r#"context.limits.contains("NAME")"#, "small", "smal"),
        (r#"context.limits.containsAll(["NAME"])"#, "small", "smal"),
        (r#"context.quorums.contains("NAME")"#, "treasury", "treasurer"),
        (r#"context.windows.containsAny(["NAME"])"#, "daily", "weekly"),
        (r#"context.calendars.contains("NAME")"#, "office", "night"),
        (r#"context.verdicts.contains("NAME")"#, "low-risk", "lowrisk"),
        (r#"context.flags.contains("NAME")"#, "dust", "dusty"),
        (r#"context.flags.containsAny(["data", "NAME"])"#, "dust", "dusty"),
        (r#"context.asset == "NAME""#, btc, "BTC"),
        (r#""NAME" != context.asset"#, btc, "BTC"),
        (r#"["NAME"].contains(context.asset)"#, btc, "BTC"),
        (r#"context.chain == "NAME""#, "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana"),
    ] {
        accepted(&permit(&format!("when {{ {} }}", condition.replace("NAME", known))));
        let lint = linted(&permit(&format!("when {{ {} }}", condition.replace("NAME", unknown))));
        assert!(matches!(&lint, Lint::UnknownName { .. }), "{condition}: {lint}");
        assert!(lint.to_string().contains(unknown), "{lint}");
    }
    let scope = |group: &str| {
        format!(
            r#"@id("p1") @title("t") permit (principal in Custody::Group::"{group}", action, resource);"#
        )
    };
    accepted(&scope("withdrawals"));
    assert!(matches!(linted(&scope("withdrawal")), Lint::UnknownName { .. }));
}

#[test]
fn an_error_says_which_rule_and_why() {
    let error = refused(&permit("when { context.effects + 1 < 3 }")).to_string();
    assert!(error.starts_with("rule p1: arithmetic can overflow"), "{error}");
}
