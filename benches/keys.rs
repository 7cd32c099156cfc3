//! What many ECDSA keys cost a 2-of-3 cluster of real processes: memory, disk and start of a node for each
//! key, and the speed of signing under any of them beside that of a cluster with one key, in the same run.
//!
//! `cargo bench -p quorate-benches --bench keys`. `QUORATE_BENCH_KEYS` is how many keys are made, by real
//! key generations (20; 1000 take about an hour on two cores), `QUORATE_BENCH_ROUNDS` how often both
//! clusters are measured in turn (5), `QUORATE_BENCH_SECONDS` how long each figure takes (5);
//! `QUORATE_BIN` names another binary than the release build.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod clients;
mod footprint;
mod keyed_cluster;
mod maker;
mod processes;

use std::sync::Arc;
use std::time::Duration;

use quorate_model::{ChainId, Network, Scheme};

use crate::clients::{Failure, Payments, Service};
use crate::footprint::Footprint;
use crate::keyed_cluster::{KeyedCluster, Measured};
use crate::processes::{cpu_name, executable, setting};

const PAYMENTS: Payments = Payments {
    network: Network::Evm(ChainId::DEVELOPMENT),
    scheme: Scheme::EcdsaSecp256k1,
    coins: 1,
};
const CLIENTS: [usize; 2] = [1, 8];
const TRIES: usize = 5;

struct Settings {
    keys: usize,
    rounds: u64,
    measured: Duration,
}

fn main() -> Result<(), Failure> {
    let settings = Settings {
        keys: usize::try_from(setting("QUORATE_BENCH_KEYS", 20)?)?.max(2),
        rounds: setting("QUORATE_BENCH_ROUNDS", 5)?.max(1),
        measured: Duration::from_secs(setting("QUORATE_BENCH_SECONDS", 5)?),
    };
    let executable = executable()?;
    println!("CPU: {}", cpu_name());
    println!(
        "2-of-3, real processes on one machine; a node is the one of the three that has most\n"
    );
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let dir = tempfile::tempdir()?;
        let mut one =
            KeyedCluster::start(&executable, &dir.path().join("one"), 1, PAYMENTS).await?;
        let mut many =
            KeyedCluster::start(&executable, &dir.path().join("many"), settings.keys, PAYMENTS)
                .await?;
        let ended = run(&mut one, &mut many, &settings).await;
        if ended.is_err() {
            println!("{}\n{}", one.last_lines(), many.last_lines());
        }
        one.stop().await;
        many.stop().await;
        ended
    })
}

async fn run(
    one: &mut KeyedCluster,
    many: &mut KeyedCluster,
    settings: &Settings,
) -> Result<(), Failure> {
    one.make_keys(1)?;
    many.make_keys(1)?;
    let begun = many.footprints()?;
    many.make_keys(settings.keys)?;
    let made = many.footprints()?;

    let keys = settings.keys;
    println!("\n{:<42}{:>12}{:>12}{:>12}", "", "resident", "peak", "disk");
    row("node, 1 key", begun.node);
    row(&format!("node, {keys} keys"), made.node);
    each("node, each key", begun.node, made.node, keys - 1);
    row("coordinator, 1 key", begun.coordinator);
    row(&format!("coordinator, {keys} keys"), made.coordinator);
    each("coordinator, each key", begun.coordinator, made.coordinator, keys - 1);

    let (one_up, many_up) = (one.restart().await?, many.restart().await?);
    let (first, all) = (one.footprints()?, many.footprints()?);
    row("node started again, 1 key", first.node);
    row(&format!("node started again, {keys} keys"), all.node);
    each("node started again, each key", first.node, all.node, keys - 1);
    println!(
        "\nstart of a node until it is attached: 1 key {one_up:.2?}, {keys} keys {many_up:.2?}"
    );

    compare(one, many, settings).await?;
    let signed = many.footprints()?;
    println!();
    row(&format!("node, {keys} keys, after the signatures"), signed.node);
    Ok(())
}

/// Signs in both clusters in turn, so that both have what the machine gives.
async fn compare(
    one: &KeyedCluster,
    many: &KeyedCluster,
    settings: &Settings,
) -> Result<(), Failure> {
    let (of_one, of_many) = (one.service().await?, many.service().await?);
    for clients in CLIENTS {
        let mut pairs = Vec::new();
        for service in [&of_one, &of_many] {
            // A failure here would be one of the figures too, which are tried again.
            let _ = service.load(clients, Duration::from_secs(1)).await;
        }
        for round in 0..settings.rounds {
            let loaded = async |cluster: &KeyedCluster, service: &Arc<Service>| {
                patient(async || cluster.load(service, clients, settings.measured).await).await
            };
            // Whoever goes first has another machine than whoever goes second.
            let pair = if round % 2 == 0 {
                let first = loaded(one, &of_one).await?;
                (first, loaded(many, &of_many).await?)
            } else {
                let first = loaded(many, &of_many).await?;
                (loaded(one, &of_one).await?, first)
            };
            pairs.push(pair);
        }
        println!(
            "\n{:<42}{:>12}{:>12}{:>12}",
            format!("clients: {clients}, medians of {} rounds", settings.rounds),
            "1 key",
            format!("{} keys", settings.keys),
            "ratio"
        );
        compared("signatures/s", &pairs, |measured| measured.per_second);
        compared("p50, ms", &pairs, |measured| measured.p50.as_secs_f64() * 1e3);
        compared("p99, ms", &pairs, |measured| measured.p99.as_secs_f64() * 1e3);
        compared("CPU of the cluster for each, ms", &pairs, |measured| {
            measured.cpu.as_secs_f64() * 1e3
        });
    }
    Ok(())
}

/// Tries again where a request failed: on a machine that does other things too, one may time out, and that
/// should not cost an hour of key generations.
async fn patient(
    measure: impl AsyncFn() -> Result<Measured, Failure>,
) -> Result<Measured, Failure> {
    for _ in 1..TRIES {
        match measure().await {
            Ok(measured) => return Ok(measured),
            Err(failure) => println!("again: {failure}"),
        }
    }
    measure().await
}

fn compared(what: &str, pairs: &[(Measured, Measured)], figure: impl Fn(&Measured) -> f64) {
    let of = |pair: fn(&(Measured, Measured)) -> &Measured| {
        median(pairs.iter().map(|both| figure(pair(both))).collect())
    };
    // The ratio of each round: what the machine did meanwhile is in both of its sides.
    let ratio = median(pairs.iter().map(|(one, many)| figure(many) / figure(one)).collect());
    println!("{what:<42}{:>12.1}{:>12.1}{ratio:>12.2}", of(|pair| &pair.0), of(|pair| &pair.1));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn row(what: &str, Footprint { resident, peak, disk }: Footprint) {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / 1_048_576.0);
    println!("{what:<42}{:>12}{:>12}{:>12}", mib(resident), mib(peak), mib(disk));
}

fn each(what: &str, before: Footprint, after: Footprint, keys: usize) {
    let kib = |before: u64, after: u64| {
        format!("{:.0} KiB", (after as f64 - before as f64) / 1_024.0 / keys as f64)
    };
    println!(
        "{what:<42}{:>12}{:>12}{:>12}",
        kib(before.resident, after.resident),
        kib(before.peak, after.peak),
        kib(before.disk, after.disk)
    );
}
