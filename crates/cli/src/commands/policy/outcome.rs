//! A decision about a test, as shown.

use std::collections::BTreeMap;

use quorate_policy::{Bundle, Decision, Denial, Later, MissingQuorum, NearestRule, Pending};
use serde::Serialize;

use super::legible;

/// What a bundle decides.
#[derive(Debug, Default, Serialize)]
pub(super) struct Outcome {
    /// `allow`, `pending`, `later` or `deny`, as a test expects it.
    pub(super) outcome: &'static str,
    /// In words.
    pub(super) says: String,
    /// The rules that decide, or that would once the rest is there.
    pub(super) rules: Vec<RuleName>,
    pub(super) missing: Vec<Missing>,
    pub(super) verdicts: Vec<MissingVerdict>,
    pub(super) until: Option<String>,
    pub(super) nearest: Option<Nearest>,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleName {
    pub(super) id: String,
    pub(super) title: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Missing {
    quorum: String,
    required: usize,
    present: Vec<String>,
    members: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct MissingVerdict {
    verdict: String,
    provider: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Nearest {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) unmet: String,
    pub(super) observed: String,
}

impl Outcome {
    pub(super) fn new(decision: &Decision<Vec<String>>, bundle: &Bundle) -> Self {
        let titles: BTreeMap<_, _> = bundle.rules().collect();
        let rule = |id: &String| RuleName {
            title: titles.get(id.as_str()).copied().unwrap_or_default().to_owned(),
            id: id.clone(),
        };
        let rules = |ids: &[String]| ids.iter().map(rule).collect();
        let outcome = Self { says: decision.to_string(), ..Self::default() };
        match decision {
            Decision::Allow(ids) => Self { outcome: "allow", rules: rules(ids), ..outcome },
            Decision::Pending(Pending { missing, verdicts, later, rules: ids }) => Self {
                outcome: "pending",
                rules: rules(ids),
                missing: missing.iter().map(Missing::new).collect(),
                verdicts: verdicts.iter().map(MissingVerdict::new).collect(),
                until: later.as_ref().map(|later| later.until.to_string()),
                ..outcome
            },
            Decision::Later(Later { until, rules: ids, .. }) => Self {
                outcome: "later",
                rules: rules(ids),
                until: Some(until.to_string()),
                ..outcome
            },
            Decision::Deny(denial) => outcome.denied(denial),
        }
    }

    fn denied(self, denial: &Denial) -> Self {
        let denied = Self { outcome: "deny", ..self };
        match denial {
            Denial::Forbidden { rules, .. } => {
                let rule = |(id, title): &(String, String)| RuleName {
                    id: id.clone(),
                    title: title.clone(),
                };
                Self { rules: rules.iter().map(rule).collect(), ..denied }
            }
            Denial::NotPermitted { nearest, .. } => {
                Self { nearest: nearest.as_ref().map(Nearest::new), ..denied }
            }
            Denial::ForeignNonce { .. }
            | Denial::RawDigest
            | Denial::Fee { .. }
            | Denial::Indeterminate { .. }
            | Denial::PermitMismatch { .. } => denied,
        }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let rules: Vec<_> = self.rules.iter().map(|rule| rule.id.as_str()).collect();
        let by = match self.outcome {
            "allow" => format!(" by {}", rules.join(", ")),
            _ => String::new(),
        };
        legible::line(&format!("{}: {}{by}", self.outcome, self.says))
    }
}

impl Missing {
    fn new(quorum: &MissingQuorum) -> Self {
        let MissingQuorum { name, required, present, members } = quorum;
        Self {
            quorum: name.clone(),
            required: *required,
            present: present.iter().map(ToString::to_string).collect(),
            members: members.iter().map(ToString::to_string).collect(),
        }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let Self { quorum, required, present, members } = self;
        let approved = if present.is_empty() { "nobody".to_owned() } else { present.join(", ") };
        format!("{quorum}: {required} of {}; {approved} approved", members.join(", "))
    }
}

impl MissingVerdict {
    fn new(verdict: &quorate_policy::MissingVerdict) -> Self {
        let quorate_policy::MissingVerdict { name, provider } = verdict;
        Self { verdict: name.clone(), provider: provider.to_string() }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        format!("{} of {}", self.verdict, self.provider)
    }
}

impl Nearest {
    fn new(rule: &NearestRule) -> Self {
        let NearestRule { id, title, unmet, observed } = rule.clone();
        Self { id, title, unmet, observed }
    }
}
