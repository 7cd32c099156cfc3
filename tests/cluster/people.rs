//! What people decide, with the commands that they type.

use std::process::Command;

use serde_json::Value;

use crate::by_hand::ByHand;
use crate::lab::{BTC_PAYEE, Ended, Lab, run};

const COIN: &str = "3333333333333333333333333333333333333333333333333333333333333333:0:700000";

/// Asks for a payment that takes two of the treasury.
async fn ask(lab: &Lab) -> String {
    let args = ["sign", "btc", "--pay", BTC_PAYEE, "--amount", "500000", "--coin", COIN];
    let asked = lab.run(&[args.as_slice(), &["--fee", "500"]].concat()).await;
    assert_eq!((asked.code, &asked.json["state"]), (4, &"PENDING_APPROVAL".into()), "{asked:?}");
    name(&asked.json)
}

fn name(request: &Value) -> String {
    request["name"].as_str().unwrap_or_else(|| panic!("{request}")).to_owned()
}

/// Runs a command as an officer.
async fn officer(lab: &Lab, who: &str, args: &[&str]) -> Ended {
    run(&lab.dir.path().join(who), args).await
}

#[tokio::test]
async fn a_large_payment_is_signed_once_two_have_approved() {
    let mut lab = Lab::new().await;
    let request = ask(&lab).await;
    let pending = officer(&lab, "alice", &["pending"]).await;
    assert_eq!(name(&pending.json["requests"][0]), request);
    let unread = officer(&lab, "alice", &["approve", &request]).await;
    assert_eq!(unread.code, 2, "nobody is asked on a terminal: {unread:?}");
    let first = officer(&lab, "alice", &["approve", &request, "--yes"]).await;
    assert_eq!((first.code, &first.json["state"]), (0, &"PENDING_APPROVAL".into()), "{first:?}");
    assert!(first.stderr.contains("transfer 500000") && first.stderr.contains(BTC_PAYEE));
    // A service has no say, and a person counts once.
    let service = lab.run(&["approve", &request, "--yes"]).await;
    assert_eq!(service.code, 2, "{service:?}");
    officer(&lab, "alice", &["approve", &request, "--yes"]).await;
    assert_eq!(lab.run(&["request", "show", &request]).await.json["state"], "PENDING_APPROVAL");
    // What waits and what was approved survives the death of every process.
    lab.cut_power().await;
    let second = officer(&lab, "bob", &["approve", &request, "--yes"]).await;
    assert_eq!(second.code, 0, "{second:?}");
    let signed = lab.run(&["request", "watch", &request]).await;
    assert_eq!(signed.code, 0, "{signed:?}");
    assert_eq!(lab.run(&["request", "show", &request]).await.json["state"], "SIGNED");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn one_who_is_asked_can_reject() {
    let mut lab = Lab::new().await;
    let request = ask(&lab).await;
    officer(&lab, "alice", &["approve", &request, "--yes"]).await;
    let rejected = officer(&lab, "carol", &["reject", &request, "--yes"]).await;
    assert_eq!((rejected.code, &rejected.json["state"]), (0, &"REJECTED".into()), "{rejected:?}");
    let late = officer(&lab, "bob", &["approve", &request, "--yes"]).await;
    assert_eq!(late.code, 1, "{late:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_freeze_by_one_node_s_socket_reaches_all_and_takes_two_to_lift() {
    let mut lab = Lab::new().await;
    let alice = lab.dir.path().join("alice/person.pem");
    let bob = lab.dir.path().join("bob/person.pem");
    let (alice, bob) = (alice.to_str().unwrap(), bob.to_str().unwrap());
    let socket = lab.dir.path().join("node-2/admin.sock");
    let by_hand = ["freeze", "key:btc", "--officer-key", alice, "--admin-socket"];
    let frozen =
        officer(&lab, "alice", &[by_hand.as_slice(), &[socket.to_str().unwrap()]].concat()).await;
    assert_eq!((frozen.code, &frozen.json["held_by"]), (0, &serde_json::json!([2])), "{frozen:?}");
    let id = frozen.json["order"].as_str().unwrap().to_owned();
    // The coordinator asks how its nodes are every few seconds, and brings on what it hears.
    let mut held = 0;
    for _ in 0..200 {
        let shown = officer(&lab, "alice", &["order", "show", &id]).await;
        held = shown.json["held_by"].as_array().map_or(0, Vec::len);
        if held >= 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(held >= 2, "the others hold it");
    let refused = lab.pay(50_000, &[]).await;
    assert_eq!((refused.code, refused.reason().as_str()), (3, "FROZEN"), "{refused:?}");
    assert_eq!(lab.pay_sol(1_000_000, &[]).await.code, 0, "the other key signs");
    lab.cut_power().await;
    let refused = lab.pay(50_000, &[]).await;
    assert_eq!(refused.reason(), "FROZEN", "{refused:?}");
    // One person cannot lift it.
    let file = lab.dir.path().join("lift.txt");
    let file = file.to_str().unwrap();
    let long = ["order", "propose", "unfreeze", &id, "--out", file, "--expires", "8d"];
    assert_eq!(officer(&lab, "alice", &long).await.code, 1, "no node would carry it out");
    let proposed = ["order", "propose", "unfreeze", &id, "--out", file];
    assert_eq!(officer(&lab, "alice", &proposed).await.code, 0);
    assert_eq!(officer(&lab, "alice", &["order", "sign", file, "--key", alice]).await.code, 0);
    let alone = officer(&lab, "alice", &["order", "submit", file]).await;
    assert!(alone.code == 1 && alone.stderr.contains("1 of 2"), "{alone:?}");
    assert_eq!(officer(&lab, "bob", &["order", "sign", file, "--key", bob]).await.code, 0);
    let lifted = officer(&lab, "bob", &["order", "submit", file]).await;
    assert_eq!(lifted.code, 0, "{lifted:?}");
    let mut paid = lab.pay(50_000, &[]).await;
    while paid.code != 0 {
        assert_eq!(paid.reason(), "FROZEN", "{paid:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        paid = lab.pay(50_000, &[]).await;
    }
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_suspended_key_is_resumed_by_its_quorum() {
    let mut lab = Lab::new().await;
    let order = async |name: &str, action: &[&str]| {
        let submitted = lab.propose(name, action).await;
        assert_eq!(submitted.code, 0, "{submitted:?}");
        submitted.json["order"].as_str().unwrap().to_owned()
    };
    let id = order("suspend.txt", &["suspend", "btc"]).await;
    assert_eq!(lab.run(&["key", "show", "btc"]).await.json["state"], "suspended");
    assert_eq!(lab.pay(50_000, &[]).await.reason(), "FROZEN");
    order("resume.txt", &["resume", &id]).await;
    assert_eq!(lab.run(&["key", "show", "btc"]).await.json["state"], "active");
    assert_eq!(lab.pay(50_000, &[]).await.code, 0);
    lab.cluster.stop().await;
}

const POLICY: &str = r#"
version = 1
policies = '''
@id("p1") @title("dora approves every payment")
permit (principal, action == Custody::Action::"transfer", resource)
when { context.quorums.contains("desk") };
'''
[quorums.desk]
required = 1
members = ["dora"]
[assets."bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:1"]
symbol = "regtest BTC"
decimals = 8
"#;

/// An approver whose key `ssh-keygen` made, and who signs with it.
#[tokio::test]
async fn a_key_of_openssh_approves_a_request() {
    let mut hand = ByHand::new();
    let key = hand.path("id_dora");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "dora", "-f"])
        .arg(&key)
        .status();
    let Ok(made) = made else {
        // A machine with a Rust toolchain and nothing else; CI has OpenSSH.
        return assert!(std::env::var_os("CI").is_none(), "CI has no ssh-keygen");
    };
    assert!(made.success());
    let public = hand.path("id_dora.pub");
    let public = public.to_str().unwrap();
    hand.join_all().await;
    let dora = ["approver", "--name", "dora", "--ssh-key", public];
    hand.join("d", "person-dora", &dora).await;
    let policy = hand.path("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let cluster = hand.init_with(&["--policy", policy.to_str().unwrap()]).await;
    hand.accept_all(&cluster).await;
    hand.start().await;
    hand.make_key().await;
    let pay = ["sign", "treasury", "--pay", BTC_PAYEE, "--amount", "5000", "--coin", COIN];
    let more = ["--fee", "500", "--network", "bitcoin-regtest"];
    let asked = run(&hand.path("s"), &[pay.as_slice(), &more].concat()).await;
    assert_eq!(asked.code, 4, "{asked:?}");
    let request = name(&asked.json);
    let approved = run(&hand.path("d"), &["approve", &request, "--ssh-key", public, "--yes"]).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    let signed = run(&hand.path("s"), &["request", "watch", &request]).await;
    assert_eq!(signed.code, 0, "{signed:?}");
}
