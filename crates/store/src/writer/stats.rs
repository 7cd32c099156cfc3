//! What a writer has done, for whoever exports metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters of a writer, since it was started.
#[derive(Debug, Default)]
pub struct WriterStats {
    batches: AtomicU64,
    syncs: AtomicU64,
    last_sync_nanos: AtomicU64,
}

impl WriterStats {
    /// Batches that were completed as durable, empty ones included.
    pub fn batches(&self) -> u64 {
        self.batches.load(Relaxed)
    }

    /// Syncs of the file that succeeded: one per transaction.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Relaxed)
    }

    /// How long the last of them took.
    pub fn last_sync(&self) -> Duration {
        Duration::from_nanos(self.last_sync_nanos.load(Relaxed))
    }

    pub(super) fn count_batches(&self, batches: usize) {
        self.batches.fetch_add(batches as u64, Relaxed);
    }

    pub(super) fn count_sync(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.last_sync_nanos.store(nanos, Relaxed);
        self.syncs.fetch_add(1, Relaxed);
    }
}
