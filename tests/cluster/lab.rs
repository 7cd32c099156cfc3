//! A cluster of real processes for one test, and the command line that speaks to it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use quorate_cli::dev::Cluster;
use quorate_model::{ParticipantId, Threshold};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// The executable that this package builds.
pub(crate) const QUORATE: &str = env!("CARGO_BIN_EXE_quorate");

/// Payees that the sample policy lists, and an address that it does not.
pub(crate) const BTC_PAYEE: &str = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx";
pub(crate) const BTC_STRANGER: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
pub(crate) const SOL_PAYEE: &str = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z";
const COIN: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const BLOCKHASH: &str = "US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx";

/// Three nodes, two of which sign, with the keys `btc` and `sol`.
pub(crate) struct Lab {
    pub(crate) cluster: Cluster,
    pub(crate) dir: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    /// What it printed on stdout, if that was JSON.
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Lab {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut cluster = open(dir.path());
        cluster.start().await.unwrap();
        let lab = Self { cluster, dir };
        lab.make_key("btc", "frost-secp256k1-tr").await;
        lab.make_key("sol", "frost-ed25519").await;
        lab
    }

    /// As [`Self::new`], but for what runs as nodes and coordinator, what is changed in its folder first,
    /// and that nothing is started yet.
    pub(crate) fn prepared(executable: PathBuf, prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let threshold = Threshold::new(2).unwrap();
        let (cluster, _) = Cluster::open(executable, dir.path(), 3, threshold).unwrap();
        prepare(dir.path());
        Self { cluster, dir }
    }

    pub(crate) async fn make_key(&self, key: &str, scheme: &str) {
        let made = self.create_key(key, scheme, &[]).await;
        assert_eq!(made.code, 0, "{made:?}");
        assert_eq!(made.json["state"], "active", "{made:?}");
    }

    /// Makes a key that two of three nodes sign with, on the order of the officers.
    pub(crate) async fn create_key(&self, key: &str, scheme: &str, more: &[&str]) -> Ended {
        let args = ["key", "create", key, "--scheme", scheme, "--threshold", "2"];
        self.order(&[&args, more].concat()).await
    }

    /// Runs a command that takes the keys of officers.
    pub(crate) async fn order(&self, args: &[&str]) -> Ended {
        let officers = self.cluster.officer_keys();
        let officers = officers.iter().map(|path| path.to_str().unwrap());
        let officers: Vec<_> = officers.flat_map(|path| ["--officer-key", path]).collect();
        self.run(&[args, &officers].concat()).await
    }

    /// Proposes an order, has two officers sign it, and hands it in: what came of it.
    pub(crate) async fn propose(&self, name: &str, action: &[&str]) -> Ended {
        let file = self.dir.path().join(name);
        let file = file.to_str().unwrap();
        let propose = [&["order", "propose"], action, &["--out", file]].concat();
        let proposed = self.run(&propose).await;
        assert_eq!(proposed.code, 0, "{proposed:?}");
        for officer in ["alice", "bob"] {
            let key = self.dir.path().join(officer).join("person.pem");
            let signed = self.run(&["order", "sign", file, "--key", key.to_str().unwrap()]).await;
            assert_eq!(signed.code, 0, "{signed:?}");
        }
        self.run(&["order", "submit", file]).await
    }

    /// Runs a command as the service `payments`.
    pub(crate) async fn run(&self, args: &[&str]) -> Ended {
        run(&self.cluster.profile_dir(), args).await
    }

    /// Asks for a payment of so many satoshis to a listed payee.
    pub(crate) async fn pay(&self, sats: u64, more: &[&str]) -> Ended {
        self.pay_to(BTC_PAYEE, sats, more).await
    }

    pub(crate) async fn pay_to(&self, address: &str, sats: u64, more: &[&str]) -> Ended {
        let sats = sats.to_string();
        // Coins of its own: what one payment has spent, another does not spend again.
        let coin = format!("{COIN}:{sats}:70000");
        let args =
            ["sign", "btc", "--pay", address, "--amount", &sats, "--coin", &coin, "--fee", "500"];
        self.run(&[&args, more].concat()).await
    }

    /// Asks for a payment of so many lamports to a listed payee.
    pub(crate) async fn pay_sol(&self, lamports: u64, more: &[&str]) -> Ended {
        let lamports = lamports.to_string();
        let args =
            ["sign", "sol", "--pay", SOL_PAYEE, "--amount", &lamports, "--blockhash", BLOCKHASH];
        self.run(&[&args, more].concat()).await
    }

    /// Brings the policy that the cluster began with into force in a second version, changed, on the
    /// order of two officers.
    pub(crate) async fn activate_policy(&self, change: impl FnOnce(String) -> String) {
        let first = self.dir.path().join("node-1/policy.toml");
        let checked = self.run(&["policy", "check", first.to_str().unwrap()]).await;
        let previous = checked.json["hash"].as_str().unwrap();
        let text = std::fs::read_to_string(&first).unwrap();
        let next = format!("\nversion = 2\nprevious = \"{previous}\"\n");
        let text = change(text.replacen("\nversion = 1\n", &next, 1));
        let file = self.dir.path().join("policy-2.toml");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        for officer in ["alice", "bob"] {
            let folder = self.dir.path().join(officer);
            let key = folder.join("person.pem");
            let old = first.to_str().unwrap();
            let sign = ["policy", "sign", file, "--key", key.to_str().unwrap(), "--old", old];
            let signed = run(&folder, &sign).await;
            assert_eq!(signed.code, 0, "{signed:?}");
        }
        let activated = self.run(&["policy", "activate", file]).await;
        assert_eq!(activated.code, 0, "{activated:?}");
        assert_eq!(activated.json["held_by"].as_array().unwrap().len(), 3, "{activated:?}");
        let hash = self.run(&["policy", "check", file]).await.json["hash"].clone();
        for _ in 0..600 {
            let status = self.run(&["status"]).await;
            let nodes = status.json["nodes"].as_array().unwrap();
            if nodes.iter().all(|node| node["policy"] == hash) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the policy does not come into force")
    }

    /// Has nodes that start next ask one other about their clocks and logs, and not two: for whoever has lost one
    /// of three, as an operator does then.
    pub(crate) fn start_with_few(&self) {
        for id in self.cluster.node_ids() {
            let file = self.cluster.node_dir(id).join("node.toml");
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(!text.contains("[limits]"), "{text}");
            std::fs::write(&file, format!("{text}\n[limits]\nstart_peers = 1\n")).unwrap();
        }
    }

    /// Kills every process as a power cut would, and starts all again from what is on the disk.
    pub(crate) async fn cut_power(&mut self) {
        for id in self.cluster.node_ids() {
            self.cluster.kill_node(id).await;
        }
        self.cluster.kill_coordinator().await;
        self.cluster = open(self.dir.path());
        self.cluster.start().await.unwrap();
    }
}

impl Ended {
    pub(crate) fn signatures(&self) -> Vec<String> {
        let all = self.json["signatures"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        all.iter().map(|signature| signature.as_str().unwrap().to_owned()).collect()
    }

    /// The reason that the cluster gave, of the error on stderr.
    pub(crate) fn reason(&self) -> String {
        let mut lines = self.stderr.lines().rev();
        let error = lines.find_map(|line| serde_json::from_str::<Value>(line).ok());
        let error = error.unwrap_or_else(|| panic!("{self:?}"));
        error["reason"].as_str().unwrap_or_default().to_owned()
    }
}

fn open(dir: &Path) -> Cluster {
    let threshold = Threshold::new(2).unwrap();
    let (cluster, _) = Cluster::open(PathBuf::from(QUORATE), dir, 3, threshold).unwrap();
    cluster
}

/// Runs a command with this folder as its profile.
pub(crate) async fn run(dir: &Path, args: &[&str]) -> Ended {
    let child = Command::new(QUORATE)
        .args(args)
        .args(["-o", "json", "--dir"])
        .arg(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(120), child).await.unwrap().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn node(id: u16) -> ParticipantId {
    ParticipantId::new(id).unwrap()
}

/// Ids of requests, one for each number.
pub(crate) fn request_id(number: u8) -> String {
    format!("6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c{number:02x}")
}
