//! A node's backup from the order that names its officers to the node that starts from it, with processes
//! and the commands of the how-to.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use quorate_model::ParticipantId;
use serde_json::{Value, json};

use crate::lab::{Ended, Lab};
use crate::put_back::{pay_with_node_1, readmit, wait_until_node_1};
use crate::roots::{as_officer, sign, wait_for_root};

const OFFICERS: [&str; 3] = ["alice", "bob", "carol"];
/// Of each node two, so that no two open the backups of two nodes.
const RECOVERY: [&str; 3] = ["alice,bob", "alice,carol", "bob,carol"];

/// A cluster whose root names recovery officers, and the folder of their identities.
struct Recoverable {
    lab: Lab,
}

impl Recoverable {
    async fn new() -> Self {
        let lab = Lab::new().await;
        let refused = back_up(&lab, "early").await;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("names no recovery officers"), "{refused:?}");
        let recipients = OFFICERS.map(|officer| {
            let identity = Identity::generate();
            let path = lab.dir.path().join(format!("{officer}.identity"));
            write_secret(&path, identity.to_string().expose_secret().as_bytes());
            identity.to_public().to_string()
        });
        let file = lab.dir.path().join("root-next.txt");
        let path = file.to_str().unwrap();
        let next = as_officer(&lab, "alice", &["root", "next", "--out", path]).await;
        assert_eq!(next.code, 0, "{next:?}");
        let text = std::fs::read_to_string(&file).unwrap();
        // All three for every node: some two of them could sign.
        std::fs::write(&file, with_recovery(&text, &recipients, &["alice,bob,carol"; 3])).unwrap();
        let refused = as_officer(&lab, "alice", &["root", "diff", path]).await;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("alice, bob could open the backups"), "{refused:?}");
        std::fs::write(&file, with_recovery(&text, &recipients, &RECOVERY)).unwrap();
        let diff = as_officer(&lab, "alice", &["root", "diff", path]).await;
        assert_eq!((diff.code, &diff.json["change"]), (0, &"loosening".into()), "{diff:?}");
        for officer in ["alice", "bob"] {
            sign(&lab, officer, &file).await;
        }
        let updated = lab.run(&["root", "update", path]).await;
        assert_eq!(updated.code, 0, "{updated:?}");
        wait_for_root(&lab, diff.json["hash"].as_str().unwrap()).await;
        Self { lab }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.lab.dir.path().join(name)
    }

    /// What an officer does: takes the piece out, and opens it.
    async fn open_piece(&self, backup: &str, officer: &str) -> String {
        let piece = self.arg(&format!("{backup}-{officer}.piece"));
        let age_file = self.arg(&format!("{backup}-{officer}.age"));
        let take = ["backup", "piece", &self.arg(backup), "--officer", officer, "--out", &age_file];
        let taken = self.lab.run(&take).await;
        assert_eq!(taken.code, 0, "{taken:?}");
        let identity = self.arg(&format!("{officer}.identity"));
        let open = ["backup", "open-piece", &age_file, "--identity", &identity, "--out", &piece];
        let opened = self.lab.run(&open).await;
        assert_eq!(opened.json["officer"], officer, "{opened:?}");
        piece
    }

    async fn verify(&self, backup: &str, pieces: &[&str], out: &str) -> Ended {
        let (file, out) = (self.arg(backup), self.arg(out));
        let pieces = pieces.iter().flat_map(|piece| ["--piece", *piece]);
        let args = ["backup", "verify", &file, "--out", &out].into_iter().chain(pieces);
        self.lab.run(&args.collect::<Vec<_>>()).await
    }

    fn arg(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

fn with_recovery(text: &str, recipients: &[String; 3], officers: &[&str; 3]) -> String {
    let (mut nodes, mut people) = (officers.iter(), recipients.iter());
    let mut edited = String::new();
    for line in text.lines() {
        edited.push_str(&format!("{line}\n"));
        if line.starts_with("provider: ") {
            let officers = nodes.next().unwrap();
            edited.push_str(&format!("recovery-required: 2\nrecovery-officers: {officers}\n"));
        }
        if line.starts_with("credential: ") {
            edited.push_str(&format!("recovery: {}\n", people.next().unwrap()));
        }
    }
    edited
}

async fn back_up(lab: &Lab, name: &str) -> Ended {
    let socket = lab.dir.path().join("node-1/admin.sock");
    let out = lab.dir.path().join(name);
    let create = ["backup", "create", "--admin-socket", socket.to_str().unwrap()];
    lab.run(&[create.as_slice(), &["--out", out.to_str().unwrap()]].concat()).await
}

fn write_secret(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_node_is_backed_up_verified_wiped_recovered_and_readmitted() {
    let mut world = Recoverable::new().await;
    let paid = pay_with_node_1(&world.lab, 10_000).await;
    let made = back_up(&world.lab, "backup").await;
    assert_eq!((made.code, &made.json["required"]), (0, &2.into()), "{made:?}");
    let shown = world.lab.run(&["backup", "show", &world.arg("backup")]).await;
    assert_eq!(shown.json, made.json);
    let keys = json!([{"key": "btc", "epoch": 0}, {"key": "sol", "epoch": 0}]);
    assert_eq!((&shown.json["keys"], &shown.json["node"]), (&keys, &1.into()));
    assert_eq!(back_up(&world.lab, "backup").await.code, 2, "never over another");

    let alice = world.open_piece("backup", "alice").await;
    let bob = world.open_piece("backup", "bob").await;
    let few = world.verify("backup", &[&alice], "few").await;
    assert!(few.code == 1 && few.stderr.contains("1 pieces of 2"), "{few:?}");
    let verified = world.verify("backup", &[&alice, &bob], "proofs").await;
    assert_eq!(verified.json["proofs"].as_array().unwrap().len(), 2, "{verified:?}");
    check_proofs(&world, &verified.json["proofs"]).await;
    refuses_what_is_open_or_damaged(&world, &alice, &bob).await;

    // The node is gone with all it had, but for what is in no backup.
    let node = ParticipantId::new(1).unwrap();
    world.lab.cluster.kill_node(node).await;
    let home = world.path("node-1");
    std::fs::remove_dir_all(home.join("store")).unwrap();
    std::fs::remove_file(home.join("identity.pem")).unwrap();
    let recovered = recover(&world, &["--piece", &alice, "--piece", &bob]).await;
    assert_eq!((recovered.code, &recovered.json["node"]), (0, &1.into()), "{recovered:?}");
    assert_eq!(recovered.json["keys"], json!(["btc", "sol"]));
    let again = recover(&world, &["--piece", &alice, "--piece", &bob]).await;
    assert_eq!(again.code, 2, "the folder is not empty: {again:?}");
    for name in ["store", "identity.pem"] {
        std::fs::rename(world.path("recovered").join(name), home.join(name)).unwrap();
    }
    world.lab.cluster.start_node(node).unwrap();
    wait_until_node_1(&world.lab, Some("was put back to an earlier state")).await;
    readmit(&world.lab, "readmit").await;
    wait_until_node_1(&world.lab, None).await;
    pay_with_node_1(&world.lab, paid + 1).await;
    world.lab.cluster.stop().await;
}

async fn recover(world: &Recoverable, pieces: &[&str]) -> Ended {
    let (backup, out) = (world.arg("backup"), world.arg("recovered"));
    let passphrase = world.arg("node-1/passphrase");
    let args = ["recover", "--backup", &backup, "--out", &out, "--passphrase-file", &passphrase];
    world.lab.run(&[args.as_slice(), pieces].concat()).await
}

async fn check_proofs(world: &Recoverable, proofs: &Value) {
    for proof in proofs.as_array().unwrap() {
        let path = proof.as_str().unwrap();
        let checked = world.lab.run(&["backup", "check-proof", path]).await;
        assert_eq!((checked.code, &checked.json["node"]), (0, &1.into()), "{checked:?}");
        // It says no more than it proves.
        let text = std::fs::read_to_string(path).unwrap();
        for (claim, false_claim) in
            [("\"node\": 1", "\"node\": 2"), ("\"epoch\": 0", "\"epoch\": 1")]
        {
            assert!(text.contains(claim), "{text}");
            std::fs::write(path, text.replace(claim, false_claim)).unwrap();
            let refused = world.lab.run(&["backup", "check-proof", path]).await;
            assert_eq!(refused.code, 1, "{refused:?}");
        }
        std::fs::write(path, text).unwrap();
    }
}

async fn refuses_what_is_open_or_damaged(world: &Recoverable, alice: &str, bob: &str) {
    let file = std::fs::read(world.path("backup")).unwrap();
    // A piece that others may read is one no more.
    std::fs::set_permissions(bob, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = world.verify("backup", &[alice, bob], "open").await;
    assert!(refused.code == 1 && refused.stderr.contains("open to others"), "{refused:?}");
    std::fs::set_permissions(bob, std::fs::Permissions::from_mode(0o600)).unwrap();
    // Another officer's identity opens no piece.
    let age_file = world.arg("backup-alice.age");
    let identity = world.arg("carol.identity");
    let out = world.arg("stolen");
    let open = ["backup", "open-piece", &age_file, "--identity", &identity, "--out", &out];
    assert_eq!(world.lab.run(&open).await.code, 1);
    let stranger = ["backup", "piece", &world.arg("backup"), "--officer", "carol", "--out", &out];
    assert_eq!(world.lab.run(&stranger).await.code, 2);
    // A sealed piece is no open one.
    let sealed = world.arg("backup-bob.age");
    std::fs::set_permissions(&sealed, std::fs::Permissions::from_mode(0o600)).unwrap();
    let refused = world.verify("backup", &[alice, &sealed], "sealed").await;
    assert!(refused.code == 1 && refused.stderr.contains("is no open piece"), "{refused:?}");
    // Bob's age file in the backup is damaged: the contents are not, and verify says so all the same.
    let sealed = std::fs::read(world.path("backup-bob.age")).unwrap();
    let at = file.windows(sealed.len()).position(|window| window == sealed).unwrap();
    let mut damaged = file.clone();
    damaged[at + sealed.len() - 1] ^= 1;
    std::fs::write(world.path("damaged"), damaged).unwrap();
    let refused = world.verify("damaged", &[alice, bob], "damaged-proofs").await;
    assert!(refused.code == 1 && refused.stderr.contains("the age files of bob"), "{refused:?}");
    std::fs::write(world.path("cut"), &file[..file.len() - 1]).unwrap();
    let refused = world.verify("cut", &[alice, bob], "cut-proofs").await;
    assert_eq!(refused.code, 1, "{refused:?}");
}
