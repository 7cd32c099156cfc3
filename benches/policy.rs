//! The gate: one decision on a bundle of 200 policies, as a node makes twice for each attempt:
//! `cargo bench -p quorate-benches --bench policy`. Name the CPU beside any number you quote.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use quorate_intent::{Address, Amount, Asset, Effect, EffectKind, Intent};
use quorate_model::{
    Attempt, Digest, Epoch, KeyId, Network, PersonName, QuorumName, ServiceName, Tag, Timestamp,
    Transcript,
};
use quorate_policy::{Bundle, Decision, Gate, SigningSubject, Usage};
use ruint::aliases::U256;

const POLICIES: usize = 200;
const LIMIT: Duration = Duration::from_millis(5);
const PAYEE: &str = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let bundle = Bundle::parse(&text()).expect("the bundle parses");
    assert_eq!(bundle.rules().count(), POLICIES);
    let gate = Gate::new(bundle);
    let persons = |names: &[&str]| {
        let approval =
            |name: &&str| ("treasury".parse().expect("a name"), name.parse().expect("a name"));
        names.iter().map(approval).collect()
    };
    let approved = Question::new(persons(&["alice", "bob"]));
    let unapproved = Question::new(persons(&[]));
    assert!(matches!(approved.ask(&gate), Decision::Allow(_)));
    assert!(matches!(unapproved.ask(&gate), Decision::Pending(_)));
    let mut group = criterion.benchmark_group(format!("policy, {POLICIES} rules"));
    for (name, question) in [("allow", &approved), ("pending", &unapproved)] {
        group.bench_function(name, |bencher| bencher.iter(|| black_box(question.ask(&gate))));
    }
    group.finish();
    criterion.final_summary();
    println!(
        "one decision, allowed: {:.2?}; at most {LIMIT:?} is accepted",
        typical(&approved, &gate)
    );
    assert!(typical(&approved, &gate) < LIMIT, "a decision takes too long");
}

/// The median of some decisions.
fn typical(question: &Question, gate: &Gate) -> Duration {
    let mut times: Vec<_> = (0..101)
        .map(|_| {
            let start = Instant::now();
            let _ = black_box(question.ask(gate));
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// Half of the rules permit one payee each, the other half forbid something each. The last of the
/// permits is the one that applies.
fn text() -> String {
    let pairs = POLICIES / 2;
    let mut policies = String::new();
    let mut lists = String::new();
    for n in 0..pairs {
        let addresses = if n + 1 == pairs { format!("{PAYEE:?}") } else { String::new() };
        write!(
            policies,
            "@id(\"p{n:03}\") @title(\"Payee {n}\")
             permit (principal in Custody::Group::\"withdrawals\", action, resource) when {{
               context.destination in Custody::AddressList::\"payee-{n}\" &&
               context.quorums.contains(\"treasury\") && context.windows.contains(\"daily\")
             }};
             @id(\"f{n:03}\") @title(\"Cap {n}\")
             forbid (principal, action, resource) when {{ context.amount.units > {} }}
             unless {{ context.destination in Custody::AddressList::\"payee-{n}\" }};",
            n + 10
        )
        .expect("writing to a string");
        write!(
            lists,
            "[lists.payee-{n}]\nnetwork = \"{}\"\naddresses = [{addresses}]\n",
            Network::Bitcoin
        )
        .expect("writing to a string");
    }
    let asset = Asset::native(Network::Bitcoin);
    format!(
        "version = 1\npolicies = '''{policies}'''\n{lists}\
         [groups.withdrawals]\nservices = [\"payments\"]\n\
         [keys.treasury]\ntier = \"hot\"\n\
         [assets.\"{asset}\"]\nsymbol = \"BTC\"\ndecimals = 8\n\
         [quorums.treasury]\nrequired = 2\nmembers = [\"alice\", \"bob\", \"carol\"]\n\
         [windows.daily]\nasset = \"{asset}\"\nseconds = 86400\namount = \"500000000\"\n"
    )
}

/// A payment, beside a day of a thousand others.
struct Question {
    service: ServiceName,
    key: KeyId,
    intent: Intent,
    approvals: BTreeSet<(QuorumName, PersonName)>,
    usage: Usage,
    now: Timestamp,
}

impl Question {
    fn new(approvals: BTreeSet<(QuorumName, PersonName)>) -> Self {
        let payee = Address::parse(PAYEE, Network::Bitcoin).expect("an address");
        let asset = Asset::native(Network::Bitcoin);
        let amount =
            |satoshi: u64| Amount { asset: asset.clone(), base_units: U256::from(satoshi) };
        let key: KeyId = "treasury".parse().expect("a name");
        let now: Timestamp = "2026-11-22T10:00:00.000Z".parse().expect("a time");
        let mut usage = Usage::new();
        for n in 0..1_000_u64 {
            let request = Transcript::new(Tag::Payload).u64(n).finish();
            let time = Timestamp::from_millis(now.millis() - n * 60_000);
            usage.charge(&key, &asset, U256::from(1_000), time, request);
        }
        let effects = vec![Effect {
            kind: EffectKind::Transfer,
            amount: amount(1_000_000),
            destination: payee.clone(),
            flags: Vec::new(),
            detail: String::new(),
        }];
        let intent = Intent {
            network: Network::Bitcoin,
            from: payee,
            effects,
            fee: amount(1_000),
            change: Vec::new(),
            nonce_account: None,
            account_nonce: None,
            validity: String::new(),
            payload_digest: Digest::new([0; 32]),
        };
        Self { service: "payments".parse().expect("a name"), key, intent, approvals, usage, now }
    }

    fn ask(&self, gate: &Gate) -> Decision<Vec<String>> {
        gate.simulate(&SigningSubject {
            service: &self.service,
            request: Digest::new([1; 32]),
            key: &self.key,
            scheme: self.intent.network.usual_scheme(),
            raw_ok: false,
            epoch: Epoch::FIRST,
            attempt: Attempt::FIRST,
            intent: &self.intent,
            approvals: &self.approvals,
            ratings: &BTreeMap::new(),
            usage: &self.usage,
            now: self.now,
        })
    }
}
