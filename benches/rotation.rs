//! What signing notices of it when a fleet of keys gets new shares: latencies of a 2-of-3 cluster of real processes
//! while its keys are refreshed and reshared one after the other, beside those of the idle cluster, in turns in one run.
//! A request that fails ends the run.
//!
//! `cargo bench -p quorate-benches --bench rotation`. `QUORATE_BENCH_KEYS` is how many keys there are (20),
//! `QUORATE_BENCH_ROUNDS` how often the load is measured with and without (4): each round changes its part of the keys.
//! `QUORATE_BENCH_SCHEME` is `frost-ed25519`, where it is not `ecdsa-secp256k1`; `QUORATE_BIN` names another binary than
//! the release build.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod clients;
mod footprint;
#[expect(dead_code, reason = "another bench uses the rest")]
mod keyed_cluster;
mod maker;
mod processes;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quorate_model::{ChainId, Network, Scheme};

use crate::clients::{Failure, Payments, Service, percentile};
use crate::keyed_cluster::KeyedCluster;
use crate::processes::{cpu_name, executable, run, setting};

const CLIENTS: usize = 2;
/// Between a change and what is measured without.
const SETTLE: Duration = Duration::from_secs(1);
/// How long the load runs before it is looked whether the change is done.
const SLICE: Duration = Duration::from_millis(250);

fn payments() -> Payments {
    match std::env::var("QUORATE_BENCH_SCHEME").as_deref() {
        Ok("ecdsa-secp256k1") => Payments {
            network: Network::Evm(ChainId::DEVELOPMENT),
            scheme: Scheme::EcdsaSecp256k1,
            coins: 1,
        },
        _ => Payments { network: Network::SolanaDevnet, scheme: Scheme::FrostEd25519, coins: 1 },
    }
}

fn main() -> Result<(), Failure> {
    let keys = usize::try_from(setting("QUORATE_BENCH_KEYS", 20)?)?.max(2);
    let rounds = usize::try_from(setting("QUORATE_BENCH_ROUNDS", 4)?)?.clamp(1, keys);
    let (executable, payments) = (executable()?, payments());
    println!("CPU: {}", cpu_name());
    println!(
        "2-of-3, real processes on one machine; {keys} keys of {}, {CLIENTS} clients\n",
        payments.scheme
    );
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let dir = tempfile::tempdir()?;
        let dir = dir.path().join("cluster");
        let mut cluster = KeyedCluster::start(&executable, &dir, keys, payments).await?;
        let ended = compare(&mut cluster, keys, rounds).await;
        if ended.is_err() {
            println!("{}", cluster.last_lines());
        }
        cluster.stop().await;
        ended
    })
}

async fn compare(cluster: &mut KeyedCluster, keys: usize, rounds: usize) -> Result<(), Failure> {
    cluster.make_keys(keys)?;
    let service = cluster.service().await?;
    service.load(CLIENTS, Duration::from_secs(2)).await?;
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    let mut changing = Duration::ZERO;
    for (round, part) in cluster.keys.chunks(keys.div_ceil(rounds)).enumerate() {
        let begun = Instant::now();
        busy.extend(while_changing(cluster, &service, part, round % 2 == 1).await?);
        let took = begun.elapsed();
        changing += took;
        tokio::time::sleep(SETTLE).await;
        idle.extend(service.latencies(CLIENTS, took).await?);
    }
    println!(
        "{keys} keys changed in {changing:.1?}, {:.0?} each; {} requests meanwhile, {} idle, none failed",
        changing / u32::try_from(keys)?,
        busy.len(),
        idle.len()
    );
    println!("\n{:<8}{:>12}{:>12}{:>10}", "", "idle", "changing", "ratio");
    for percent in [50, 90, 99] {
        let (idle, busy) = (percentile(&mut idle, percent)?, percentile(&mut busy, percent)?);
        let ratio = busy.as_secs_f64() / idle.as_secs_f64();
        println!("p{percent:<7}{idle:>12.2?}{busy:>12.2?}{ratio:>10.2}");
    }
    Ok(())
}

/// The latencies while keys are refreshed by one command, or reshared by one each.
async fn while_changing(
    cluster: &KeyedCluster,
    service: &Arc<Service>,
    keys: &[String],
    reshares: bool,
) -> Result<Vec<Duration>, Failure> {
    let commands: Vec<_> = if reshares {
        let reshare = |key: &String| ordered(cluster, &["key", "reshare", key, "--nodes", "1,2,3"]);
        keys.iter().map(reshare).collect()
    } else {
        let names = keys.iter().map(String::as_str);
        vec![ordered(cluster, &[&["key", "refresh"][..], &names.collect::<Vec<_>>()].concat())]
    };
    let changes = tokio::task::spawn_blocking(move || {
        commands.into_iter().try_for_each(|command| run(command).map(|_| ()))
    });
    let mut latencies = Vec::new();
    while !changes.is_finished() {
        latencies.extend(service.latencies(CLIENTS, SLICE).await?);
    }
    changes.await??;
    Ok(latencies)
}

/// A command to change keys, on the order of the officers.
fn ordered(cluster: &KeyedCluster, args: &[&str]) -> Command {
    let mut command = Command::new(&cluster.executable);
    command.args(args).args(["--wait", "1h"]).arg("--dir").arg(cluster.cluster.profile_dir());
    for key in cluster.cluster.officer_keys() {
        command.arg("--officer-key").arg(key);
    }
    command
}
