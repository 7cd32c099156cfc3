//! Making a cluster.

use crate::by_hand::ByHand;
use crate::lab::run;

#[tokio::test]
async fn a_cluster_is_made_by_its_members() {
    let mut hand = ByHand::new();
    hand.join_all().await;
    let cluster = hand.init().await;
    let wrong = "00".repeat(32);
    let refused = hand.accept("n1", "node-1", &wrong).await;
    assert!(refused.code == 1 && refused.stderr.contains("pinned"), "{refused:?}");
    hand.accept_all(&cluster).await;
    hand.start().await;
    hand.make_key().await;
    // Nobody said which network is meant, and the starter policy allows nothing.
    let coin = format!("{}:0:70000", "11".repeat(32));
    let pay = ["sign", "treasury", "--pay", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"];
    let pay = [pay.as_slice(), &["--amount", "5000", "--coin", &coin, "--fee", "500"]].concat();
    let unnamed = run(&hand.path("s"), &pay).await;
    assert_eq!(unnamed.code, 2, "{unnamed:?}");
    let denied = run(&hand.path("s"), &[pay.as_slice(), &["--network", "bitcoin"]].concat()).await;
    assert_eq!(denied.code, 3, "{denied:?}");
}

#[tokio::test]
async fn a_cluster_for_funds_leaves_nobody_alone_in_charge() {
    let mut hand = ByHand::new();
    hand.join_all().await;
    let refused = hand.try_init(&[]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    for said in ["each of alice is quorum keys alone", "ops operates nodes 1, 2, 3"] {
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
    assert!(!hand.path("cluster").join("root.txt").exists(), "nothing was made");
    // Whoever makes the root may not care. Its members do.
    let made = hand.try_init(&["--dev"]).await;
    let cluster = made.json["cluster"].as_str().unwrap();
    let welcome = hand.path("cluster/welcome/node-1.txt");
    let accept = ["join", "accept", "--welcome", welcome.to_str().unwrap(), "--cluster", cluster];
    let refused = run(&hand.path("n1"), &accept).await;
    assert!(refused.code == 1 && refused.stderr.contains("ops operates"), "{refused:?}");
}

#[tokio::test]
async fn an_order_needs_its_quorum() {
    let mut lab = crate::lab::Lab::new().await;
    let officers = lab.cluster.officer_keys();
    let args = ["key", "create", "more", "--scheme", "frost-ed25519", "--threshold", "2"];
    let one = [args.as_slice(), &["--officer-key", officers[0].to_str().unwrap()]].concat();
    let refused = lab.run(&one).await;
    assert!(refused.code == 1 && refused.stderr.contains("1 of 2"), "{refused:?}");
    let stranger = lab.dir.path().join("payments/request.pem");
    let strange = [one.as_slice(), &["--officer-key", stranger.to_str().unwrap()]].concat();
    let refused = lab.run(&strange).await;
    assert!(refused.code == 1 && refused.stderr.contains("names nobody"), "{refused:?}");
    lab.cluster.stop().await;
}
