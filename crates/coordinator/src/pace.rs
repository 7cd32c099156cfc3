//! New sharings one at a time, with a rest after each: nodes have requests to sign meanwhile, and a whole fleet of
//! keys may be waiting for its turn.

use quorate_model::{KeyId, Timestamp};

/// After so long a new sharing is in nobody's way any more: it waits for something.
const PATIENCE_MS: u64 = 30_000;
/// No rest is longer: what took so long waited for somebody.
const REST_MAX_MS: u64 = 10_000;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// The one that is being made, and since when.
    running: Option<(KeyId, Timestamp)>,
    /// When the next may begin.
    next: Option<Timestamp>,
}

impl Pace {
    /// Begins, unless it is not this key's turn yet.
    ///
    /// # Errors
    /// What it waits for. The words are the same for each key and all the time, since they are kept.
    pub(crate) fn begin(&mut self, key: &KeyId, now: Timestamp) -> Result<(), &'static str> {
        let is_busy = self.running.as_ref().is_some_and(|(other, since)| {
            other != key && *since <= now && now.since(*since) < PATIENCE_MS
        });
        // A clock that was set back makes nobody wait for longer.
        let rests = self.next.is_some_and(|next| now < next && next.since(now) <= REST_MAX_MS);
        if is_busy || rests {
            return Err(
                "waiting for its turn: keys get new shares one after the other, with rests",
            );
        }
        self.running = Some((key.clone(), now));
        Ok(())
    }

    /// It ended, whatever came of it. What follows rests so many times as long as it took.
    pub(crate) fn end(&mut self, key: &KeyId, rests: u64, now: Timestamp) {
        if let Some((_, since)) = self.running.take_if(|(running, _)| running == key) {
            let rest = now.since(since).saturating_mul(rests).min(REST_MAX_MS);
            self.next = Some(now.plus_millis(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn one_at_a_time_and_a_rest_after_each() {
        let [one, other] = ["one", "other"].map(|name| name.parse::<KeyId>().unwrap());
        let mut pace = Pace::default();
        assert_eq!(pace.begin(&one, at(100)), Ok(()));
        assert!(pace.begin(&other, at(150)).is_err());
        assert_eq!(pace.begin(&one, at(200)), Ok(()), "its next attempt");
        pace.end(&other, 4, at(250));
        pace.end(&one, 4, at(300));
        assert!(pace.begin(&other, at(699)).is_err());
        assert_eq!(pace.begin(&other, at(700)), Ok(()), "four times as long as it took");
        pace.end(&one, 4, at(800));
        assert_eq!(pace.begin(&one, at(700 + PATIENCE_MS)), Ok(()), "one that waits is passed by");
        pace.end(&one, 4, at(800 + PATIENCE_MS));
        pace.begin(&one, at(9_000_000)).unwrap();
        assert_eq!(pace.begin(&other, at(5_000_000)), Ok(()), "the clock was set back");
        pace.end(&other, 4, at(5_001_000));
        assert_eq!(pace.begin(&one, at(4_000_000)), Ok(()), "and again, in a rest");
    }
}
