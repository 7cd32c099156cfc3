//! The next version of the trust root, with the commands of the how-to.

use std::path::Path;
use std::time::Duration;

use crate::lab::{Ended, Lab, run};

/// Carol leaves.
fn without_carol(text: &str) -> String {
    let (mut kept, mut skipping) = (String::new(), false);
    for line in text.lines() {
        let begins = ["person: ", "quorum: "].iter().any(|part| line.starts_with(part));
        skipping = if begins { line == "person: carol" } else { skipping };
        if !skipping {
            kept.push_str(&line.replace(",carol", ""));
            kept.push('\n');
        }
    }
    kept
}

pub(crate) async fn as_officer(lab: &Lab, officer: &str, args: &[&str]) -> Ended {
    run(&lab.dir.path().join(officer), args).await
}

async fn freeze(lab: &Lab, officer: &str) -> Ended {
    let key = lab.dir.path().join(officer).join("person.pem");
    let freeze = ["freeze", "key:nobody", "--officer-key", key.to_str().unwrap()];
    lab.run(&freeze).await
}

pub(crate) async fn wait_for_root(lab: &Lab, hash: &str) {
    for _ in 0..600 {
        let status = lab.run(&["status"]).await;
        let nodes = status.json["nodes"].as_array().unwrap();
        if nodes.iter().all(|node| node["root"] == hash) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the root does not come into force");
}

#[tokio::test]
async fn an_officer_who_leaves_decides_nothing_any_more() {
    let mut lab = Lab::new().await;
    assert_eq!(freeze(&lab, "carol").await.code, 0);
    let file = lab.dir.path().join("root-next.txt");
    let path = file.to_str().unwrap();
    let next = as_officer(&lab, "alice", &["root", "next", "--out", path]).await;
    assert_eq!(next.code, 0, "{next:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, without_carol(&text)).unwrap();
    let diff = as_officer(&lab, "alice", &["root", "diff", path]).await;
    assert_eq!((diff.code, &diff.json["change"]), (0, &"tightening".into()), "{diff:?}");
    let hash = diff.json["hash"].as_str().unwrap().to_owned();
    sign(&lab, "alice", &file).await;
    let early = lab.run(&["root", "update", path]).await;
    assert_eq!(early.code, 1, "one signature is no quorum: {early:?}");
    sign(&lab, "bob", &file).await;
    let updated = lab.run(&["root", "update", path]).await;
    assert_eq!(updated.code, 0, "{updated:?}");
    wait_for_root(&lab, &hash).await;
    assert_eq!(freeze(&lab, "carol").await.code, 1, "she is an officer no more");
    assert_eq!(lab.pay(50_000, &[]).await.code, 0, "and everything else goes on");
    let fetched = lab.run(&["root", "fetch"]).await;
    assert_eq!((fetched.code, &fetched.json["version"]), (0, &2.into()), "{fetched:?}");
    let shown = lab.run(&["root", "show"]).await;
    assert_eq!(shown.json["hash"], hash.as_str());
    // It holds on over a power cut, at the coordinator and at the nodes.
    lab.cut_power().await;
    wait_for_root(&lab, &hash).await;
    assert_eq!(freeze(&lab, "carol").await.code, 1);
    assert_eq!(lab.pay(40_000, &[]).await.code, 0);
    assert_eq!(freeze(&lab, "bob").await.code, 0);
    lab.cluster.stop().await;
}

pub(crate) async fn sign(lab: &Lab, officer: &str, file: &Path) {
    let key = lab.dir.path().join(officer).join("person.pem");
    let sign = ["root", "sign", file.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let signed = as_officer(lab, officer, &sign).await;
    assert_eq!(signed.code, 0, "{signed:?}");
}

/// A bundle that is tried on what the cluster was asked before it is signed.
#[tokio::test]
async fn a_bundle_is_replayed_on_what_was_asked() {
    let lab = Lab::new().await;
    assert_eq!(lab.pay(50_000, &[]).await.code, 0);
    let first = lab.dir.path().join("node-1/policy.toml");
    let strict = std::fs::read_to_string(&first).unwrap();
    let strict = strict.replace("per_transaction = \"101000\"", "per_transaction = \"10000\"");
    let file = lab.dir.path().join("strict.toml");
    std::fs::write(&file, strict).unwrap();
    let (old, new) = (first.to_str().unwrap(), file.to_str().unwrap());
    let replayed = lab.run(&["policy", "replay", new, "--old", old]).await;
    assert_eq!((replayed.code, &replayed.json["asked"]), (0, &1.into()), "{replayed:?}");
    let changed = replayed.json["changed"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "{replayed:?}");
    assert_eq!(changed[0]["before"]["outcome"], "allow");
    let same = lab.run(&["policy", "replay", old, "--old", old]).await;
    assert_eq!(same.json["changed"].as_array().unwrap().len(), 0, "{same:?}");
}
