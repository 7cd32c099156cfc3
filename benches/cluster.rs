//! Signatures per second of a whole cluster: a coordinator and its nodes as processes of this machine,
//! mutual TLS, policy on, everything durable. Beside it, from the same run, what the cryptography alone
//! costs: the sum of all signers' and the aggregator's CPU time for a signature, and how many times that
//! all processes of the cluster used for each.
//!
//! `cargo bench -p quorate-benches --bench cluster`. `QUORATE_BENCH_SECONDS` is how long each figure
//! is measured (10); `QUORATE_BIN` names another binary than the release build.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod clients;
mod cpu_clock;
mod ecdsa_floor;
mod floor;
mod processes;

use std::path::Path;
use std::time::Duration;

use quorate_cli::dev::Cluster;
use quorate_model::{ChainId, Network, Scheme, Threshold};
use quorate_protocol::suite::{Ed25519, Secp256k1Tr};

use crate::clients::{Failure, Figures, Payments, Service};
use crate::processes::{cpu_name, cpu_time, executable, make_key, said, setting};

const CLIENTS: [usize; 2] = [1, 32];

#[derive(Clone, Copy)]
struct Case {
    key: &'static str,
    payments: Payments,
    floor: fn(Size) -> Duration,
}

/// Signers required, and nodes.
type Size = (u8, u8);

const SOL: Case = Case {
    key: "sol",
    payments: Payments { network: Network::SolanaDevnet, scheme: Scheme::FrostEd25519, coins: 1 },
    floor: floor::of_one_signature::<Ed25519>,
};

const BTC: Case = Case {
    key: "btc",
    payments: Payments {
        network: Network::BitcoinRegtest,
        scheme: Scheme::FrostSecp256k1Tr,
        coins: 1,
    },
    floor: floor::of_one_signature::<Secp256k1Tr>,
};

const ETH: Case = Case {
    key: "eth",
    payments: Payments {
        network: Network::Evm(ChainId::DEVELOPMENT),
        scheme: Scheme::EcdsaSecp256k1,
        coins: 1,
    },
    floor: of_one_ecdsa_signature,
};

/// The same key, which spends many outputs at once: what a request costs is shared by its signatures.
const SWEEP: Case = Case {
    key: "eth",
    payments: Payments {
        network: Network::BitcoinRegtest,
        scheme: Scheme::EcdsaSecp256k1,
        coins: 16,
    },
    floor: of_one_ecdsa_signature,
};

const CLUSTERS: [(Size, &[Case]); 2] = [((2, 3), &[SOL, BTC, ETH, SWEEP]), ((3, 5), &[ETH, SWEEP])];

/// All phases at all signers, and the last one once.
fn of_one_ecdsa_signature((threshold, nodes): Size) -> Duration {
    ecdsa_floor::phases(threshold, nodes).into_iter().sum()
}

fn main() -> Result<(), Failure> {
    let seconds = setting("QUORATE_BENCH_SECONDS", 10)?;
    let executable = executable()?;
    println!("CPU: {}", cpu_name());
    println!("real processes on one machine, mTLS, policy on; {seconds} s a figure");
    let runtime = tokio::runtime::Runtime::new()?;
    for (size, cases) in CLUSTERS {
        let run = run(&executable, size, cases, Duration::from_secs(seconds));
        runtime.block_on(run)?;
    }
    Ok(())
}

async fn run(
    executable: &Path,
    size: Size,
    cases: &[Case],
    measured: Duration,
) -> Result<(), Failure> {
    let (signers, nodes) = size;
    println!(
        "\n{:<20}{:>8}{:>14}{:>12}{:>12}{:>16}{:>10}",
        format!("{signers}-of-{nodes}"),
        "clients",
        "signatures/s",
        "p50",
        "p99",
        "CPU/signature",
        "library"
    );
    let dir = tempfile::tempdir()?;
    let dir = dir.path().join("cluster");
    let threshold = Threshold::new(u32::from(signers))?;
    let (mut cluster, _) =
        Cluster::open(executable.to_owned(), &dir, u16::from(nodes), threshold).map_err(said)?;
    cluster.start().await.map_err(said)?;
    let mut ended = Ok(());
    for case in cases {
        ended = measure(&mut cluster, executable, &dir, *case, (size, measured)).await;
        if ended.is_err() {
            println!("{}", cluster.last_lines());
            break;
        }
    }
    cluster.stop().await;
    ended
}

async fn measure(
    cluster: &mut Cluster,
    executable: &Path,
    dir: &Path,
    Case { key, payments, floor }: Case,
    (size, measured): (Size, Duration),
) -> Result<(), Failure> {
    if payments.coins == 1 {
        make_key(cluster, executable, key, payments.scheme)?;
    }
    let service = Service::open(&cluster.profile_dir(), dir, &[key.to_owned()], payments).await?;
    // Connections, caches and the allocator of every process.
    service.load(1, Duration::from_secs(1)).await?;
    let (floor, scheme) = (floor(size), payments.scheme.as_str());
    if payments.coins > 1 {
        println!("{scheme}, {} signatures a request", payments.coins);
    }
    for clients in CLIENTS {
        let before = cpu_time(cluster)?;
        let Figures { signatures, per_second, p50, p99 } = service.load(clients, measured).await?;
        let each = (cpu_time(cluster)? - before) / u32::try_from(signatures)?;
        let times = each.as_secs_f64() / floor.as_secs_f64();
        println!(
            "{scheme:<20}{clients:>8}{per_second:>14.1}{p50:>12.2?}{p99:>12.2?}{each:>16.2?}{:>10}",
            format!("× {times:.2}")
        );
    }
    let per_core = 1.0 / floor.as_secs_f64();
    println!(
        "{scheme:<20}the library alone: {floor:.2?} of CPU each, {per_core:.0}/s on one core\n"
    );
    cluster.check().map_err(said)
}
