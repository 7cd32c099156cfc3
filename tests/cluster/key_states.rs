//! The states of a key, with processes: by order, for a time, out of use, and gone.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::lab::{Ended, Lab};

async fn key(lab: &Lab, name: &str) -> Value {
    let shown = lab.run(&["key", "show", name]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    shown.json
}

async fn order(lab: &Lab, name: &str, action: &[&str]) -> Ended {
    let submitted = lab.propose(name, action).await;
    assert_eq!(submitted.code, 0, "{submitted:?}");
    submitted
}

#[tokio::test]
async fn a_key_is_activated_for_a_time_and_goes_back_by_itself() {
    let mut lab = Lab::new().await;
    let made = lab.create_key("cold", "frost-ed25519", &["--activation", "by-order"]).await;
    assert_eq!((made.code, &made.json["state"]), (0, &"pre-activation".into()), "{made:?}");
    assert!(made.json["addresses"].as_object().unwrap().is_empty(), "nobody is to pay there yet");
    order(&lab, "activate", &["activate", "cold", "--for", "4s"]).await;
    let active = key(&lab, "cold").await;
    assert_eq!((&active["state"], active["active_until"].is_string()), (&"active".into(), true));
    assert!(!active["addresses"].as_object().unwrap().is_empty());
    for _ in 0..100 {
        if key(&lab, "cold").await["state"] == "suspended" {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    lab.cut_power().await;
    let idle = key(&lab, "cold").await;
    assert_eq!((&idle["state"], &idle["active_until"]), (&"suspended".into(), &Value::Null));
    assert!((3..=5).contains(&idle["activated_s"].as_u64().unwrap()), "{idle}");
}

#[tokio::test]
async fn a_key_that_is_out_of_use_pays_to_one_place_and_is_destroyed() {
    let mut lab = Lab::new().await;
    let paid = lab.pay(50_000, &[]).await;
    assert_eq!(paid.json["state"], "SIGNED", "{paid:?}");
    let place = format!("bip122:0f9188f13cb7b2c71f2a335e3a4fc328/{}", crate::lab::BTC_PAYEE);
    let wrong = lab.run(&["order", "propose", "deactivate", "btc", "--pays-to", "eip155:1/0xabc"]);
    assert_ne!(wrong.await.code, 0, "that is no address");
    order(&lab, "deactivate-btc", &["deactivate", "btc", "--pays-to", &place]).await;
    order(&lab, "deactivate-sol", &["deactivate", "sol"]).await;
    assert_eq!(key(&lab, "btc").await["state"], "deactivated");
    assert_eq!(lab.pay(51_000, &[]).await.json["state"], "SIGNED", "a late deposit is paid on");
    let denied = lab.pay_sol(100_000, &[]).await;
    assert_eq!((denied.code, &denied.json["state"]), (3, &"DENIED".into()), "{denied:?}");
    // Destroyed is for ever: its name twice, and a delay.
    let wrong = ["order", "propose", "destroy", "sol", "--confirm", "btc"];
    assert_eq!(lab.run(&wrong).await.code, 2);
    order(&lab, "destroy", &["destroy", "sol", "--confirm", "sol"]).await;
    assert_eq!(key(&lab, "sol").await["state"], "deactivated", "not yet");
    for _ in 0..300 {
        if key(&lab, "sol").await["state"] == "destroyed" {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(key(&lab, "sol").await["state"], "destroyed");
    lab.cut_power().await;
    let gone = lab.pay_sol(100_001, &[]).await;
    assert_ne!(gone.code, 0, "{gone:?}");
    let refreshed = lab.order(&["key", "refresh", "sol"]).await;
    assert_ne!(refreshed.code, 0, "{refreshed:?}");
    assert_eq!(
        lab.pay(52_000, &["--wait", "60s"]).await.json["state"],
        "SIGNED",
        "the other signs"
    );
}
