//! How sled is opened, and how its failures are told.

use std::fs::{File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A page of more than a quarter of this goes to a file that sled never syncs: 17 records of the
/// greatest length must stay below it.
pub(crate) const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

const CACHE_BYTES: u64 = 64 * 1024 * 1024;

const RELEASE_DURATION_MAX: Duration = Duration::from_secs(5);

const _: () = assert!(
    17 * (crate::VALUE_BYTES_MAX + crate::KEY_BYTES_MAX + 256) < SEGMENT_BYTES / 4,
    "a page of greatest records must stay in the log"
);

/// sled failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It said so.
    #[error("the database failed")]
    Reported(#[from] sled::Error),
    /// It panicked, as it does on some damaged files.
    #[error("the database panicked, which damaged files cause: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
}

/// Opens sled without its background flush: the writer syncs, and nothing else does.
pub(crate) fn open(dir: &Path) -> Result<sled::Db, DatabaseError> {
    let config = sled::Config::new()
        .path(dir)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None);
    wait_for_release(&dir.join("db")).map_err(sled::Error::from)?;
    contain(|| Ok(config.open()?))
}

/// Waits until sled's own threads, which outlive a closed store for a moment, let go of its file.
/// No other process has it: the store's lock is held.
fn wait_for_release(log: &Path) -> io::Result<()> {
    let begun = Instant::now();
    while let Some(file) = open_existing(log)? {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(error),
            // sled then says that its file is in use.
            Err(TryLockError::WouldBlock) if begun.elapsed() > RELEASE_DURATION_MAX => break,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
    Ok(())
}

fn open_existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs what may panic inside sled.
pub(crate) fn contain<T, E: From<DatabaseError>>(
    run: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    // Whatever a panic leaves half-done is not used again: the store is not opened, or stops.
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|panic| Err(DatabaseError::Panicked { message: message(panic) }.into()))
}

/// The text of a panic.
pub(crate) fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or("no message".into(), |text| (*text).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_waits_for_whoever_lets_go_soon() {
        let dir = tempfile::tempdir().unwrap();
        let log = File::create(dir.path().join("db")).unwrap();
        log.lock().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                log.unlock().unwrap();
            });
            open(dir.path()).unwrap();
        });
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let result: Result<(), DatabaseError> = contain(|| panic!("page {} is gone", 7));
        assert!(result.unwrap_err().to_string().ends_with("page 7 is gone"));
        let result: Result<(), DatabaseError> = contain(|| panic!("gone"));
        assert!(result.unwrap_err().to_string().ends_with("gone"));
    }
}
