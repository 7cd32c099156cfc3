//! The clocks of this machine.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorate_model::{BootId, Moment, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// Where Linux says which run of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Where a service manager says it to a process that does not see that file.
const BOOT_ID_VARIABLE: &str = "QUORATE_BOOT_ID";

static BOOT: LazyLock<Option<BootId>> = LazyLock::new(|| {
    let kernel = std::fs::read_to_string(BOOT_ID).ok();
    let told = kernel.or_else(|| std::env::var(BOOT_ID_VARIABLE).ok());
    told.and_then(|text| text.trim().parse().ok())
});

/// Now, by the wall clock. One before 1970 reads as 1970, which engines refuse to work by.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Now, by all clocks.
pub(crate) fn moment() -> Moment {
    let uptime = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(uptime.tv_sec).unwrap_or_default();
    let millis = u64::try_from(uptime.tv_nsec / 1_000_000).unwrap_or_default();
    Moment { time: now(), uptime_ms: seconds.saturating_mul(1_000).saturating_add(millis) }
}

/// Which run of the machine this is, where the operating system says so.
pub(crate) fn boot() -> Option<BootId> {
    *BOOT
}

/// How long until `time`.
pub(crate) fn until(time: Timestamp) -> Duration {
    Duration::from_millis(time.since(now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_that_nobody_sets_goes_on() {
        let (first, second) = (moment(), moment());
        assert!(first.uptime_ms > 0 && second.uptime_ms >= first.uptime_ms);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_says_which_run_of_the_machine_this_is() {
        assert!(boot().is_some());
    }
}
