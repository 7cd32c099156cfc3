use proptest::prelude::*;

use super::*;

/// Any fee.
fn uncapped() -> String {
    let btc = Asset::native(Network::Bitcoin);
    format!("[fees.\"{btc}\"]\nper_transaction = \"{}\"\n", U256::MAX)
}

#[test]
fn an_unlisted_key_or_service_is_in_nothing() {
    let mut case = Case::new();
    case.key = "other".parse().unwrap();
    assert!(case.simulate(&permit(r#"resource.tier == "unlisted""#)).is_ok());
    assert!(Case::new().simulate(&permit(r#"resource.tier == "unlisted""#)).is_err());
    assert!(case.simulate(&permit(r#"resource in Custody::Vault::"hot""#)).is_err());
    assert!(Case::new().simulate(&permit(r#"resource in Custody::Vault::"hot""#)).is_ok());
    let group = permit(r#"principal in Custody::Group::"withdrawals""#);
    assert!(Case::new().simulate(&group).is_ok());
    assert!(Case::new().by("stranger").simulate(&group).is_err());
}

#[test]
fn an_asset_of_unknown_decimals_is_denied() {
    let anything = permit("context.asset_known || !context.asset_known");
    let unknown = Asset::native(Network::BitcoinSignet);
    let mut case = Case::new();
    case.intent.effects.push(pay(LISTED, 1));
    assert!(case.simulate(&anything).is_ok());
    case.intent.effects[1].amount.asset = unknown.clone();
    let (effect, reason) = case.indeterminate(&anything);
    assert_eq!(effect, 1);
    assert!(reason.starts_with(&format!("amount: asset {unknown} is not in")), "{reason}");
    let mut case = Case::new();
    case.intent.fee.asset = unknown;
    assert!(case.indeterminate(&anything).1.starts_with("fee: asset"));
}

#[test]
fn an_amount_that_does_not_fit_is_denied() {
    let rule = r#"@id("p1") @title("One") permit (principal, action, resource);"#;
    let text = format!("version = 1\npolicies = '''{rule}'''\n{TABLES}{}", uncapped());
    let anything = Gate::new(Bundle::parse(&text).unwrap());
    // 2^63 - 1 billionths of a coin of 8 decimals.
    let last = i64::MAX as u64 / 10;
    for (base_units, fits) in [
        (U256::from(last), true),
        (U256::from(last + 1), false),
        (U256::from(u64::MAX), false),
        (U256::MAX, false),
    ] {
        for fee in [false, true] {
            let mut case = Case::new();
            let amount =
                if fee { &mut case.intent.fee } else { &mut case.intent.effects[0].amount };
            amount.base_units = base_units;
            assert_eq!(case.simulate(&anything).is_ok(), fits, "{base_units}");
            if !fits {
                let (effect, reason) = case.indeterminate(&anything);
                assert_eq!(effect, 0);
                assert!(reason.contains(&format!("{base_units} base units")), "{reason}");
            }
        }
    }
}

#[test]
fn a_time_that_no_rule_can_compare_is_denied() {
    let mut case = Case::new();
    case.now = Timestamp::from_millis(u64::MAX);
    assert!(case.indeterminate(&permit("context.asset_known")).1.contains("datetime"));
}

#[test]
fn a_limit_counts_all_effects_and_the_fee() {
    let small = permit(r#"context.limits.contains("small")"#);
    let allowed = |effects| Case::with_effects(effects).simulate(&small).is_ok();
    assert!(allowed(vec![pay(LISTED, BTC - 1_000)]));
    assert!(!allowed(vec![pay(LISTED, BTC - 999)]));
    assert!(allowed(vec![pay(LISTED, BTC / 2), pay(STRANGER, BTC / 2 - 1_000)]));
    assert!(!allowed(vec![pay(LISTED, BTC / 2), pay(STRANGER, BTC / 2 - 999)]));
    let mut change = Case::with_effects(vec![pay(LISTED, 1)]);
    change.intent.change = vec![btc(5 * BTC)];
    assert!(change.simulate(&small).is_ok());
}

#[test]
fn a_limit_on_one_asset_says_nothing_about_another() {
    let sol = permit(r#"context.limits.contains("sol")"#);
    let usdc = format!("{}/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", Network::Solana);
    let mut case = Case::on_solana(Network::Solana);
    assert!(case.simulate(&sol).is_ok());
    case.intent.effects[0].amount.base_units = U256::from(100);
    assert!(case.simulate(&sol).is_err(), "the fee counts");
    case.intent.effects[0].amount =
        Amount { asset: Asset::parse(&usdc).unwrap(), base_units: U256::from(1_000_000) };
    assert_eq!(case.unmet(&sol).1, "limits = []");
}

#[test]
fn an_address_is_on_a_list_for_its_own_network_only() {
    let own = permit(r#"context.destination in Custody::AddressList::"own""#);
    assert!(Case::on_solana(Network::Solana).simulate(&own).is_ok());
    let case = Case::on_solana(Network::SolanaDevnet);
    assert_eq!(case.unmet(&own).1, format!("destination = {SYSTEM}, in lists []"));
}

fn amounts() -> impl Strategy<Value = U256> {
    // Small ones make sums that stay in range, large ones make sums that leave it.
    prop_oneof![
        any::<u64>().prop_map(U256::from),
        any::<[u64; 4]>().prop_map(U256::from_limbs),
        any::<u64>().prop_map(|n| U256::MAX - U256::from(n)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_native_limit_is_exact(
        spent in prop::collection::vec(amounts(), 1..4),
        fee in amounts(),
        random in amounts(),
        offset in 0u8..4,
    ) {
        let sum = spent.iter().try_fold(fee, |sum, amount| sum.checked_add(*amount));
        let limit = match (sum, offset) {
            (Some(sum), 0) => sum,
            (Some(sum), 1) => sum.saturating_add(U256::from(1)),
            (Some(sum), 2) => sum.saturating_sub(U256::from(1)),
            _ => random,
        };
        // With 77 decimals every amount fits what rules can compare: only the limit decides.
        let tables = TABLES
            .replace("decimals = 8", "decimals = 77")
            .replace("\"100000000\"", &format!("\"{limit}\""));
        let rule = r#"@id("p") @title("t") permit (principal, action, resource)
            when { context.limits.contains("small") };"#;
        let text = format!("version = 1\npolicies = '''{rule}'''\n{tables}{}", uncapped());
        let gate = Gate::new(Bundle::parse(&text).unwrap());
        let mut case = Case::with_effects(vec![pay(LISTED, 0); spent.len()]);
        for (effect, amount) in case.intent.effects.iter_mut().zip(spent) {
            effect.amount.base_units = amount;
        }
        case.intent.fee.base_units = fee;
        let within = sum.is_some_and(|sum| sum <= limit);
        prop_assert_eq!(case.simulate(&gate).is_ok(), within);
    }
}
