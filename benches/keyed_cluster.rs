//! A cluster whose policy names many keys.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quorate_cli::dev::Cluster;
use quorate_model::Threshold;
use quorate_policy::Bundle;

use crate::clients::{Failure, Figures, Payments, Service};
use crate::footprint::Footprint;
use crate::maker::make_keys;
use crate::processes::{cpu_time, run, said};

/// The delay of a development cluster for what may allow more, and some.
const POLICY_DELAY: Duration = Duration::from_secs(5);

/// A cluster that is measured.
pub(crate) struct KeyedCluster {
    pub(crate) cluster: Cluster,
    pub(crate) executable: PathBuf,
    dir: PathBuf,
    /// Of keys that can still be made: the policy has them.
    names: VecDeque<String>,
    payments: Payments,
    /// The keys that there are.
    pub(crate) keys: Vec<String>,
}

/// Of the coordinator, and for each figure of the node that has most.
#[derive(Clone, Copy)]
pub(crate) struct Footprints {
    pub(crate) coordinator: Footprint,
    pub(crate) node: Footprint,
}

/// One figure's worth of signatures.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Of all processes of the cluster, for each signature.
    pub(crate) cpu: Duration,
}

impl KeyedCluster {
    /// Starts a cluster whose policy allows so many keys, and some for those that cannot be made.
    pub(crate) async fn start(
        executable: &Path,
        dir: &Path,
        keys: usize,
        payments: Payments,
    ) -> Result<Self, Failure> {
        let threshold = Threshold::new(2)?;
        let (mut cluster, _) =
            Cluster::open(executable.to_owned(), dir, 3, threshold).map_err(said)?;
        cluster.start().await.map_err(said)?;
        let names = (0..keys + keys / 20 + 4).map(|number| format!("key-{number}")).collect();
        let (executable, dir, keys) = (executable.to_owned(), dir.to_owned(), Vec::new());
        let started = Self { cluster, executable, dir, names, payments, keys };
        started.allow_keys()?;
        tokio::time::sleep(POLICY_DELAY).await;
        Ok(started)
    }

    /// Brings a policy into force that has a table for each key, on the order of two officers.
    fn allow_keys(&self) -> Result<(), Failure> {
        let first = std::fs::read_to_string(self.dir.join("node-1/policy.toml"))?;
        let previous = Bundle::parse(&first)?.hash();
        let next = format!("\nversion = 2\nprevious = \"{previous}\"\n");
        let mut text = first.replacen("\nversion = 1\n", &next, 1);
        for name in &self.names {
            write!(text, "\n[keys.{name}]\ntier = \"hot\"\nvault = \"hot\"\n")?;
        }
        let file = self.dir.join("policy-2.toml");
        std::fs::write(&file, text)?;
        for key in self.cluster.officer_keys() {
            let folder = key.parent().ok_or("an officer's key is in a folder")?;
            let mut sign = Command::new(&self.executable);
            sign.args(["policy", "sign"]).arg(&file).arg("--key").arg(&key);
            sign.arg("--dir").arg(folder);
            run(sign)?;
        }
        let mut activate = Command::new(&self.executable);
        activate.args(["policy", "activate"]).arg(&file);
        activate.arg("--dir").arg(self.cluster.profile_dir());
        run(activate).map(|_| ())
    }

    /// Makes keys until there are so many.
    pub(crate) fn make_keys(&mut self, count: usize) -> Result<(), Failure> {
        let missing = count - self.keys.len();
        let scheme = self.payments.scheme;
        let made = make_keys(&self.cluster, &self.executable, &mut self.names, missing, scheme)?;
        self.keys.extend(made);
        self.cluster.check().map_err(said)
    }

    /// What the processes have now.
    pub(crate) fn footprints(&self) -> Result<Footprints, Failure> {
        let folders = self.cluster.node_ids().into_iter().map(|id| self.cluster.node_dir(id));
        let folders = std::iter::once(self.dir.join("coordinator")).chain(folders);
        let processes = self.cluster.process_ids().into_iter().zip(folders);
        let mut all = processes.map(|(pid, dir)| Footprint::of(pid, &dir.join("store")));
        let coordinator = all.next().ok_or("nothing runs")??;
        let node = all
            .try_fold(Footprint::default(), |most, node| Ok::<_, Failure>(most.greatest(node?)))?;
        Ok(Footprints { coordinator, node })
    }

    /// Stops every process in order, and starts all again. Gives the time until the first node was
    /// attached, which started while no other did.
    pub(crate) async fn restart(&mut self) -> Result<Duration, Failure> {
        self.cluster.stop().await;
        self.cluster.start_coordinator().await.map_err(said)?;
        let nodes = self.cluster.node_ids();
        let first = nodes.first().copied().ok_or("a cluster has nodes")?;
        let begun = Instant::now();
        self.cluster.start_node(first).map_err(said)?;
        self.cluster.wait_attached(&[first]).await.map_err(said)?;
        let up = begun.elapsed();
        self.cluster.start().await.map_err(said)?;
        Ok(up)
    }

    /// What signs under every key.
    pub(crate) async fn service(&self) -> Result<Arc<Service>, Failure> {
        Service::open(&self.cluster.profile_dir(), &self.dir, &self.keys, self.payments).await
    }

    /// So many clients at once, for so long.
    pub(crate) async fn load(
        &self,
        service: &Arc<Service>,
        clients: usize,
        measured: Duration,
    ) -> Result<Measured, Failure> {
        let before = cpu_time(&self.cluster)?;
        let Figures { signatures, per_second, p50, p99 } = service.load(clients, measured).await?;
        let cpu = (cpu_time(&self.cluster)? - before) / u32::try_from(signatures)?;
        Ok(Measured { per_second, p50, p99, cpu })
    }

    pub(crate) fn last_lines(&self) -> String {
        self.cluster.last_lines()
    }

    pub(crate) async fn stop(&mut self) {
        self.cluster.stop().await;
    }
}
