//! A disk that is full loses nothing that was acknowledged, and is good again once there is room.
//! `tests/e2e/run` runs this on a small file system of its own; without one there is nothing to fill.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use quorate_model::Digest;
use quorate_store::{
    Batch, Binding, DataKeyId, KdfParams, KekSource, OpenError, SecretSource, Store, SubmitError,
    Tree, Write, WriteError, Writer, WriterConfig,
};
use rand_core::OsRng;

/// A folder on a file system of at most 256 MiB.
const FOLDER: &str = "QUORATE_SMALL_DISK";
const TREE: Tree = Tree("numbers");
const VALUE_BYTES: usize = 32 * 1024;
/// What is there to be removed when the disk is full.
const BALLAST_BYTES: usize = 24 * 1024 * 1024;

#[test]
fn what_was_acknowledged_survives_a_full_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let (passphrase, ballast) = (folder.join("passphrase"), folder.join("ballast"));
    fs::write(&passphrase, b"correct horse").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&ballast, vec![1; BALLAST_BYTES]).unwrap();
    let (acknowledged, failure) = fill(&open(folder).unwrap());
    assert!(acknowledged > 10, "only {acknowledged} batches fit");
    assert!(failure.contains("No space left"), "the writer says why: {failure}");
    // The folder may not even open without room; it must with it.
    drop(open(folder));
    fs::remove_file(ballast).unwrap();
    let store = open(folder).unwrap();
    let found: Vec<_> = store.scan(TREE).unwrap().into_iter().map(|(key, _)| key).collect();
    // Beyond what was acknowledged there may be what was written when the disk was full.
    let expected: Vec<_> =
        (0..found.len() as u64).map(|number| number.to_be_bytes().to_vec()).collect();
    assert_eq!(found, expected, "without a gap");
    assert!(found.len() as u64 >= acknowledged, "{} of {acknowledged}", found.len());
    let writer = Writer::start(&store, config()).unwrap();
    let (sender, done) = channel();
    let next = batch(found.len() as u64);
    writer.submit_blocking(next, move |result| drop(sender.send(result))).unwrap();
    done.recv().unwrap().unwrap();
}

/// Writes until that fails: how many batches were acknowledged, all before the first that was not, and
/// why that one was not.
fn fill(store: &Arc<Store>) -> (u64, String) {
    let writer = Writer::start(store, config()).unwrap();
    let seen = Arc::new(Mutex::new((0, None::<WriteError>)));
    for number in 0..4_096 {
        let seen = Arc::clone(&seen);
        let completion = move |result: Result<(), WriteError>| {
            let (acknowledged, failure) = &mut *seen.lock().unwrap();
            match result {
                Ok(()) => {
                    assert!(failure.is_none(), "{number} was acknowledged after a failure");
                    *acknowledged += 1;
                }
                Err(error) => drop(failure.get_or_insert(error)),
            }
        };
        match writer.submit_blocking(batch(number), completion) {
            Ok(()) => {}
            Err(SubmitError::Stopped(_)) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    drop(writer);
    let (acknowledged, failure) = Arc::into_inner(seen).unwrap().into_inner().unwrap();
    let failure = failure.unwrap_or_else(|| panic!("the disk is not small"));
    let mut words = failure.to_string();
    let mut cause = std::error::Error::source(&failure);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    (acknowledged, words)
}

fn batch(number: u64) -> Batch {
    // What cannot be compressed away.
    let mut value = vec![0; VALUE_BYTES];
    rand_core::RngCore::fill_bytes(&mut OsRng, &mut value);
    let (key, value) = (number.to_be_bytes().to_vec(), value.into());
    Batch { writes: vec![Write::Put { tree: TREE, key, value, data_key: DataKeyId::Root }] }
}

fn config() -> WriterConfig {
    WriterConfig { queue_batches_max: 4, free_bytes_min: 0 }
}

fn open(folder: &Path) -> Result<Arc<Store>, OpenError> {
    let kek = KekSource::Passphrase(SecretSource::File(folder.join("passphrase")));
    let binding = Binding::new(Digest::new([1; 32]));
    let dir = folder.join("data");
    Store::open(&dir, binding, &[kek], KdfParams::light(), Box::new(OsRng)).map(Arc::new)
}
