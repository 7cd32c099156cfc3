//! New sharings, with processes: the key signs meanwhile, and a power cut at any time stops nothing.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::lab::{Ended, Lab};

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
    // What was begun ends by itself, and another may be ordered then.
    for _ in 0..300 {
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
