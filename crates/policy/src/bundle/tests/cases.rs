use super::*;

pub(super) const TEST: &str = r#"
[[tests]]
name = "anything goes"
service = "payments"
key = "treasury"
network = "bip122:000000000019d6689c085ae165831e93"
action = "transfer"
effects = [{ to = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", amount = "5", flags = ["dust"] }]
fee = "1000"
approvers = ["alice"]
verdicts = [{ provider = "chainwatch", level = "low", at = "2026-11-22T09:59:00.000Z" }]
usage = [{ amount = "5", at = "2026-11-22T09:00:00.000Z" }]
now = "2026-11-22T10:00:00.000Z"
expect = "allow"
rules = ["p1"]
missing = []
"#;

#[test]
fn a_bundles_own_tests_are_run_on_demand() {
    let run = |test: &str| Bundle::parse(&format!("{}{test}", text(RULE))).unwrap().run_tests();
    assert!(run("").passed());
    let report = run(TEST);
    assert!(report.passed(), "{report:?}");
    assert_eq!(report.results.len(), 1);
    for (part, other) in [
        ("expect = \"allow\"", "expect = \"deny\""),
        ("rules = [\"p1\"]", "rules = []"),
        ("missing = []", "missing = [\"treasury\"]"),
        ("missing = []", "until = \"2026-11-22T10:00:00.000Z\""),
    ] {
        let report = run(&TEST.replace(part, other));
        assert!(!report.passed(), "{other}");
        let failures: Vec<_> = report.failures().collect();
        assert!(matches!(failures.as_slice(), [("anything goes", why)] if why.contains("allowed")));
    }
}

#[test]
fn a_test_that_describes_no_request_is_refused() {
    for (part, other) in [
        ("\"payments\"", "\"Payments\""),
        ("key = \"treasury\"", "key = \"T\""),
        ("\"bip122:000000000019d6689c085ae165831e93\"\naction", "\"bitcoin\"\naction"),
        ("action = \"transfer\"", "action = \"stake\""),
        ("DivfNa\", amount", "DivfNb\", amount"),
        ("amount = \"5\", flags", "amount = \"-5\", flags"),
        ("[\"dust\"]", "[\"dusty\"]"),
        ("fee = \"1000\"", "fee = \"1.0\""),
        ("[\"alice\"]", "[\"Alice\"]"),
        ("\"chainwatch\"", "\"watch\""),
        ("level = \"low\"", "level = \"Low\""),
        ("at = \"2026-11-22T09:59:00.000Z\"", "at = \"2026-11-22T10:00:00.001Z\""),
        ("}]\nusage", "}, { provider = \"chainwatch\", level = \"high\" }]\nusage"),
        ("at = \"2026-11-22T09:00:00.000Z\"", "at = \"yesterday\""),
        ("now = \"2026", "now = \"in 2026"),
        ("missing = []", "nonce_account = \"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb\""),
    ] {
        assert!(TEST.contains(part), "{part}");
        let error = Bundle::parse(&format!("{}{}", text(RULE), TEST.replace(part, other)));
        let error = error.unwrap_err();
        assert!(
            matches!(&error, BundleError::Entry { table: "tests", entry, .. } if entry == "anything goes"),
            "{other}: {error}"
        );
    }
    let empty =
        TEST.lines().map(|line| if line.starts_with("effects") { "effects = []" } else { line });
    let empty = format!("{}{}", text(RULE), empty.collect::<Vec<_>>().join("\n"));
    assert!(matches!(Bundle::parse(&empty), Err(BundleError::Entry { table: "tests", .. })));
}

#[test]
fn a_test_may_be_on_a_durable_nonce_account() {
    let sol = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";
    let asset = format!("[assets.\"{sol}/slip44:501\"]\nsymbol = \"SOL\"\ndecimals = 9\n");
    let run = |condition: &str, account: &str| {
        let test = format!(
            "[[tests]]\nname = \"t\"\nservice = \"payments\"\nkey = \"treasury\"\n\
             network = \"{sol}\"\neffects = [{{ to = \"{ACCOUNT}\", amount = \"5\" }}]\n\
             nonce_account = \"{account}\"\nnow = \"2026-11-22T10:00:00.000Z\"\n\
             expect = \"allow\"\n"
        );
        let rule = permit(&format!("when {{ {condition} }}"));
        Bundle::parse(&format!("{}{asset}{test}", text(&rule))).unwrap().run_tests().passed()
    };
    const ACCOUNT: &str = "11111111111111111111111111111111";
    assert!(run(r#"context.flags.contains("durable_nonce")"#, ACCOUNT));
    assert!(!run("context.asset_known", "SysvarRecentB1ockHashes11111111111111111111"));
}

/// Rules about what EVM payloads do, by the bundle's own tests.
#[test]
fn a_test_describes_what_an_evm_payload_does() {
    const TABLES: &str = r#"
[assets."eip155:1/slip44:60"]
symbol = "ETH"
decimals = 18
[assets."eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"]
symbol = "USDC"
decimals = 6
[limits.usdc]
asset = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
per_transaction = "1000000000"
"#;
    const EVERY: &str = r#"@id("p1") @title("t") permit (principal, action, resource) when { context.asset_known };"#;
    const GROUP: &str =
        r#"@id("p1") @title("t") permit (principal, action in Custody::Action::"sign", resource);"#;
    const LIMITED: &str = r#"@id("p1") @title("t") permit (principal, action == Custody::Action::"allowance", resource)
        when { context.limits.contains("usdc") } unless { context.flags.contains("unlimited_allowance") };"#;
    const NAMED: &str = r#"@id("p1") @title("t")
        permit (principal, action == Custody::Action::"code_delegation", resource);
        @id("p2") @title("t") permit (principal, action == Custody::Action::"transfer", resource);"#;
    let decides = |rules: &str, action: &str, more: &str, expect: &str| {
        let test = format!(
            "[[tests]]\nname = \"t\"\nservice = \"payments\"\nkey = \"treasury\"\n\
             network = \"eip155:1\"\n\
             effects = [{{ to = \"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\", \
             action = \"{action}\", {more} }}]\n\
             now = \"2026-11-22T10:00:00.000Z\"\nexpect = \"{expect}\"\n"
        );
        let report = Bundle::parse(&format!("{}{TABLES}{test}", text(rules))).unwrap().run_tests();
        assert!(report.passed(), "{rules} {action} {more}: {report:?}");
    };
    let nothing = "amount = \"0\"";
    for rules in [EVERY, GROUP] {
        for (action, expect) in [
            ("transfer", "allow"),
            ("allowance", "allow"),
            ("message", "deny"),
            ("typed_data", "deny"),
            ("contract_call", "deny"),
            ("contract_creation", "deny"),
            ("authority_change", "deny"),
            ("code_delegation", "deny"),
        ] {
            decides(rules, action, nothing, expect);
        }
    }
    decides(NAMED, "code_delegation", nothing, "allow");
    decides(NAMED, "authority_change", nothing, "deny");
    decides(NAMED, "contract_call", nothing, "deny");
    let usdc = "asset = \"eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"";
    let amount = |amount: &str| format!("{usdc}, amount = \"{amount}\"");
    decides(LIMITED, "allowance", &amount("1000000000"), "allow");
    decides(LIMITED, "allowance", &amount("1000000001"), "deny");
    // Too large for a rule to compare is a denial, whatever the rule says.
    let unlimited =
        amount("115792089237316195423570985008687907853269984665640564039457584007913129639935");
    for rules in [LIMITED, EVERY] {
        decides(rules, "allowance", &unlimited, "deny");
    }
}

#[test]
fn a_test_says_what_providers_said() {
    let asks = permit("when { context.verdicts.contains(\"low-risk\") }");
    let run = |test: &str| Bundle::parse(&format!("{}{test}", text(&asks))).unwrap().run_tests();
    assert!(run(TEST).passed());
    for (part, other) in [
        ("level = \"low\"", "level = \"high\""),
        ("2026-11-22T09:59:00.000Z", "2026-11-22T09:49:59.999Z"),
    ] {
        assert!(!run(&TEST.replace(part, other)).passed(), "{other}");
    }
    // What is missing is named with the quorums.
    let line = TEST.lines().find(|line| line.starts_with("verdicts")).unwrap();
    let pending = TEST.replace(line, "").replace("\"allow\"", "\"pending\"");
    let pending = pending.replace("missing = []", "missing = [\"low-risk\"]");
    assert!(run(&pending).passed(), "{:?}", run(&pending));
    // Where it does not say when, it was said now.
    let at = ", at = \"2026-11-22T09:59:00.000Z\"";
    assert!(run(&TEST.replace(at, "")).passed());
}
