//! Why a writer does not start, admit or write.

use std::io;
use std::sync::Arc;

use crate::{BatchError, CommitError, DataKeyId};

/// Why a writer was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store has, or had, a writer.
    #[error("the store has a writer already, or had one: open it again")]
    Started,
    /// There is no thread, or no file to sync.
    #[error("the writer cannot be started")]
    Io(#[source] io::Error),
}

/// Why a batch was not admitted. Nothing of it is written.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The batch is over a limit.
    #[error("the batch cannot be written")]
    Batch(#[from] BatchError),
    /// A value is to be sealed under a data key that does not exist.
    #[error("{id} is not in the keyring: add it first")]
    UnknownDataKey {
        /// The data key.
        id: DataKeyId,
    },
    /// Too many batches wait.
    #[error("{batches} batches wait for the disk: try again later")]
    QueueFull {
        /// How many may wait.
        batches: usize,
    },
    /// Too little space is left on the file system.
    #[error("the disk has {free} bytes free, {required} are required: free some space")]
    DiskFull {
        /// Bytes that are free.
        free: u64,
        /// Bytes that must be.
        required: u64,
    },
    /// The file system does not say how much space is left.
    #[error("the free space of the disk is unknown")]
    FreeSpace(#[source] io::Error),
    /// A write failed before.
    #[error("the writer has stopped: restart the process")]
    Stopped(#[source] Arc<WriterFailure>),
}

/// Why a batch is not known to be durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// Writing it failed. It may be there after a restart, or not.
    #[error("the write failed: restart the process to learn whether it is there")]
    Failed(#[source] Arc<WriterFailure>),
    /// A write before it failed. Nothing of it is written.
    #[error("a write before it failed, and the writer has stopped")]
    Stopped(#[source] Arc<WriterFailure>),
}

/// Why a writer has stopped.
#[derive(Debug, thiserror::Error)]
pub enum WriterFailure {
    /// The transaction or its flush failed.
    #[error("a transaction failed")]
    Commit(#[from] CommitError),
    /// The sync failed.
    #[error("the disk did not keep what was written")]
    Sync(#[source] io::Error),
    /// A completion panicked, or the writer did.
    #[error("the writer panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
}
