//! A modelled disk: what was not synced is lost in a crash, and a batch is there whole or not.

use std::collections::BTreeMap;

use quorate_api::storage::{Stored, Value, Write};

/// The limits of a batch of the real store.
const BATCH_WRITES_MAX: usize = 1_024;
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// A record that a disk can hold.
pub trait Keeps: Sized {
    /// The writes that make it durable, as the real store gets them.
    fn writes(&self) -> Vec<Write>;
    /// The records that a store's entries are.
    fn read(entries: Vec<Stored>) -> Vec<Self>;
}

/// What is durable.
#[derive(Debug, Default)]
pub struct Disk(BTreeMap<(&'static str, Vec<u8>), Value>);

impl Disk {
    /// Makes a batch durable.
    ///
    /// # Panics
    /// If the batch is larger than the real store takes.
    pub fn apply<R: Keeps>(&mut self, batch: &[R]) {
        let writes: Vec<_> = batch.iter().flat_map(Keeps::writes).collect();
        let size = |write: &Write| match write {
            Write::Put { key, value, .. } => key.len() + value.0.len(),
            Write::Delete { key, .. } => key.len(),
        };
        assert!(writes.len() <= BATCH_WRITES_MAX, "{} writes in a batch", writes.len());
        assert!(writes.iter().map(size).sum::<usize>() <= BATCH_BYTES_MAX, "a batch too large");
        for write in writes {
            match write {
                Write::Put { tree, key, value, .. } => {
                    self.0.insert((tree, key), value);
                }
                Write::Delete { tree, key } => {
                    self.0.remove(&(tree, key));
                }
            }
        }
    }

    /// The same once more, as whoever copies a disk has it.
    pub(crate) fn copy(&self) -> Self {
        let copy = |(place, value): (&(&'static str, Vec<u8>), &Value)| {
            (place.clone(), Value(value.0.clone()))
        };
        Self(self.0.iter().map(copy).collect())
    }

    /// What a process finds when it starts.
    pub fn records<R: Keeps>(&self) -> Vec<R> {
        let entry = |((tree, key), value): (&(&'static str, Vec<u8>), &Value)| Stored {
            tree,
            key: key.clone(),
            value: Value(value.0.clone()),
        };
        R::read(self.0.iter().map(entry).collect())
    }

    /// Every byte on it.
    pub fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.0.values().map(|value| value.0.as_slice())
    }
}

impl Keeps for quorate_signer::Record {
    fn writes(&self) -> Vec<Write> {
        quorate_api::storage::node::encode(self)
    }

    fn read(entries: Vec<Stored>) -> Vec<Self> {
        quorate_api::storage::node::decode(entries).expect("what was written can be read")
    }
}

impl Keeps for quorate_coordinator::Record {
    fn writes(&self) -> Vec<Write> {
        quorate_api::storage::coordinator::encode(self)
    }

    fn read(entries: Vec<Stored>) -> Vec<Self> {
        quorate_api::storage::coordinator::decode(entries).expect("what was written can be read")
    }
}
