//! A cluster made by hand, each member in a folder of its own, with the commands of the how-to.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::lab::{Ended, QUORATE, run};

struct ByHand {
    dir: tempfile::TempDir,
}

impl ByHand {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn join(&self, folder: &str, args: &[&str]) {
        let joined = run(&self.path(folder), &[&["join"], args].concat()).await;
        assert_eq!((joined.code, &joined.json["schema"]), (0, &"quorate.join/v1".into()));
    }

    async fn accept(&self, folder: &str, welcome: &str, cluster: &str) -> Ended {
        let welcome = self.path("cluster/welcome").join(format!("{welcome}.txt"));
        let welcome = welcome.to_str().unwrap();
        let args = ["join", "accept", "--welcome", welcome, "--cluster", cluster];
        run(&self.path(folder), &args).await
    }

    fn serve(&self, command: &str, config: &str) -> Child {
        Command::new(QUORATE)
            .args([command, "--config"])
            .arg(self.path(config))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }
}

/// Folder and welcome file of every member.
const MEMBERS: [(&str, &str); 6] = [
    ("n1", "node-1"),
    ("n2", "node-2"),
    ("n3", "node-3"),
    ("c", "coordinator-main"),
    ("s", "service-payments"),
    ("o", "person-alice"),
];

/// Everybody joins, and the cluster is made. Its id.
async fn join_and_init(hand: &ByHand, address: &str) -> String {
    for (folder, id) in [("n1", "1"), ("n2", "2"), ("n3", "3")] {
        hand.join(folder, &["node", "--id", id, "--operator", "ops"]).await;
    }
    hand.join("c", &["coordinator", "--name", "main", "--address", address]).await;
    hand.join("s", &["service", "--name", "payments"]).await;
    hand.join("o", &["officer", "--name", "alice"]).await;
    let joins = MEMBERS.map(|(folder, _)| hand.path(folder).join("join.txt"));
    let mut args = vec!["init", "--quorum", "keys=1:alice"];
    for path in &joins {
        args.extend(["--join", path.to_str().unwrap()]);
    }
    let made = run(&hand.path("cluster"), &args).await;
    assert_eq!(made.code, 0, "{made:?}");
    let again = run(&hand.path("cluster"), &args).await;
    assert_eq!(again.code, 1, "a cluster is made once: {again:?}");
    made.json["cluster"].as_str().unwrap().to_owned()
}

fn is_listening(address: &str) -> bool {
    std::net::TcpStream::connect(address).is_ok()
}

#[tokio::test]
async fn a_cluster_is_made_by_its_members() {
    let hand = ByHand { dir: tempfile::tempdir().unwrap() };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let cluster = join_and_init(&hand, &address).await;
    let wrong = "00".repeat(32);
    let refused = hand.accept("n1", "node-1", &wrong).await;
    assert!(refused.code == 1 && refused.stderr.contains("pinned"), "{refused:?}");
    for (folder, welcome) in MEMBERS {
        let accepted = hand.accept(folder, welcome, &cluster).await;
        assert_eq!(accepted.code, 0, "{accepted:?}");
    }
    let _coordinator = hand.serve("coordinator", "c/coordinator.toml");
    let mut waited = 0;
    while !is_listening(&address) {
        sleep(Duration::from_millis(50)).await;
        waited += 1;
        assert!(waited < 600, "the coordinator does not listen");
    }
    let _nodes =
        ["n1", "n2", "n3"].map(|folder| hand.serve("node", &format!("{folder}/node.toml")));
    wait_attached(&hand.path("o"), 3).await;
    let key = hand.path("o/person.pem");
    let args = ["key", "create", "treasury", "--scheme", "frost-secp256k1-tr", "--threshold", "2"];
    let officer = ["--officer-key", key.to_str().unwrap()];
    let made = run(&hand.path("o"), &[args.as_slice(), &officer].concat()).await;
    assert_eq!((made.code, &made.json["state"]), (0, &"active".into()), "{made:?}");
    // Nobody said which network is meant, and the starter policy allows nothing.
    let coin = format!("{}:0:70000", "11".repeat(32));
    let pay = ["sign", "treasury", "--pay", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"];
    let pay = [pay.as_slice(), &["--amount", "5000", "--coin", &coin, "--fee", "500"]].concat();
    let unnamed = run(&hand.path("s"), &pay).await;
    assert_eq!(unnamed.code, 2, "{unnamed:?}");
    let denied = run(&hand.path("s"), &[pay.as_slice(), &["--network", "bitcoin"]].concat()).await;
    assert_eq!(denied.code, 3, "{denied:?}");
}

async fn wait_attached(profile: &Path, nodes: usize) {
    for _ in 0..600 {
        let status = run(profile, &["status"]).await;
        let all = status.json["nodes"].as_array().cloned().unwrap_or_default();
        if all.iter().filter(|node| node["attached"] == true).count() == nodes {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the nodes do not attach");
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
