//! The processes that are measured: their binary, their keys, and the CPU time that they used.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use quorate_cli::dev::Cluster;
use quorate_model::Scheme;

use crate::clients::Failure;

/// A second of /proc, on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// The binary that ships, built now.
pub(crate) fn executable() -> Result<PathBuf, Failure> {
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

/// What the figures are of.
pub(crate) fn cpu_name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("unknown", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {cores} cores")
}

/// A number that an environment variable may say otherwise.
pub(crate) fn setting(name: &str, usual: u64) -> Result<u64, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name}: {error}"))?),
        Err(_) => Ok(usual),
    }
}

/// Has a key made, on the order of as many officers as it takes.
pub(crate) fn make_key(
    cluster: &Cluster,
    executable: &Path,
    key: &str,
    scheme: Scheme,
) -> Result<(), Failure> {
    let mut command = Command::new(executable);
    command.args(["key", "create", key, "--scheme", scheme.as_str()]);
    command.args(["--threshold", &cluster.threshold().to_string()]);
    command.arg("--dir").arg(cluster.profile_dir());
    for key in cluster.officer_keys() {
        command.arg("--officer-key").arg(key);
    }
    run(command).map(|_| ()).map_err(|said| format!("no key {key}: {said}").into())
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Result<Output, Failure> {
    let ended =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    if ended.status.success() {
        Ok(ended)
    } else {
        Err(String::from_utf8_lossy(&ended.stderr).into())
    }
}

/// The CPU time that every process of the cluster used so far.
pub(crate) fn cpu_time(cluster: &Cluster) -> Result<Duration, Failure> {
    let times = cluster.process_ids().into_iter().map(cpu_time_of);
    times.sum::<Result<Duration, Failure>>()
}

fn cpu_time_of(pid: u32) -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // After the name, which may hold anything: field 3 of proc(5) and on. User is 14, system 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let times: Vec<u64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    let ticks = times.iter().sum::<u64>();
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

pub(crate) fn said(failure: quorate_cli::Failure) -> Failure {
    failure.to_string().into()
}
