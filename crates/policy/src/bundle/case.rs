//! A bundle's own tests: what it must decide of a request, as a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quorate_intent::{Address, Amount, Asset, Effect, EffectKind, Flag, Intent};
use quorate_model::{
    Attempt, Digest, Epoch, KeyId, Network, PersonName, ProviderName, QuorumName, ServiceName, Tag,
    Timestamp, Transcript,
};

use super::document::{Expectation, Test, TestCharge, TestEffect, TestVerdict};
use super::{Tables, tables};
use crate::quorum::Quorum;
use crate::{Decision, Denial, Rating, SigningSubject, Usage};

/// One of a bundle's own tests. The request is described, not encoded: no payload is decoded.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// As written.
    pub(super) test: Test,
    service: ServiceName,
    key: KeyId,
    intent: Intent,
    approvals: BTreeSet<(QuorumName, PersonName)>,
    ratings: BTreeMap<ProviderName, Rating>,
    usage: Usage,
    now: Timestamp,
    until: Option<Timestamp>,
}

/// `alice for treasury`, or just `alice` of a person who is in one quorum only.
fn parse_approval(
    text: &str,
    quorums: &BTreeMap<String, Quorum>,
) -> Result<(QuorumName, PersonName), String> {
    if let Some((person, quorum)) = text.split_once(" for ") {
        return Ok((parse(quorum)?, parse(person)?));
    }
    let person: PersonName = parse(text)?;
    let mut of = quorums.iter().filter(|(_, quorum)| quorum.members.contains(&person));
    match (of.next(), of.next()) {
        (Some((quorum, _)), None) => Ok((parse(quorum)?, person)),
        _ => Err(format!("{person}: say for which quorum, as in \"{person} for treasury\"")),
    }
}

impl Case {
    /// # Errors
    /// What is unusable, in words.
    pub(super) fn parse(test: &Test, tables: &Tables) -> Result<Self, String> {
        let network: Network = parse(&test.network)?;
        let key: KeyId = parse(&test.key)?;
        let kind = test.action.as_deref().map_or(Ok(EffectKind::Transfer), parse_kind)?;
        let effects = test.effects.iter().map(|effect| parse_effect(effect, kind, network));
        let mut effects: Vec<_> = effects.collect::<Result<_, _>>()?;
        let nonce_account = test.nonce_account.as_deref().map(|text| {
            Address::parse(text, network).map_err(|error| format!("nonce_account: {error}"))
        });
        let nonce_account = nonce_account.transpose()?;
        if nonce_account.is_some() {
            effects.iter_mut().for_each(on_durable_nonce);
        }
        // No fact is about who pays, so any address does.
        let from = effects.first().map(|effect| effect.destination.clone());
        let from = from.ok_or("needs at least one effect")?;
        let approvals = test.approvers.iter().map(|text| parse_approval(text, &tables.quorums));
        let intent = Intent {
            network,
            from,
            effects,
            fee: amount(None, test.fee.as_deref().unwrap_or("0"), network)?,
            change: Vec::new(),
            nonce_account,
            account_nonce: None,
            validity: String::new(),
            payload_digest: Transcript::new(Tag::Payload).finish(),
        };
        let now = parse(&test.now)?;
        Ok(Self {
            service: parse(&test.service)?,
            ratings: parse_ratings(&test.verdicts, tables, now)?,
            usage: parse_usage(&test.usage, &key, network)?,
            key,
            intent,
            approvals: approvals.collect::<Result<_, _>>()?,
            now,
            until: test.until.as_deref().map(parse).transpose()?,
            test: test.clone(),
        })
    }

    /// What a gate is asked.
    pub(super) fn subject(&self) -> SigningSubject<'_> {
        SigningSubject {
            service: &self.service,
            request: Digest::new([0; 32]),
            key: &self.key,
            scheme: self.intent.network.usual_scheme(),
            raw_ok: self.test.raw_ok,
            epoch: Epoch::FIRST,
            attempt: Attempt::FIRST,
            intent: &self.intent,
            approvals: &self.approvals,
            ratings: &self.ratings,
            usage: &self.usage,
            now: self.now,
        }
    }

    /// What is decided otherwise than the test expects; `None` where nothing is.
    pub(super) fn failure(&self, decision: &Decision<Vec<String>>) -> Option<String> {
        let seen = Seen::of(decision);
        let Test { expect, rules, missing, .. } = &self.test;
        let differs = seen.expect != *expect
            || rules.as_ref().is_some_and(|rules| *rules != seen.rules)
            || missing.as_ref().is_some_and(|missing| *missing != seen.missing)
            || self.until.is_some_and(|until| Some(until) != seen.until);
        differs.then(|| format!("the bundle decides: {decision}; {seen}"))
    }
}

/// Whether two gates answer a request differently. Denials do not differ in what came nearest.
pub(super) fn differ(before: &Decision<Vec<String>>, after: &Decision<Vec<String>>) -> bool {
    match (before, after) {
        (Decision::Deny(_), Decision::Deny(_)) => Seen::of(before) != Seen::of(after),
        (Decision::Allow(_) | Decision::Pending(_) | Decision::Later(_) | Decision::Deny(_), _) => {
            before != after
        }
    }
}

/// Of a decision, what a test speaks about.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    expect: Expectation,
    rules: BTreeSet<String>,
    missing: BTreeSet<String>,
    until: Option<Timestamp>,
}

impl Seen {
    fn of(decision: &Decision<Vec<String>>) -> Self {
        let ids = |rules: &[String]| rules.iter().cloned().collect();
        let none = BTreeSet::new;
        match decision {
            Decision::Allow(rules) => {
                let (expect, rules) = (Expectation::Allow, ids(rules));
                Self { expect, rules, missing: none(), until: None }
            }
            Decision::Pending(pending) => Self {
                expect: Expectation::Pending,
                rules: ids(&pending.rules),
                missing: pending.missing_names().map(str::to_owned).collect(),
                until: pending.later.as_ref().map(|later| later.until),
            },
            Decision::Later(later) => Self {
                expect: Expectation::Later,
                rules: ids(&later.rules),
                missing: none(),
                until: Some(later.until),
            },
            Decision::Deny(denial) => {
                let rules = match denial {
                    Denial::Forbidden { rules, .. } => {
                        rules.iter().map(|(id, _)| id.clone()).collect()
                    }
                    Denial::NotPermitted { .. }
                    | Denial::ForeignNonce { .. }
                    | Denial::RawDigest
                    | Denial::Fee { .. }
                    | Denial::Indeterminate { .. }
                    | Denial::PermitMismatch { .. } => none(),
                };
                Self { expect: Expectation::Deny, rules, missing: none(), until: None }
            }
        }
    }
}

impl fmt::Display for Seen {
    /// In the words of a test.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expect, rules, missing, until } = self;
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
        let (rules, missing) = (list(rules), list(missing));
        write!(f, "expect = {:?}, rules = {rules:?}, missing = {missing:?}", expect.as_str())?;
        until.iter().try_for_each(|until| write!(f, ", until = \"{until}\""))
    }
}

/// `kind` is that of effects which name none.
fn parse_effect(effect: &TestEffect, kind: EffectKind, network: Network) -> Result<Effect, String> {
    let flag = |name: &String| {
        let flag = Flag::ALL.into_iter().find(|flag| flag.as_str() == name);
        flag.ok_or_else(|| format!("{name:?} is no flag"))
    };
    Ok(Effect {
        kind: effect.action.as_deref().map_or(Ok(kind), parse_kind)?,
        amount: amount(effect.asset.as_deref(), &effect.amount, network)?,
        destination: Address::parse(&effect.to, network).map_err(|error| error.to_string())?,
        flags: effect.flags.iter().map(flag).collect::<Result<_, _>>()?,
        // No fact is about it.
        detail: String::new(),
    })
}

fn parse_kind(name: &str) -> Result<EffectKind, String> {
    let kind = EffectKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| {
        let names: Vec<_> = EffectKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("{name:?} is no action: expected one of {}", names.join(", "))
    })
}

/// As the decoder does with every effect of a payload on a durable nonce.
fn on_durable_nonce(effect: &mut Effect) {
    if !effect.flags.contains(&Flag::DurableNonce) {
        effect.flags.push(Flag::DurableNonce);
    }
}

fn parse_ratings(
    verdicts: &[TestVerdict],
    tables: &Tables,
    now: Timestamp,
) -> Result<BTreeMap<ProviderName, Rating>, String> {
    let mut ratings = BTreeMap::new();
    for TestVerdict { provider, level, at } in verdicts {
        if !tables.providers.contains_key(provider) {
            return Err(format!("provider {provider:?} is not in [providers]"));
        }
        let issued = at.as_deref().map_or(Ok(now), parse)?;
        if issued > now {
            return Err(format!("the verdict of {provider} is from the future"));
        }
        let rating = Rating { level: parse(level)?, issued };
        if ratings.insert(parse(provider)?, rating).is_some() {
            return Err(format!("two verdicts of {provider}: what it said last counts"));
        }
    }
    Ok(ratings)
}

fn parse_usage(charges: &[TestCharge], key: &KeyId, network: Network) -> Result<Usage, String> {
    let mut usage = Usage::new();
    for (index, charge) in charges.iter().enumerate() {
        let Amount { asset, base_units } =
            amount(charge.asset.as_deref(), &charge.amount, network)?;
        // Each of a request of its own, none of them the test's.
        let request = Transcript::new(Tag::Payload).u64(index as u64).finish();
        usage.charge(key, &asset, base_units, parse(&charge.at)?, request);
    }
    Ok(usage)
}

fn amount(asset: Option<&str>, digits: &str, network: Network) -> Result<Amount, String> {
    let asset = match asset {
        Some(id) => Asset::parse(id).map_err(|error| error.to_string())?,
        None => Asset::native(network),
    };
    Ok(Amount { asset, base_units: tables::base_units("amount", digits)? })
}

fn parse<T>(text: &str) -> Result<T, String>
where
    T: std::str::FromStr<Err: fmt::Display>,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}
