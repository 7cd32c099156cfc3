use super::*;

const BTC: &str = "bip122:000000000019d6689c085ae165831e93/slip44:0";
const NEW_ADDRESS: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

const OLD: &str = r#"
version = 1
policies = '''
@id("hot") @title("Withdrawals to counterparties")
permit (principal in Custody::Group::"withdrawals", action, resource) when {
  context.destination in Custody::AddressList::"counterparties" &&
  context.limits.contains("small") && context.windows.contains("daily") &&
  context.calendars.contains("office") && context.quorums.contains("treasury")
};

@id("own") @title("The desk")
permit (principal in Custody::Group::"desk", action, resource) when { context.effects == 1 };

@id("deny") @title("Never pay a denied address")
forbid (principal, action, resource)
when { context.destination in Custody::AddressList::"denied" };

@id("blocked") @title("Blocked services ask for nothing")
forbid (principal in Custody::Group::"blocked", action, resource);

@id("only") @title("Only known addresses")
forbid (principal, action, resource)
unless { context.destination in [Custody::AddressList::"known", Custody::AddressList::"mixed"] };

@id("mixed") @title("Not many")
forbid (principal, action, resource)
when { context.effects > 9 && context.destination in Custody::AddressList::"mixed" };
'''

[groups.withdrawals]
services = ["payments", "payouts"]
[groups.desk]
services = ["otc"]
[groups.blocked]
services = ["old"]

[keys.treasury]
tier = "hot"

[assets."bip122:000000000019d6689c085ae165831e93/slip44:0"]
symbol = "BTC"
decimals = 8
[assets."solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501"]
symbol = "SOL"
decimals = 9

[lists.counterparties]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]
[lists.denied]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["3P14159f73E4gFr7JterCCQh9QjiTjiZrG"]
[lists.known]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"]
[lists.mixed]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S"]
[lists.unused]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]

[nonce_accounts.payouts]
network = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
addresses = ["11111111111111111111111111111111"]

[limits.small]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
per_transaction = "1000"

[quorums.treasury]
required = 2
members = ["alice", "bob", "carol"]

[windows.daily]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
seconds = 86400
amount = "5000"

[calendars.office]
utc_offset = "+01:00"
days = ["mon", "tue"]
from = "08:00"
to = "18:00"

[providers.chainwatch]
key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
[providers.sanctions]
key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

[verdicts.low-risk]
provider = "chainwatch"
levels = ["clear", "low"]
fresh_seconds = 600
"#;

fn change(text: &str) -> Change {
    let parse = |text: &str| Bundle::parse(text).unwrap_or_else(|error| panic!("{error}"));
    Change::between(&parse(OLD), &parse(text))
}

/// After replacements in the text.
fn after(replacements: &[(&str, &str)]) -> Change {
    let replace = |text: String, (part, replacement): &(&str, &str)| {
        assert!(text.contains(part), "{part}");
        text.replacen(part, replacement, 1)
    };
    change(&replacements.iter().fold(OLD.to_owned(), replace))
}

fn tightens(part: &str, replacement: &str) {
    assert_eq!(after(&[(part, replacement)]), Change::Tightening, "{replacement}");
}

fn loosens(part: &str, replacement: &str, why: &str) {
    let expected = Change::Loosening { why: vec![why.to_owned()] };
    assert_eq!(after(&[(part, replacement)]), expected, "{replacement}");
}

/// A rule of the old bundle, as written.
fn rule(id: &str) -> String {
    let start = OLD.find(&format!("@id(\"{id}\")")).unwrap();
    let length = OLD[start..].find("};\n").or_else(|| OLD[start..].find(");\n")).unwrap();
    let length = OLD[start..].find(");\n").map_or(length, |other| other.min(length));
    OLD[start..start + length + 3].to_owned()
}

#[test]
fn nothing_changed_is_a_tightening() {
    assert_eq!(change(OLD), Change::Tightening);
    tightens("version = 1", &format!("version = 2\nprevious = \"{}\"", "00".repeat(32)));
    tightens("version = 1", "version = 1\nnot_before = \"2026-12-01T00:00:00.000Z\"");
}

#[test]
fn rules() {
    let added = |effect: &str| {
        format!("policies = '''\n@id(\"x\") @title(\"t\") {effect} (principal, action, resource);")
    };
    tightens("policies = '''", &added("forbid"));
    loosens("policies = '''", &added("permit"), "rule x is new");
    tightens(&rule("hot"), "");
    loosens(&rule("deny"), "", "rule deny is gone");
    loosens(&rule("blocked"), "", "rule blocked is gone");
    // Stricter as it is, it would have to be understood.
    loosens(
        "context.effects == 1",
        "context.effects == 1 && false == true || context.effects == 1",
        "rule own has changed",
    );
    loosens("context.effects > 9", "context.effects > 8", "rule mixed has changed");
    loosens("@title(\"The desk\")", "@title(\"Another\")", "rule own has changed");
    loosens(
        "permit (principal in Custody::Group::\"desk\"",
        "forbid (principal in Custody::Group::\"desk\"",
        "rule own has changed",
    );
}

#[test]
fn assets_and_keys() {
    loosens("decimals = 8", "decimals = 9", &format!("asset {BTC} has changed"));
    loosens("\"BTC\"", "\"XBT\"", &format!("asset {BTC} has changed"));
    let signet = "bip122:00000008819873e925422c1ff0f99f7c/slip44:1";
    let registered =
        format!("[assets.\"{signet}\"]\nsymbol = \"sBTC\"\ndecimals = 8\n\n[limits.small]");
    loosens("[limits.small]", &registered, &format!("asset {signet} is new"));
    let sol = "[assets.\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501\"]\nsymbol = \"SOL\"\ndecimals = 9\n";
    tightens(sol, "");
    loosens("tier = \"hot\"", "tier = \"cold\"", "key treasury has changed");
    loosens("[keys.treasury]\ntier = \"hot\"", "", "key treasury has changed");
    loosens(
        "[keys.treasury]",
        "[keys.new]\ntier = \"hot\"\n[keys.treasury]",
        "key new has changed",
    );
    loosens("tier = \"hot\"", "tier = \"hot\"\nvault = \"v\"", "key treasury has changed");
}

#[test]
fn limits() {
    tightens("per_transaction = \"1000\"", "per_transaction = \"999\"");
    loosens("per_transaction = \"1000\"", "per_transaction = \"1001\"", "limit small has changed");
    let sol = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501";
    let other = format!("asset = \"{sol}\"\nper_transaction = \"1000\"");
    let same = format!("asset = \"{BTC}\"\nper_transaction = \"1000\"");
    loosens(&same, &other, "limit small has changed");
}

#[test]
fn fee_caps() {
    let capped = |entry: &str| format!("[fees.\"{BTC}\"]\n{entry}\n\n[limits.small]");
    let most = |most: u64| capped(&format!("per_transaction = \"{most}\""));
    let part = |part: u64, least: u64| {
        capped(&format!("per_transaction = \"1000\"\nper_mille = {part}\nat_least = \"{least}\""))
    };
    let why = "the fee cap of bip122:000000000019d6689c085ae165831e93 has changed";
    // Without an entry it is 0.1 BTC.
    tightens("[limits.small]", &most(10_000_000));
    loosens("[limits.small]", &most(10_000_001), why);
    let between = |before: &str, after: &str| {
        let bundle = |entry| Bundle::parse(&OLD.replacen("[limits.small]", entry, 1)).unwrap();
        Change::between(&bundle(before), &bundle(after))
    };
    let loosening = || Change::Loosening { why: vec![why.to_owned()] };
    assert_eq!(between(&most(1_000), &most(999)), Change::Tightening);
    assert_eq!(between(&most(1_000), &most(1_001)), loosening());
    assert_eq!(between(&most(1_000), "[limits.small]"), loosening(), "the built-in one is wider");
    assert_eq!(between(&most(1_000), &part(5, 10)), Change::Tightening);
    assert_eq!(between(&part(5, 10), &most(1_000)), loosening());
    assert_eq!(between(&part(5, 10), &part(4, 9)), Change::Tightening);
    assert_eq!(between(&part(5, 10), &part(6, 10)), loosening());
    assert_eq!(between(&part(5, 10), &part(5, 11)), loosening());
}

#[test]
fn quorums() {
    tightens("required = 2", "required = 3");
    loosens("required = 2", "required = 1", "quorum treasury has changed");
    let why = "quorum treasury has changed";
    loosens("\"carol\"]", "\"carol\", \"dora\"]", why);
    // Who leaves can no longer reject.
    loosens(", \"carol\"]", "]", why);
}

#[test]
fn windows() {
    let why = "window daily has changed";
    tightens("amount = \"5000\"", "amount = \"4999\"");
    loosens("amount = \"5000\"", "amount = \"5001\"", why);
    tightens("amount = \"5000\"", "amount = \"5000\"\ncount = 5");
    loosens("amount = \"5000\"", "count = 5", why);
    tightens("seconds = 86400", "seconds = 86401");
    loosens("seconds = 86400", "seconds = 86399", why);
    let sol = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501";
    loosens(&format!("asset = \"{BTC}\"\nseconds"), &format!("asset = \"{sol}\"\nseconds"), why);
    let entry = format!("[windows.daily]\nasset = \"{BTC}\"\nseconds = 86400\namount = \"5000\"\n");
    let gone = after(&[(&rule("hot"), ""), (&entry, "")]);
    assert_eq!(gone, Change::Loosening { why: vec!["window daily is gone".to_owned()] });
}

#[test]
fn calendars() {
    let why = "calendar office has changed";
    tightens("[\"mon\", \"tue\"]", "[\"mon\"]");
    loosens("[\"mon\", \"tue\"]", "[\"mon\", \"tue\", \"wed\"]", why);
    tightens("from = \"08:00\"", "from = \"08:30\"");
    loosens("from = \"08:00\"", "from = \"07:30\"", why);
    tightens("to = \"18:00\"", "to = \"17:30\"");
    loosens("to = \"18:00\"", "to = \"18:30\"", why);
    loosens("\"+01:00\"", "\"+02:00\"", why);
}

#[test]
fn verdicts_and_their_providers() {
    let why = "verdict low-risk has changed";
    let levels = "levels = [\"clear\", \"low\"]";
    tightens(levels, "levels = [\"clear\"]");
    loosens(levels, "levels = [\"clear\", \"low\", \"medium\"]", why);
    tightens("fresh_seconds = 600", "fresh_seconds = 60");
    loosens("fresh_seconds = 600", "fresh_seconds = 601", why);
    loosens("provider = \"chainwatch\"", "provider = \"sanctions\"", why);
    let fresh = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    let old = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    loosens(old, fresh, "provider chainwatch has changed");
    // Only a rule that is new or has changed could ask for what is new.
    let more = format!("[providers.more]\nkey = \"{fresh}\"\n[verdicts.low-risk]");
    tightens("[verdicts.low-risk]", &more);
}

#[test]
fn a_list_that_only_allows_may_shrink() {
    let address = "bip122:000000000019d6689c085ae165831e93:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    let new = format!("bip122:000000000019d6689c085ae165831e93:{NEW_ADDRESS}");
    let listed = "addresses = [\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\"]";
    tightens(listed, "addresses = []");
    let more = format!("addresses = [\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\", \"{NEW_ADDRESS}\"]");
    loosens(listed, &more, &format!("{new} is new in list counterparties"));
    // Asked for by an `unless` of a forbid.
    tightens("[\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\", ", "[");
    let more = format!("[\"{NEW_ADDRESS}\", \"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\", \"3");
    let known = "[\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\", \"3";
    loosens(known, &more, &format!("{new} is new in list known"));
    // The same list, also asked for by a forbid that is new.
    let forbid = r#"policies = '''
@id("x") @title("t") forbid (principal, action, resource)
when { context.destination in Custody::AddressList::"counterparties" };"#;
    assert_eq!(
        after(&[("policies = '''", forbid), (listed, "addresses = []")]),
        Change::Loosening { why: vec![format!("{address} is gone from list counterparties")] }
    );
}

#[test]
fn a_list_is_also_named_after_a_type() {
    let condition = "context.destination in Custody::AddressList::\"counterparties\"";
    let old = OLD.replacen(condition, &condition.replace(" in ", " is Custody::Address in "), 1);
    let listed = "addresses = [\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\"]";
    let new = old.replacen(listed, "addresses = []", 1);
    let bundle = |text: &str| Bundle::parse(text).unwrap();
    assert_eq!(Change::between(&bundle(&old), &bundle(&new)), Change::Tightening);
    assert!(matches!(Change::between(&bundle(&new), &bundle(&old)), Change::Loosening { .. }));
}

#[test]
fn a_list_that_only_refuses_may_grow() {
    let denied = "addresses = [\"3P14159f73E4gFr7JterCCQh9QjiTjiZrG\"]";
    let more = format!("addresses = [\"3P14159f73E4gFr7JterCCQh9QjiTjiZrG\", \"{NEW_ADDRESS}\"]");
    tightens(denied, &more);
    let old = "bip122:000000000019d6689c085ae165831e93:3P14159f73E4gFr7JterCCQh9QjiTjiZrG";
    loosens(denied, "addresses = []", &format!("{old} is gone from list denied"));
}

#[test]
fn a_list_that_is_used_both_ways_may_not_change() {
    let mixed = "[\"12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S\"]";
    let old = "bip122:000000000019d6689c085ae165831e93:12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S";
    let new = format!("bip122:000000000019d6689c085ae165831e93:{NEW_ADDRESS}");
    loosens(mixed, "[]", &format!("{old} is gone from list mixed"));
    let more = format!("[\"12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S\", \"{NEW_ADDRESS}\"]");
    loosens(mixed, &more, &format!("{new} is new in list mixed"));
}

#[test]
fn a_list_that_no_rule_names_may_change() {
    let unused = "[lists.unused]\nnetwork = \"bip122:000000000019d6689c085ae165831e93\"\naddresses = [\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\"]";
    tightens(unused, "");
    tightens(unused, &unused.replace("\"1A1", &format!("\"{NEW_ADDRESS}\", \"1A1")));
    let new = format!("{unused}\n{}", unused.replace("unused", "fresh"));
    tightens(unused, &new);
}

#[test]
fn groups_are_judged_as_lists_are() {
    tightens("\"payments\", ", "");
    loosens("\"payments\", ", "\"payments\", \"new\", ", "new is new in group withdrawals");
    tightens("[\"old\"]", "[\"old\", \"older\"]");
    loosens("[\"old\"]", "[]", "old is gone from group blocked");
}

/// No rule asks about them, so all tables of them are one.
#[test]
fn nonce_accounts_may_only_go() {
    let ours = "addresses = [\"11111111111111111111111111111111\"]";
    let network = "network = \"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp\"\n";
    tightens(ours, "addresses = []");
    tightens(&format!("[nonce_accounts.payouts]\n{network}{ours}"), "");
    tightens("nonce_accounts.payouts", "nonce_accounts.renamed");
    let sysvar = "SysvarRecentB1ockHashes11111111111111111111";
    let new = "nonce account solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:";
    let more = ours.replace(']', &format!(", \"{sysvar}\"]"));
    loosens(ours, &more, &format!("{new}{sysvar} is new"));
    let more =
        format!("[nonce_accounts.more]\n{network}addresses = [\"{sysvar}\"]\n[limits.small]");
    loosens("[limits.small]", &more, &format!("{new}{sysvar} is new"));
    let devnet = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
    let elsewhere = format!("network = \"{devnet}\"\n{ours}");
    let why = format!("nonce account {devnet}:11111111111111111111111111111111 is new");
    loosens(&format!("{network}{ours}"), &elsewhere, &why);
}

#[test]
fn everything_that_loosens_is_told() {
    let Change::Loosening { why } = after(&[("required = 2", "required = 1"), (&rule("deny"), "")])
    else {
        panic!("a loosening")
    };
    assert_eq!(why, ["rule deny is gone", "quorum treasury has changed"]);
}
