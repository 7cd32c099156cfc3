//! Between the engines' records and the store.

use std::path::Path;
use std::sync::Arc;

use quorate_api::storage::{Seal, Stored, Value, Write as ApiWrite};
use quorate_model::{ClusterId, ParticipantId, Tag, Transcript};
use quorate_protocol::ecdsa::PairState;
use quorate_store::{
    Batch, Binding, DataKeyId, KdfParams, KeyringError, Passphrase, Store, Tree, VALUE_BYTES_MAX,
    Write, Writer, WriterConfig,
};
use rand_core::OsRng;

use crate::DaemonError;
use crate::config::{KekContext, StoreFile};
use crate::error::with_causes;
use crate::files::content;

/// Batches that wait for the disk, at most.
const QUEUE_BATCHES_MAX: usize = 1_024;

// What a machine may make of a pair, the store must take: each is one value.
const _: () = assert!(PairState::BYTES_MAX <= VALUE_BYTES_MAX);

/// A record that the store keeps.
pub(crate) trait Keep: Sized + Send + 'static {
    /// Every tree it may be in.
    const TREES: &'static [&'static str];

    fn writes(&self) -> Vec<ApiWrite>;
    fn read(entries: Vec<Stored>) -> Result<Vec<Self>, DaemonError>;

    /// The data key, other than the root, that seals a part of this record.
    fn data_key(&self) -> Option<DataKeyId> {
        None
    }

    /// The data key that nothing needs any more once this record is durable.
    fn obsolete_key(&self) -> Option<DataKeyId> {
        None
    }
}

impl Keep for quorate_signer::Record {
    const TREES: &'static [&'static str] = &quorate_api::storage::node::TREES;

    fn writes(&self) -> Vec<ApiWrite> {
        quorate_api::storage::node::encode(self)
    }

    fn read(entries: Vec<Stored>) -> Result<Vec<Self>, DaemonError> {
        Ok(quorate_api::storage::node::decode(entries)?)
    }

    fn data_key(&self) -> Option<DataKeyId> {
        let Self::Share(share) = self else { return None };
        let (key, epoch) = (share.certified.key.clone(), share.certified.epoch);
        Some(DataKeyId::Share { key, epoch })
    }

    fn obsolete_key(&self) -> Option<DataKeyId> {
        match self {
            Self::DropSharing { sharing, .. } => {
                Some(DataKeyId::Share { key: sharing.key.clone(), epoch: sharing.epoch })
            }
            Self::Ceremony(_)
            | Self::Share(_)
            | Self::Certificate(_)
            | Self::Active(_)
            | Self::Request(_)
            | Self::ForgetRequest(_)
            | Self::Watermark(_)
            | Self::Clock(_)
            | Self::ConfirmationAttempt(_)
            | Self::Order(_)
            | Self::Peer(_)
            | Self::PairFreeze(_)
            | Self::Audit(_) => None,
        }
    }
}

impl Keep for quorate_coordinator::Record {
    const TREES: &'static [&'static str] = &quorate_api::storage::coordinator::TREES;

    fn writes(&self) -> Vec<ApiWrite> {
        quorate_api::storage::coordinator::encode(self)
    }

    fn read(entries: Vec<Stored>) -> Result<Vec<Self>, DaemonError> {
        Ok(quorate_api::storage::coordinator::decode(entries)?)
    }
}

/// An open store with its writer.
pub(crate) struct Storage {
    pub(crate) store: Arc<Store>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) room: Room,
}

/// Records of one batch of a new store: with one value each, which may have 60 KiB, they fit a batch.
const RECORDS_PER_BATCH: usize = 8;

/// Makes a store in which a node with these records begins. The folder of the store must not be one yet.
///
/// # Errors
/// [`DaemonError`]: what is there then is no store to begin from.
pub fn create_node_store(
    file: &StoreFile,
    base: &Path,
    (cluster, node): (&ClusterId, ParticipantId),
    records: &[quorate_signer::Record],
) -> Result<(), DaemonError> {
    let dir = base.join(&file.dir);
    let whose = Whose { cluster, role: &node_role(node) };
    let (storage, there): (_, Vec<quorate_signer::Record>) =
        Storage::open(file, base, &whose, None)?;
    if !there.is_empty() {
        return Err(content(&dir, "holds records already: a node begins in an empty store"));
    }
    let failed = |error: &dyn std::error::Error| DaemonError::StoreFailed(with_causes(error));
    for some in records.chunks(RECORDS_PER_BATCH) {
        let batch = storage.batch(some).map_err(|error| failed(&error))?;
        let (done, written) = std::sync::mpsc::channel();
        let completion = move |result| drop(done.send(result));
        storage.writer.submit_blocking(batch, completion).map_err(|error| failed(&error))?;
        let written = written.recv().map_err(|error| failed(&error))?;
        written.map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// What a node is in its cluster.
pub(crate) fn node_role(node: ParticipantId) -> String {
    format!("node/{node}")
}

/// Whose a store is.
pub(crate) struct Whose<'a> {
    pub(crate) cluster: &'a ClusterId,
    /// What it is there, such as `node/1`.
    pub(crate) role: &'a str,
}

impl Whose<'_> {
    fn binding(&self) -> Binding {
        let Self { cluster, role } = self;
        Binding::new(Transcript::new(Tag::StoreBinding).digest(cluster).text(role).finish())
    }

    /// For people who look into a token: the first digits of the cluster's id are enough for them.
    pub(crate) fn label(&self) -> String {
        let cluster: String = self.cluster.to_string().chars().take(16).collect();
        format!("quorate/{cluster}/{}", self.role.replace('/', "-"))
    }
}

/// The room that is left on the disk.
#[derive(Clone)]
pub(crate) struct Room {
    store: Arc<Store>,
    free_bytes_min: u64,
}

impl Room {
    /// What is said where there is none.
    pub(crate) const NONE: &'static str = "the disk is nearly full: free some space";

    /// Whether new work may be taken on.
    pub(crate) fn is_left(&self) -> bool {
        self.store.free_space().is_ok_and(|free| free >= self.free_bytes_min)
    }
}

impl Storage {
    /// Opens the store and reads every record in it. `given` is the passphrase, where a person gives it.
    pub(crate) fn open<R: Keep>(
        file: &StoreFile,
        base: &Path,
        whose: &Whose<'_>,
        given: Option<Passphrase>,
    ) -> Result<(Self, Vec<R>), DaemonError> {
        let dir = base.join(&file.dir);
        let keks = file.keks(KekContext { base, owner: whose.label(), given });
        if keks.is_empty() {
            return Err(DaemonError::NoPassphrase);
        }
        let rng = Box::new(OsRng);
        let store = Store::open(&dir, whose.binding(), &keks, KdfParams::production(), rng)?;
        let mut entries = Vec::new();
        for tree in R::TREES {
            let found = store.scan(Tree(tree))?.into_iter();
            entries.extend(found.map(|(key, value)| Stored { tree, key, value: Value(value) }));
        }
        let records = R::read(entries)?;
        // A crash may have come between the removal of a share and the erasure of its data key.
        let needed: Vec<_> = records.iter().filter_map(Keep::data_key).collect();
        for id in store.data_keys() {
            if id != DataKeyId::Root && !needed.contains(&id) {
                let failed = |error| DaemonError::StoreFailed(with_causes(&error));
                store.erase_data_key(&id).map_err(failed)?;
            }
        }
        let store = Arc::new(store);
        let free_bytes_min = file.free_bytes_min;
        let config = WriterConfig { queue_batches_max: QUEUE_BATCHES_MAX, free_bytes_min };
        let writer = Arc::new(Writer::start(&store, config)?);
        let room = Room { store: Arc::clone(&store), free_bytes_min };
        Ok((Self { store, writer, room }, records))
    }

    /// A batch of the store, with the data keys that it needs made first.
    pub(crate) fn batch<R: Keep>(&self, records: &[R]) -> Result<Batch, KeyringError> {
        let mut writes = Vec::new();
        for write in records.iter().flat_map(Keep::writes) {
            writes.push(match write {
                ApiWrite::Delete { tree, key } => Write::Delete { tree: Tree(tree), key },
                ApiWrite::Put { tree, key, value, seal } => {
                    let data_key = match seal {
                        Seal::Root => DataKeyId::Root,
                        Seal::Share { key, epoch } => {
                            let id = DataKeyId::Share { key, epoch };
                            self.store.add_data_key(&id)?;
                            id
                        }
                    };
                    Write::Put { tree: Tree(tree), key, value: value.0, data_key }
                }
            });
        }
        Ok(Batch { writes })
    }
}
