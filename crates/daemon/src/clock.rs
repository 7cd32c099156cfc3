//! The wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorate_model::Timestamp;

/// Now. A clock before 1970 reads as 1970, which engines refuse to work by.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How long until `time`.
pub(crate) fn until(time: Timestamp) -> Duration {
    Duration::from_millis(time.since(now()))
}
