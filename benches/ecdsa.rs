//! ECDSA keys: what key generation and each phase of signing cost with our rounds around them, beside the
//! library's phases alone in the same run. `cargo bench -p quorate-benches --bench ecdsa`. All figures are
//! of one thread, all nodes together. Name the CPU beside any number you quote.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod cpu_clock;
mod ecdsa_floor;
mod heads;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quorate_model::{
    Attempt, DerivationPath, Digest, Epoch, ParticipantId, ParticipantSet, Scheme, Threshold,
};
use quorate_protocol::ecdsa::{
    Dkls23, EcdsaBackend, EcdsaKeyShare, EcdsaReserved, PairStates, SigningProgress, begin_keygen,
};
use quorate_protocol::exchange::{ExchangeMessage, SealedPart};
use quorate_protocol::sign::{AnyGroupInfo, SigningContext};
use quorate_protocol::{
    Abort, Ceremony, CeremonyExchange, CeremonyProgress, CertifiedKey, SecretShare,
};
use quorate_testkit::{ClusterFixture, seeded};
use quorate_trust::{Authentic, Body, Signed};
use rand_core::OsRng;

use crate::cpu_clock::CpuClock;
use crate::heads::heads;

const SIZES: [(u16, u16); 3] = [(2, 3), (3, 5), (5, 9)];
const SIGNATURES: usize = 31;
const KEYS: usize = 3;

type Each<T> = BTreeMap<ParticipantId, T>;
type Share = (CertifiedKey, SecretShare, PairStates);
type Sent = Each<(ExchangeMessage, Vec<SealedPart>)>;

fn main() {
    println!(
        "one thread, all nodes together; medians of {KEYS} keys and {SIGNATURES} signatures\n"
    );
    println!(
        "{:<8}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "", "key", "reserve", "round 1", "round 2", "share", "combine", "all"
    );
    for (threshold, nodes) in SIZES {
        let fixture = ClusterFixture::new(nodes, &mut seeded(1));
        let mut times = Vec::new();
        let mut made = Each::new();
        for _ in 0..KEYS {
            let begun = CpuClock::start();
            made = generate(&fixture, threshold);
            times.push(begun.elapsed());
        }
        let key = median(times);
        let signatures: Vec<_> =
            (0..SIGNATURES).map(|number| sign(&fixture, &made, threshold, number)).collect();
        let phase = |n: usize| median(signatures.iter().map(|times| times[n]).collect());
        let ours: [Duration; 5] = std::array::from_fn(phase);
        let [first, second, third, last] = ecdsa_floor::phases(threshold as u8, nodes as u8);
        let library = [Duration::ZERO, first, second, third, last];
        let size = format!("{threshold}-of-{nodes}");
        row(&size, Some(key), &ours);
        row("library", None, &library);
        let (ours, library) = (ours.iter().sum::<Duration>(), library.iter().sum::<Duration>());
        println!("{:<8}{:.2} times the library\n", "", ours.as_secs_f64() / library.as_secs_f64());
    }
}

fn row(name: &str, key: Option<Duration>, phases: &[Duration]) {
    let key = key.map_or_else(String::new, |key| format!("{key:.2?}"));
    print!("{name:<8}{key:>12}");
    phases.iter().for_each(|time| print!("{time:>10.2?}"));
    println!("{:>10.2?}", phases.iter().sum::<Duration>());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn generate(fixture: &ClusterFixture, threshold: u16) -> Each<Share> {
    let ceremony = Ceremony {
        cluster: fixture.root.hash(),
        order: Digest::new([1; 32]),
        attempt: Attempt::FIRST,
        key: "bench".parse().expect("a name"),
        scheme: Scheme::EcdsaSecp256k1,
        epoch: Epoch::FIRST,
        threshold: Threshold::new(u32::from(threshold)).expect("at least 2"),
        roster: ParticipantSet::new(fixture.root.nodes.keys().copied()).expect("nodes"),
        raw_ok: false,
        activation: quorate_model::Activation::AtOnce,
        resharing: None,
    };
    let backend: Arc<dyn EcdsaBackend> = Arc::new(Dkls23);
    let begin = |id: &ParticipantId| {
        let (state, sent) = begin_keygen(ceremony.clone(), *id, &mut OsRng);
        ((*id, state), (*id, sent))
    };
    let (states, sent): (Each<_>, Each<_>) = fixture.root.nodes.keys().map(begin).unzip();
    let mut steps: Each<Result<CeremonyProgress, Abort>> = states
        .into_iter()
        .map(|(id, state)| (id, state.handle(deliver(fixture, &sent), &backend)))
        .collect();
    loop {
        let (mut states, mut sent, mut done) = (Each::new(), Sent::new(), Each::new());
        for (id, step) in steps {
            match step.expect("an honest ceremony") {
                CeremonyProgress::Next(state, message, parts) => {
                    states.insert(id, state);
                    sent.insert(id, (message, parts));
                }
                CeremonyProgress::Done(share) => drop(done.insert(id, *share)),
            }
        }
        if states.is_empty() {
            return done;
        }
        let step = |(id, state): (ParticipantId, Box<CeremonyExchange>)| {
            let (messages, parts) = relay(fixture, &sent, id);
            (id, state.handle(messages, parts))
        };
        steps = states.into_iter().map(step).collect();
    }
}

/// One signature: reserve, the two rounds, the release of the parts, and their combination.
fn sign(
    fixture: &ClusterFixture,
    made: &Each<Share>,
    threshold: u16,
    number: usize,
) -> [Duration; 5] {
    let (_, (certified, ..)) = made.first_key_value().expect("a node");
    let signers = made.keys().copied().take(usize::from(threshold));
    let context = SigningContext {
        cluster: certified.cluster,
        key: certified.key.clone(),
        scheme: certified.scheme,
        epoch: certified.epoch,
        subject: Digest::new([number as u8; 32]),
        attempt: Attempt::FIRST,
        signing_set: ParticipantSet::new(signers).expect("signers"),
        path: DerivationPath::root(),
        messages: vec![vec![7; 32]],
    };
    let load = |id: ParticipantId| {
        let (certified, share, pairs) = made.get(&id).expect("a holder");
        (id, EcdsaKeyShare::load(&Dkls23, certified, id, share, pairs).expect("an honest share"))
    };
    let shares: Each<_> = context.signing_set.iter().map(load).collect();

    let begun = CpuClock::start();
    let reserve = |(id, share): (&ParticipantId, &EcdsaKeyShare)| {
        let reserved = EcdsaReserved::reserve(context.clone(), *id, share, heads(), &mut OsRng);
        let (reserved, answer) = reserved.expect("a path of the key");
        ((*id, reserved), (*id, answer))
    };
    let (reserved, answers): (Each<_>, Each<_>) = shares.iter().map(reserve).unzip();
    let mut times =
        [begun.elapsed(), Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO];

    let begun = CpuClock::start();
    let mut steps: Each<Result<SigningProgress, Abort>> = reserved
        .into_iter()
        .map(|(id, reserved)| (id, reserved.begin(deliver(fixture, &answers))))
        .collect();
    times[1] = begun.elapsed();
    let mut parts = Each::new();
    for time in &mut times[2..4] {
        let begun = CpuClock::start();
        let (mut states, mut sent) = (Each::new(), Sent::new());
        for (id, step) in steps {
            match step.expect("honest signers") {
                SigningProgress::Next(state, message, sealed) => {
                    states.insert(id, state);
                    sent.insert(id, (message, sealed));
                }
                SigningProgress::Done(answer) => drop(parts.insert(id, answer)),
            }
        }
        let step = |(id, state): (ParticipantId, Box<quorate_protocol::ecdsa::EcdsaSigning>)| {
            let (messages, sealed) = relay(fixture, &sent, id);
            (id, state.handle(messages, sealed))
        };
        steps = states.into_iter().map(step).collect();
        *time = begun.elapsed();
    }
    for (id, step) in steps {
        match step.expect("honest signers") {
            SigningProgress::Done(answer) => drop(parts.insert(id, answer)),
            SigningProgress::Next(..) => unreachable!("two rounds before the parts"),
        }
    }
    let group = AnyGroupInfo::new(certified).expect("an honest key");
    let begun = CpuClock::start();
    let (answers, parts) = (deliver(fixture, &answers), deliver(fixture, &parts));
    group.aggregate(&context, answers, parts).expect("honest parts");
    times[4] = begun.elapsed();
    times
}

/// Signs what each node says, and verifies it, as every receiver does.
fn deliver<T: Body + Clone>(fixture: &ClusterFixture, said: &Each<T>) -> Vec<Authentic<T>> {
    said.iter().map(|(from, body)| authentic(fixture, *from, body.clone())).collect()
}

fn relay(
    fixture: &ClusterFixture,
    sent: &Sent,
    to: ParticipantId,
) -> (Vec<Authentic<ExchangeMessage>>, Each<SealedPart>) {
    let message = |(from, (message, _)): (&ParticipantId, &(ExchangeMessage, Vec<SealedPart>))| {
        authentic(fixture, *from, message.clone())
    };
    let part = |(from, (_, parts)): (&ParticipantId, &(ExchangeMessage, Vec<SealedPart>))| {
        parts.iter().find(|part| part.to == to).map(|part| (*from, part.clone()))
    };
    (sent.iter().map(message).collect(), sent.iter().filter_map(part).collect())
}

fn authentic<T: Body>(fixture: &ClusterFixture, from: ParticipantId, body: T) -> Authentic<T> {
    let key = fixture.signers.nodes.get(&from).expect("a node");
    Signed::sign(from, body, key).verify(&fixture.root).expect("its own signature")
}
