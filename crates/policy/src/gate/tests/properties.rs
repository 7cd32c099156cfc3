//! Properties of every bundle of a family, and a comparison with a gate that is written to be read.
//! `PROPTEST_CASES` says how many decisions each property is tried on.

use proptest::prelude::*;
use proptest::sample::select;

use super::reference::{Asked, Atom, Condition, Expected, Model, Numbers, Rule};
use super::*;
use crate::Change;

/// A bundle takes longer to parse than many decisions take.
const DECISIONS_PER_BUNDLE: usize = 16;

fn cases() -> ProptestConfig {
    decisions(2_000)
}

fn decisions(default: u32) -> ProptestConfig {
    let decisions = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = decisions.unwrap_or(default).div_ceil(DECISIONS_PER_BUNDLE as u32);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const SATOSHI: [u64; 6] = [0, 1, 500, 1_000, 5_000, 20_000];
/// 2026-11-22T10:17:00.000Z, a Sunday.
const SUNDAY: u64 = 1_795_342_620_000;

fn atoms() -> impl Strategy<Value = Atom> {
    prop_oneof![
        Just(Atom::Limit),
        (0..3_usize).prop_map(Atom::Quorum),
        (0..2_usize).prop_map(Atom::Window),
        (0..2_usize).prop_map(Atom::Calendar),
        (0..3_usize).prop_map(Atom::Verdict),
        select(&SATOSHI[..]).prop_map(Atom::AmountUpTo),
        select(&SATOSHI[..]).prop_map(Atom::FeeUpTo),
        (0..2_usize).prop_map(Atom::Listed),
        Just(Atom::Dust),
        (0..3_usize).prop_map(Atom::EffectsUpTo),
        Just(Atom::Hot),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let atom = (atoms(), any::<bool>()).prop_map(|(atom, negated)| Condition::Atom(atom, negated));
    atom.prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), inner, any::<bool>()).prop_map(|(a, b, and)| {
            let (a, b) = (Box::new(a), Box::new(b));
            if and { Condition::And(a, b) } else { Condition::Or(a, b) }
        })
    })
}

/// Approvals, verdicts and time, more than by chance.
fn gates() -> impl Strategy<Value = Condition> {
    let atom = prop_oneof![
        (0..3_usize).prop_map(Atom::Quorum),
        (0..2_usize).prop_map(Atom::Window),
        (0..2_usize).prop_map(Atom::Calendar),
        (0..3_usize).prop_map(Atom::Verdict),
    ];
    let atom = atom.prop_map(|atom| Condition::Atom(atom, false));
    atom.prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner).prop_map(|(a, b)| Condition::And(Box::new(a), Box::new(b)))
    })
}

fn rules() -> impl Strategy<Value = Rule> {
    let clauses = (
        proptest::option::weighted(0.8, conditions()),
        proptest::option::weighted(0.3, conditions()),
    );
    let any_rule = (proptest::bool::weighted(0.7), proptest::bool::weighted(0.2), clauses);
    let any_rule = any_rule.prop_map(|(permit, grouped, (when, unless))| {
        // A forbid of everything makes dull bundles.
        let when = when.or_else(|| (!permit).then_some(Condition::Atom(Atom::Dust, false)));
        Rule { permit, grouped, when, unless }
    });
    let gated_permit = gates().prop_map(|gates| Rule {
        permit: true,
        grouped: false,
        when: Some(gates),
        unless: None,
    });
    let gated_forbid = (conditions(), gates()).prop_map(|(when, gates)| Rule {
        permit: false,
        grouped: false,
        when: Some(when),
        unless: Some(gates),
    });
    prop_oneof![2 => any_rule, 3 => gated_permit, 1 => gated_forbid]
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let amount = || select(&SATOSHI[..]);
    let window = || {
        let seconds = select(&[60, 3_600, 86_400, 604_800][..]);
        (seconds, proptest::option::weighted(0.7, amount()), 1..4_u64)
    };
    let required = (Just(1_usize), 1..=2_usize, 1..=3_usize);
    let verdict = || (1..8_u8, select(&[60, 600, 86_400][..]));
    let verdicts = [verdict(), verdict(), verdict()];
    (amount(), [window(), window()], required, [0..8_u8, 0..8_u8], verdicts).prop_map(
        |(limit, windows, required, lists, verdicts)| Numbers {
            limit,
            windows,
            required: required.into(),
            lists,
            verdicts,
        },
    )
}

fn models() -> impl Strategy<Value = Model> {
    (prop::collection::vec(rules(), 1..5), numbers())
        .prop_map(|(rules, numbers)| Model { rules, numbers })
}

/// What a provider said, if anything: the place of the level, and how many seconds ago.
fn rating() -> impl Strategy<Value = Option<(usize, u64)>> {
    let ago = select(&[0, 60, 61, 600, 601, 86_400, 86_401][..]);
    proptest::option::weighted(0.5, (0..3_usize, ago))
}

fn asked() -> impl Strategy<Value = Asked> {
    let effect = (0..3_usize, select(&SATOSHI[..]), any::<bool>());
    let effects = prop::collection::vec(effect, 1..4);
    // Up to two weeks ago, and a little in the future.
    let charge = (select(&SATOSHI[..]), 0..1_209_600_000_u64);
    let charges = prop::collection::vec(charge, 0..4);
    let around =
        (any::<bool>(), proptest::bool::weighted(0.8), (0..32_u8, 0..32_u8), 0..604_800_u64);
    let paid = (select(&SATOSHI[..]), proptest::bool::weighted(0.05));
    (effects, paid, charges, around, [rating(), rating()]).prop_map(
        |(
            effects,
            (fee, foreign_nonce),
            charges,
            (grouped, hot, (some, others), seconds),
            ratings,
        )| {
            let now = SUNDAY + seconds * 1_000;
            let ago = |(satoshi, millis): (u64, u64)| (satoshi, now + 60_000 - millis);
            let charges = charges.into_iter().map(ago).collect();
            // Few persons, so that quorums are missing.
            let approvers = some & others;
            Asked { grouped, hot, effects, fee, foreign_nonce, approvers, ratings, charges, now }
        },
    )
}

fn questions() -> impl Strategy<Value = Vec<Asked>> {
    prop::collection::vec(asked(), DECISIONS_PER_BUNDLE)
}

fn seen(decision: &Decision<Vec<String>>) -> Expected {
    match decision {
        Decision::Allow(rules) => Expected::Allow(rules.iter().cloned().collect()),
        Decision::Pending(pending) => {
            const NAMES: [&str; 6] = ["board", "security", "treasury", "v0", "v1", "v2"];
            let known = |name| NAMES.into_iter().find(|known| *known == name);
            let names = pending.missing_names();
            let later = pending.later.as_ref().map(|later| later.until.millis());
            Expected::Pending(names.filter_map(known).collect(), later)
        }
        Decision::Later(later) => Expected::Later(later.until.millis()),
        Decision::Deny(_) => Expected::Deny,
    }
}

/// Approvals and time aside: whether it can be allowed at all, and whether it is.
fn rank(decision: &Decision<Vec<String>>) -> u8 {
    match decision {
        Decision::Deny(_) => 0,
        Decision::Pending(_) => 1,
        Decision::Later(_) => 2,
        Decision::Allow(_) => 3,
    }
}

proptest! {
    #![proptest_config(decisions(10_000))]

    #[test]
    fn the_gate_decides_as_the_reference_does(model in models(), questions in questions()) {
        let gate = model.gate();
        for asked in questions {
            let decision = asked.case().decision(&gate);
            prop_assert_eq!(seen(&decision), model.decide(&asked), "{:?}: {}", asked, decision);
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_no_rule_permits_is_denied(mut model in models(), questions in questions()) {
        model.rules.retain(|rule| !rule.permit);
        let gate = model.gate();
        for asked in questions {
            prop_assert_eq!(rank(&asked.case().decision(&gate)), 0);
        }
    }

    #[test]
    fn another_forbid_never_allows_more(
        model in models(),
        mut forbid in rules(),
        questions in questions(),
    ) {
        forbid.permit = false;
        let mut stricter = model.clone();
        stricter.rules.push(forbid);
        let (gate, stricter) = (model.gate(), stricter.gate());
        for asked in questions {
            let case = asked.case();
            let (before, after) = (case.decision(&gate), case.decision(&stricter));
            prop_assert!(rank(&after) <= rank(&before), "{} became {}", before, after);
        }
    }

    #[test]
    fn another_approval_never_allows_less(
        model in models(),
        questions in questions(),
        approver in 0..5_u8,
    ) {
        let gate = model.gate();
        for mut asked in questions {
            let before = asked.case().decision(&gate);
            asked.approvers |= 1 << approver;
            let after = asked.case().decision(&gate);
            prop_assert!(rank(&after) >= rank(&before), "{} became {}", before, after);
        }
    }

    /// Whoever relays verdicts can leave some out, and gains nothing by it.
    #[test]
    fn a_verdict_that_is_left_out_never_allows(
        model in models(),
        questions in questions(),
        provider in 0..2_usize,
    ) {
        let gate = model.gate();
        for mut asked in questions {
            let before = asked.case().decision(&gate);
            asked.ratings[provider] = None;
            let after = asked.case().decision(&gate);
            prop_assert!(rank(&after) < 3 || rank(&before) == 3, "{} became {}", before, after);
        }
    }

    #[test]
    fn a_tightening_never_allows_more(
        old in models(),
        new in (models(), any::<[bool; 7]>()),
        questions in questions(),
    ) {
        // Mostly the old bundle, so that there are tightenings among the changes.
        let (mut new, changed) = new;
        for (n, rule) in old.rules.iter().enumerate() {
            if !(changed[0] && n == 0) {
                match new.rules.get_mut(n) {
                    Some(other) => other.clone_from(rule),
                    None => new.rules.push(rule.clone()),
                }
            }
        }
        if !changed[1] { new.rules.truncate(old.rules.len()); }
        if !changed[2] { new.numbers.limit = old.numbers.limit; }
        if !changed[3] { new.numbers.windows = old.numbers.windows; }
        if !changed[4] { new.numbers.required = old.numbers.required; }
        if !changed[5] { new.numbers.lists = old.numbers.lists; }
        if !changed[6] { new.numbers.verdicts = old.numbers.verdicts; }
        if Change::between(&old.bundle(), &new.bundle()) == Change::Tightening {
            let (old, new) = (old.gate(), new.gate());
            for asked in questions {
                let case = asked.case();
                let (before, after) = (case.decision(&old), case.decision(&new));
                prop_assert!(rank(&after) < 3 || rank(&before) == 3, "{} became {}", before, after);
                prop_assert!(rank(&after) == 0 || rank(&before) > 0, "{} became {}", before, after);
            }
        }
    }

    /// Whatever the payload, the clock and the ledger say: an answer, and no panic.
    #[test]
    fn every_question_has_an_answer(
        model in models(),
        questions in questions(),
        amounts in any::<[[u64; 4]; 4]>(),
        now in prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)],
    ) {
        let gate = model.gate();
        for asked in questions {
            let mut case = asked.case();
            case.now = Timestamp::from_millis(now);
            let spent = case.intent.effects.iter_mut().map(|effect| &mut effect.amount);
            let spent = spent.chain([&mut case.intent.fee]);
            for (amount, limbs) in spent.zip(amounts) {
                amount.base_units = U256::from_limbs(limbs) >> ((now % 4) * 64) as usize;
            }
            let (key, asset) = (case.key.clone(), Asset::native(Network::Bitcoin));
            case.usage.charge(&key, &asset, U256::MAX, case.now, Digest::new([9; 32]));
            let decision = case.decision(&gate);
            prop_assert!(!decision.to_string().is_empty());
            let _ = gate.may_reject(&case.subject(), &"alice".parse().unwrap());
        }
    }
}

/// `forbid … when { amount * 10^12 > x }` would be skipped for the greatest amounts.
#[test]
fn the_trap_of_arithmetic_that_overflows_in_a_forbid_is_closed() {
    let trap = r#"@id("p1") @title("t") forbid (principal, action, resource)
        when { context.amount.units * 1000000000000 > 250 };"#;
    let error = Bundle::parse(&format!("version = 1\npolicies = '''{trap}'''\n{TABLES}"));
    let lint = crate::Lint::Arithmetic;
    assert_eq!(error.unwrap_err(), crate::BundleError::Lint { rule: "p1".to_owned(), lint });
}

/// The comparison would prove little if it only ever saw denials.
#[test]
fn the_family_has_every_kind_of_decision() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut kinds = [0_usize; 5];
    for _ in 0..40 {
        let model = models().new_tree(&mut runner).unwrap().current();
        let gate = model.gate();
        for asked in questions().new_tree(&mut runner).unwrap().current() {
            let decision = asked.case().decision(&gate);
            kinds[usize::from(rank(&decision))] += 1;
            kinds[4] += usize::from(matches!(seen(&decision), Expected::Pending(_, Some(_))));
        }
    }
    assert!(kinds.iter().all(|count| *count >= 5), "{kinds:?}");
}
