//! A node whose disk was put back, and one that lost its store, with processes: neither signs until an order
//! readmits it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_model::ParticipantId;
use serde_json::Value;
use tokio::time::sleep;

use crate::files::copy;
use crate::lab::Lab;

/// Pays so often that node 1 signs, which is chosen at random; gives how often.
pub(crate) async fn pay_with_node_1(lab: &Lab, from: u64) -> u64 {
    for sats in from..from + 40 {
        let paid = lab.pay(sats, &["--wait", "60s"]).await;
        assert_eq!(paid.json["state"], "SIGNED", "{paid:?}");
        if paid.json["signers"].as_array().unwrap().contains(&Value::from(1)) {
            return sats;
        }
    }
    panic!("node 1 is never chosen")
}

async fn status_of_node_1(lab: &Lab) -> Value {
    lab.run(&["status"]).await.json["nodes"][0].clone()
}

/// Waits until node 1 is ready, or says what is told.
pub(crate) async fn wait_until_node_1(lab: &Lab, says: Option<&str>) {
    for _ in 0..300 {
        let status = status_of_node_1(lab).await;
        let reasons = status["reasons"].to_string();
        let done = says.map_or(status["ready"] == true, |words| reasons.contains(words));
        if status["attached"] == true && done {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", status_of_node_1(lab).await)
}

/// Node 1 stops, its store becomes what is given, or nothing, and it starts again.
async fn put_back(lab: &mut Lab, before: Option<&Path>) {
    let node = ParticipantId::new(1).unwrap();
    lab.cluster.kill_node(node).await;
    let store = store(lab);
    std::fs::remove_dir_all(&store).unwrap();
    if let Some(before) = before {
        copy(before, &store);
    }
    lab.cluster.start_node(node).unwrap();
    wait_until_node_1(lab, Some("was put back to an earlier state")).await;
}

fn store(lab: &Lab) -> PathBuf {
    lab.dir.path().join("node-1/store")
}

/// The order that readmits node 1 reaches every node, node 1 among them.
pub(crate) async fn readmit(lab: &Lab, name: &str) {
    let submitted = lab.propose(name, &["readmit", "1"]).await;
    assert_eq!(submitted.json["held_by"], serde_json::json!([1, 2, 3]), "{submitted:?}");
}

#[tokio::test]
async fn a_node_that_was_put_back_signs_when_an_order_readmits_it() {
    let mut lab = Lab::new().await;
    let paid = pay_with_node_1(&lab, 10_000).await;
    lab.cluster.stop().await;
    let before = lab.dir.path().join("before");
    copy(&store(&lab), &before);
    lab.cut_power().await;
    let paid = pay_with_node_1(&lab, paid + 1).await;

    put_back(&mut lab, Some(&before)).await;
    for sats in paid + 1..paid + 6 {
        let paid = lab.pay(sats, &["--wait", "60s"]).await;
        assert_eq!(paid.json["signers"], serde_json::json!([2, 3]), "{paid:?}");
    }
    readmit(&lab, "readmit-1").await;
    wait_until_node_1(&lab, None).await;
    let paid = pay_with_node_1(&lab, paid + 6).await;

    // Its next life is held against it in the same way, here with nothing left of it at all. Its shares are
    // made anew by the others.
    put_back(&mut lab, None).await;
    readmit(&lab, "readmit-2").await;
    for key in ["btc", "sol"] {
        let repaired = lab.order(&["key", "repair", key, "--node", "1"]).await;
        assert_eq!(repaired.code, 0, "{repaired:?}");
    }
    wait_until_node_1(&lab, None).await;
    pay_with_node_1(&lab, paid + 1).await;
}
