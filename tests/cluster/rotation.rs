//! New sharings, with processes: the key signs meanwhile, and a power cut at any time stops nothing.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::files::copy;
use crate::lab::{Ended, Lab, QUORATE};

async fn shown(lab: &Lab, key: &str) -> Value {
    let shown = lab.run(&["key", "show", key]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    shown.json
}

/// The same key, of a later epoch.
fn follows(before: &Value, after: &Ended) {
    assert_eq!(after.code, 0, "{after:?}");
    for same in ["addresses", "public_key", "scheme"] {
        assert_eq!(before[same], after.json[same], "{same}");
    }
    assert_eq!(after.json["state"], "active");
    assert!(before["epoch"].as_u64() < after.json["epoch"].as_u64(), "{after:?}");
    assert_ne!(before["certified"], after.json["certified"]);
}

#[tokio::test]
async fn a_key_signs_while_its_shares_are_made_anew() {
    let lab = Lab::new().await;
    let before = shown(&lab, "btc").await;
    let payments = async {
        for sats in 10_000..10_012 {
            let paid = lab.pay(sats, &[]).await;
            assert_eq!((paid.code, &paid.json["state"]), (0, &"SIGNED".into()), "{paid:?}");
        }
    };
    let refreshes = async {
        let mut before = before.clone();
        for _ in 0..3 {
            let refreshed = lab.order(&["key", "refresh", "btc"]).await;
            follows(&before, &refreshed);
            before = refreshed.json;
        }
    };
    tokio::join!(payments, refreshes);
    let all = lab.order(&["key", "reshare", "btc", "--threshold", "3"]).await;
    follows(&before, &all);
    assert_eq!(all.json["threshold"], 3);
    assert_eq!(lab.pay(20_000, &[]).await.code, 0);
    // Two of three, one of whom takes over from the other.
    let fewer = lab.order(&["key", "reshare", "btc", "--threshold", "2", "--nodes", "1,2"]).await;
    follows(&before, &fewer);
    assert_eq!(lab.pay(20_001, &[]).await.json["signers"], serde_json::json!([1, 2]));
    let other = lab.order(&["key", "reshare", "btc", "--nodes", "2,3"]).await;
    follows(&before, &other);
    assert_eq!(lab.pay(20_002, &[]).await.json["signers"], serde_json::json!([2, 3]));
}

#[tokio::test]
async fn a_power_cut_in_a_refresh_leaves_a_key_that_signs_and_is_refreshed() {
    let mut lab = Lab::new().await;
    let before = shown(&lab, "sol").await;
    for (turn, pause_ms) in [0, 20, 40, 60, 80, 120].into_iter().enumerate() {
        let cut = tokio::select! {
            // One that a cut left half done goes on first.
            done = lab.order(&["key", "refresh", "sol"]) => {
                assert!(done.code == 0 || done.stderr.contains("wait for it"), "{done:?}");
                false
            }
            () = sleep(Duration::from_millis(pause_ms + 25)) => true,
        };
        if cut {
            lab.cut_power().await;
        }
        let paid = lab.pay_sol(100_000 + turn as u64, &["--wait", "60s"]).await;
        assert_eq!((paid.code, &paid.json["state"]), (0, &"SIGNED".into()), "{paid:?}");
    }
    // What was begun ends by itself, and another may be ordered then. Attempts that the cuts made fail are
    // each followed by a longer pause.
    for _ in 0..450 {
        let again = lab.order(&["key", "refresh", "sol"]).await;
        if again.code == 0 {
            follows(&before, &again);
            return;
        }
        assert!(again.stderr.contains("wait for it"), "{again:?}");
        sleep(Duration::from_millis(200)).await;
    }
    panic!("what was begun does not end");
}

/// What node 1 says when it starts from a store; nothing where it goes on.
async fn starts_from(lab: &Lab, store: &Path) -> String {
    let (dir, present) = (lab.dir.path().join("node-1"), lab.dir.path().join("present"));
    std::fs::rename(dir.join("store"), &present).unwrap();
    copy(store, &dir.join("store"));
    let config = dir.join("node.toml");
    let mut node = Command::new(QUORATE)
        .args(["node", "--config"])
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = timeout(Duration::from_secs(5), node.wait()).await;
    let mut said = String::new();
    if ended.is_ok() {
        node.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    }
    node.kill().await.unwrap();
    std::fs::remove_dir_all(dir.join("store")).unwrap();
    std::fs::rename(&present, dir.join("store")).unwrap();
    said
}

/// The database keeps old pages. With the keyring that the node has after the refresh, and the passphrase that
/// opens it, nobody gets the old share out of them; an older keyring does, which is what the page says.
#[tokio::test]
async fn an_old_share_cannot_be_had_from_the_files_that_are_left() {
    let mut lab = Lab::new().await;
    lab.cluster.stop().await;
    let store = lab.dir.path().join("node-1/store");
    let before = lab.dir.path().join("before");
    copy(&store, &before);
    lab.cut_power().await;
    let refreshed = lab.order(&["key", "refresh", "btc"]).await;
    assert_eq!(refreshed.code, 0, "{refreshed:?}");
    lab.cluster.stop().await;

    assert_eq!(starts_from(&lab, &before).await, "", "everything of before: it starts");
    std::fs::copy(store.join("keyring"), before.join("keyring")).unwrap();
    let said = starts_from(&lab, &before).await;
    assert!(said.contains("is not in the keyring: it was erased"), "{said}");
}
