//! Whom a payload waits for: people, and providers of verdicts.

use std::collections::BTreeSet;

use super::given::Given;
use super::later;
use super::missing;
use super::question::Question;
use crate::{Denial, Later, MissingQuorum, MissingVerdict, Pending, RefusedVerdict};

/// What would allow it, besides what is given now. What people can allow by themselves is asked of
/// people: a provider may be out of order. Otherwise verdicts are asked for, of providers that have not
/// refused them (`spoken`): alone, then with people.
pub(super) fn awaited(
    question: &Question<'_>,
    now: &Given,
    spoken: &Given,
) -> Result<Option<Pending>, Denial> {
    if let Some(pending) = of_people(question, now, now)? {
        return Ok(Some(pending));
    }
    if spoken == now {
        return Ok(None);
    }
    if question.allowed_by(spoken)?.is_some() {
        let given = without_needless(question, now, spoken.clone())?;
        return pending(question, now, given, None);
    }
    if later::earliest(question, spoken)?.is_some() {
        let nobody = BTreeSet::new();
        return in_time(question, now, spoken, nobody);
    }
    of_people(question, now, spoken)
}

/// Verdicts that stand in the way in the end, for what their providers said. None where it would be
/// denied with all of them.
pub(super) fn refused(
    question: &Question<'_>,
    in_the_end: &Given,
) -> Result<Box<[RefusedVerdict]>, Denial> {
    let (tables, ratings) = (&question.bundle().tables, question.subject.ratings);
    let all = in_the_end.clone().with_verdicts(tables.verdicts.keys().cloned().collect());
    if all == *in_the_end || question.allowed_by(&all)?.is_none() {
        return Ok(Box::default());
    }
    let needed = without_needless(question, in_the_end, all)?;
    let refused = needed.verdicts.difference(&in_the_end.verdicts).filter_map(|name| {
        let provider = tables.verdicts.get(name)?.provider.clone();
        let said = ratings.get(&provider)?.clone();
        Some(RefusedVerdict { name: name.clone(), provider, said })
    });
    Ok(refused.collect())
}

/// What approvals would allow with these verdicts, at once or in time.
fn of_people(
    question: &Question<'_>,
    now: &Given,
    spoken: &Given,
) -> Result<Option<Pending>, Denial> {
    if let Some(quorums) = missing::smallest(question, spoken)? {
        let approved = spoken.clone().with_quorums(quorums);
        let approved = without_needless(question, now, approved)?;
        return pending(question, now, approved, None);
    }
    let any_time = spoken.clone().at_any_time(question.bundle(), question.subject);
    if any_time == *spoken {
        return Ok(None);
    }
    match missing::smallest(question, &any_time)? {
        Some(quorums) => in_time(question, now, spoken, quorums),
        None => Ok(None),
    }
}

/// With these quorums and verdicts it is allowed in time; `None` where windows and calendars never
/// meet.
fn in_time(
    question: &Question<'_>,
    now: &Given,
    spoken: &Given,
    quorums: BTreeSet<String>,
) -> Result<Option<Pending>, Denial> {
    let approved = spoken.clone().with_quorums(quorums);
    let any_time = approved.clone().at_any_time(question.bundle(), question.subject);
    let needed = without_needless(question, now, any_time)?;
    let given = approved.with_verdicts(needed.verdicts);
    match later::earliest(question, &given)? {
        Some(later) => pending(question, now, given, Some(later)),
        None => Ok(None),
    }
}

/// Leaves out verdicts without which it is allowed as well, beside those that are given now.
fn without_needless(
    question: &Question<'_>,
    now: &Given,
    mut given: Given,
) -> Result<Given, Denial> {
    let more: Vec<_> = given.verdicts.difference(&now.verdicts).cloned().collect();
    for name in more {
        let mut fewer = given.clone();
        fewer.verdicts.remove(&name);
        if question.allowed_by(&fewer)?.is_some() {
            given = fewer;
        }
    }
    Ok(given)
}

fn pending(
    question: &Question<'_>,
    now: &Given,
    given: Given,
    later: Option<Later>,
) -> Result<Option<Pending>, Denial> {
    let (tables, subject) = (&question.bundle().tables, question.subject);
    let rules = match &later {
        Some(later) => later.rules.clone(),
        None => question.allowed_by(&given)?.unwrap_or_default(),
    };
    let is_missing = |name: &&String| !now.quorums.contains(*name) && given.quorums.contains(*name);
    let quorums = tables.quorums.iter().filter(|(name, _)| is_missing(name));
    let missing = quorums.map(|(name, quorum)| MissingQuorum {
        name: name.clone(),
        required: quorum.required,
        present: quorum.present(name, subject.approvals).cloned().collect(),
        members: quorum.members.iter().cloned().collect(),
    });
    let verdicts = given.verdicts.difference(&now.verdicts).filter_map(|name| {
        let provider = tables.verdicts.get(name)?.provider.clone();
        Some(MissingVerdict { name: name.clone(), provider })
    });
    let (missing, verdicts) = (missing.collect(), verdicts.collect());
    Ok(Some(Pending { missing, verdicts, later, rules }))
}
