//! Fee caps: a floor under the rules.

use quorate_model::ChainId;

use super::*;
use crate::FeeBound;

const ANYTHING: &str = r#"@id("p1") @title("One") permit (principal, action, resource);"#;

/// A gate that allows anything, with this entry for Bitcoin.
fn capped(entry: &str) -> Gate {
    let fees = format!("[fees.\"{}\"]\n{entry}\n", Asset::native(Network::Bitcoin));
    let text = format!("version = 1\npolicies = '''{ANYTHING}'''\n{TABLES}\n{fees}");
    Gate::new(Bundle::parse(&text).unwrap())
}

/// What is refused of a payment of so much, with such a fee; approved by everybody.
fn refused(gate: &Gate, amount: u64, fee: u64) -> Option<(U256, FeeBound)> {
    let mut case = Case::with_effects(vec![pay(LISTED, amount)]);
    case = case.approved_by(&["alice", "bob", "carol"]);
    case.intent.fee = btc(fee);
    match case.simulate(gate) {
        Ok(_) => None,
        Err(Denial::Fee { fee: found, most, bound }) => {
            assert_eq!(*found, case.intent.fee);
            Some((most, bound))
        }
        Err(other) => panic!("{other}"),
    }
}

fn over(most: u64, bound: FeeBound) -> Option<(U256, FeeBound)> {
    Some((U256::from(most), bound))
}

#[test]
fn a_fee_over_the_cap_is_denied_whatever_the_rules_allow() {
    let gate = capped("per_transaction = \"2000\"");
    assert_eq!(refused(&gate, BTC, 2_000), None);
    assert_eq!(refused(&gate, BTC, 2_001), over(2_000, FeeBound::PerTransaction));
}

#[test]
fn a_network_without_an_entry_has_a_built_in_cap() {
    let gate = gate(ANYTHING);
    assert_eq!(refused(&gate, BTC, BTC / 10), None);
    assert_eq!(refused(&gate, BTC, BTC / 10 + 1), over(BTC / 10, FeeBound::PerTransaction));
    assert_eq!(refused(&capped("per_transaction = \"100000000\""), BTC, BTC), None);
    let most = |network| crate::fee::FeeCap::built_in(network).per_transaction.to_string();
    assert_eq!(most(Network::Solana), "100000000");
    assert_eq!(most(Network::Evm(ChainId::DEVELOPMENT)), "1000000000000000000");
}

#[test]
fn a_fee_is_compared_with_what_the_payload_moves() {
    let gate = capped("per_transaction = \"100000\"\nper_mille = 20\nat_least = \"500\"");
    assert_eq!(refused(&gate, 50_000, 1_000), None);
    assert_eq!(refused(&gate, 50_000, 1_001), over(1_000, FeeBound::PerMille(20)));
    assert_eq!(refused(&gate, 1_000, 500), None, "small payments cost as much as large ones");
    assert_eq!(refused(&gate, 1_000, 501), over(500, FeeBound::PerMille(20)));
    assert_eq!(refused(&gate, BTC, 100_001), over(100_000, FeeBound::PerTransaction));
    // A payload that moves nothing has nothing to compare with.
    assert_eq!(refused(&gate, 0, 100_000), None);
}

#[test]
fn what_only_goes_round_makes_no_fee_look_small() {
    let gate = capped("per_transaction = \"100000\"\nper_mille = 20\nat_least = \"500\"");
    for (kind, flag) in [
        (EffectKind::Transfer, Some(Flag::SelfDestination)),
        (EffectKind::Transfer, Some(Flag::ForeignFunds)),
        (EffectKind::Allowance, None),
    ] {
        let mut round = pay(LISTED, BTC);
        (round.kind, round.flags) = (kind, flag.into_iter().collect());
        let mut case = Case::with_effects(vec![pay(LISTED, 50_000), round]);
        case.intent.fee = btc(1_001);
        let denial = case.simulate(&gate).unwrap_err();
        assert!(matches!(denial, Denial::Fee { bound: FeeBound::PerMille(20), .. }), "{denial}");
    }
    let two = Case::with_effects(vec![pay(LISTED, 25_000), pay(LISTED, 25_000)]);
    assert!(two.simulate(&gate).is_ok(), "1000 is 20 in 1000 of what both move");
}

#[test]
fn the_denial_says_what_to_do() {
    let mut case = Case::new();
    case.intent.fee = btc(BTC);
    let denial = case.simulate(&gate(ANYTHING)).unwrap_err().to_string();
    for part in ["100000000 of bip122:", "over 10000000", "that any payload may pay", "[fees]"] {
        assert!(denial.contains(part), "{denial}");
    }
}
