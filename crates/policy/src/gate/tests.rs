use std::collections::BTreeMap;

use quorate_intent::{Address, Effect, EffectKind, Flag, Intent};
use quorate_model::{
    Attempt, Epoch, KeyId, Network, ProviderName, QuorumName, Scheme, ServiceName, Tag, Timestamp,
    Transcript,
};

use super::*;
use crate::{NearestRule, Rating, Usage};

mod decisions;
mod explanation;
mod facts;
mod fees;
mod phases;
mod properties;
mod reference;
mod verdicts;

const LISTED: &str = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
const DENIED: &str = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG";
const STRANGER: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
const SYSTEM: &str = "11111111111111111111111111111111";
const BTC: u64 = 100_000_000;

const TABLES: &str = r#"
[groups.withdrawals]
services = ["payments"]

[groups.treasury]
services = ["desk"]

[keys.treasury]
tier = "hot"
vault = "hot"

[assets."bip122:000000000019d6689c085ae165831e93/slip44:0"]
symbol = "BTC"
decimals = 8

[assets."solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501"]
symbol = "SOL"
decimals = 9

[assets."solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1/slip44:501"]
symbol = "devnet SOL"
decimals = 9

[assets."solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"]
symbol = "USDC"
decimals = 6

[lists.counterparties]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"]

[lists.denied]
network = "bip122:000000000019d6689c085ae165831e93"
addresses = ["3P14159f73E4gFr7JterCCQh9QjiTjiZrG"]

[lists.own]
network = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
addresses = ["11111111111111111111111111111111"]

[nonce_accounts.payouts]
network = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
addresses = ["SysvarRecentB1ockHashes11111111111111111111"]

[limits.small]
asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
per_transaction = "100000000"

[limits.sol]
asset = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501"
per_transaction = "100"
"#;

const RULES: &str = r#"
@id("p01-hot") @title("Withdrawals may be small")
permit (
  principal in Custody::Group::"withdrawals",
  action == Custody::Action::"transfer",
  resource in Custody::Vault::"hot"
) when {
  context.limits.contains("small") &&
  context.destination in Custody::AddressList::"counterparties" &&
  context.fee.nano <= 1000000 &&
  context.now < datetime("2027-01-01")
} unless { context.flags.contains("data") };

@id("p02-big") @title("The treasury may send more, one payment at a time")
permit (principal in Custody::Group::"treasury", action, resource)
when { context.amount.nano <= 2500000000 && context.effects == 1 };

@id("p03-deny") @title("Never pay a denied address")
forbid (principal, action, resource)
when { context.destination in Custody::AddressList::"denied" };

@id("p04-dust") @title("No dust")
forbid (principal, action in [Custody::Action::"sign"], resource)
when { context.flags.contains("dust") };
"#;

fn gate(rules: &str) -> Gate {
    Gate::new(Bundle::parse(&format!("version = 1\npolicies = '''{rules}'''\n{TABLES}")).unwrap())
}

fn permit(condition: &str) -> Gate {
    gate(&format!(
        r#"@id("p1") @title("One") permit (principal, action, resource) when {{ {condition} }};"#
    ))
}

/// Everything that a subject borrows.
#[derive(Clone)]
struct Case {
    service: ServiceName,
    key: KeyId,
    scheme: Scheme,
    raw_ok: bool,
    intent: Intent,
    approvals: BTreeSet<(QuorumName, PersonName)>,
    ratings: BTreeMap<ProviderName, Rating>,
    usage: Usage,
    now: Timestamp,
}

impl Case {
    /// A small payment to a listed address, with a fee of 1000 satoshi.
    fn new() -> Self {
        Self {
            service: "payments".parse().unwrap(),
            key: "treasury".parse().unwrap(),
            scheme: Scheme::FrostSecp256k1Tr,
            raw_ok: false,
            intent: Intent {
                network: Network::Bitcoin,
                from: Address::parse(STRANGER, Network::Bitcoin).unwrap(),
                effects: vec![pay(LISTED, BTC / 2)],
                fee: btc(1_000),
                change: Vec::new(),
                nonce_account: None,
                account_nonce: None,
                validity: String::new(),
                payload_digest: Transcript::new(Tag::Payload).finish(),
            },
            approvals: BTreeSet::new(),
            ratings: BTreeMap::new(),
            usage: Usage::new(),
            now: "2026-11-22T10:00:00.000Z".parse().unwrap(),
        }
    }

    fn with_effects(effects: Vec<Effect>) -> Self {
        let mut case = Self::new();
        case.intent.effects = effects;
        case
    }

    /// A payment of nothing but its fee, on a network of Solana.
    fn on_solana(network: Network) -> Self {
        let mut case = Self::new();
        let native = Amount { asset: Asset::native(network), base_units: U256::from(1) };
        case.scheme = Scheme::FrostEd25519;
        case.intent.network = network;
        case.intent.fee = native.clone();
        case.intent.effects = vec![effect(native, SYSTEM, network)];
        case
    }

    /// Each person approves for every quorum that a test speaks of.
    fn approved_by(mut self, persons: &[&str]) -> Self {
        let for_all = |person: &&str| {
            ["board", "security", "treasury"].map(|q| (q.parse().unwrap(), person.parse().unwrap()))
        };
        self.approvals = persons.iter().flat_map(for_all).collect();
        self
    }

    /// A provider says how risky it is, at a time.
    fn rated(mut self, provider: &str, level: &str, issued: Timestamp) -> Self {
        let rating = Rating { level: level.parse().unwrap(), issued };
        self.ratings.insert(provider.parse().unwrap(), rating);
        self
    }

    /// With satoshi released for other requests.
    fn after(mut self, released: &[(u64, &str)]) -> Self {
        for (n, (satoshi, time)) in released.iter().enumerate() {
            let request = Digest::new([100 + n as u8; 32]);
            let (asset, amount) = (Asset::native(Network::Bitcoin), U256::from(*satoshi));
            self.usage.charge(&self.key, &asset, amount, time.parse().unwrap(), request);
        }
        self
    }

    fn at(mut self, now: &str) -> Self {
        self.now = now.parse().unwrap();
        self
    }

    fn by(mut self, service: &str) -> Self {
        self.service = service.parse().unwrap();
        self
    }

    fn subject(&self) -> SigningSubject<'_> {
        SigningSubject {
            service: &self.service,
            request: Digest::new([1; 32]),
            key: &self.key,
            scheme: self.scheme,
            raw_ok: self.raw_ok,
            epoch: Epoch(4),
            attempt: Attempt(2),
            intent: &self.intent,
            approvals: &self.approvals,
            ratings: &self.ratings,
            usage: &self.usage,
            now: self.now,
        }
    }

    fn simulate(&self, gate: &Gate) -> Result<Vec<String>, Denial> {
        match self.decision(gate) {
            Decision::Allow(rules) => Ok(rules),
            Decision::Deny(denial) => Err(denial),
            other => panic!("{other}"),
        }
    }

    fn decision(&self, gate: &Gate) -> Decision<Vec<String>> {
        gate.simulate(&self.subject())
    }

    fn nearest(&self, gate: &Gate) -> Option<NearestRule> {
        match self.simulate(gate).unwrap_err() {
            Denial::NotPermitted { effect: 0, nearest, .. } => nearest,
            other => panic!("{other}"),
        }
    }

    /// The first condition that was not met, and what was seen.
    fn unmet(&self, gate: &Gate) -> (String, String) {
        let nearest = self.nearest(gate).unwrap();
        (nearest.unmet, nearest.observed)
    }

    fn indeterminate(&self, gate: &Gate) -> (usize, String) {
        match self.simulate(gate).unwrap_err() {
            Denial::Indeterminate { effect, reason } => (effect, reason),
            other => panic!("{other}"),
        }
    }
}

fn btc(satoshi: u64) -> Amount {
    Amount { asset: Asset::native(Network::Bitcoin), base_units: U256::from(satoshi) }
}

fn pay(to: &str, satoshi: u64) -> Effect {
    effect(btc(satoshi), to, Network::Bitcoin)
}

fn effect(amount: Amount, to: &str, network: Network) -> Effect {
    let destination = address(to, network);
    Effect {
        kind: EffectKind::Transfer,
        amount,
        destination,
        flags: Vec::new(),
        detail: String::new(),
    }
}

fn address(text: &str, network: Network) -> Address {
    Address::parse(text, network).unwrap()
}

fn pair(unmet: &str, observed: &str) -> (String, String) {
    (unmet.to_owned(), observed.to_owned())
}

#[test]
fn every_effect_must_be_allowed_and_the_first_that_is_not_is_named() {
    let gate = gate(RULES);
    let good = pay(LISTED, 1_000);
    let allowed = Case::with_effects(vec![good.clone(); 3]);
    assert_eq!(allowed.simulate(&gate), Ok(vec!["p01-hot".to_owned()]));
    for bad in 0..3 {
        let mut case = allowed.clone();
        case.intent.effects[bad] = pay(STRANGER, 1_000);
        let denial = case.simulate(&gate).unwrap_err();
        assert!(
            matches!(&denial, Denial::NotPermitted { effect, .. } if *effect == bad),
            "{denial}"
        );
        case.intent.effects[bad] = pay(DENIED, 1_000);
        let denial = case.simulate(&gate).unwrap_err();
        assert!(matches!(&denial, Denial::Forbidden { effect, .. } if *effect == bad), "{denial}");
    }
}

#[test]
fn the_rules_of_all_effects_are_told() {
    let gate = gate(
        r#"@id("b") @title("t") permit (principal, action, resource) when { context.amount.nano <= 10 };
           @id("a") @title("t") permit (principal, action, resource) unless { context.flags.contains("dust") };"#,
    );
    let mut case = Case::with_effects(vec![pay(LISTED, BTC), pay(LISTED, 1)]);
    case.intent.effects[1].flags = vec![Flag::Dust];
    assert_eq!(case.simulate(&gate), Ok(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn a_payload_without_effects_is_denied() {
    let (_, reason) = Case::with_effects(Vec::new()).indeterminate(&permit("context.asset_known"));
    assert!(reason.contains("no effect"), "{reason}");
}

#[test]
fn a_key_whose_scheme_is_not_the_networks_is_denied() {
    let mut case = Case::new();
    case.scheme = Scheme::FrostEd25519;
    let (_, reason) = case.indeterminate(&permit("context.asset_known"));
    assert!(reason.contains("scheme"), "{reason}");
}

/// Whatever the rules say and whoever approves: a payload on a nonce account of somebody else is valid
/// for as long as that somebody likes.
#[test]
fn a_durable_nonce_account_must_be_one_that_the_bundle_names() {
    let anything = gate(r#"@id("p1") @title("One") permit (principal, action, resource);"#);
    const OURS: &str = "SysvarRecentB1ockHashes11111111111111111111";
    let on = |account: &str, network| {
        let mut case = Case::on_solana(network).approved_by(&["alice", "bob", "carol"]);
        case.intent.nonce_account = Some(address(account, network));
        case.intent.effects[0].flags = vec![Flag::DurableNonce];
        case
    };
    assert!(on(OURS, Network::Solana).simulate(&anything).is_ok());
    for (account, network) in [(SYSTEM, Network::Solana), (OURS, Network::SolanaDevnet)] {
        let case = on(account, network);
        let foreign = Denial::ForeignNonce { account: address(account, network) };
        assert_eq!(case.simulate(&anything), Err(foreign.clone()));
        assert!(foreign.to_string().contains(account), "{foreign}");
        assert!(anything.required_quorums(&case.subject()).is_empty());
    }
    // A flag that nothing explains is no reason to sign.
    let mut unnamed = on(OURS, Network::Solana);
    unnamed.intent.nonce_account = None;
    assert!(unnamed.indeterminate(&anything).1.contains("durable nonce"));
}

/// Cedar skips a rule that fails, so that each of these `forbid`s alone would be a yes.
#[test]
fn a_rule_that_fails_to_evaluate_is_never_a_yes() {
    let anything = r#"@id("p1") @title("t") permit (principal, action, resource);"#;
    // Refused at load, and still denied should they get past it.
    for condition in [
        r#"context.now.offset(duration("106751991167d")) > context.now"#,
        "context.nothing",
        "context.effects + 9223372036854775807 > 5",
        r#"decimal("1.00001").lessThan(decimal("2.0"))"#,
        r#"datetime("soon") < context.now"#,
        "resource.tier > 5",
    ] {
        let mut unchecked = gate(anything);
        let forbid = format!("forbid (principal, action, resource) when {{ {condition} }};");
        let forbid = cedar_policy::Policy::parse(Some(cedar_policy::PolicyId::new("p2")), forbid);
        unchecked.bundle.rules.policies.add(forbid.unwrap()).unwrap();
        let (_, reason) = Case::new().indeterminate(&unchecked);
        assert!(reason.contains("p2"), "{condition}: {reason}");
    }
}
