//! A node that cheats in a multiplication, as a process of its own, and a node that is killed after it
//! noticed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use quorate_daemon::run_node;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::altered::{AlteredEcdsa, cheating};
use crate::lab::{Ended, Lab, node};

/// Names the configuration of the node that the process is to be.
const CONFIG: &str = "QUORATE_CHEATING_NODE";
/// What is run for it: this executable, and in it one test only.
const ROLE: &str = "pairs::a_process_that_cheats";
const ETH_PAYEE: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const NOT_TOGETHER: &str = "2 nodes can be asked, and these not together: 1 and 3";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "no test, but what another test starts as a process"]
async fn a_process_that_cheats() {
    let Some(config) = std::env::var_os(CONFIG) else { return };
    let parent_is_gone = async {
        let (mut stdin, mut unread) = (tokio::io::stdin(), [0; 1]);
        while stdin.read(&mut unread).await.is_ok_and(|bytes| bytes > 0) {}
    };
    run_node(Path::new(&config), Arc::new(AlteredEcdsa(cheating)), parent_is_gone).await.unwrap();
}

/// Starts a node of the cluster as a process that cheats.
fn start_cheating(lab: &Lab, id: u16) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", ROLE, "--ignored", "--nocapture"])
        .env(CONFIG, folder(lab, id).join("node.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn folder(lab: &Lab, id: u16) -> PathBuf {
    lab.dir.path().join(format!("node-{id}"))
}

/// Asks for the payment that the key's account makes with this nonce, and waits for so long.
async fn pay(lab: &Lab, nonce: u8, wait: &str) -> Ended {
    let nonce = nonce.to_string();
    let what = ["sign", "eth", "--pay", ETH_PAYEE, "--amount", "1000", "--network", "evm-local"];
    let how = ["--gas", "21000", "--max-fee", "2000000000", "--nonce", &nonce, "--wait", wait];
    lab.run(&[what.as_slice(), &how].concat()).await
}

/// Waits until the coordinator has got the answer of node 1, which noticed: then no set is left. Its log
/// says so at once; to ask it would take time.
async fn noticed(lab: &Lab) {
    let log = lab.dir.path().join("logs/coordinator.log");
    let noticed = async {
        while !std::fs::read_to_string(&log).unwrap().contains(NOT_TOGETHER) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, noticed).await.expect("nobody noticed");
}

async fn attached(lab: &mut Lab, nodes: &[u16]) {
    let nodes: Vec<_> = nodes.iter().copied().map(node).collect();
    lab.cluster.wait_attached(&nodes).await.unwrap();
}

/// What stops node 1 says, once it has told the coordinator any.
async fn stops_of_node_1(lab: &Lab) -> String {
    let told = async {
        loop {
            let status = lab.run(&["status"]).await;
            match status.json["nodes"][0]["stops"].as_array() {
                Some(stops) if !stops.is_empty() => return format!("{stops:?}"),
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    };
    timeout(PATIENCE, told).await.expect("it says of none")
}

/// How often a node's audit log, which verifies, says that a pair was frozen.
async fn freezes_in_log(lab: &Lab, id: u16) -> usize {
    let (socket, log) = (folder(lab, id).join("admin.sock"), lab.dir.path().join("exported.log"));
    let (socket, log) = (socket.to_str().unwrap(), log.to_str().unwrap());
    for command in [
        &["audit", "export", "--admin-socket", socket, "--out", log][..],
        &["audit", "verify", log, "--node", &id.to_string()],
    ] {
        let done = lab.run(command).await;
        assert_eq!(done.code, 0, "{done:?}");
    }
    let shown = lab.run(&["audit", "show", log, "--kind", "pair-frozen"]).await;
    shown.json["entries"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_pair_in_which_one_cheated_is_frozen_though_the_other_is_killed_at_once() {
    let mut lab = Lab::new().await;
    lab.make_key("eth", "ecdsa-secp256k1").await;
    lab.start_with_few();
    for id in [2, 3] {
        lab.cluster.kill_node(node(id)).await;
    }
    let mut cheater = start_cheating(&lab, 3);
    attached(&mut lab, &[1, 3]).await;
    assert_eq!(pay(&lab, 0, "0s").await.code, 6);
    noticed(&lab).await;
    lab.cluster.kill_node(node(1)).await;
    cheater.kill().await.unwrap();
    attached(&mut lab, &[]).await;

    // Both come back, and now both are honest. The coordinator comes back as well, so that it is one of
    // them that refuses, and not only what the coordinator remembers.
    lab.cluster.kill_coordinator().await;
    lab.cluster.start_coordinator().await.unwrap();
    for id in [1, 3] {
        lab.cluster.start_node(node(id)).unwrap();
    }
    attached(&mut lab, &[1, 3]).await;
    let waiting = pay(&lab, 1, "30s").await;
    assert_eq!((waiting.code, &waiting.json["state"]), (5, &"QUEUED".into()), "{waiting:?}");
    assert_eq!(waiting.json["reason"], NOT_TOGETHER, "{waiting:?}");
    let stops = stops_of_node_1(&lab).await;
    assert!(stops.contains("pair with node 3 frozen for key eth"), "{stops}");
    assert_eq!(freezes_in_log(&lab, 1).await, 1);

    // The other pairs sign with that key, and this pair with other keys.
    assert_eq!(lab.pay(50_000, &[]).await.json["signers"], json!([1, 3]));
    for (nonce, away, back, signers) in [(2, 3, 2, [1, 2]), (3, 1, 3, [2, 3])] {
        lab.cluster.kill_node(node(away)).await;
        lab.cluster.start_node(node(back)).unwrap();
        attached(&mut lab, &signers).await;
        let paid = pay(&lab, nonce, "30s").await;
        assert_eq!(paid.json["signers"], json!(signers), "{paid:?}");
    }

    // A refresh, on the order of the quorum `keys`, makes every pair anew: it is what lifts the freeze.
    lab.cluster.start_node(node(1)).unwrap();
    attached(&mut lab, &[1, 2, 3]).await;
    let refreshed = lab.order(&["key", "refresh", "eth"]).await;
    assert_eq!(refreshed.code, 0, "{refreshed:?}");
    lab.cluster.kill_node(node(2)).await;
    attached(&mut lab, &[1, 3]).await;
    let paid = pay(&lab, 4, "30s").await;
    assert_eq!(paid.json["signers"], json!([1, 3]), "{paid:?}");
    lab.cluster.stop().await;
}
