//! Verdicts: what the bundle demands that a risk provider says about a payload.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{ProviderName, RiskLevel, Timestamp};

use crate::Rating;

/// What one provider must have said, and how lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Who must say it.
    pub(crate) provider: ProviderName,
    /// Any of these will do.
    pub(crate) levels: BTreeSet<RiskLevel>,
    /// How old it may be, in milliseconds.
    pub(crate) millis: u64,
}

impl Verdict {
    /// Whether what the provider said last is what is demanded, and is fresh.
    pub(crate) fn is_met_by(
        &self,
        ratings: &BTreeMap<ProviderName, Rating>,
        now: Timestamp,
    ) -> bool {
        ratings.get(&self.provider).is_some_and(|rating| {
            self.levels.contains(&rating.level) && now.since(rating.issued) <= self.millis
        })
    }

    /// Whether a newer word of the provider is all that can be missing: it said nothing yet, or
    /// nothing else. Whoever said something else is not asked again until it likes the payload: its
    /// word stands, whatever its age, until it says something newer.
    pub(crate) fn may_come(&self, ratings: &BTreeMap<ProviderName, Rating>) -> bool {
        let rating = ratings.get(&self.provider);
        rating.is_none_or(|rating| self.levels.contains(&rating.level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(level: &str, issued: u64) -> BTreeMap<ProviderName, Rating> {
        let level = level.parse().unwrap();
        let issued = Timestamp::from_millis(issued);
        BTreeMap::from([("chainwatch".parse().unwrap(), Rating { level, issued })])
    }

    fn low() -> Verdict {
        let levels = ["clear", "low"].map(|level| level.parse().unwrap()).into();
        Verdict { provider: "chainwatch".parse().unwrap(), levels, millis: 600_000 }
    }

    #[test]
    fn a_verdict_is_met_by_its_provider_its_levels_and_in_its_time() {
        let met = |ratings, now| low().is_met_by(&ratings, Timestamp::from_millis(now));
        assert!(met(said("low", 1_000), 1_000) && met(said("clear", 1_000), 601_000));
        assert!(!met(said("low", 1_000), 601_001), "too old");
        assert!(!met(said("medium", 1_000), 1_000), "another level");
        assert!(!met(BTreeMap::new(), 1_000), "nobody said anything");
        let other = Verdict { provider: "other".parse().unwrap(), ..low() };
        assert!(!other.is_met_by(&said("low", 1_000), Timestamp::from_millis(1_000)));
    }

    #[test]
    fn what_is_missing_may_come_and_what_was_refused_does_not() {
        assert!(low().may_come(&BTreeMap::new()) && low().may_come(&said("low", 0)));
        assert!(!low().may_come(&said("high", 0)));
    }
}
