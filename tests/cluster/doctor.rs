//! `quorate doctor`, with processes: it says what is wrong, and where.

use std::time::Duration;

use quorate_model::ParticipantId;
use serde_json::Value;
use tokio::time::sleep;

use crate::lab::{Ended, Lab};

/// What is found of something, each with its level.
fn found<'a>(report: &'a Value, what: &str) -> Vec<(&'a str, &'a str)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let of_it = findings.filter(|finding| finding["what"] == what);
    let text = |finding: &'a Value, field: &str| finding[field].as_str().unwrap();
    of_it.map(|finding| (text(finding, "level"), text(finding, "found"))).collect()
}

/// What the doctor says once it is this of that: what it knows of nodes is a few seconds old.
async fn until(lab: &Lab, what: &str, expected: (&str, &str)) -> Ended {
    for _ in 0..100 {
        let said = lab.run(&["doctor"]).await;
        if found(&said.json, what).contains(&expected) {
            return said;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} is never {expected:?}")
}

#[tokio::test]
async fn a_doctor_says_what_is_wrong() {
    let mut lab = Lab::new().await;
    // All on one machine, under one operator: not for funds.
    let well = until(&lab, "fleet", ("ok", "3 nodes are ready, 1 more than sign")).await;
    assert_eq!(well.code, 1, "{well:?}");
    let one = found(&well.json, "nodes");
    assert!(
        one.iter().any(|(level, found)| *level == "fail" && found.contains("share")),
        "{one:?}"
    );
    assert_eq!(found(&well.json, "key btc"), [("ok", "is active, epoch 0")]);

    lab.cluster.kill_node(ParticipantId::new(2).unwrap()).await;
    let hurt = until(&lab, "node 2", ("warn", "is not attached")).await;
    let [(level, said)] = found(&hurt.json, "key btc")[..] else { panic!("{hurt:?}") };
    assert!(level == "warn" && said.contains("none may be lost"), "{said}");

    lab.cluster.kill_coordinator().await;
    let blind = lab.run(&["doctor"]).await;
    assert_eq!((blind.code, found(&blind.json, "coordinator")[0].0), (1, "fail"), "{blind:?}");
    assert!(!found(&blind.json, "nodes").is_empty(), "what the root says is seen from here");
}
