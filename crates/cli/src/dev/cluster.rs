//! The processes of a cluster in one folder, and how they are made, started and stopped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_model::{ParticipantId, Threshold};
use quorate_trust::TrustRoot;
use tokio::time::{Instant, sleep};

use super::make::{AUTHORITY, COORDINATOR, OFFICERS, SERVICE, make, node_folder};
use super::process::Process;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::profile::Profile;
use crate::setup::ROOT_FILE;

/// How long a process may take to come up.
const START: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// Lines of each log that a failure shows.
const LAST_LINES: usize = 12;

/// A cluster whose processes are children of this one.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    executable: PathBuf,
    root: TrustRoot,
    coordinator: Option<Process>,
    nodes: BTreeMap<ParticipantId, Process>,
}

/// Whether a cluster was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It was made now.
    Made,
    /// It was there, with its keys.
    Resumed,
}

impl Cluster {
    /// Takes up the cluster in `dir`, or makes one there of so many nodes, whose processes will run
    /// `executable`. Nothing is started.
    ///
    /// # Errors
    /// Where the threshold does not fit, or the folder holds something else.
    pub fn open(
        executable: PathBuf,
        dir: &Path,
        nodes: u16,
        threshold: Threshold,
    ) -> Result<(Self, Start), Failure> {
        let path = dir.join(AUTHORITY).join(ROOT_FILE);
        let start = if path.exists() { Start::Resumed } else { Start::Made };
        if start == Start::Made {
            threshold.check(usize::from(nodes)).map_err(|e| Failure::usage(e.to_string()))?;
            make(dir, nodes, threshold)?;
        }
        let root = TrustRoot::parse(&files::read(&path)?)?;
        let (dir, coordinator, nodes) = (dir.to_owned(), None, BTreeMap::new());
        Ok((Self { dir, executable, root, coordinator, nodes }, start))
    }

    /// Starts every process that does not run, and waits until all nodes are attached.
    ///
    /// # Errors
    /// Where a process ends by itself, or is not up within 30 s.
    pub async fn start(&mut self) -> Result<(), Failure> {
        self.start_coordinator().await?;
        for id in self.node_ids() {
            self.start_node(id)?;
        }
        self.wait_attached(&self.node_ids()).await
    }

    /// Starts the coordinator.
    ///
    /// # Errors
    /// Where it ends by itself, or does not listen within 30 s.
    pub async fn start_coordinator(&mut self) -> Result<(), Failure> {
        if self.coordinator.is_some() {
            return Ok(());
        }
        let config = self.dir.join(COORDINATOR).join("coordinator.toml");
        let ready = self.dir.join(COORDINATOR).join("ready");
        // One of an earlier run would say too early that this one is up.
        drop(std::fs::remove_file(&ready));
        let args = [
            COORDINATOR.as_ref(),
            "--config".as_ref(),
            config.as_os_str(),
            "--ready-file".as_ref(),
            ready.as_os_str(),
        ];
        let log = self.log(COORDINATOR)?;
        let process = Process::start(COORDINATOR, &self.executable, args, &log)?;
        let process = self.coordinator.insert(process);
        let deadline = Instant::now() + START;
        while !ready.exists() {
            process.check()?;
            if Instant::now() >= deadline {
                return Err(Failure::new(Exit::Timeout, "the coordinator does not come up"));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Starts a node.
    ///
    /// # Errors
    /// Where there is no such executable.
    pub fn start_node(&mut self, id: ParticipantId) -> Result<(), Failure> {
        if self.nodes.contains_key(&id) {
            return Ok(());
        }
        let name = node_folder(id);
        let config = self.dir.join(&name).join("node.toml");
        let args = ["node".as_ref(), "--config".as_ref(), config.as_os_str()];
        let log = self.log(&name)?;
        let process = Process::start(&name.replace('-', " "), &self.executable, args, &log)?;
        self.nodes.insert(id, process);
        Ok(())
    }

    /// Waits until exactly these nodes are attached to the coordinator.
    ///
    /// # Errors
    /// Where a process ends by itself, or it takes more than 30 s.
    pub async fn wait_attached(&mut self, nodes: &[ParticipantId]) -> Result<(), Failure> {
        let wanted: Vec<_> = nodes.iter().map(|id| u32::from(id.get())).collect();
        let deadline = Instant::now() + START;
        let client = self.client().await?;
        loop {
            self.check()?;
            let all = client.cluster().await?.nodes.into_iter();
            let attached: Vec<_> = all.filter(|node| node.attached).map(|node| node.id).collect();
            if attached == wanted {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let message = format!("nodes {attached:?} are attached, not {wanted:?}");
                return Err(Failure::new(Exit::Timeout, message));
            }
            sleep(POLL).await;
        }
    }

    /// Kills a node, as a power cut would.
    pub async fn kill_node(&mut self, id: ParticipantId) {
        if let Some(process) = self.nodes.remove(&id) {
            process.kill().await;
        }
    }

    /// Freezes a node, as a machine that hangs would be: it answers nothing, and stays attached.
    pub fn pause_node(&self, id: ParticipantId) {
        if let Some(process) = self.nodes.get(&id) {
            process.pause();
        }
    }

    /// Kills the coordinator, as a power cut would.
    pub async fn kill_coordinator(&mut self) {
        if let Some(process) = self.coordinator.take() {
            process.kill().await;
        }
    }

    /// Stops the coordinator in order.
    pub async fn stop_coordinator(&mut self) {
        if let Some(process) = self.coordinator.take() {
            process.stop().await;
        }
    }

    /// Stops every process in order: asks, and kills what does not stop within 10 s.
    pub async fn stop(&mut self) {
        let nodes = std::mem::take(&mut self.nodes);
        let stops: Vec<_> =
            nodes.into_values().map(|process| tokio::spawn(process.stop())).collect();
        for stop in stops {
            // A task that panicked has dropped, so killed, its process.
            let _ = stop.await;
        }
        self.stop_coordinator().await;
    }

    /// Fails where a process has ended by itself.
    ///
    /// # Errors
    /// Names the process.
    pub fn check(&mut self) -> Result<(), Failure> {
        let processes = self.coordinator.iter_mut().chain(self.nodes.values_mut());
        for process in processes {
            process.check()?;
        }
        Ok(())
    }

    /// Forgets the processes that have ended by themselves, and names them.
    pub(crate) fn reap(&mut self) -> Vec<String> {
        let mut ended = Vec::new();
        self.nodes.retain(|_, process| {
            let end = process.check().err();
            ended.extend(end.as_ref().map(ToString::to_string));
            end.is_none()
        });
        if let Some(error) = self.coordinator.as_mut().and_then(|process| process.check().err()) {
            ended.push(error.to_string());
            self.coordinator = None;
        }
        ended
    }

    /// The last lines of every log, for people.
    #[must_use]
    pub fn last_lines(&self) -> String {
        let processes = self.coordinator.iter().chain(self.nodes.values());
        let texts = processes.map(|process| {
            let lines = process.last_lines(LAST_LINES).join("\n  ");
            format!("--- {}\n  {lines}", process.name())
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The folder of the coordinator.
    pub(crate) fn coordinator_dir(&self) -> PathBuf {
        self.dir.join(COORDINATOR)
    }

    /// The profile of the cluster's service: a `--dir` for the command line.
    #[must_use]
    pub fn profile_dir(&self) -> PathBuf {
        self.dir.join(SERVICE)
    }

    /// The key files of as many officers as the quorum `keys` takes.
    #[must_use]
    pub fn officer_keys(&self) -> Vec<PathBuf> {
        let required = self.root.quorum("keys").map_or(0, |quorum| quorum.required);
        let names = OFFICERS.iter().take(required);
        names.map(|name| self.dir.join(name).join("person.pem")).collect()
    }

    /// The folders of all officers.
    #[must_use]
    pub fn officer_folders(&self) -> Vec<PathBuf> {
        OFFICERS.iter().map(|name| self.dir.join(name)).collect()
    }

    /// The trust root.
    #[must_use]
    pub const fn root(&self) -> &TrustRoot {
        &self.root
    }

    /// The nodes, ascending.
    #[must_use]
    pub fn node_ids(&self) -> Vec<ParticipantId> {
        self.root.nodes.keys().copied().collect()
    }

    /// The nodes whose processes run, ascending.
    #[must_use]
    pub fn running(&self) -> Vec<ParticipantId> {
        self.nodes.keys().copied().collect()
    }

    /// The coordinator's process id, where it runs, and those of the running nodes, ascending by node.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        self.coordinator.iter().chain(self.nodes.values()).filter_map(Process::id).collect()
    }

    /// The folder of a node: its configuration, and its store in `data`.
    #[must_use]
    pub fn node_dir(&self, id: ParticipantId) -> PathBuf {
        self.dir.join(node_folder(id))
    }

    /// The threshold that the cluster was made for.
    #[must_use]
    pub const fn threshold(&self) -> Threshold {
        self.root.threshold_floor
    }

    /// The cluster's id.
    #[must_use]
    pub fn id(&self) -> String {
        self.root.hash().to_string()
    }

    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Client::connect(Profile::load(Some(&self.profile_dir()))?).await
    }

    fn log(&self, name: &str) -> Result<PathBuf, Failure> {
        let logs = self.dir.join("logs");
        files::make_dir(&logs)?;
        Ok(logs.join(format!("{name}.log")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path, nodes: u16, threshold: u32) -> Result<(Cluster, Start), Failure> {
        let threshold = Threshold::new(threshold).unwrap();
        Cluster::open(PathBuf::from("/nowhere"), dir, nodes, threshold)
    }

    #[test]
    fn a_cluster_is_made_once_and_then_taken_up() {
        let dir = tempfile::tempdir().unwrap();
        let (made, start) = open(dir.path(), 3, 2).unwrap();
        assert_eq!((start, made.node_ids().len()), (Start::Made, 3));
        let (again, start) = open(dir.path(), 5, 3).unwrap();
        assert_eq!((start, again.id()), (Start::Resumed, made.id()));
        assert_eq!(again.officer_keys().len(), 2);
    }

    #[test]
    fn a_folder_with_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.txt"), "").unwrap();
        assert_eq!(open(dir.path(), 3, 2).unwrap_err().exit(), Exit::Error);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_threshold_that_is_no_majority_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (nodes, threshold) in [(4, 2), (2, 3)] {
            assert_eq!(open(dir.path(), nodes, threshold).unwrap_err().exit(), Exit::Usage);
        }
    }
}
