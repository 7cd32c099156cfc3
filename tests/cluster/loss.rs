//! Nodes are lost, in the middle of it and before it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::lab::{Ended, Lab, node, request_id};

/// Well below the 5 s after which the coordinator itself would give up a phase.
const STUCK: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_request_ends_signed_though_a_node_dies_in_its_session() {
    let mut lab = Lab::new().await;
    // A node that hangs stays attached: sooner or later it is picked, and its session waits for it.
    lab.cluster.pause_node(node(3));
    let mut stuck = None;
    for number in 1..=32 {
        let id = request_id(number);
        let sats = 10_000 + u64::from(number);
        let sent = lab.pay(sats, &["--request-id", &id, "--wait", "0s"]).await;
        assert!([0, 6].contains(&sent.code), "{sent:?}");
        let waits = timeout(STUCK, signed(&lab, &id)).await.is_err();
        if waits && lab.run(&["request", "show", &id]).await.json["state"] == "SIGNING" {
            stuck = Some(id);
            break;
        }
    }
    let id = stuck.expect("the node that hangs was never picked in 32 sessions");
    lab.cluster.kill_node(node(3)).await;
    let signed = timeout(Duration::from_secs(20), signed(&lab, &id)).await.unwrap();
    assert_eq!(signed.json["signers"], serde_json::json!([1, 2]), "{signed:?}");
    assert!(signed.json["attempts"].as_u64() > Some(1), "{signed:?}");
    lab.cluster.stop().await;
}

/// Waits until a request is signed.
async fn signed(lab: &Lab, id: &str) -> Ended {
    loop {
        let shown = lab.run(&["request", "show", id]).await;
        if shown.json["state"] == "SIGNED" {
            return shown;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn below_the_threshold_a_request_waits_and_is_signed_when_a_node_returns() {
    let mut lab = Lab::new().await;
    lab.cluster.kill_node(node(1)).await;
    let paid = lab.pay(50_000, &[]).await;
    assert_eq!(paid.code, 0, "two of three are enough: {paid:?}");
    lab.cluster.kill_node(node(2)).await;
    lab.cluster.wait_attached(&[node(3)]).await.unwrap();
    let id = request_id(1);
    let sent = lab.pay(40_000, &["--request-id", &id]).await;
    assert_eq!((sent.code, sent.reason().as_str()), (5, "NODES_BELOW_THRESHOLD"), "{sent:?}");
    assert_eq!(sent.json["state"], "QUEUED", "{sent:?}");
    lab.start_with_few();
    lab.cluster.start_node(node(1)).unwrap();
    let watched = lab.run(&["request", "watch", &id]).await;
    assert_eq!(watched.code, 0, "{watched:?}");
    let signed = lab.run(&["request", "show", &id]).await;
    assert_eq!(signed.json["state"], "SIGNED", "{signed:?}");
    assert_eq!(signed.json["signers"], serde_json::json!([1, 3]), "{signed:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_request_that_waits_can_be_withdrawn() {
    let mut lab = Lab::new().await;
    for id in [1, 2] {
        lab.cluster.kill_node(node(id)).await;
    }
    lab.cluster.wait_attached(&[node(3)]).await.unwrap();
    let id = request_id(1);
    assert_eq!(lab.pay(40_000, &["--request-id", &id]).await.code, 5);
    // Nobody but the service itself may: people are not it.
    let alice = lab.dir.path().join("alice");
    let name = format!("services/payments/signRequests/{id}");
    let refused = crate::lab::run(&alice, &["request", "cancel", &name]).await;
    assert_eq!((refused.code, refused.reason().as_str()), (1, "NOT_AUTHORIZED"), "{refused:?}");
    let canceled = lab.run(&["request", "cancel", &id]).await;
    assert_eq!((canceled.code, &canceled.json["state"]), (0, &Value::from("CANCELED")));
    lab.cluster.stop().await;
}
