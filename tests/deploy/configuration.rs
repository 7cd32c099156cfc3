//! Every example configuration, with and without what is commented out in it.

use std::collections::BTreeSet;
use std::fs;

use quorate_daemon::DaemonError;
use quorate_daemon::config::{CoordinatorFile, NodeFile};

use crate::{deploy, text};

#[derive(Debug)]
enum Loaded {
    Node(NodeFile),
    Coordinator(CoordinatorFile),
}

fn load(name: &str, text: &str) -> Result<Loaded, DaemonError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    if name == "coordinator.toml" {
        CoordinatorFile::load(&path).map(Loaded::Coordinator)
    } else {
        NodeFile::load(&path).map(Loaded::Node)
    }
}

/// The examples, by file name.
fn examples() -> Vec<(String, String)> {
    let entries = fs::read_dir(deploy().join("config")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    assert!(names.len() >= 4, "{names:?}");
    names.into_iter().map(|name| (name.clone(), text(&format!("config/{name}")))).collect()
}

/// Comments that are configuration switched off: `# [metrics]`, `# address = ..`.
fn switched_on(example: &str) -> String {
    let is_setting = |line: &str| {
        line.starts_with('[') || line.split_once(" = ").is_some_and(|(name, _)| is_name(name))
    };
    let on = example.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if is_setting(rest) => rest,
        Some(_) | None => line,
    });
    on.collect::<Vec<_>>().join("\n")
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

#[test]
fn every_example_is_read() {
    for (name, example) in examples() {
        load(&name, &example).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn each_node_has_its_own_number() {
    for (name, example) in examples() {
        let Loaded::Node(node) = load(&name, &example).unwrap() else { continue };
        assert_eq!(name, format!("node-{}.toml", node.participant));
    }
}

#[test]
fn an_unknown_setting_is_refused_in_every_table() {
    for (name, example) in examples() {
        let tables: Vec<_> = example.lines().filter(|line| line.starts_with('[')).collect();
        for table in tables {
            let with_unknown = example.replacen(table, &format!("{table}\nno_such_setting = 1"), 1);
            let error = load(&name, &with_unknown).expect_err(table).to_string();
            assert!(error.contains("no_such_setting"), "{name} {table}: {error}");
        }
        let error = load(&name, &format!("no_such_setting = 1\n{example}")).unwrap_err();
        assert!(error.to_string().contains("no_such_setting"), "{name}: {error}");
    }
}

#[test]
fn what_is_commented_out_is_right_too() {
    for (name, example) in examples() {
        // The other sources of the passphrase: one of them, never several.
        let on = switched_on(&example);
        assert_ne!(on, example);
        let error = load(&name, &on).expect_err("several sources").to_string();
        assert!(error.contains("exactly one of"), "{name}: {error}");
        let other =
            |line: &&str| line.starts_with("credential = ") || line.starts_with("manual = ");
        let passphrase = on.lines().filter(|line| !other(line)).collect::<Vec<_>>().join("\n");
        let loaded = load(&name, &passphrase).unwrap_or_else(|e| panic!("{name}: {e}"));
        let metrics = match loaded {
            Loaded::Node(node) => node.metrics,
            Loaded::Coordinator(coordinator) => coordinator.metrics,
        };
        assert!(metrics.address.is_some_and(|address| address.ip().is_loopback()), "{name}");
    }
}
