//! How long to wait before the next attempt.

use std::time::Duration;

use rustls::crypto::ring;

const FIRST: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(10);

/// Doubles from 100 ms to 10 s, each time with jitter of a half, so that nodes which lost the same
/// coordinator do not come back at the same moment.
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// The pause after an attempt that stayed attached for so long. Only a link that lasted begins
    /// anew: one that is taken away as soon as it is made is no better than a refusal.
    pub(super) fn pause(&mut self, attached_for: Duration) -> Duration {
        self.pause_with(attached_for, random())
    }

    /// `random` is uniform in 0 to 1.
    fn pause_with(&mut self, attached_for: Duration, random: f64) -> Duration {
        if attached_for >= LAST {
            self.next = FIRST;
        }
        let pause = self.next.mul_f64(0.5 + 0.5 * random);
        self.next = (self.next * 2).min(LAST);
        pause
    }
}

fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness there is no jitter, and that is all.
    drop(ring::default_provider().secure_random.fill(&mut bytes));
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_last() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> =
            (0..9).map(|_| backoff.pause_with(Duration::ZERO, 1.0).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    }

    #[test]
    fn jitter_takes_away_up_to_a_half() {
        assert_eq!(Backoff::new().pause_with(Duration::ZERO, 0.0).as_millis(), 50);
        let pause = Backoff::new().pause(Duration::ZERO);
        assert!(pause >= FIRST / 2 && pause <= FIRST, "{pause:?}");
    }

    #[test]
    fn only_a_link_that_lasted_begins_anew() {
        let mut backoff = Backoff::new();
        for _ in 0..3 {
            backoff.pause_with(Duration::from_secs(9), 1.0);
        }
        assert_eq!(backoff.pause_with(Duration::from_secs(9), 1.0).as_millis(), 800);
        assert_eq!(backoff.pause_with(Duration::from_secs(10), 1.0), FIRST);
    }
}
