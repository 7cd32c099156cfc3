use quorate_model::Network;
use ruint::aliases::U256;

use super::*;

#[test]
fn an_unusable_entry_of_a_table_is_named() {
    let found = |table, entry: &str| (table, entry.to_owned());
    assert_eq!(entry_refused("payments", "Payments!"), found("groups", "withdrawals"));
    assert_eq!(entry_refused("keys.treasury", "keys.Treasury"), found("keys", "Treasury"));
    let btc = "bip122:000000000019d6689c085ae165831e93/slip44:0";
    assert_eq!(entry_refused("decimals = 8", "decimals = 78"), found("assets", btc));
    assert!(with("decimals = 8", "decimals = 77").is_ok());
    assert_eq!(entry_refused(&format!("assets.\"{btc}"), "assets.\"BTC"), found("assets", "BTC"));
    let list = found("lists", "counterparties");
    assert_eq!(entry_refused("network = \"bip122", "network = \"bitcoin"), list);
    assert_eq!(entry_refused("DivfNa\"]", "DivfNb\"]"), list);
    let nonces = found("nonce_accounts", "payouts");
    let solana = "network = \"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp\"";
    assert_eq!(entry_refused(solana, "network = \"solana\""), nonces);
    assert_eq!(entry_refused("1111111\"]", "1111110\"]"), nonces);
    let bitcoin = |network| {
        format!("network = \"{network}\"\naddresses = [\"12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S\"]")
    };
    let list = format!("{solana}\naddresses = [\"11111111111111111111111111111111\"]");
    assert_eq!(entry_refused(&list, &bitcoin(Network::Bitcoin)), nonces);
    let limit = found("limits", "small");
    assert_eq!(entry_refused(&format!("asset = \"{btc}"), "asset = \"BTC"), limit);
    let unregistered = Asset::native(Network::Solana);
    assert_eq!(
        entry_refused(&format!("asset = \"{btc}"), &format!("asset = \"{unregistered}")),
        limit
    );
    for amount in ["", "-1", "+1", "1_0", "0x10", "01", "1.0", " 1", &format!("{}0", U256::MAX)] {
        assert_eq!(entry_refused("\"100000000\"", &format!("{amount:?}")), limit, "{amount}");
    }
    assert!(with("\"100000000\"", &format!("\"{}\"", U256::MAX)).is_ok());
}

#[test]
fn an_unusable_fee_cap_is_named() {
    let btc = "bip122:000000000019d6689c085ae165831e93/slip44:0";
    let capped = |id: &str, entry: &str| {
        with("[quorums.treasury]", &format!("[fees.\"{id}\"]\n{entry}\n[quorums.treasury]"))
    };
    let refused = |id: &str, entry: &str| match capped(id, entry) {
        Err(BundleError::Entry { table: "fees", entry: named, .. }) => {
            assert_eq!(named, id, "{entry}")
        }
        other => panic!("{entry}: {other:?}"),
    };
    assert!(capped(btc, "per_transaction = \"1\"").is_ok());
    let both = capped(btc, "per_transaction = \"1\"\nper_mille = 5\nat_least = \"0\"").unwrap();
    let told = both.entries().into_iter().find(|entry| entry.table == "fees").unwrap();
    let fields = told.fields.iter().map(|(name, value)| format!("{name} {value}"));
    assert_eq!(
        fields.collect::<Vec<_>>(),
        ["at_least 0 (0 BTC)", "per_mille 5", "per_transaction 1 (0.00000001 BTC)"]
    );
    assert_eq!(told.name, btc);
    refused(btc, "per_transaction = \"1\"\nper_mille = 5");
    refused(btc, "per_transaction = \"1\"\nat_least = \"0\"");
    refused(btc, "per_transaction = \"1\"\nper_mille = 5\nat_least = \"-1\"");
    refused(btc, "per_transaction = \"01\"");
    refused("BTC", "per_transaction = \"1\"");
    refused(Asset::native(Network::Solana).as_str(), "per_transaction = \"1\"");
    assert!(capped(btc, "").is_err(), "an entry names the most");
    // Registered, and no network's own.
    let token = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
    let entries = format!(
        "[assets.\"{token}\"]\nsymbol = \"T\"\ndecimals = 6\n[fees.\"{token}\"]\nper_transaction = \"1\"\n[quorums.treasury]"
    );
    let error = with("[quorums.treasury]", &entries).unwrap_err().to_string();
    assert!(error.contains("a network's own asset"), "{error}");
}

#[test]
fn an_unusable_quorum_window_or_calendar_is_named() {
    let found = |table, entry: &str| (table, entry.to_owned());
    let quorum = found("quorums", "treasury");
    for required in ["required = 0", "required = 4"] {
        assert_eq!(entry_refused("required = 2", required), quorum);
    }
    assert!(with("required = 2", "required = 3").is_ok());
    assert_eq!(entry_refused("\"alice\"", "\"Alice\""), quorum);
    assert_eq!(
        entry_refused(
            "required = 2\nmembers = [\"alice\", \"bob\", \"carol\"]",
            "required = 2\nmembers = [\"alice\", \"alice\"]"
        ),
        quorum
    );
    assert_eq!(entry_refused("quorums.treasury", "quorums.Treasury"), found("quorums", "Treasury"));

    let window = found("windows", "daily");
    for seconds in ["seconds = 0", "seconds = 2678401"] {
        assert_eq!(entry_refused("seconds = 86400", seconds), window);
    }
    assert!(with("seconds = 86400", "seconds = 2678400").is_ok());
    assert_eq!(entry_refused("count = 10", "count = 0"), window);
    assert_eq!(entry_refused("amount = \"500000000\"", "amount = \"5e8\""), window);
    assert_eq!(entry_refused("amount = \"500000000\"\ncount = 10", ""), window);
    assert!(with("count = 10", "").is_ok() && with("amount = \"500000000\"", "").is_ok());
    assert_eq!(entry_refused("windows.daily", "windows.d_y"), found("windows", "d_y"));

    let calendar = found("calendars", "office");
    assert_eq!(entry_refused("days = [\"mon\"]", "days = []"), calendar);
    assert_eq!(entry_refused("+01:00", "Europe/Zurich"), calendar);
    assert_eq!(entry_refused("calendars.office", "calendars.O"), found("calendars", "O"));
}

#[test]
fn an_unusable_provider_or_verdict_is_named() {
    let found = |table, entry: &str| (table, entry.to_owned());
    let provider = found("providers", "chainwatch");
    // Not a point of the curve; not hexadecimal digits; not in their one spelling.
    for key in ["3d4018", "0x4017", "3D4017"] {
        assert_eq!(entry_refused("3d4017", key), provider, "{key}");
    }
    let renamed = entry_refused("providers.chainwatch", "providers.Chainwatch");
    assert_eq!(renamed, found("providers", "Chainwatch"));
    let key = "key = \"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\"";
    let twice = format!("{key}\n[providers.other]\n{key}");
    assert_eq!(entry_refused(key, &twice), found("providers", "other"));

    let verdict = found("verdicts", "low-risk");
    assert_eq!(entry_refused("provider = \"chainwatch\"", "provider = \"watch\""), verdict);
    let many: Vec<_> = (0..17).map(|n| format!("\"l{n}\"")).collect();
    let many = format!("levels = [{}]", many.join(", "));
    for levels in ["levels = []", "levels = [\"Low\"]", &many] {
        assert_eq!(entry_refused("levels = [\"clear\", \"low\"]", levels), verdict, "{levels}");
    }
    let most: Vec<_> = (0..16).map(|n| format!("\"l{n}\"")).collect();
    assert!(
        with("levels = [\"clear\", \"low\"]", &format!("levels = [{}]", most.join(", "))).is_ok()
    );
    for seconds in ["fresh_seconds = 0", "fresh_seconds = 86401"] {
        assert_eq!(entry_refused("fresh_seconds = 600", seconds), verdict, "{seconds}");
    }
    assert!(with("fresh_seconds = 600", "fresh_seconds = 86400").is_ok());
    assert_eq!(
        entry_refused("verdicts.low-risk", "verdicts.low_risk"),
        found("verdicts", "low_risk")
    );
}

#[test]
fn a_providers_key_is_found_by_its_name() {
    let bundle = Bundle::parse(&text(RULE)).unwrap();
    let key = |name: &str| bundle.provider_key(&name.parse().unwrap()).map(ToString::to_string);
    let registered = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    assert_eq!(key("chainwatch").as_deref(), Some(registered));
    assert_eq!(key("stranger"), None);
}

#[test]
fn no_more_providers_than_can_speak_about_a_request() {
    use rand_chacha::rand_core::SeedableRng as _;
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
    let mut providers = |count: usize| {
        let mut provider = |n| {
            let key = quorate_trust::SigningKey::generate(&mut rng).public_key();
            format!("[providers.x{n}]\nkey = \"{key}\"\n")
        };
        let entries: String = (0..count).map(&mut provider).collect();
        Bundle::parse(&format!("{}\n{entries}", text(RULE)))
    };
    assert!(providers(7).is_ok());
    let (table, count, max) = ("providers", 9, 8);
    let refused = BundleError::TooManyEntries { table, count, max };
    assert_eq!(providers(8).unwrap_err(), refused);
}

#[test]
fn tables_that_the_gate_searches_are_bounded() {
    let with_tables = |table: &str, body: &str, count: usize| {
        let entries: String = (0..count).map(|n| format!("[{table}.x{n}]\n{body}\n")).collect();
        Bundle::parse(&format!("{}\n{entries}", text(RULE)))
    };
    let btc = "bip122:000000000019d6689c085ae165831e93/slip44:0";
    for (table, body, max) in [
        ("quorums", "required = 1\nmembers = [\"alice\"]", 16),
        ("windows", &format!("asset = \"{btc}\"\nseconds = 1\ncount = 1"), 64),
        (
            "calendars",
            "utc_offset = \"+00:00\"\ndays = [\"mon\"]\nfrom = \"08:00\"\nto = \"09:00\"",
            16,
        ),
        ("verdicts", "provider = \"chainwatch\"\nlevels = [\"low\"]\nfresh_seconds = 60", 16),
    ] {
        assert!(with_tables(table, body, max - 1).is_ok(), "{table}");
        let error = with_tables(table, body, max).unwrap_err();
        assert_eq!(error, BundleError::TooManyEntries { table, count: max + 1, max });
    }
}

#[test]
fn a_bundle_after_the_first_names_the_one_before() {
    let line = format!("previous = \"{PREVIOUS}\"\n");
    assert_eq!(with(&line, "").unwrap_err(), BundleError::Previous { version: 3 });
    assert!(Bundle::parse(&text(RULE).replace(&line, "").replace("= 3", "= 1")).is_ok());
    let first = with("version = 3", "version = 1");
    assert_eq!(first.unwrap_err(), BundleError::Previous { version: 1 }, "the first follows none");
    let branches = with(&line, &format!("previous = [\"{PREVIOUS}\", \"{}\"]\n", "0".repeat(64)));
    assert_eq!(branches.unwrap().previous().len(), 2);
    let following = |count: u32| {
        let hashes: Vec<_> = (0..count).map(|n| format!("\"{n:064x}\"")).collect();
        with(&line, &format!("previous = [{}]\n", hashes.join(", ")))
    };
    assert_eq!(following(4).unwrap().previous().len(), 4);
    let many = following(5).unwrap_err();
    assert!(matches!(many, BundleError::Field { field: "previous", .. }), "{many}");
    let field = |replacement: &str| match with(&line, replacement).unwrap_err() {
        BundleError::Field { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field("previous = \"1d6c\"\n"), "previous");
    assert_eq!(field(&format!("{line}not_before = \"2026-12-01\"\n")), "not_before");
}

#[test]
fn a_quorum_is_no_crowd() {
    let members = |count: usize| {
        let names: Vec<_> = (0..count).map(|n| format!("\"p{n}\"")).collect();
        with(
            "members = [\"alice\", \"bob\", \"carol\"]",
            &format!("members = [{}]", names.join(", ")),
        )
    };
    assert!(members(32).is_ok());
    let quorum = "treasury".to_owned();
    assert_eq!(members(33).unwrap_err(), BundleError::TooManyMembers { quorum, count: 33 });
}

#[test]
fn a_bundle_tells_everything_that_it_says() {
    let bundle = Bundle::parse(&text(RULE)).unwrap();
    let told = |entry: &Entry| {
        let fields = entry.fields.iter().map(|(name, value)| format!("{name} {value}"));
        format!("{}.{}: {}", entry.table, entry.name, fields.collect::<Vec<_>>().join("; "))
    };
    let btc = "bip122:000000000019d6689c085ae165831e93/slip44:0";
    let address = "bip122:000000000019d6689c085ae165831e93:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    let key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    let expected = [
        format!("rules.p1: effect permit; text {RULE}; title One"),
        "groups.withdrawals: services payments".to_owned(),
        "keys.treasury: tier hot; vault hot".to_owned(),
        format!("assets.{btc}: decimals 8; symbol BTC"),
        format!("lists.counterparties: addresses {address}"),
        "nonce_accounts.payouts: addresses \
         solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:11111111111111111111111111111111"
            .to_owned(),
        format!("limits.small: asset {btc}; per_transaction 100000000 (1 BTC)"),
        "quorums.treasury: members alice, bob, carol; required 2".to_owned(),
        format!("windows.daily: amount 500000000 (5 BTC); asset {btc}; count 10; seconds 86400"),
        "calendars.office: days mon; from 08:00; to 18:00; utc_offset +01:00".to_owned(),
        format!("providers.chainwatch: key {key}"),
        "verdicts.low-risk: fresh_seconds 600; levels clear, low; provider chainwatch".to_owned(),
    ];
    assert_eq!(bundle.entries().iter().map(told).collect::<Vec<_>>(), expected);

    let tested = Bundle::parse(&format!("{}{}", text(RULE), cases::TEST)).unwrap();
    let test = tested.entries().iter().map(told).next_back();
    let expected = "tests.anything goes: approvers alice; effects 5 to \
                    1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa [dust]; expect allow; fee 1000; key treasury; \
                    missing none; network bip122:000000000019d6689c085ae165831e93; \
                    now 2026-11-22T10:00:00.000Z; rules p1; service payments; \
                    usage 5 at 2026-11-22T09:00:00.000Z; \
                    verdicts low of chainwatch at 2026-11-22T09:59:00.000Z";
    assert_eq!(test.as_deref(), Some(expected));
}
