//! The records of a run in real stores, sealed as a node and a coordinator seal them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;

use quorate_api::storage::{Seal, Write as ApiWrite, coordinator, node};
use quorate_model::{Digest, ParticipantId};
use quorate_store::{
    Batch, Binding, DataKeyId, KdfParams, KekSource, SecretSource, Store, Tree, Write, Writer,
    WriterConfig,
};
use quorate_testkit::Keeps;
use rand_core::OsRng;
use tempfile::TempDir;

use crate::lockstep::Lockstep;

const PASSPHRASE: &str = "passphrase";
const COORDINATOR: &str = "coordinator";

pub(crate) struct Stores(TempDir);

impl Stores {
    /// Writes every batch of every process, each into a store of its own.
    pub(crate) fn write(cluster: &Lockstep) -> Self {
        let stores = Self(tempfile::tempdir().unwrap());
        let passphrase = stores.0.path().join(PASSPHRASE);
        fs::write(&passphrase, "a passphrase for tests").unwrap();
        fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
        for (id, node) in &cluster.nodes {
            write(stores.open(&node_folder(*id)), &node.batches);
        }
        write(stores.open(COORDINATOR), &cluster.coordinator_batches);
        stores
    }

    /// What a node reads at its next start.
    pub(crate) fn opened_node(&self, id: ParticipantId) -> Vec<u8> {
        opened(&self.open(&node_folder(id)), &node::TREES)
    }

    /// What a coordinator reads at its next start.
    pub(crate) fn opened_coordinator(&self) -> Vec<u8> {
        opened(&self.open(COORDINATOR), &coordinator::TREES)
    }

    fn open(&self, folder: &str) -> Store {
        let kek = KekSource::Passphrase(SecretSource::File(self.0.path().join(PASSPHRASE)));
        let binding = Binding::new(Digest::new([1; 32]));
        let rng = Box::new(OsRng);
        Store::open(&self.0.path().join(folder), binding, &[kek], KdfParams::light(), rng).unwrap()
    }

    /// Every file of every store.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut folders = vec![self.0.path().to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let (inner, found): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|e| e.is_dir());
            folders.extend(inner);
            files.extend(found.into_iter().map(|path| {
                let bytes = fs::read(&path).unwrap();
                (path.display().to_string(), bytes)
            }));
        }
        files
    }
}

fn node_folder(id: ParticipantId) -> String {
    format!("node-{id}")
}

fn opened(store: &Store, trees: &[&'static str]) -> Vec<u8> {
    let records = trees.iter().flat_map(|tree| store.scan(Tree(tree)).unwrap());
    records.flat_map(|(key, value)| [key, value.to_vec()].concat()).collect()
}

fn write<R: Keeps>(store: Store, batches: &[Vec<R>]) {
    let store = Arc::new(store);
    let writer = Writer::start(&store, WriterConfig::default()).unwrap();
    let (done, completed) = channel();
    for records in batches {
        let writes = records.iter().flat_map(Keeps::writes).map(|write| sealed(&store, write));
        let done = done.clone();
        let batch = Batch { writes: writes.collect() };
        writer.submit_blocking(batch, move |result| done.send(result).unwrap()).unwrap();
    }
    drop(done);
    assert_eq!(completed.iter().map(|result| result.unwrap()).count(), batches.len());
}

fn sealed(store: &Store, write: ApiWrite) -> Write {
    match write {
        ApiWrite::Delete { tree, key } => Write::Delete { tree: Tree(tree), key },
        ApiWrite::Put { tree, key, value, seal } => {
            let data_key = match seal {
                Seal::Root => DataKeyId::Root,
                Seal::Share { key, epoch } => {
                    let id = DataKeyId::Share { key, epoch };
                    store.add_data_key(&id).unwrap();
                    id
                }
            };
            Write::Put { tree: Tree(tree), key, value: value.0, data_key }
        }
    }
}
