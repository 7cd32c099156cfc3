//! When windows and calendars could allow a payload.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::Timestamp;

use super::given::{Given, fitting_times};
use super::question::Question;
use crate::bundle::Bundle;
use crate::{Denial, Later};

/// A bundle whose calendars hardly ever meet must not keep a node busy.
const QUESTIONS_MAX: usize = 100;

/// The first time at which windows and calendars would allow it, other facts being as they are;
/// `None` where they never do.
pub(super) fn earliest(question: &Question<'_>, given: &Given) -> Result<Option<Later>, Denial> {
    let (bundle, subject) = (question.bundle(), question.subject);
    let fitting_times = fitting_times(bundle, subject);
    let in_time = given.clone().at_any_time(bundle, subject);
    if in_time == *given {
        return Ok(None);
    }
    let Some(rules) = question.allowed_by(&in_time)? else { return Ok(None) };
    let mut denied: Vec<Given> = Vec::new();
    for until in moments(bundle, &fitting_times, subject.now) {
        let then = given.clone().at(bundle, &fitting_times, until);
        if denied.iter().any(|other| then.is_within(other)) {
            continue;
        }
        // Beyond the bound the time is one before which it is not allowed, and not the earliest.
        let rules = match question.allowed_by(&then)? {
            Some(rules) => rules,
            None if denied.len() < QUESTIONS_MAX => {
                denied.push(then);
                continue;
            }
            None => rules,
        };
        let reason = reason(given, &then, &fitting_times);
        return Ok(Some(Later { until, reason, rules }));
    }
    Ok(None)
}

/// Every time from now on at which a window fits or a calendar begins. Calendars repeat each week, so
/// a week after each change of the windows shows all that there is.
fn moments(
    bundle: &Bundle,
    fitting_times: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> BTreeSet<Timestamp> {
    let changes: BTreeSet<_> = fitting_times.values().copied().chain([now]).collect();
    let openings = changes.iter().flat_map(|change| {
        bundle.tables.calendars.values().flat_map(|calendar| calendar.openings(*change))
    });
    let openings: Vec<_> = openings.collect();
    changes.into_iter().chain(openings).collect()
}

/// What holds then and does not hold now. A window or a calendar that does not matter may be told,
/// too: which of them rules ask is not known here.
fn reason(given: &Given, then: &Given, fitting_times: &BTreeMap<String, Timestamp>) -> String {
    let windows = then.windows.difference(&given.windows).map(|name| {
        let time = fitting_times.get(name).map_or_else(String::new, ToString::to_string);
        format!("window {name} is used up until {time}")
    });
    let calendars = then.calendars.difference(&given.calendars);
    let calendars = calendars.map(|name| format!("it is outside of calendar {name}"));
    windows.chain(calendars).collect::<Vec<_>>().join(", ")
}
