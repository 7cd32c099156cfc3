//! What the gate answers.

use std::fmt;

use crate::Permit;

/// The gate's answer.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Every effect is allowed.
    Allow(Permit),
    /// Final for this request at this node.
    Deny(Denial),
}

/// Why the gate refuses, in words that a person can act on. The same record goes to the service,
/// the command line and the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A `forbid` rule applied.
    Forbidden {
        /// Index of the effect in the intent.
        effect: usize,
        /// The rules that applied, by id and title.
        rules: Vec<(String, String)>,
    },
    /// No `permit` rule applied: default deny.
    NotPermitted {
        /// Index of the effect in the intent.
        effect: usize,
        /// The rule that came nearest, if the bundle has any for this action.
        nearest: Option<NearestRule>,
    },
    /// A rule failed to evaluate, or a fact could not be computed exactly: never a yes.
    Indeterminate {
        /// Index of the effect in the intent.
        effect: usize,
        /// What failed.
        reason: String,
    },
    /// The permit that came with the share phase is not the reserve phase's permit of the same
    /// attempt.
    PermitMismatch {
        /// What differs: `phase`, `key`, `epoch`, `request` or `attempt`.
        part: &'static str,
    },
}

/// The rule that came nearest to permitting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestRule {
    /// The rule's id.
    pub id: String,
    /// The rule's title.
    pub title: String,
    /// Its first condition that did not hold, in the rule's own words.
    pub unmet: String,
    /// The value seen for that condition.
    pub observed: String,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden { effect, rules } => {
                write!(f, "effect {effect}: forbidden by")?;
                for (index, (id, title)) in rules.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "," };
                    write!(f, "{separator} {id} \"{title}\"")?;
                }
                Ok(())
            }
            Self::NotPermitted { effect, nearest: None } => {
                write!(f, "effect {effect}: no rule permits this action")
            }
            Self::NotPermitted { effect, nearest: Some(rule) } => write!(
                f,
                "effect {effect}: no rule permits it; nearest is {} \"{}\": {} did not hold, {}",
                rule.id, rule.title, rule.unmet, rule.observed
            ),
            Self::Indeterminate { effect, reason } => write!(f, "effect {effect}: {reason}"),
            Self::PermitMismatch { part } => write!(
                f,
                "the reserve permit is for another {part}: begin a new attempt with the reserve phase"
            ),
        }
    }
}
