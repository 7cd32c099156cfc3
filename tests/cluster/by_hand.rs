//! A cluster made by hand, each member in a folder of its own, with the commands of the how-to.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::lab::{Ended, QUORATE, run};

/// Folder, welcome file and arguments of `join` of every member but the coordinator.
const MEMBERS: [(&str, &str, &[&str]); 5] = [
    ("n1", "node-1", &["node", "--id", "1", "--operator", "ops"]),
    ("n2", "node-2", &["node", "--id", "2", "--operator", "ops"]),
    ("n3", "node-3", &["node", "--id", "3", "--operator", "ops"]),
    ("s", "service-payments", &["service", "--name", "payments"]),
    ("o", "person-alice", &["officer", "--name", "alice"]),
];

pub(crate) struct ByHand {
    dir: tempfile::TempDir,
    pub(crate) address: String,
    /// The quorums that `init` is told.
    quorums: Vec<&'static str>,
    /// Folder and welcome file of every member.
    members: Vec<(String, String)>,
    processes: Vec<Child>,
}

impl ByHand {
    /// Nobody has joined yet.
    pub(crate) fn new() -> Self {
        Self::under(&["keys=1:alice"])
    }

    /// As [`Self::new`], for a cluster of other quorums.
    pub(crate) fn under(quorums: &[&'static str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (dir, address) = (tempfile::tempdir().unwrap(), format!("127.0.0.1:{port}"));
        let quorums = quorums.to_vec();
        Self { dir, address, quorums, members: Vec::new(), processes: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) async fn join(&mut self, folder: &str, welcome: &str, args: &[&str]) {
        let joined = run(&self.path(folder), &[&["join"], args].concat()).await;
        assert_eq!((joined.code, &joined.json["schema"]), (0, &"quorate.join/v1".into()));
        self.members.push((folder.to_owned(), welcome.to_owned()));
    }

    /// The usual members join.
    pub(crate) async fn join_all(&mut self) {
        for (folder, welcome, args) in MEMBERS {
            self.join(folder, welcome, args).await;
        }
        let address = self.address.clone();
        let coordinator = ["coordinator", "--name", "main", "--address", &address];
        self.join("c", "coordinator-main", &coordinator).await;
    }

    /// Tries to make the cluster of everybody who has joined.
    pub(crate) async fn try_init(&self, args: &[&str]) -> Ended {
        let joins: Vec<_> =
            self.members.iter().map(|(folder, _)| self.path(folder).join("join.txt")).collect();
        let mut args = [&["init"], args].concat();
        args.extend(self.quorums.iter().flat_map(|quorum| ["--quorum", *quorum]));
        for path in &joins {
            args.extend(["--join", path.to_str().unwrap()]);
        }
        run(&self.path("cluster"), &args).await
    }

    /// Makes the cluster, not for funds. Its id.
    pub(crate) async fn init(&self) -> String {
        self.init_with(&[]).await
    }

    /// As [`ByHand::init`], with more arguments.
    pub(crate) async fn init_with(&self, args: &[&str]) -> String {
        let args = [&["--dev"], args].concat();
        let made = self.try_init(&args).await;
        assert_eq!(made.code, 0, "{made:?}");
        let again = self.try_init(&args).await;
        assert_eq!(again.code, 1, "a cluster is made once: {again:?}");
        made.json["cluster"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn accept(&self, folder: &str, welcome: &str, cluster: &str) -> Ended {
        let welcome = self.path("cluster/welcome").join(format!("{welcome}.txt"));
        let welcome = welcome.to_str().unwrap();
        let args = ["join", "accept", "--welcome", welcome, "--cluster", cluster, "--dev"];
        run(&self.path(folder), &args).await
    }

    pub(crate) async fn accept_all(&self, cluster: &str) {
        for (folder, welcome) in &self.members {
            let accepted = self.accept(folder, welcome, cluster).await;
            assert_eq!(accepted.code, 0, "{accepted:?}");
        }
    }

    /// Starts every process, and waits until the nodes are attached.
    pub(crate) async fn start(&mut self) {
        let coordinator = self.serve("coordinator", "c/coordinator.toml");
        self.processes.push(coordinator);
        let mut waited = 0;
        while std::net::TcpStream::connect(&self.address).is_err() {
            sleep(Duration::from_millis(50)).await;
            waited += 1;
            assert!(waited < 600, "the coordinator does not listen");
        }
        for folder in ["n1", "n2", "n3"] {
            let node = self.serve("node", &format!("{folder}/node.toml"));
            self.processes.push(node);
        }
        wait_attached(&self.path("o"), 3).await;
    }

    fn serve(&self, command: &str, config: &str) -> Child {
        Command::new(QUORATE)
            .args([command, "--config"])
            .arg(self.path(config))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Kills the node that was started last, as a power cut would.
    pub(crate) async fn kill_last_node(&mut self) {
        self.processes.pop().unwrap().kill().await.unwrap();
    }

    /// Makes the Taproot key `treasury`, on alice's order.
    pub(crate) async fn make_key(&self) {
        let key = self.path("o/person.pem");
        let args =
            ["key", "create", "treasury", "--scheme", "frost-secp256k1-tr", "--threshold", "2"];
        let officer = ["--officer-key", key.to_str().unwrap()];
        let made = run(&self.path("o"), &[args.as_slice(), &officer].concat()).await;
        assert_eq!((made.code, &made.json["state"]), (0, &"active".into()), "{made:?}");
    }
}

async fn wait_attached(profile: &Path, nodes: usize) {
    for _ in 0..600 {
        let status = run(profile, &["status"]).await;
        let all = status.json["nodes"].as_array().cloned().unwrap_or_default();
        if all.iter().filter(|node| node["attached"] == true).count() == nodes {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the nodes do not attach");
}
