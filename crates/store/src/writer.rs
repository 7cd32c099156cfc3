//! The durable writer: the one thread that writes records.

mod error;
mod stats;

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

pub use self::error::{StartError, SubmitError, WriteError, WriterFailure};
pub use self::stats::WriterStats;
use crate::commit::Committer;
use crate::manifest::Generation;
use crate::{BATCH_BYTES_MAX, Batch, Store, database};

/// Batches in one transaction, at most.
const GROUP_BATCHES_MAX: usize = 256;

/// Bytes in one transaction, but for its last batch.
const GROUP_BYTES_MAX: usize = BATCH_BYTES_MAX;

/// The limits of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterConfig {
    /// Batches that wait, at most. Each may have [`BATCH_BYTES_MAX`] bytes.
    pub queue_batches_max: usize,
    /// Bytes that must be free on the file system for new work to be admitted.
    pub free_bytes_min: u64,
}

impl Default for WriterConfig {
    /// 256 batches and 256 MiB.
    fn default() -> Self {
        Self { queue_batches_max: 256, free_bytes_min: 256 * 1024 * 1024 }
    }
}

/// What makes a file's data durable.
pub(crate) trait SyncFile: Send {
    fn sync_data(&mut self) -> io::Result<()>;
}

impl SyncFile for File {
    fn sync_data(&mut self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

type Completion = Box<dyn FnOnce(Result<(), WriteError>) + Send>;

struct Job {
    batch: Batch,
    completion: Completion,
}

/// Writes batches in the order in which they were submitted, in groups: one transaction, one flush
/// and one sync for up to 256 of them. A batch completes when it and all before it are durable.
///
/// After the first write, flush or sync that fails, no batch is written any more: what a failed
/// sync left on the disk is unknown, and a second sync may hide it. Stop the process then; opening
/// the store again tells what was written.
///
/// Dropping the writer waits for what was submitted.
pub struct Writer {
    store: Arc<Store>,
    config: WriterConfig,
    failure: Arc<OnceLock<Arc<WriterFailure>>>,
    stats: Arc<WriterStats>,
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the writer of a store.
    ///
    /// # Errors
    ///
    /// When the store had a writer before, or there is no thread or file for this one.
    pub fn start(store: &Arc<Store>, config: WriterConfig) -> Result<Self, StartError> {
        let log = store.open_log().map_err(StartError::Io)?;
        Self::start_with(store, config, Box::new(log))
    }

    pub(crate) fn start_with(
        store: &Arc<Store>,
        config: WriterConfig,
        log: Box<dyn SyncFile>,
    ) -> Result<Self, StartError> {
        let committer = store.take_committer().ok_or(StartError::Started)?;
        let (failure, stats) = (Arc::default(), Arc::default());
        let (queue, jobs) = sync_channel(config.queue_batches_max);
        let worker = Worker {
            store: Arc::clone(store),
            committer,
            log,
            failure: Arc::clone(&failure),
            stats: Arc::clone(&stats),
        };
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || worker.run(&jobs))
            .map_err(StartError::Io)?;
        let store = Arc::clone(store);
        Ok(Self { store, config, failure, stats, queue: Some(queue), thread: Some(thread) })
    }

    /// Admits new work. Never waits.
    ///
    /// `completion` runs on the writer's thread, in the order of submission, and should only pass
    /// the result on. It does not run for a refused batch.
    ///
    /// # Errors
    ///
    /// When the batch is over a limit or names a data key that does not exist, the queue is full,
    /// the disk is nearly full, or the writer has stopped.
    pub fn submit(
        &self,
        batch: Batch,
        completion: impl FnOnce(Result<(), WriteError>) + Send + 'static,
    ) -> Result<(), SubmitError> {
        self.check(&batch)?;
        let free = self.store.free_space().map_err(SubmitError::FreeSpace)?;
        if free < self.config.free_bytes_min {
            return Err(SubmitError::DiskFull { free, required: self.config.free_bytes_min });
        }
        let job = Job { batch, completion: Box::new(completion) };
        self.queue()?.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                SubmitError::QueueFull { batches: self.config.queue_batches_max }
            }
            TrySendError::Disconnected(_) => SubmitError::Stopped(self.cause()),
        })
    }

    /// As [`Self::submit`], for work that was admitted before and for records that stop things:
    /// waits for a place in the queue, and may use the space that is kept free.
    ///
    /// # Errors
    ///
    /// As [`Self::submit`], but for the queue and the disk.
    pub fn submit_blocking(
        &self,
        batch: Batch,
        completion: impl FnOnce(Result<(), WriteError>) + Send + 'static,
    ) -> Result<(), SubmitError> {
        self.check(&batch)?;
        let job = Job { batch, completion: Box::new(completion) };
        self.queue()?.send(job).map_err(|_| SubmitError::Stopped(self.cause()))
    }

    /// Why the writer has stopped, if it has.
    pub fn failure(&self) -> Option<Arc<WriterFailure>> {
        self.failure.get().cloned()
    }

    /// What the writer has done.
    pub fn stats(&self) -> Arc<WriterStats> {
        Arc::clone(&self.stats)
    }

    fn check(&self, batch: &Batch) -> Result<(), SubmitError> {
        if let Some(failure) = self.failure() {
            return Err(SubmitError::Stopped(failure));
        }
        batch.check()?;
        match batch.data_keys().find(|id| !self.store.has_data_key(id)) {
            Some(id) => Err(SubmitError::UnknownDataKey { id: id.clone() }),
            None => Ok(()),
        }
    }

    fn queue(&self) -> Result<&SyncSender<Job>, SubmitError> {
        self.queue.as_ref().ok_or_else(|| SubmitError::Stopped(self.cause()))
    }

    /// The thread ends before the writer only by a panic that nothing contained.
    fn cause(&self) -> Arc<WriterFailure> {
        let ended = || WriterFailure::Panicked { message: "the writer's thread has ended".into() };
        self.failure().unwrap_or_else(|| Arc::new(ended()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else { return };
        // A completion may own the last reference to its writer: a thread cannot wait for itself.
        if thread.thread().id() != thread::current().id() {
            // A panic is in `failure` already.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failure = self.failure();
        f.debug_struct("Writer")
            .field("config", &self.config)
            .field("failure", &failure)
            .finish_non_exhaustive()
    }
}

struct Worker {
    store: Arc<Store>,
    committer: Committer,
    log: Box<dyn SyncFile>,
    failure: Arc<OnceLock<Arc<WriterFailure>>>,
    stats: Arc<WriterStats>,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let group = group(first, jobs);
            self.write_group(group);
        }
    }

    fn write_group(&mut self, group: Vec<Job>) {
        let (batches, completions): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.batch, job.completion)).unzip();
        if let Some(cause) = self.failure.get() {
            let cause = Arc::clone(cause);
            return self.complete(completions, || Err(WriteError::Stopped(Arc::clone(&cause))));
        }
        let written = batches.len();
        match self.make_durable(batches) {
            Ok(()) => {
                self.stats.count_batches(written);
                self.complete(completions, || Ok(()));
            }
            Err(failure) => {
                let cause = Arc::new(failure);
                // Before any completion runs, so that none submits more.
                let _ = self.failure.set(Arc::clone(&cause));
                self.complete(completions, || Err(WriteError::Failed(Arc::clone(&cause))));
            }
        }
    }

    fn make_durable(&mut self, batches: Vec<Batch>) -> Result<(), WriterFailure> {
        if batches.iter().all(|batch| batch.writes.is_empty()) {
            return Ok(());
        }
        let writes = batches.into_iter().flat_map(|batch| batch.writes);
        let generation: Generation = self.store.commit(&mut self.committer, writes)?;
        let begun = Instant::now();
        // sled's flush is not durable on Linux: it asks the kernel to write, not the disk to keep.
        self.log.sync_data().map_err(WriterFailure::Sync)?;
        self.stats.count_sync(begun.elapsed());
        self.store.set_generation(generation);
        Ok(())
    }

    fn complete(&self, completions: Vec<Completion>, result: impl Fn() -> Result<(), WriteError>) {
        for completion in completions {
            let result = result();
            let completed = catch_unwind(AssertUnwindSafe(|| completion(result)));
            if let Err(panic) = completed {
                let message = database::message(panic);
                let _ = self.failure.set(Arc::new(WriterFailure::Panicked { message }));
            }
        }
    }
}

/// The first job and what waits behind it, as much as fits in one transaction.
fn group(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.batch.bytes();
    let mut group = vec![first];
    while bytes < GROUP_BYTES_MAX && group.len() < GROUP_BATCHES_MAX {
        let Ok(job) = jobs.try_recv() else { break };
        bytes += job.batch.bytes();
        group.push(job);
    }
    group
}

#[cfg(test)]
mod tests;
