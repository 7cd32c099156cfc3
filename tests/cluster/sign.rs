//! The main job: what the policy allows is signed, what it does not is not.

use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::lab::{BTC_PAYEE, BTC_STRANGER, Lab, QUORATE, request_id};

#[tokio::test]
async fn what_the_policy_allows_is_signed() {
    let mut lab = Lab::new().await;
    let paid = lab.pay(50_000, &[]).await;
    assert_eq!((paid.code, &paid.json["schema"]), (0, &"quorate.signed/v1".into()), "{paid:?}");
    assert_eq!(paid.json["intent"]["effects"][0]["destination"], BTC_PAYEE);
    assert_eq!(paid.signatures().len(), 1);

    // The same transaction from a file: Base64, then binary.
    let base64 = paid.json["payload"].as_str().unwrap();
    let (text, binary) = (lab.dir.path().join("a.txt"), lab.dir.path().join("a.psbt"));
    std::fs::write(&text, base64).unwrap();
    std::fs::write(&binary, BASE64_STANDARD.decode(base64).unwrap()).unwrap();
    let out = lab.dir.path().join("signed.txt");
    for path in [&text, &binary] {
        let args = ["sign", "btc", "--psbt", path.to_str().unwrap()];
        let again = lab.run(&[&args, ["--out", out.to_str().unwrap()].as_slice()].concat()).await;
        assert_eq!(again.code, 0, "{again:?}");
        assert_eq!(again.json["signing_messages"], paid.json["signing_messages"]);
        let written = std::fs::read_to_string(&out).unwrap();
        assert_eq!(written.trim(), again.json["psbt"].as_str().unwrap());
    }

    let paid = lab.pay_sol(1_000_000, &["--reference", "invoice 7"]).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    let shown = lab.run(&["request", "show", paid.json["name"].as_str().unwrap()]).await;
    assert_eq!(shown.json["state"], "SIGNED");
    assert_eq!(shown.json["client_reference"], "invoice 7");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn what_the_policy_denies_is_not_signed_and_says_why() {
    let mut lab = Lab::new().await;
    let denied = lab.pay_to(BTC_STRANGER, 50_000, &[]).await;
    assert_eq!((denied.code, denied.reason().as_str()), (3, "POLICY_DENIED"), "{denied:?}");
    assert_eq!(denied.json["state"], "DENIED");
    let denials = denied.json["denials"].as_array().unwrap();
    assert!(denials.len() >= 2, "{denied:?}");
    for denial in denials {
        assert_eq!(denial["verified"], true, "{denied:?}");
        let reason = denial["reason"].as_str().unwrap();
        assert!(reason.contains("btc-payees") && reason.contains(BTC_STRANGER), "{reason}");
    }
    // Over the limit, fee included.
    let args = ["policy", "simulate", "sol", "--pay", crate::lab::SOL_PAYEE];
    let more = ["--amount", "1000000000", "--blockhash", "11111111111111111111111111111111"];
    let simulated = lab.run(&[args.as_slice(), &more].concat()).await;
    assert_eq!((simulated.code, &simulated.json["allowed"]), (3, &false.into()), "{simulated:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn validating_stores_nothing() {
    let mut lab = Lab::new().await;
    let id = request_id(1);
    let valid = lab.pay(50_000, &["--validate-only", "--request-id", &id]).await;
    assert_eq!((valid.code, &valid.json["schema"]), (0, &"quorate.valid/v1".into()), "{valid:?}");
    let shown = lab.run(&["request", "show", &id]).await;
    assert_eq!((shown.code, shown.reason().as_str()), (1, "NOT_FOUND"), "{shown:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn what_cannot_be_decoded_never_leaves_the_client() {
    let mut lab = Lab::new().await;
    let path = lab.dir.path().join("a.psbt");
    std::fs::write(&path, b"psbt\xff\x00trailing").unwrap();
    let refused = lab.run(&["sign", "btc", "--psbt", path.to_str().unwrap()]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let listed = lab.run(&["request", "list"]).await;
    assert_eq!(listed.json["requests"], serde_json::json!([]));
    lab.cluster.stop().await;
}

#[tokio::test]
async fn status_shows_every_node() {
    let mut lab = Lab::new().await;
    let status = lab.run(&["status"]).await;
    let nodes = status.json["nodes"].as_array().unwrap();
    assert_eq!((status.code, nodes.len()), (0, 3), "{status:?}");
    assert!(nodes.iter().all(|node| node["attached"] == true), "{status:?}");
    let policies: std::collections::BTreeSet<_> =
        nodes.iter().map(|node| node["policy"].to_string()).collect();
    assert_eq!(policies.len(), 1, "{status:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_person_has_no_request_key() {
    let mut lab = Lab::new().await;
    let alice = lab.dir.path().join("alice");
    let listed = crate::lab::run(&alice, &["request", "list"]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let args = ["sign", "sol", "--pay", crate::lab::SOL_PAYEE, "--amount", "1"];
    let more = ["--blockhash", "11111111111111111111111111111111"];
    let refused = crate::lab::run(&alice, &[args.as_slice(), &more].concat()).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_client_that_was_not_asked_to_speak_to_anybody_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let refused = crate::lab::run(dir.path(), &["status"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    // Data and messages do not mix.
    let help =
        std::process::Command::new(QUORATE).arg("--help").stderr(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("Exit codes"));
}

/// Nobody's word but the policy's makes a nonce account ours.
#[tokio::test]
async fn a_payment_on_a_nonce_account_that_the_policy_does_not_name_is_denied() {
    const HOLDER: &str = "586Z7H2vpX9qNhN2T4e9Utugie3ogjbxzGaMtM3E6HR5";
    let mut lab = Lab::new().await;
    let denied = lab.pay_sol(1_000_000, &["--nonce-account", HOLDER]).await;
    assert_eq!((denied.code, denied.reason().as_str()), (3, "POLICY_DENIED"), "{denied:?}");
    assert!(denied.stderr.contains(&format!("durable nonce account {HOLDER}")), "{denied:?}");
    let signed = lab.pay_sol(1_000_000, &[]).await;
    assert_eq!(signed.code, 0, "{signed:?}");
    lab.cluster.stop().await;
}
