use super::*;

#[test]
fn a_forbid_overrides_every_permit() {
    let case = Case::with_effects(vec![pay(DENIED, BTC / 2)]);
    let denial = case.simulate(&gate(RULES)).unwrap_err();
    let rule = |id: &str, title: &str| (id.to_owned(), title.to_owned());
    let deny = rule("p03-deny", "Never pay a denied address");
    assert_eq!(denial, Denial::Forbidden { effect: 0, rules: vec![deny.clone()] });

    let mut case = Case::with_effects(vec![pay(DENIED, BTC / 2)]);
    case.intent.effects[0].flags = vec![Flag::Dust];
    let denial = case.simulate(&gate(RULES)).unwrap_err();
    let rules = vec![deny, rule("p04-dust", "No dust")];
    assert_eq!(denial, Denial::Forbidden { effect: 0, rules });
    assert_eq!(
        denial.to_string(),
        "effect 0: forbidden by p03-deny \"Never pay a denied address\", p04-dust \"No dust\""
    );
}

#[test]
fn without_a_permit_everything_is_denied() {
    assert_eq!(Case::new().nearest(&gate("")), None);
    let forbid = r#"@id("f") @title("t") forbid (principal, action, resource) when { context.effects > 5 };"#;
    assert_eq!(Case::new().nearest(&gate(forbid)), None);
}

#[test]
fn a_denial_names_the_nearest_rule_and_what_it_missed() {
    let gate = gate(RULES);
    let denial = Case::with_effects(vec![pay(LISTED, 3 * BTC)]).simulate(&gate).unwrap_err();
    assert_eq!(
        denial.to_string(),
        "effect 0: no rule permits it; nearest is p01-hot \"Withdrawals may be small\": \
         context.limits.contains(\"small\") did not hold, limits = []"
    );
    let big = Case::with_effects(vec![pay(STRANGER, 3 * BTC)]).by("desk");
    let nearest = big.nearest(&gate).unwrap();
    assert_eq!(nearest.id, "p01-hot", "{nearest:?}");
}

#[test]
fn the_unmet_condition_is_told_in_the_rules_words_with_the_value_seen() {
    let small = permit("context.amount.nano <= 2000000000");
    assert_eq!(
        Case::with_effects(vec![pay(LISTED, 5 * BTC / 2)]).unmet(&small),
        pair("context.amount.nano <= 2000000000", "amount.nano = 2500000000")
    );
    let listed = permit(r#"context.destination in Custody::AddressList::"own""#);
    assert_eq!(
        Case::with_effects(vec![pay(DENIED, 1)]).unmet(&listed),
        pair(
            r#"context.destination in Custody::AddressList::"own""#,
            &format!(r#"destination = {DENIED}, in lists ["counterparties", "denied"]"#),
        )
    );
    let tier = permit(r#"context.effects == 1 && resource.tier == "cold""#);
    assert_eq!(
        Case::new().unmet(&tier),
        pair(r#"resource.tier == "cold""#, r#"resource.tier = "hot""#)
    );
    let late = permit(r#"context.now >= datetime("2027-01-01")"#);
    assert_eq!(Case::new().unmet(&late).1, "now = 2026-11-22T10:00:00.000Z");
    let two = permit(r#"context.effects == 2 || context.chain == context.asset"#);
    assert_eq!(
        Case::new().unmet(&two).1,
        "effects = 1; chain = \"bip122:000000000019d6689c085ae165831e93\"; \
         asset = \"bip122:000000000019d6689c085ae165831e93/slip44:0\""
    );
}

#[test]
fn the_scope_and_unless_are_conditions_too() {
    let scope = gate(
        r#"@id("p1") @title("One")
        permit (principal in Custody::Group::"treasury", action, resource is Custody::Key in Custody::Vault::"hot")
        unless { context.flags.contains("dust") };"#,
    );
    assert_eq!(
        Case::new().unmet(&scope),
        pair(
            r#"principal in Custody::Group::"treasury""#,
            r#"principal = "payments", in groups ["withdrawals"]"#,
        )
    );
    let one = gate(
        r#"@id("p1") @title("One")
        permit (principal == Custody::Service::"desk", action, resource);"#,
    );
    assert_eq!(Case::new().unmet(&one).0, r#"principal == Custody::Service::"desk""#);
    let mut case = Case::new().by("desk");
    assert!(case.simulate(&one).is_ok());
    assert!(case.simulate(&scope).is_ok());
    case.intent.effects[0].flags = vec![Flag::Dust, Flag::SelfDestination];
    let (unmet, observed) = case.unmet(&scope);
    assert_eq!(unmet, r#"!context.flags.contains("dust")"#);
    assert_eq!(observed, r#"flags = ["dust", "self_destination"]"#);
    case.key = "other".parse().unwrap();
    case.intent.effects[0].flags = Vec::new();
    let (unmet, observed) = case.unmet(&scope);
    assert_eq!(unmet, r#"resource is Custody::Key in Custody::Vault::"hot""#);
    assert_eq!(observed, r#"resource = "other", in vaults []"#);
}

#[test]
fn the_nearest_rule_is_the_one_with_most_conditions_met() {
    let rules = |a: &str, b: &str| {
        gate(&format!(
            r#"@id("a") @title("A") permit (principal, action, resource) when {{ {a} }};
               @id("b") @title("B") permit (principal, action, resource) when {{ {b} }};"#
        ))
    };
    let id = |gate: &Gate| Case::new().nearest(gate).unwrap().id;
    let (met, unmet) = ("context.effects == 1", "context.effects == 2");
    assert_eq!(id(&rules(unmet, &format!("{met} && {unmet}"))), "b");
    assert_eq!(id(&rules(&format!("{met} && {unmet}"), unmet)), "a");
    // As many met: the fewest missed, then the first by id.
    assert_eq!(
        id(&rules(&format!("{met} && {unmet} && {unmet}"), &format!("{met} && {unmet}"))),
        "b"
    );
    assert_eq!(id(&rules(unmet, unmet)), "a");
}
