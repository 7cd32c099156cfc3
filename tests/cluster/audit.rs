//! Audit logs leave their nodes, and what was changed in them is found out without the nodes.

use std::path::{Path, PathBuf};

use quorate_cli::dev::Cluster;
use serde_json::Value;

use crate::lab::{Ended, Lab, request_id, run};

impl Lab {
    fn socket(&self, node: u16) -> PathBuf {
        self.dir.path().join(format!("node-{node}")).join("admin.sock")
    }

    /// Exports the log of a node.
    async fn export(&self, node: u16) -> PathBuf {
        let out = self.dir.path().join(format!("node-{node}.log"));
        let (socket, file) = (self.socket(node), text(&out));
        let exported =
            self.run(&["audit", "export", "--admin-socket", text(&socket), "--out", file]).await;
        assert_eq!(exported.code, 0, "{exported:?}");
        assert_eq!(exported.json["schema"], "quorate.audit-export/v1");
        assert_eq!(exported.json["bytes"], std::fs::metadata(&out).unwrap().len());
        out
    }

    async fn verify(&self, file: &Path, node: &str) -> Ended {
        self.run(&["audit", "verify", text(file), "--node", node]).await
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn kinds(traced: &Value, node: u16) -> Vec<&str> {
    let entries = traced["entries"].as_array().unwrap().iter();
    let own = entries.filter(|entry| entry["node"] == node);
    own.map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_payment_is_traced_through_the_exports_of_its_signers() {
    let mut lab = Lab::new().await;
    let id = request_id(1);
    let paid = lab.pay(50_000, &["--request-id", &id]).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    let mut files = Vec::new();
    for node in 1..=3 {
        files.push(lab.export(node).await);
    }
    // From here on nobody is asked.
    lab.cluster.stop().await;

    for (node, file) in (1_u64..).zip(&files) {
        let verified = lab.verify(file, &node.to_string()).await;
        assert_eq!(verified.code, 0, "{verified:?}");
        assert_eq!(verified.json["schema"], "quorate.audit-verified/v1");
        assert_eq!(
            (&verified.json["verified"], &verified.json["node"]),
            (&true.into(), &node.into())
        );
        // One line an entry, the header, an empty line and the five lines of the checkpoint.
        let lines = std::fs::read_to_string(file).unwrap().lines().count() as u64;
        assert_eq!(verified.json["length"], lines - 7, "{verified:?}");
    }

    let name = paid.json["name"].as_str().unwrap();
    for subject in [name, &id] {
        let traced = trace(&lab, subject, &files).await;
        let signers = [1, 2, 3].map(|node| kinds(&traced, node));
        let signed = |kinds: &&Vec<&str>| **kinds == ["request-reserved", "shares-released"];
        assert_eq!(signers.iter().filter(signed).count(), 2, "{traced}");
        assert_eq!(signers.iter().filter(|kinds| kinds.is_empty()).count(), 1, "{traced}");
        let times: Vec<_> =
            traced["entries"].as_array().unwrap().iter().map(|e| e["time"].as_str()).collect();
        assert!(times.is_sorted(), "{traced}");
    }
    let digest = &trace(&lab, name, &files).await["entries"][0]["facts"][1];
    assert_eq!(digest[0], "digest");
    let traced = trace(&lab, digest[1].as_str().unwrap(), &files).await;
    assert_eq!(traced["entries"].as_array().unwrap().len(), 4, "{traced}");

    let shown = lab.run(&["audit", "show", text(&files[0]), "--last", "1"]).await;
    assert_eq!(shown.json["entries"][0]["kind"], "admin-access", "{shown:?}");
}

async fn trace(lab: &Lab, subject: &str, files: &[PathBuf]) -> Value {
    let files = files.iter().map(|path| text(path));
    let args: Vec<_> = ["audit", "trace", subject].into_iter().chain(files).collect();
    let traced = lab.run(&args).await;
    assert_eq!((traced.code, &traced.json["schema"]), (0, &"quorate.audit-trace/v1".into()));
    traced.json
}

#[tokio::test]
async fn a_changed_export_and_another_nodes_are_refused_naming_the_line() {
    let mut lab = Lab::new().await;
    let file = lab.export(1).await;
    // Never over an export that is there.
    let (socket, out) = (lab.socket(1), text(&file));
    let again = lab.run(&["audit", "export", "--admin-socket", text(&socket), "--out", out]).await;
    assert_eq!(again.code, 2, "{again:?}");
    lab.cluster.stop().await;
    assert_eq!(lab.verify(&file, "1").await.code, 0);

    let other = lab.verify(&file, "2").await;
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.stderr.contains("no signature of quorate/"), "{other:?}");
    assert_eq!(lab.verify(&file, "9").await.code, 2);

    let bytes = std::fs::read(&file).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for (at, changed_to, line) in [
        (0, b'Q', "line 1:"),
        // An entry is bound by the next one.
        (second + r#"{"index":0,"time_ms":"#.len(), b'9', "line 3:"),
        (second, 0xff, "line 2:"),
    ] {
        let mut changed = bytes.clone();
        changed[at] = changed_to;
        let path = lab.dir.path().join("changed.log");
        std::fs::write(&path, changed).unwrap();
        for args in [
            ["audit", "verify", text(&path), "--node", "1"].as_slice(),
            &["audit", "show", text(&path)],
        ] {
            let refused = lab.run(args).await;
            assert_eq!((refused.code, &refused.json), (1, &Value::Null), "{refused:?}");
            assert!(refused.stderr.contains(line), "{line} {refused:?}");
        }
    }
}

#[tokio::test]
async fn an_auditor_needs_a_pinned_root_and_nothing_else() {
    let mut lab = Lab::new().await;
    let file = lab.export(2).await;
    lab.cluster.stop().await;
    let cluster: &Cluster = &lab.cluster;
    let (root, id) = (cluster.profile_dir().join("root.txt"), cluster.id());
    let nowhere = tempfile::tempdir().unwrap();
    let verify = ["audit", "verify", text(&file), "--node", "2", "--root", text(&root)];
    let verified = run(nowhere.path(), &[&verify, ["--cluster", &id].as_slice()].concat()).await;
    assert_eq!((verified.code, &verified.json["cluster"]), (0, &id.into()), "{verified:?}");
    let other = "ab".repeat(32);
    let refused = run(nowhere.path(), &[&verify, ["--cluster", &other].as_slice()].concat()).await;
    assert_eq!(refused.code, 1, "{refused:?}");
}
