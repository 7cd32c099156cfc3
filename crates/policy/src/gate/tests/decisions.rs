use super::*;
use crate::{Later, Pending};

const MORE_TABLES: &str = r#"
[quorums.board]
required = 1
members = ["dora"]

[quorums.security]
required = 1
members = ["alice", "erin"]

[quorums.treasury]
required = 2
members = ["alice", "bob", "carol"]

[windows.daily]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
seconds = 86400
amount = "100000000"

[windows.hourly]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
seconds = 3600
count = 2

[windows.sol]
asset = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501"
seconds = 60
count = 1

[calendars.office]
utc_offset = "+01:00"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "08:00"
to = "18:00"

[calendars.sunday]
utc_offset = "+00:00"
days = ["sun"]
from = "00:00"
to = "24:00"
"#;

fn gate(rules: &str) -> Gate {
    let text = format!("version = 1\npolicies = '''{rules}'''\n{TABLES}{MORE_TABLES}");
    Gate::new(Bundle::parse(&text).unwrap())
}

fn when(condition: &str) -> Gate {
    gate(&rule("p1", condition))
}

fn rule(id: &str, condition: &str) -> String {
    format!(
        r#"@id("{id}") @title("t") permit (principal, action, resource) when {{ {condition} }};"#
    )
}

fn quorum(name: &str) -> String {
    format!(r#"context.quorums.contains("{name}")"#)
}

fn window(name: &str) -> String {
    format!(r#"context.windows.contains("{name}")"#)
}

fn calendar(name: &str) -> String {
    format!(r#"context.calendars.contains("{name}")"#)
}

fn pending(case: &Case, gate: &Gate) -> Pending {
    match case.decision(gate) {
        Decision::Pending(pending) => pending,
        other => panic!("{other:?}"),
    }
}

fn missing(case: &Case, gate: &Gate) -> Vec<String> {
    pending(case, gate).missing.into_iter().map(|quorum| quorum.name).collect()
}

fn later(case: &Case, gate: &Gate) -> Later {
    match case.decision(gate) {
        Decision::Later(later) => later,
        other => panic!("{other:?}"),
    }
}

fn until(case: &Case, gate: &Gate) -> String {
    later(case, gate).until.to_string()
}

/// Whatever the rules say and whoever approves.
#[test]
fn a_raw_digest_takes_a_key_that_was_made_for_it_and_a_rule_that_names_it() {
    let named = gate(
        r#"@id("p1") @title("One") permit (principal, action == Custody::Action::"raw_digest", resource);"#,
    );
    let any = gate(r#"@id("p1") @title("One") permit (principal, action, resource);"#);
    let mut case = Case::new().approved_by(&["alice", "bob", "carol"]);
    case.intent.effects[0].kind = EffectKind::RawDigest;
    for gate in [&named, &any] {
        assert_eq!(case.simulate(gate), Err(Denial::RawDigest));
        assert!(gate.required_quorums(&case.subject()).is_empty());
    }
    case.raw_ok = true;
    assert!(case.simulate(&named).is_ok());
    assert!(matches!(case.simulate(&any), Err(Denial::NotPermitted { .. })));
    // Beside other effects as well.
    let mut both = Case::with_effects(vec![pay(LISTED, 1), pay(LISTED, 1)]);
    both.intent.effects[1].kind = EffectKind::RawDigest;
    assert_eq!(both.simulate(&any), Err(Denial::RawDigest));
}

#[test]
fn a_quorum_is_met_by_enough_of_its_members() {
    let gate = when(&quorum("treasury"));
    for (approvers, present) in
        [(&[][..], &[][..]), (&["bob"], &["bob"]), (&["bob", "dora", "mallory"], &["bob"])]
    {
        let case = Case::new().approved_by(approvers);
        let [missing] = &pending(&case, &gate).missing[..] else { panic!() };
        assert_eq!((missing.name.as_str(), missing.required), ("treasury", 2));
        let names =
            |persons: &[PersonName]| persons.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&missing.present), present);
        assert_eq!(names(&missing.members), ["alice", "bob", "carol"]);
    }
    let case = Case::new().approved_by(&["alice", "carol"]);
    assert_eq!(case.decision(&gate), Decision::Allow(vec!["p1".to_owned()]));
}

#[test]
fn a_pending_decision_says_who_may_approve_and_what_then_allows() {
    let case = Case::new().approved_by(&["bob"]);
    let decision = case.decision(&when(&quorum("treasury")));
    assert_eq!(
        decision.to_string(),
        "approvals are missing: treasury has 1 of 2 (alice, bob approved, carol)"
    );
    let Decision::Pending(pending) = decision else { panic!() };
    assert_eq!(pending.rules, ["p1"]);
}

#[test]
fn the_smallest_set_of_quorums_is_told() {
    let both = format!("{} && {}", quorum("board"), quorum("security"));
    let rules = |conditions: &[&str]| {
        let rules = conditions.iter().enumerate();
        gate(&rules.map(|(n, condition)| rule(&format!("p{n}"), condition)).collect::<String>())
    };
    assert_eq!(missing(&Case::new(), &rules(&[&both])), ["board", "security"]);
    assert_eq!(missing(&Case::new(), &rules(&[&both, &quorum("treasury")])), ["treasury"]);
    let two = rules(&[&both, &quorum("treasury")]);
    let case = Case::new().approved_by(&["dora"]);
    assert_eq!(missing(&case, &two), ["security"], "among equals the first by name");
    let any = "context.quorums.containsAny([\"treasury\", \"security\", \"board\"])";
    assert_eq!(missing(&Case::new(), &rules(&[any])), ["board"]);
    let all = "context.quorums.containsAll([\"treasury\", \"security\", \"board\"])";
    assert_eq!(missing(&Case::new(), &rules(&[all])), ["board", "security", "treasury"]);
}

#[test]
fn the_missing_quorums_are_of_all_effects() {
    let gate = gate(&format!(
        "{}{}",
        rule("p1", &format!("context.amount.nano <= 10 && {}", quorum("board"))),
        rule("p2", &quorum("treasury")),
    ));
    let case = Case::with_effects(vec![pay(LISTED, 1), pay(LISTED, BTC)]);
    assert_eq!(missing(&case, &gate), ["treasury"]);
    let case = Case::with_effects(vec![pay(LISTED, 1), pay(LISTED, 1)]);
    assert_eq!(missing(&case, &gate), ["board"]);
    // One effect that nothing allows is a denial of the whole.
    let listed = r#"context.destination in Custody::AddressList::"counterparties""#;
    let gate = when(&format!("{} && {listed}", quorum("board")));
    let case = Case::with_effects(vec![pay(LISTED, 1), pay(STRANGER, 1)]);
    let Decision::Deny(Denial::NotPermitted { effect, nearest, .. }) = case.decision(&gate) else {
        panic!()
    };
    assert_eq!(effect, 1);
    assert_eq!(nearest.unwrap().unmet, listed, "not the quorum, which would not help");
}

#[test]
fn a_forbid_stands_whoever_approves() {
    let deny = r#"@id("f") @title("t") forbid (principal, action, resource)
        when { context.destination in Custody::AddressList::"denied" };"#;
    let gate = gate(&format!("{}{deny}", rule("p1", &quorum("board"))));
    let case = Case::with_effects(vec![pay(DENIED, 1)]);
    assert!(matches!(case.decision(&gate), Decision::Deny(Denial::Forbidden { .. })));
    assert_eq!(missing(&Case::new(), &gate), ["board"]);
}

#[test]
fn a_forbid_may_yield_to_a_quorum() {
    let cap = r#"@id("f") @title("t") forbid (principal, action, resource)
        when { context.amount.units > 1 } unless { context.quorums.contains("board") };"#;
    let gate = gate(&format!("{}{cap}", rule("p1", "context.asset_known")));
    assert!(matches!(Case::new().decision(&gate), Decision::Allow(_)));
    let case = Case::with_effects(vec![pay(LISTED, 2 * BTC)]);
    assert_eq!(missing(&case, &gate), ["board"]);
    assert!(matches!(case.approved_by(&["dora"]).decision(&gate), Decision::Allow(_)));
}

/// The payload takes 50 001 000 satoshi.
#[test]
fn a_window_counts_what_was_released_and_the_whole_payload() {
    let gate = when(&window("daily"));
    let allowed = |case: &Case| matches!(case.decision(&gate), Decision::Allow(_));
    let time = "2026-11-22T09:00:00.000Z";
    assert!(allowed(&Case::new()));
    assert!(allowed(&Case::new().after(&[(49_999_000, time)])));
    let case = Case::new().after(&[(49_999_001, time)]);
    assert_eq!(until(&case, &gate), "2026-11-23T09:00:00.001Z");
    assert!(allowed(&case.clone().at("2026-11-23T09:00:00.001Z")));
    assert!(!allowed(&case.clone().at("2026-11-23T09:00:00.000Z")));
    let mut other_key = case;
    other_key.key = "other".parse().unwrap();
    assert!(allowed(&other_key));
}

#[test]
fn what_was_released_for_a_request_does_not_stand_against_it() {
    let gate = when(&window("daily"));
    let mut case = Case::new();
    let (request, now) = (case.subject().request, case.now);
    let (key, asset) = (case.key.clone(), Asset::native(Network::Bitcoin));
    case.usage.charge(&key, &asset, U256::from(50_001_000), now, request);
    assert!(matches!(case.decision(&gate), Decision::Allow(_)));
    let case = case.after(&[(49_999_001, "2026-11-22T09:00:00.000Z")]);
    assert_eq!(until(&case, &gate), "2026-11-23T09:00:00.001Z");
}

#[test]
fn what_never_fits_is_not_later() {
    let gate = when(&window("daily"));
    let case = Case::with_effects(vec![pay(LISTED, 2 * BTC)]);
    assert!(matches!(case.decision(&gate), Decision::Deny(Denial::NotPermitted { .. })));
}

#[test]
fn windows_of_another_asset_are_not_asked() {
    let gate = when("context.windows.containsAll([\"sol\"])");
    assert!(matches!(Case::new().decision(&gate), Decision::Deny(_)));
    let case = Case::on_solana(Network::Solana);
    assert!(matches!(case.decision(&gate), Decision::Allow(_)));
}

#[test]
fn the_time_told_is_the_first_at_which_everything_holds() {
    let both = when(&format!("{} && {}", window("daily"), window("hourly")));
    let case = Case::new().after(&[
        (1, "2026-11-22T09:30:00.000Z"),
        (1, "2026-11-22T09:45:00.000Z"),
        (60_000_000, "2026-11-21T11:00:00.000Z"),
    ]);
    assert_eq!(until(&case, &both), "2026-11-22T11:00:00.001Z");
    let either = when(&format!("{} || {}", window("daily"), window("hourly")));
    assert_eq!(until(&case, &either), "2026-11-22T10:30:00.001Z");
    let told = later(&case, &either);
    assert_eq!(told.rules, ["p1"]);
    assert_eq!(told.reason, "window hourly is used up until 2026-11-22T10:30:00.001Z");

    // 2026-11-22 is a Sunday.
    let office = when(&calendar("office"));
    let told = later(&Case::new(), &office);
    assert_eq!(told.until.to_string(), "2026-11-23T07:00:00.000Z");
    assert_eq!(told.reason, "it is outside of calendar office");
    let office = when(&format!("{} && {}", window("daily"), calendar("office")));
    let case = Case::new().after(&[(60_000_000, "2026-11-22T09:00:00.000Z")]);
    assert_eq!(until(&case, &office), "2026-11-23T09:00:00.001Z");
    let case = Case::new().after(&[(60_000_000, "2026-11-21T18:00:00.000Z")]);
    assert_eq!(until(&case, &office), "2026-11-23T07:00:00.000Z");
    let inside = Case::new().at("2026-11-23T09:00:00.000Z");
    assert!(matches!(inside.decision(&office), Decision::Allow(_)));
}

#[test]
fn calendars_that_never_meet_are_a_denial() {
    let gate = when(&format!("{} && {}", calendar("office"), calendar("sunday")));
    let Decision::Deny(Denial::NotPermitted { nearest, .. }) = Case::new().decision(&gate) else {
        panic!()
    };
    assert_eq!(nearest.unwrap().unmet, calendar("office"));
}

#[test]
fn more_time_is_preferred_to_more_approvals() {
    let gate = when(&format!("{} || {}", calendar("office"), quorum("board")));
    assert_eq!(until(&Case::new(), &gate), "2026-11-23T07:00:00.000Z");
    let approved = Case::new().approved_by(&["dora"]);
    assert!(matches!(approved.decision(&gate), Decision::Allow(_)));
}

#[test]
fn what_needs_both_approvals_and_time_says_both() {
    let gate = when(&format!("{} && {}", calendar("office"), quorum("board")));
    let told = pending(&Case::new(), &gate);
    assert_eq!(told.missing.len(), 1);
    let time = "2026-11-23T07:00:00.000Z";
    assert_eq!(told.later.as_ref().unwrap().until.to_string(), time);
    assert_eq!(
        told.to_string(),
        format!(
            "approvals are missing: board has 0 of 1 (dora); \
             and not before {time}: it is outside of calendar office"
        )
    );
    assert!(pending(&Case::new().at(time), &gate).later.is_none());
    assert_eq!(until(&Case::new().approved_by(&["dora"]), &gate), time);
}

#[test]
fn whose_rejection_counts_depends_on_the_request_and_not_on_the_approvals() {
    let rules = format!(
        "{}{}",
        rule("p1", "context.amount.nano <= 10"),
        rule("p2", &format!("{} && {}", quorum("treasury"), calendar("office"))),
    );
    let gate = gate(&rules);
    let may_reject =
        |case: &Case, person: &str| gate.may_reject(&case.subject(), &person.parse().unwrap());
    let big = Case::new();
    for case in [big.clone(), big.approved_by(&["alice", "bob"])] {
        let required = gate.required_quorums(&case.subject());
        assert_eq!(required, BTreeSet::from(["treasury".to_owned()]));
        assert!(may_reject(&case, "carol") && may_reject(&case, "alice"));
        assert!(!may_reject(&case, "dora") && !may_reject(&case, "mallory"));
    }
    let small = Case::with_effects(vec![pay(LISTED, 1)]);
    assert!(gate.required_quorums(&small.subject()).is_empty());
    assert!(!may_reject(&small, "alice"), "it needs nobody");
    let empty = super::gate("");
    assert!(!empty.may_reject(&small.subject(), &"alice".parse().unwrap()));
}

#[test]
fn a_permit_says_what_to_charge() {
    let gate = when("context.asset_known");
    let charges = |case: &Case| match gate.reserve(&case.subject()) {
        Decision::Allow(reserved) => match gate.share(&case.subject(), reserved) {
            Decision::Allow(permit) => permit.charges().to_vec(),
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    };
    let (btc, sol) = (Asset::native(Network::Bitcoin), Asset::native(Network::Solana));
    let case = Case::with_effects(vec![pay(LISTED, 5), pay(LISTED, 6)]);
    assert_eq!(charges(&case), [(btc, U256::from(1_011))]);
    // Devnet has no window.
    assert_eq!(charges(&Case::on_solana(Network::SolanaDevnet)), []);
    // The fee of a token's transfer is taken, too.
    let usdc = format!("{}/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", Network::Solana);
    let mut case = Case::on_solana(Network::Solana);
    case.intent.effects[0].amount.asset = Asset::parse(&usdc).unwrap();
    assert_eq!(charges(&case), [(sol, U256::from(1))]);
}

/// As many quorums as a bundle may have, all of them needed, or many ways through them.
#[test]
fn sixteen_quorums_are_searched_quickly() {
    let names: Vec<_> = (10..26).map(|n| format!("q{n}")).collect();
    let entry = |name: &String| format!("[quorums.{name}]\nrequired = 1\nmembers = [\"alice\"]\n");
    let entries: String = names.iter().map(entry).collect();
    let missing_under = |rules: String| {
        let text = format!("version = 1\npolicies = '''{rules}'''\n{TABLES}{entries}");
        missing(&Case::new(), &Gate::new(Bundle::parse(&text).unwrap()))
    };
    let missing_of = |condition: &str| missing_under(rule("p1", condition));
    assert_eq!(missing_of(&format!("context.quorums.containsAll({names:?})")), names);
    assert_eq!(missing_of(&format!("context.quorums.containsAny({names:?})")), ["q10"]);
    let pairs = names.chunks(2).map(|pair| format!("context.quorums.containsAny({pair:?})"));
    let firsts: Vec<_> = names.iter().step_by(2).cloned().collect();
    assert_eq!(missing_of(&pairs.collect::<Vec<_>>().join(" && ")), firsts);
    // Sixteen fours of which each shares a quorum with others: too many ways to look at all. Still none
    // of the set can be left out, if it is not the first by name.
    let four = |n: usize| [0, 1, 4, 9].map(|step| &names[(n + step) & 15]);
    let condition = |n| format!("context.quorums.containsAll({:?})", four(n));
    let rules = (0..16).map(|n| rule(&format!("p{n}"), &condition(n)));
    let mut last = four(6).map(String::clone);
    last.sort();
    assert_eq!(missing_under(rules.collect()), last);
}
