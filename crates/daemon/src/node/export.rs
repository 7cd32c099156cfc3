//! The audit log as a stream of text, read from the store page by page.

use std::sync::{Arc, Weak};

use quorate_api::DecodeError;
use quorate_api::pb::node::v1::ExportAuditResponse;
use quorate_api::status::{Failure, Reason};
use quorate_api::storage::node::{AUDIT, audit_key, decode};
use quorate_api::storage::{Stored, Value};
use quorate_audit::{ExportError, ExportWriter, SignedCheckpoint};
use quorate_signer::Record;
use quorate_store::{ReadError, Store, Tree};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::live::stopping;

/// Exports at one time. Each has a page and a few pieces in memory, however long the log is.
const EXPORTS_MAX: usize = 2;
/// Entries that are read at one time: the store's writer waits meanwhile.
const PAGE_ENTRIES: usize = 128;
/// Bytes of one piece of the stream.
pub(super) const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// Pieces that wait for the reader.
pub(super) const CHUNKS_MAX: usize = 4;

type Chunk = Result<ExportAuditResponse, Status>;

/// Who may export now.
#[derive(Clone)]
pub(super) struct Exports {
    store: Weak<Store>,
    free: Arc<Semaphore>,
    stop: CancellationToken,
}

/// The right to one export.
pub(super) struct ExportTurn {
    store: Arc<Store>,
    permit: OwnedSemaphorePermit,
    stop: CancellationToken,
}

/// How far an export is.
struct Exporting {
    store: Arc<Store>,
    signed: SignedCheckpoint,
    writer: ExportWriter,
    /// The index of the next entry.
    next: u64,
}

/// Why an export ends too early.
#[derive(Debug, thiserror::Error)]
enum ExportFault {
    #[error("the store cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error("a record of the audit log cannot be decoded: {0}")]
    Record(#[from] DecodeError),
    #[error(
        "the store does not hold the log that the node signs: stop the node and look at its disk: {0}"
    )]
    Log(#[from] ExportError),
}

impl Exports {
    /// Of a store, until `stop`: nobody reads on while it is to be closed.
    pub(super) fn of(store: &Arc<Store>, stop: &CancellationToken) -> Self {
        let free = Arc::new(Semaphore::new(EXPORTS_MAX));
        Self { store: Arc::downgrade(store), free, stop: stop.clone() }
    }

    pub(super) fn turn(&self) -> Result<ExportTurn, Status> {
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            let message = format!("{EXPORTS_MAX} exports are under way: wait for one to end");
            Failure::new(Reason::Limit, message)
        })?;
        let store = self.store.upgrade().ok_or_else(stopping)?;
        Ok(ExportTurn { store, permit, stop: self.stop.clone() })
    }
}

impl ExportTurn {
    /// Streams the log as far as this checkpoint, whose entries are durable.
    pub(super) fn stream(self, signed: SignedCheckpoint) -> ReceiverStream<Chunk> {
        let Self { store, permit, stop } = self;
        let (chunks, stream) = mpsc::channel(CHUNKS_MAX);
        let export = Exporting { store, signed, writer: ExportWriter::default(), next: 0 };
        tokio::spawn(async move {
            let exported = stop.run_until_cancelled(export.run(&chunks)).await;
            if let Err(failure) = exported.unwrap_or_else(|| Err(stopping())) {
                // The stream must not end as if it were whole.
                let _ = chunks.send(Err(failure.into())).await;
            }
            drop(permit);
        });
        ReceiverStream::new(stream)
    }
}

impl Exporting {
    async fn run(self, chunks: &mpsc::Sender<Chunk>) -> Result<(), Failure> {
        let (mut text, mut rest) = (ExportWriter::header(), Some(self));
        loop {
            for chunk in text.as_bytes().chunks(CHUNK_BYTES_MAX) {
                let chunk = ExportAuditResponse { chunk: chunk.to_vec() };
                if chunks.send(Ok(chunk)).await.is_err() {
                    // The reader is gone.
                    return Ok(());
                }
            }
            let Some(more) = rest else { return Ok(()) };
            let internal =
                |error: &dyn std::error::Error| Failure::new(Reason::Internal, error.to_string());
            // The disk, and the hashing of a page, are not for a thread of the runtime.
            let page = tokio::task::spawn_blocking(move || more.page()).await;
            (text, rest) = page.map_err(|e| internal(&e))?.map_err(|e| internal(&e))?;
        }
    }

    /// The text of the next entries, and what is left after them.
    fn page(mut self) -> Result<(String, Option<Self>), ExportFault> {
        let left = self.signed.checkpoint().length().saturating_sub(self.next);
        let count = usize::try_from(left).map_or(PAGE_ENTRIES, |left| left.min(PAGE_ENTRIES));
        let page = self.store.page(Tree(AUDIT), &audit_key(self.next), count)?;
        if page.is_empty() {
            // Where that is too early, the checkpoint tells.
            return Ok((self.writer.finish(&self.signed)?, None));
        }
        let page = page.into_iter();
        let stored = page.map(|(key, value)| Stored { tree: AUDIT, key, value: Value(value) });
        let mut text = String::new();
        for record in decode(stored)? {
            if let Record::Audit(entry) = record {
                text.push_str(&self.writer.append(&entry)?);
                self.next += 1;
            }
        }
        Ok((text, Some(self)))
    }
}
