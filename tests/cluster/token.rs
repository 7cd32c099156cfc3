//! A node whose wrapping keys are in a PKCS#11 token: SoftHSM2, where it is installed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::files::copy;
use crate::lab::{Lab, QUORATE, node};
use crate::seal::configure;
use crate::softhsm;

/// Runs quorate with a token `hsm`. SoftHSM2 takes its folder from the environment.
fn with_token(dir: &TempDir) -> Option<(PathBuf, PathBuf)> {
    let module = softhsm::module()?;
    let conf = softhsm::configure(dir.path());
    softhsm::init_token(&conf, &module, "hsm");
    let executable = dir.path().join("quorate");
    let conf = conf.display();
    let script = format!("#!/bin/sh\nSOFTHSM2_CONF={conf} exec {QUORATE} \"$@\"\n");
    std::fs::write(&executable, script).unwrap();
    std::fs::set_permissions(&executable, PermissionsExt::from_mode(0o700)).unwrap();
    Some((executable, module))
}

fn in_token(dir: &Path, module: &Path) {
    let pin = dir.join("node-1/pin");
    std::fs::write(&pin, softhsm::PIN).unwrap();
    std::fs::set_permissions(&pin, PermissionsExt::from_mode(0o600)).unwrap();
    let (module, text) = (module.display(), "passphrase_file = \"passphrase\"");
    let token = format!("pkcs11 = {{ module = \"{module}\", token = \"hsm\" }}");
    configure(dir, text, &format!("passphrase_file = \"pin\"\n{token}"));
}

/// What node 1 says when it ends by itself.
async fn last_words(lab: &Lab, executable: &Path) -> String {
    let node = Command::new(executable)
        .args(["node", "--config"])
        .arg(lab.dir.path().join("node-1/node.toml"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = timeout(Duration::from_secs(20), node).await.unwrap().unwrap();
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[tokio::test]
async fn a_copy_of_the_data_folder_from_before_a_refresh_opens_no_share_with_the_token_of_now() {
    let tokens = tempfile::tempdir().unwrap();
    let Some((executable, module)) = with_token(&tokens) else { return };
    let mut lab = Lab::prepared(executable.clone(), |dir| in_token(dir, &module));
    lab.cluster.start().await.unwrap();
    lab.make_key("btc", "frost-secp256k1-tr").await;
    lab.make_key("eth", "ecdsa-secp256k1").await;
    lab.cluster.kill_node(node(1)).await;
    let (store, before) = (lab.dir.path().join("node-1/store"), lab.dir.path().join("before"));
    copy(&store, &before);
    lab.cluster.start().await.unwrap();
    for key in ["btc", "eth"] {
        let refreshed = lab.order(&["key", "refresh", key]).await;
        assert_eq!(refreshed.code, 0, "{refreshed:?}");
    }
    assert_eq!(lab.pay(10_000, &[]).await.code, 0);
    assert_eq!(lab.told("share-dropped", "erasure").await, ["complete", "complete"]);

    lab.cluster.kill_node(node(1)).await;
    std::fs::rename(&store, lab.dir.path().join("present")).unwrap();
    copy(&before, &store);
    let said = last_words(&lab, &executable).await;
    assert!(said.contains("the token has no wrapping key"), "{said}");
    // Nor did the attempt harm the node.
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(lab.dir.path().join("present"), &store).unwrap();
    let pin = lab.dir.path().join("node-1/pin");
    std::fs::write(&pin, "00000000").unwrap();
    let said = last_words(&lab, &executable).await;
    assert!(said.contains("the token refuses the PIN"), "{said}");
    std::fs::write(&pin, softhsm::PIN).unwrap();
    lab.cluster.start().await.unwrap();
    lab.cluster.kill_node(node(3)).await;
    assert_eq!(lab.pay(10_001, &[]).await.json["signers"], serde_json::json!([1, 2]));
}

#[tokio::test]
async fn a_node_moves_into_a_token_and_its_keys_there_are_replaced_while_it_signs() {
    let tokens = tempfile::tempdir().unwrap();
    let Some((executable, module)) = with_token(&tokens) else { return };
    let mut lab = Lab::prepared(executable, |_| {});
    lab.cluster.start().await.unwrap();
    lab.make_key("btc", "frost-secp256k1-tr").await;
    lab.cluster.kill_node(node(3)).await;
    std::fs::rename(lab.secret(softhsm::PIN), lab.dir.path().join("node-1/pin")).unwrap();
    let next = format!(
        "[store.next_kek]\npassphrase_file = \"pin\"\npkcs11 = {{ module = \"{}\", token = \"hsm\" }}\n",
        module.display()
    );
    configure(lab.dir.path(), "[admin]", &format!("{next}\n[admin]"));
    let payments = async {
        for sats in 10_000..10_010 {
            let paid = lab.pay(sats, &[]).await;
            assert_eq!(paid.json["signers"], serde_json::json!([1, 2]), "{paid:?}");
        }
    };
    let rotations = async {
        for _ in 0..3 {
            let rotated = lab.administer("rotate-kek", &[]).await;
            assert_eq!(rotated.code, 0, "{rotated:?}");
            assert_eq!(rotated.json["to"], "token hsm");
            // A passphrase wrapped the share that it has now.
            assert_eq!(rotated.json["erasure"], "medium");
        }
    };
    tokio::join!(payments, rotations);
    // It is sealed and unsealed as any other that opens by itself.
    assert_eq!(lab.administer("seal", &[]).await.code, 0);
    assert_eq!(lab.administer("unseal", &[]).await.code, 0);
    lab.cluster.start().await.unwrap();
    let refreshed = lab.order(&["key", "refresh", "btc"]).await;
    assert_eq!(refreshed.code, 0, "{refreshed:?}");
    assert_eq!(lab.administer("rotate-kek", &[]).await.json["erasure"], "complete");
    lab.cluster.kill_node(node(1)).await;
    lab.cluster.start().await.unwrap();

    // A token that fails is a write that failed: the node stops, and the others go on.
    std::fs::rename(tokens.path().join("tokens"), tokens.path().join("away")).unwrap();
    let refresh = lab.order(&["key", "refresh", "btc", "--wait", "10s"]).await;
    assert_ne!(refresh.code, 0, "{refresh:?}");
    let ended = lab.cluster.wait_attached(&[node(2), node(3)]).await.unwrap_err();
    assert!(ended.to_string().contains("the store failed: the token failed"), "{ended}");
    lab.cluster.kill_node(node(1)).await;
    let paid = lab.pay(20_000, &["--wait", "60s"]).await;
    assert_eq!(paid.json["signers"], serde_json::json!([2, 3]), "{paid:?}");
    std::fs::rename(tokens.path().join("away"), tokens.path().join("tokens")).unwrap();
    lab.cluster.start().await.unwrap();
}
