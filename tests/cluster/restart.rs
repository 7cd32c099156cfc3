//! What was acknowledged is there after everything was switched off.

use crate::lab::{Lab, request_id};

#[tokio::test]
async fn keys_sign_after_every_process_was_killed() {
    let mut lab = Lab::new().await;
    let before = lab.run(&["key", "show", "btc"]).await;
    assert_eq!(lab.pay(50_000, &[]).await.code, 0);
    lab.cut_power().await;
    let after = lab.run(&["key", "show", "btc"]).await;
    assert_eq!(after.json["addresses"], before.json["addresses"]);
    assert_eq!(after.json["certified"], before.json["certified"]);
    for paid in [lab.pay(40_000, &[]).await, lab.pay_sol(1_000_000, &[]).await] {
        assert_eq!((paid.code, &paid.json["state"]), (0, &"SIGNED".into()), "{paid:?}");
    }
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_request_id_keeps_its_signature_over_a_restart_of_the_coordinator() {
    let mut lab = Lab::new().await;
    let id = request_id(1);
    let first = lab.pay(50_000, &["--request-id", &id]).await;
    assert_eq!(first.code, 0, "{first:?}");
    lab.cluster.kill_coordinator().await;
    lab.cluster.start_coordinator().await.unwrap();
    let again = lab.pay(50_000, &["--request-id", &id]).await;
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(again.signatures(), first.signatures());
    // Another payment under the same id is a conflict, whatever became of the first.
    let other = lab.pay(50_001, &["--request-id", &id]).await;
    assert_eq!((other.code, other.reason().as_str()), (7, "IDEMPOTENCY_CONFLICT"), "{other:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn nodes_find_a_coordinator_that_comes_back() {
    let mut lab = Lab::new().await;
    lab.cluster.stop_coordinator().await;
    let nobody = lab.pay(50_000, &[]).await;
    assert_eq!(nobody.code, 5, "{nobody:?}");
    lab.cluster.start_coordinator().await.unwrap();
    let all = lab.cluster.node_ids();
    lab.cluster.wait_attached(&all).await.unwrap();
    let paid = lab.pay(50_000, &[]).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    lab.cluster.stop().await;
}
