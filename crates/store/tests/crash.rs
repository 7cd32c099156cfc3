//! A killed process loses nothing that it acknowledged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use quorate_model::Digest;
use quorate_store::{
    Batch, Binding, DataKeyId, KdfParams, KekSource, SecretSource, Store, Tree, Write, Writer,
    WriterConfig,
};
use rand_core::OsRng;

const FOLDER: &str = "QUORATE_STORE_CRASH_TEST_FOLDER";
const LEFT: Tree = Tree("left");
const RIGHT: Tree = Tree("right");

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    fs::write(&passphrase, b"correct horse").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..5 {
        acknowledged.extend(kill_after(folder.path(), 20 + 150 * round));

        let store = open(folder.path());
        let [left, right] = [LEFT, RIGHT].map(|tree| numbers(&store, tree));
        let lost: Vec<_> = acknowledged.difference(&left).collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
        assert_eq!(left, right, "a batch was torn");
    }
}

/// Runs this test's other half, kills it when it has acknowledged so much, and returns all that it
/// had acknowledged by then.
fn kill_after(folder: &Path, enough: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["what_was_acknowledged_survives_a_kill", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut numbers = lines.filter_map(|line| line.strip_prefix("durable ")?.parse().ok());
    let mut acknowledged: Vec<u64> = numbers.by_ref().take(enough).collect();
    assert_eq!(acknowledged.len(), enough, "the process ended by itself");
    child.kill().unwrap();
    acknowledged.extend(numbers);
    child.wait().unwrap();
    acknowledged
}

fn write_for_ever(folder: &Path) {
    let store = open(folder);
    let config = WriterConfig { queue_batches_max: 64, free_bytes_min: 0 };
    let writer = Writer::start(&store, config).unwrap();
    let first = numbers(&store, LEFT).last().map_or(0, |last| last + 1);
    // A bound, should nobody kill this.
    for number in first..first + 1_000_000 {
        let put = |tree| {
            let (key, value) = (number.to_be_bytes().to_vec(), vec![number as u8; 100].into());
            Write::Put { tree, key, value, data_key: DataKeyId::Root }
        };
        let batch = Batch { writes: vec![put(LEFT), put(RIGHT)] };
        let completion = move |written: Result<(), _>| {
            written.unwrap();
            // One write call each: what the parent reads was written as a whole.
            std::io::stdout().write_all(format!("\ndurable {number}\n").as_bytes()).unwrap();
        };
        writer.submit_blocking(batch, completion).unwrap();
    }
}

fn numbers(store: &Store, tree: Tree) -> BTreeSet<u64> {
    let number = |(key, _): (Vec<u8>, _)| u64::from_be_bytes(key.try_into().unwrap());
    store.scan(tree).unwrap().into_iter().map(number).collect()
}

fn open(folder: &Path) -> Arc<Store> {
    let kek = KekSource::Passphrase(SecretSource::File(folder.join("passphrase")));
    let binding = Binding::new(Digest::new([1; 32]));
    let dir = folder.join("data");
    let store = Store::open(&dir, binding, &[kek], KdfParams::light(), Box::new(OsRng));
    Arc::new(store.unwrap())
}
