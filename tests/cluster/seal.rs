//! Nodes that a person opens, closes and gives another passphrase, while the others sign.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_api::pb::node::v1::{RotateKekRequest, UnsealRequest};
use quorate_net::connect_uds;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::sleep;
use tonic::Code;

use crate::lab::{Ended, Lab, QUORATE, node, run};

/// Changes the configuration of node 1.
pub(crate) fn configure(dir: &Path, from: &str, to: &str) {
    let config = dir.join("node-1/node.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&config, text.replacen(from, to, 1)).unwrap();
}

impl Lab {
    /// Administers node 1.
    pub(crate) async fn administer(&self, what: &str, more: &[&str]) -> Ended {
        let config = self.dir.path().join("node-1/node.toml");
        let args = ["node", what, "--config", config.to_str().unwrap()];
        run(self.dir.path(), &[&args, more].concat()).await
    }

    pub(crate) async fn is_sealed(&self) -> bool {
        let status = self.administer("status", &[]).await;
        assert_eq!(status.code, 0, "{status:?}");
        status.json["sealed"].as_bool().unwrap()
    }

    /// A file with a secret, as an argument.
    pub(crate) fn secret(&self, secret: &str) -> String {
        let path = self.dir.path().join("secret");
        std::fs::write(&path, secret).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) async fn unseal(&self, passphrase: &str) -> Ended {
        let file = self.secret(passphrase);
        self.administer("unseal", &["--passphrase-file", &file]).await
    }

    /// What the audit log of node 1 tells of a kind, as names and values.
    pub(crate) async fn told(&self, kind: &str, fact: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let (socket, out) = (self.dir.path().join("node-1/admin.sock"), dir.path().join("log"));
        let (socket, out) = (socket.to_str().unwrap(), out.to_str().unwrap());
        let exported = self.run(&["audit", "export", "--admin-socket", socket, "--out", out]).await;
        assert_eq!(exported.code, 0, "{exported:?}");
        let shown = self.run(&["audit", "show", out, "--kind", kind]).await;
        assert_eq!(shown.code, 0, "{shown:?}");
        let entries = shown.json["entries"].as_array().unwrap().iter();
        let value = |entry: &serde_json::Value| {
            let facts = entry["facts"].as_array().unwrap().iter();
            let found =
                facts.filter(|named| named[0] == fact).map(|named| named[1].as_str().unwrap());
            found.collect::<String>()
        };
        entries.map(value).collect()
    }

    /// Waits for the admin socket of node 1.
    async fn up(&self) {
        for _ in 0..400 {
            if self.administer("status", &[]).await.code == 0 {
                return;
            }
            sleep(Duration::from_millis(25)).await;
        }
        panic!("node 1 does not come up");
    }

    /// Which files of node 1's store its process has open.
    fn open_files(&self, process: u32) -> Vec<PathBuf> {
        let store = self.dir.path().join("node-1/store");
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
        let files = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
        files.filter(|file| file.starts_with(&store)).collect()
    }
}

#[tokio::test]
async fn a_node_is_sealed_until_a_person_opens_it_and_again_when_one_says_so() {
    let manual = |dir: &Path| configure(dir, "passphrase_file = \"passphrase\"", "manual = true");
    let mut lab = Lab::prepared(QUORATE.into(), manual);
    lab.cluster.start_coordinator().await.unwrap();
    lab.cluster.start_node(node(1)).unwrap();
    lab.up().await;
    let process = lab.cluster.process_ids()[1];
    assert!(lab.is_sealed().await && lab.open_files(process).is_empty());
    // What is given first is the passphrase from then on.
    assert_eq!(lab.unseal("correct horse\n").await.code, 0);
    lab.cluster.start().await.unwrap();
    assert!(!lab.open_files(process).is_empty());
    lab.make_key("btc", "frost-secp256k1-tr").await;

    assert_eq!(lab.administer("seal", &[]).await.code, 0);
    assert!(lab.is_sealed().await);
    assert_eq!(lab.open_files(process), [] as [PathBuf; 0]);
    lab.cluster.wait_attached(&[node(2), node(3)]).await.unwrap();
    let paid = lab.pay(10_000, &[]).await;
    assert_eq!(paid.json["signers"], serde_json::json!([2, 3]), "{paid:?}");
    // Sealed, it answers nothing but how it is.
    for what in ["seal", "rotate-kek"] {
        let file = lab.secret("another");
        let more = if what == "seal" { vec![] } else { vec!["--passphrase-file", &file] };
        let refused = lab.administer(what, &more).await;
        assert_eq!((refused.code, refused.reason().as_str()), (5, "UNAVAILABLE"), "{refused:?}");
    }
    let socket = lab.dir.path().join("node-1/admin.sock");
    let out = lab.dir.path().join("log");
    let export = ["audit", "export", "--admin-socket", socket.to_str().unwrap(), "--out"];
    assert_eq!(lab.run(&[&export[..], &[out.to_str().unwrap()]].concat()).await.code, 5);

    let mut admin = NodeAdminClient::new(connect_uds(&socket).await.unwrap());
    for none in [vec![], vec![b'a'; 4097]] {
        let refused = admin.unseal(UnsealRequest { passphrase: none }).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    }
    for wrong in ["wrong horse", "correct horse\n\n"] {
        let refused = lab.unseal(wrong).await;
        assert_eq!((refused.code, refused.reason().as_str()), (1, "NOT_AUTHORIZED"), "{refused:?}");
        assert!(lab.is_sealed().await && lab.open_files(process).is_empty());
    }
    assert_eq!(lab.unseal("correct horse").await.code, 0);
    let again = lab.unseal("correct horse").await;
    assert_eq!((again.code, again.reason().as_str()), (1, "FAILED_PRECONDITION"), "{again:?}");
    lab.cluster.wait_attached(&lab.cluster.node_ids()).await.unwrap();
    assert_eq!(lab.told("node-sealed", "").await.len(), 1);
    assert_eq!(lab.told("node-started", "erasure").await, ["medium", "medium"]);
    lab.cluster.kill_node(node(2)).await;
    assert_eq!(lab.pay(10_001, &[]).await.json["signers"], serde_json::json!([1, 3]));

    // A start of the process needs the person again; from stdin this time.
    lab.cluster.kill_node(node(1)).await;
    lab.cluster.start_node(node(1)).unwrap();
    lab.up().await;
    assert!(lab.is_sealed().await);
    let config = lab.dir.path().join("node-1/node.toml");
    let mut unseal = Command::new(QUORATE)
        .args(["node", "unseal", "--config", config.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    unseal.stdin.take().unwrap().write_all(b"correct horse\n").await.unwrap();
    assert!(unseal.wait().await.unwrap().success());
    lab.cluster.start().await.unwrap();
}

#[tokio::test]
async fn a_node_that_opens_by_itself_is_sealed_and_unsealed_without_a_passphrase() {
    let mut lab = Lab::new().await;
    assert_eq!(lab.administer("seal", &[]).await.code, 0);
    lab.cluster.wait_attached(&[node(2), node(3)]).await.unwrap();
    assert_eq!(lab.administer("unseal", &[]).await.code, 0);
    lab.cluster.wait_attached(&lab.cluster.node_ids()).await.unwrap();
    assert_eq!(lab.pay(10_000, &[]).await.code, 0);
}

#[tokio::test]
async fn a_passphrase_is_changed_while_its_node_signs() {
    let mut lab = Lab::new().await;
    lab.start_with_few();
    lab.cluster.kill_node(node(3)).await;
    let socket = lab.dir.path().join("node-1/admin.sock");
    let mut admin = NodeAdminClient::new(connect_uds(&socket).await.unwrap());
    // There is nothing to change to yet.
    let refused = lab.administer("rotate-kek", &[]).await;
    assert!(refused.code == 1 && refused.stderr.contains("next_kek"), "{refused:?}");
    let folder = lab.dir.path().join("node-1");
    std::fs::copy(folder.join("passphrase"), folder.join("old")).unwrap();
    std::fs::rename(lab.secret("stable"), folder.join("next")).unwrap();
    let next = "[store.next_kek]\npassphrase_file = \"next\"\n\n[admin]";
    configure(lab.dir.path(), "[admin]", next);
    let passphrase = b"stable".to_vec();
    let refused = admin.rotate_kek(RotateKekRequest { passphrase }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "no person gives this one: {refused:?}");
    let payments = async {
        for sats in 10_000..10_010 {
            let paid = lab.pay(sats, &[]).await;
            assert_eq!(paid.json["signers"], serde_json::json!([1, 2]), "{paid:?}");
        }
    };
    let rotation = async {
        let rotated = lab.administer("rotate-kek", &[]).await;
        assert_eq!(rotated.code, 0, "{rotated:?}");
        assert_eq!(rotated.json["to"], "passphrase in a file");
        assert_eq!(rotated.json["erasure"], "medium");
    };
    tokio::join!(payments, rotation);
    assert_eq!(lab.told("kek-rotation", "stage").await, ["begun", "done"]);

    // With both in its configuration it opens; then with the new one; with the old one no more.
    lab.cluster.kill_node(node(1)).await;
    lab.cluster.start_node(node(1)).unwrap();
    lab.cluster.wait_attached(&[node(1), node(2)]).await.unwrap();
    lab.cluster.kill_node(node(1)).await;
    configure(lab.dir.path(), next, "[admin]");
    lab.cluster.start_node(node(1)).unwrap();
    sleep(Duration::from_secs(1)).await;
    let ended = lab.cluster.wait_attached(&[node(1), node(2)]).await.unwrap_err();
    assert!(ended.to_string().contains("does not open the keyring"), "{ended}");
    lab.cluster.kill_node(node(1)).await;
    configure(lab.dir.path(), "passphrase_file = \"passphrase\"", "passphrase_file = \"next\"");
    lab.cluster.start_node(node(1)).unwrap();
    lab.cluster.wait_attached(&[node(1), node(2)]).await.unwrap();
    assert_eq!(lab.pay(20_000, &[]).await.code, 0);
}

/// Whenever it is killed, one of the two passphrases opens its store, and it signs.
#[tokio::test]
async fn a_node_that_is_killed_while_its_passphrase_is_changed_opens_again() {
    let mut lab = Lab::new().await;
    let folder = lab.dir.path().join("node-1");
    std::fs::rename(lab.secret("stable"), folder.join("next")).unwrap();
    let next = "[store.next_kek]\npassphrase_file = \"next\"\n\n[admin]";
    configure(lab.dir.path(), "[admin]", next);
    for pause_ms in [150, 250, 350, 400, 450, 500, 600] {
        tokio::select! {
            rotated = lab.administer("rotate-kek", &[]) => assert_eq!(rotated.code, 0, "{rotated:?}"),
            () = sleep(Duration::from_millis(pause_ms)) => {}
        }
        lab.cluster.kill_node(node(1)).await;
        lab.cluster.start_node(node(1)).unwrap();
        lab.cluster.wait_attached(&lab.cluster.node_ids()).await.unwrap();
        let paid = lab.pay(30_000 + pause_ms, &[]).await;
        assert_eq!((paid.code, &paid.json["state"]), (0, &"SIGNED".into()), "{paid:?}");
    }
}
