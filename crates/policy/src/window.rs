//! Sliding windows: bounds on what a key releases of an asset in a span of time.

use quorate_intent::Asset;
use quorate_model::Timestamp;
use ruint::aliases::U256;

/// A bound on what one key may release of one asset in any span of this length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// The asset.
    pub(crate) asset: Asset,
    /// The length, in milliseconds.
    pub(crate) millis: u64,
    /// The most that may be released, in base units.
    pub(crate) amount: Option<U256>,
    /// The most payloads that may be released.
    pub(crate) count: Option<u64>,
}

impl Window {
    /// From when charges count at a time: a charge is in the window to its last millisecond.
    pub(crate) fn start(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.millis().saturating_sub(self.millis))
    }

    /// The first time, from now on, at which a payload that takes this much fits in beside what was
    /// released since [`Self::start`], oldest first; `None` where it never does.
    pub(crate) fn fits_from(
        &self,
        taken: U256,
        released: impl DoubleEndedIterator<Item = (Timestamp, U256)>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut room = Room { amount: self.amount, count: self.count }.without(taken)?;
        // From the newest on: the first for which no room is left must have gone, and with it all
        // that are older.
        for (time, amount) in released.rev() {
            match room.without(amount) {
                Some(less) => room = less,
                None => return Some(time.plus_millis(self.millis).plus_millis(1).max(now)),
            }
        }
        Some(now)
    }
}

/// What is left of a window. An absent bound leaves all.
#[derive(Clone, Copy)]
struct Room {
    amount: Option<U256>,
    count: Option<u64>,
}

impl Room {
    fn without(self, amount: U256) -> Option<Self> {
        Some(Self {
            amount: match self.amount {
                Some(left) => Some(left.checked_sub(amount)?),
                None => None,
            },
            count: match self.count {
                Some(left) => Some(left.checked_sub(1)?),
                None => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use quorate_model::Network;

    use super::*;

    fn window(amount: Option<u64>, count: Option<u64>) -> Window {
        let asset = Asset::native(Network::Bitcoin);
        Window { asset, millis: 1_000, amount: amount.map(U256::from), count }
    }

    fn fits(window: &Window, taken: u64, released: &[(u64, u64)], now: u64) -> Option<u64> {
        let now = Timestamp::from_millis(now);
        let since = window.start(now);
        let released = released
            .iter()
            .map(|(time, amount)| (Timestamp::from_millis(*time), U256::from(*amount)))
            .filter(|(time, _)| *time >= since);
        let released: Vec<_> = released.collect();
        window.fits_from(U256::from(taken), released.into_iter(), now).map(Timestamp::millis)
    }

    #[test]
    fn what_was_released_leaves_the_window_after_its_length() {
        let window = window(Some(10), None);
        let released = [(500, 6), (900, 3)];
        assert_eq!(fits(&window, 1, &released, 1_000), Some(1_000));
        assert_eq!(fits(&window, 2, &released, 1_000), Some(1_501));
        assert_eq!(fits(&window, 2, &released, 1_500), Some(1_501));
        assert_eq!(fits(&window, 2, &released, 1_501), Some(1_501));
        assert_eq!(fits(&window, 8, &released, 1_000), Some(1_901));
        assert_eq!(fits(&window, 10, &released, 5_000), Some(5_000));
    }

    #[test]
    fn payloads_are_counted_too() {
        let window = window(None, Some(2));
        assert_eq!(fits(&window, u64::MAX, &[(900, 0)], 1_000), Some(1_000));
        assert_eq!(fits(&window, 0, &[(800, 0), (900, 0)], 1_000), Some(1_801));
    }

    #[test]
    fn both_bounds_must_hold() {
        let window = window(Some(10), Some(2));
        assert_eq!(fits(&window, 1, &[(800, 1), (900, 1)], 1_000), Some(1_801));
        assert_eq!(fits(&window, 9, &[(900, 2)], 1_000), Some(1_901));
    }

    #[test]
    fn what_is_more_than_the_window_never_fits() {
        assert_eq!(fits(&window(Some(10), None), 11, &[], 1_000), None);
        assert_eq!(fits(&window(Some(10), Some(5)), 11, &[], 1_000), None);
    }

    #[test]
    fn a_window_that_began_before_the_epoch_counts_everything() {
        assert_eq!(fits(&window(Some(10), None), 10, &[(0, 1)], 500), Some(1_001));
    }
}
