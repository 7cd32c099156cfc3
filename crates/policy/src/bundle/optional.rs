//! Facts that may be absent. Cedar makes a rule ask `has` before it reads one, and a `forbid` that
//! asks does not apply where the fact is absent: what looks like a limit is then none.

use std::collections::BTreeMap;

use cedar_policy::{Effect, Policy};
use serde_json::Value;

use super::truth::Truth;
use super::{Lint, syntax};

/// The facts that the schema marks as optional: none so far.
pub(super) const FACTS: [&str; 0] = [];

/// Checks the JSON form of one policy. What may refuse where a fact is present must not pass where it
/// is absent: either every permit of the bundle requires the fact, or the rule asks the other way
/// round.
pub(super) fn check(
    policy: &Value,
    policies: &BTreeMap<String, Policy>,
    optional: &[&str],
) -> Result<(), Lint> {
    for fact in optional {
        let asks = |(truth, body)| presence_refuses(body, truth, fact);
        if Truth::of_clauses(policy).any(asks) && !all_permits_require(policies, fact) {
            return Err(Lint::OptionalFact { fact: format!("context.{fact}") });
        }
    }
    Ok(())
}

/// Whether the presence of the fact can make the rule allow less.
fn presence_refuses(expression: &Value, truth: Truth, fact: &str) -> bool {
    let Some((operator, body)) = syntax::operator(expression) else { return false };
    if is_presence(operator, body, fact) {
        return truth != Truth::Allows;
    }
    truth.of_parts(operator, body).any(|(truth, part)| presence_refuses(part, truth, fact))
}

fn is_presence(operator: &str, body: &Value, fact: &str) -> bool {
    let left = body.get("left").and_then(syntax::path);
    operator == "has"
        && left.as_deref() == Some(&["context"])
        && body.get("attr").and_then(Value::as_str) == Some(fact)
}

fn all_permits_require(policies: &BTreeMap<String, Policy>, fact: &str) -> bool {
    policies.values().filter(|policy| policy.effect() == Effect::Permit).all(|permit| {
        let requires = |condition: &Value| {
            syntax::operator(condition)
                .is_some_and(|(operator, body)| is_presence(operator, body, fact))
        };
        // What cannot be taken apart requires nothing.
        syntax::Conditions::of(permit)
            .is_ok_and(|conditions| conditions.others.iter().any(requires))
    })
}

#[cfg(test)]
mod tests {
    use cedar_policy::PolicyId;

    use super::*;

    fn checked(rules: &[&str]) -> Result<(), Lint> {
        let parse = |(n, text): (usize, &&str)| {
            let id = format!("p{n}");
            let policy = Policy::parse(Some(PolicyId::new(&id)), text).unwrap();
            (id, policy)
        };
        let policies: BTreeMap<_, _> = rules.iter().enumerate().map(parse).collect();
        let json = |policy| syntax::to_json(policy).unwrap();
        policies.values().try_for_each(|policy| check(&json(policy), &policies, &["usd"]))
    }

    const REQUIRES: &str = r#"permit (principal, action, resource)
        when { context.asset_known && context has usd && context.usd <= 5 };"#;
    const IGNORES: &str = r#"permit (principal, action, resource) when { context.asset_known };"#;
    const REFUSES: &str = r#"forbid (principal, action, resource)
        when { context has usd && context.usd > 5 };"#;

    #[test]
    fn a_forbid_on_an_optional_fact_needs_permits_that_require_it() {
        let refused = Err(Lint::OptionalFact { fact: "context.usd".to_owned() });
        assert_eq!(checked(&[REFUSES, IGNORES]), refused);
        assert_eq!(checked(&[REFUSES, REQUIRES, IGNORES]), refused);
        assert_eq!(checked(&[REFUSES, REQUIRES]), Ok(()));
        assert_eq!(checked(&[REFUSES]), Ok(()), "nothing is permitted at all");
        assert_eq!(checked(&[REQUIRES, IGNORES]), Ok(()));
    }

    #[test]
    fn a_requirement_is_a_condition_of_its_own() {
        for permit in [
            r#"permit (principal, action, resource) when { context has usd || context.asset_known };"#,
            r#"permit (principal, action, resource) unless { context has usd };"#,
            r#"permit (principal, action, resource) when { context has eur };"#,
            r#"permit (principal, action, resource) when { !(context has usd) };"#,
        ] {
            assert!(checked(&[REFUSES, permit]).is_err(), "{permit}");
        }
    }

    #[test]
    fn what_refuses_where_the_fact_is_absent_is_accepted() {
        for forbid in [
            r#"forbid (principal, action, resource)
               unless { context has usd && context.usd <= 5 };"#,
            r#"forbid (principal, action, resource)
               when { !(context has usd && context.usd <= 5) };"#,
            r#"forbid (principal, action, resource)
               when { if context.asset_known then !(context has usd) else true };"#,
        ] {
            assert_eq!(checked(&[forbid, IGNORES]), Ok(()), "{forbid}");
        }
        for (forbid, why) in [
            (
                r#"forbid (principal, action, resource) when { if context has usd then context.usd > 5 else false };"#,
                "if",
            ),
            (r#"forbid (principal, action, resource) when { (context has usd) == true };"#, "=="),
            (
                r#"permit (principal, action, resource) unless { context has usd && context.usd > 5 };"#,
                "permit",
            ),
        ] {
            assert!(checked(&[forbid, IGNORES]).is_err(), "{why}");
        }
    }

    #[test]
    fn every_optional_fact_of_the_schema_is_listed() {
        let schema = include_str!("../schema.cedarschema");
        let code = schema.lines().map(|line| line.split("//").next().unwrap());
        assert_eq!(code.filter(|line| line.contains('?')).count(), FACTS.len());
    }
}
