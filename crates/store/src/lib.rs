//! Sealed, typed, atomic records in sled behind one durable writer.
//!
//! A [`Store`] knows trees, keys and bytes, and nothing of what they mean. Every value is sealed to
//! its place (node, tree, key) under a data key; data keys are wrapped in a small *keyring* file by
//! keys that are not on the disk, so that erasing a data key erases what it sealed.
//! Every transaction moves a sealed manifest of all records on, so that a record that was deleted,
//! added or put back while the node was down is noticed before anything is read.
//!
//! A [`Writer`] is the only way to write: one thread applies queued batches in groups, syncs, and
//! only then completes them. This is the only crate that names sled; sled alone does not sync its
//! file (`flush` ends in `sync_file_range`), which is why the writer does.
//!
//! ```text
//! <dir>/lock      held while a process has the store open
//! <dir>/keyring   data keys, wrapped
//! <dir>/records/  sled
//! ```
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod batch;
mod binding;
mod commit;
mod data_key;
mod database;
mod durable;
mod fields;
mod kek;
mod keyring;
mod manifest;
mod seal;
mod store;
mod verify;
mod wrapping;
mod writer;

pub use batch::{
    BATCH_BYTES_MAX, BATCH_WRITES_MAX, Batch, BatchError, KEY_BYTES_MAX, Tree, VALUE_BYTES_MAX,
    Write,
};
pub use binding::Binding;
pub use commit::CommitError;
pub use data_key::DataKeyId;
pub use database::DatabaseError;
pub use kek::passphrase::KdfParams;
pub use kek::secret::{Passphrase, PassphraseError, SecretError, SecretSource};
pub use kek::token::{Token, TokenError};
pub use kek::{KekError, KekSource};
pub use keyring::{KeyringError, RewrapError};
pub use manifest::Generation;
pub use seal::SealError;
pub use store::{OpenError, ReadError, Record, Store};
pub use verify::AlteredError;
pub use writer::{
    StartError, SubmitError, WriteError, Writer, WriterConfig, WriterFailure, WriterStats,
};
