//! Signatures per second of a whole cluster, 2-of-3: a coordinator and three nodes as processes of
//! this machine, mutual TLS, policy on, everything durable. Beside it, from the same run, what the
//! cryptography alone costs: the sum of all signers' and the aggregator's CPU time for a signature.
//!
//! `cargo bench -p quorate-benches --bench cluster`. `QUORATE_BENCH_SECONDS` is how long each figure
//! is measured (10); `QUORATE_BIN` names another binary than the release build.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod clients;
mod ecdsa_floor;
mod floor;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use quorate_cli::dev::Cluster;
use quorate_model::{ChainId, Network, Scheme, Threshold};
use quorate_protocol::suite::{Ed25519, Secp256k1Tr};

use crate::clients::{Failure, Figures, Service};

const NODES: u16 = 3;
const SIGNERS: u32 = 2;
const CLIENTS: [usize; 2] = [1, 32];

struct Case {
    key: &'static str,
    scheme: Scheme,
    network: Network,
    floor: fn() -> Duration,
}

const CASES: [Case; 3] = [
    Case {
        key: "sol",
        scheme: Scheme::FrostEd25519,
        network: Network::SolanaDevnet,
        floor: floor::of_one_signature::<Ed25519>,
    },
    Case {
        key: "btc",
        scheme: Scheme::FrostSecp256k1Tr,
        network: Network::BitcoinRegtest,
        floor: floor::of_one_signature::<Secp256k1Tr>,
    },
    Case {
        key: "eth",
        scheme: Scheme::EcdsaSecp256k1,
        network: Network::Evm(ChainId::DEVELOPMENT),
        floor: of_one_ecdsa_signature,
    },
];

/// All phases at both signers, and the last one once.
fn of_one_ecdsa_signature() -> Duration {
    ecdsa_floor::phases(2, NODES as u8).into_iter().sum()
}

fn main() -> Result<(), Failure> {
    let seconds = match std::env::var("QUORATE_BENCH_SECONDS") {
        Ok(seconds) => seconds.parse()?,
        Err(_) => 10,
    };
    let executable = executable()?;
    println!("CPU: {}", cpu());
    println!("2-of-3, real processes on one machine, mTLS, policy on; {seconds} s a figure\n");
    let floors = CASES.map(|case| (case.floor)());
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(&executable, Duration::from_secs(seconds), floors))
}

async fn run(executable: &Path, measured: Duration, floors: [Duration; 3]) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let threshold = Threshold::new(SIGNERS)?;
    let dir = dir.path().join("cluster");
    let (mut cluster, _) =
        Cluster::open(executable.to_owned(), &dir, NODES, threshold).map_err(said)?;
    let ended = measure(&mut cluster, executable, &dir, measured, floors).await;
    if ended.is_err() {
        println!("{}", cluster.last_lines());
    }
    cluster.stop().await;
    ended
}

async fn measure(
    cluster: &mut Cluster,
    executable: &Path,
    dir: &Path,
    measured: Duration,
    floors: [Duration; 3],
) -> Result<(), Failure> {
    cluster.start().await.map_err(said)?;
    println!("{:<20}{:>8}{:>14}{:>12}{:>12}", "scheme", "clients", "signatures/s", "p50", "p99");
    for (case, floor) in CASES.iter().zip(floors) {
        make_key(cluster, executable, case)?;
        let service = Service::open(&cluster.profile_dir(), dir, case.key, case.network).await?;
        // Connections, caches and the allocator of every process.
        service.load(1, Duration::from_secs(1)).await?;
        for clients in CLIENTS {
            let Figures { per_second, p50, p99 } = service.load(clients, measured).await?;
            let scheme = case.scheme.as_str();
            println!("{scheme:<20}{clients:>8}{per_second:>14.1}{p50:>12.2?}{p99:>12.2?}");
        }
        let (scheme, per_core) = (case.scheme.as_str(), 1.0 / floor.as_secs_f64());
        println!(
            "{scheme:<20}the cryptography alone: {floor:.2?} of CPU each, {per_core:.0}/s on one core\n"
        );
        cluster.check().map_err(said)?;
    }
    Ok(())
}

fn make_key(cluster: &Cluster, executable: &Path, case: &Case) -> Result<(), Failure> {
    let mut command = Command::new(executable);
    command.args(["key", "create", case.key, "--scheme", case.scheme.as_str()]);
    command.args(["--threshold", &SIGNERS.to_string()]);
    command.arg("--dir").arg(cluster.profile_dir());
    for key in cluster.officer_keys() {
        command.arg("--officer-key").arg(key);
    }
    let made =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    if made.status.success() {
        Ok(())
    } else {
        Err(format!("no key: {}", String::from_utf8_lossy(&made.stderr)).into())
    }
}

fn said(failure: quorate_cli::Failure) -> Failure {
    failure.to_string().into()
}

/// The binary that ships, built now.
fn executable() -> Result<PathBuf, Failure> {
    // Cargo runs a bench in the folder of its package.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if let Some(path) = std::env::var_os("QUORATE_BIN") {
        return Ok(workspace.join(path).canonicalize()?);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", "quorate"])
        .current_dir(&workspace)
        .status()?;
    if !built.success() {
        return Err("the release build failed".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = workspace.join(target.unwrap_or_else(|| "target".into()));
    Ok(target.join("release/quorate").canonicalize()?)
}

fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("unknown", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {cores} cores")
}
