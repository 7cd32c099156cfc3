//! What of a subject's facts more approvals, more verdicts, or more time, would change.

use std::collections::{BTreeMap, BTreeSet};

use quorate_intent::{Asset, Intent};
use quorate_model::Timestamp;

use crate::bundle::Bundle;
use crate::limit::taken;
use crate::subject::SigningSubject;

/// Names of what holds. By the lints, more names never allow less.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Given {
    pub(super) quorums: BTreeSet<String>,
    pub(super) windows: BTreeSet<String>,
    pub(super) calendars: BTreeSet<String>,
    pub(super) verdicts: BTreeSet<String>,
}

impl Given {
    /// What holds with the approvals that there are, at the subject's time.
    pub(super) fn now(bundle: &Bundle, subject: &SigningSubject<'_>) -> Self {
        let quorums = bundle.tables.quorums.iter();
        let met = quorums.filter(|(name, quorum)| quorum.is_met_by(name, subject.approvals));
        let verdicts = bundle.tables.verdicts.iter();
        let said = verdicts.filter(|(_, v)| v.is_met_by(subject.ratings, subject.now));
        let nothing = BTreeSet::new();
        let given = Self {
            quorums: met.map(|(name, _)| name.clone()).collect(),
            windows: nothing.clone(),
            calendars: nothing,
            verdicts: said.map(|(name, _)| name.clone()).collect(),
        };
        given.at(bundle, &fitting_times(bundle, subject), subject.now)
    }

    /// At a time, if nothing is released until then. What providers said may have become too old by
    /// then: it is asked for again when the time has come.
    pub(super) fn at(
        self,
        bundle: &Bundle,
        fitting_times: &BTreeMap<String, Timestamp>,
        time: Timestamp,
    ) -> Self {
        let windows = fitting_times.iter().filter(|(_, fits)| **fits <= time);
        let calendars = bundle.tables.calendars.iter();
        let calendars = calendars.filter(|(_, calendar)| calendar.contains(time));
        Self {
            windows: windows.map(|(name, _)| name.clone()).collect(),
            calendars: calendars.map(|(name, _)| name.clone()).collect(),
            ..self
        }
    }

    /// With every calendar, and with every window that the payload fits in at any time.
    pub(super) fn at_any_time(self, bundle: &Bundle, subject: &SigningSubject<'_>) -> Self {
        Self {
            windows: fitting_times(bundle, subject).into_keys().collect(),
            calendars: bundle.tables.calendars.keys().cloned().collect(),
            ..self
        }
    }

    /// With every verdict that its provider may still give: with all but those that it refused.
    pub(super) fn with_awaited_verdicts(
        mut self,
        bundle: &Bundle,
        subject: &SigningSubject<'_>,
    ) -> Self {
        let verdicts = bundle.tables.verdicts.iter();
        let awaited = verdicts.filter(|(_, verdict)| verdict.may_come(subject.ratings));
        self.verdicts.extend(awaited.map(|(name, _)| name.clone()));
        self
    }

    /// With the verdicts of whatever providers could say, or with none.
    pub(super) fn with_verdicts(self, verdicts: BTreeSet<String>) -> Self {
        Self { verdicts, ..self }
    }

    pub(super) fn with_quorums(mut self, names: BTreeSet<String>) -> Self {
        self.quorums.extend(names);
        self
    }

    pub(super) fn with_all_quorums(self, bundle: &Bundle) -> Self {
        self.with_quorums(bundle.tables.quorums.keys().cloned().collect())
    }

    pub(super) fn without_quorums(self) -> Self {
        Self { quorums: BTreeSet::new(), ..self }
    }

    /// Whether nothing holds here that does not hold there.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.quorums.is_subset(&other.quorums)
            && self.windows.is_subset(&other.windows)
            && self.calendars.is_subset(&other.calendars)
            && self.verdicts.is_subset(&other.verdicts)
    }
}

/// The first times at which the payload fits in the windows on what it takes; without those in which
/// it never does.
pub(super) fn fitting_times(
    bundle: &Bundle,
    subject: &SigningSubject<'_>,
) -> BTreeMap<String, Timestamp> {
    let SigningSubject { key, usage, now, request, .. } = *subject;
    let windows = bundle.tables.windows.iter();
    let on_effects = windows.filter(|(_, window)| moves(subject.intent, &window.asset));
    let fits = on_effects.filter_map(|(name, window)| {
        let taken = taken(subject.intent, &window.asset)?;
        let released = usage.others(key, &window.asset, window.start(now), request);
        Some((name.clone(), window.fits_from(taken, released, now)?))
    });
    fits.collect()
}

fn moves(intent: &Intent, asset: &Asset) -> bool {
    intent.effects.iter().any(|effect| effect.amount.asset == *asset)
}
