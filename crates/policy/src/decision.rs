//! What the gate answers.

use std::fmt;

use quorate_intent::{Address, Amount};
use quorate_model::{PersonName, ProviderName, Timestamp};
use ruint::aliases::U256;

use crate::{FeeBound, Permit, Rating};

/// The gate's answer; a simulation has the ids of the rules in place of a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Decision<P = Permit> {
    /// Every effect is allowed.
    Allow(P),
    /// Persons must approve first, or risk providers must speak.
    Pending(Pending),
    /// Not now: the same request may be allowed at a later time.
    Later(Later),
    /// Final for this request at this node.
    Deny(Denial),
}

/// Who must approve or speak first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The smallest set of quorums that would allow every effect, in the order of their names; none
    /// where only verdicts are missing.
    pub missing: Vec<MissingQuorum>,
    /// Verdicts none of which can be left out, in the order of their names. None where approvals do
    /// without.
    pub verdicts: Vec<MissingVerdict>,
    /// Set where it also is not the time: approvals alone will not do before.
    pub later: Option<Later>,
    /// Ids of the rules that would then allow it, sorted.
    pub rules: Vec<String>,
}

/// A quorum that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingQuorum {
    /// Its name in the bundle.
    pub name: String,
    /// How many of its members must approve.
    pub required: usize,
    /// Which members approved.
    pub present: Vec<PersonName>,
    /// Everybody who may approve in it.
    pub members: Vec<PersonName>,
}

/// A verdict that no provider gave, or that is too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingVerdict {
    /// Its name in the bundle.
    pub name: String,
    /// Who must give it.
    pub provider: ProviderName,
}

impl Pending {
    /// All that is missing, by name: quorums and verdicts.
    pub fn missing_names(&self) -> impl Iterator<Item = &str> {
        let quorums = self.missing.iter().map(|quorum| quorum.name.as_str());
        quorums.chain(self.verdicts.iter().map(|verdict| verdict.name.as_str()))
    }
}

/// A window is exhausted, or a calendar closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    /// The earliest time at which windows and calendars could allow it, if nothing else is released
    /// until then.
    pub until: Timestamp,
    /// What it waits for.
    pub reason: String,
    /// Ids of the rules that would then allow it, sorted.
    pub rules: Vec<String>,
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
        /// Verdicts with which it would not be denied, but for what their providers said.
        refused: Box<[RefusedVerdict]>,
    },
    /// The payload is on a durable nonce account that the bundle does not name as ours: whoever
    /// controls the account decides until when the payload is valid. No rule can allow it.
    ForeignNonce {
        /// The account.
        account: Address,
    },
    /// A raw digest for a key that was not made to sign any. No rule can allow it.
    RawDigest,
    /// The network may take more for it than a cap allows. No rule can allow it.
    Fee {
        /// What the network may take.
        fee: Box<Amount>,
        /// The most that it may, in base units.
        most: U256,
        /// Which bound that is.
        bound: FeeBound,
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

/// A verdict whose provider said something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedVerdict {
    /// Its name in the bundle.
    pub name: String,
    /// Who should have given it.
    pub provider: ProviderName,
    /// What the provider said instead.
    pub said: Rating,
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

impl<P> fmt::Display for Decision<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(_) => f.write_str("allowed"),
            Self::Pending(pending) => write!(f, "{pending}"),
            Self::Later(later) => write!(f, "{later}"),
            Self::Deny(denial) => write!(f, "{denial}"),
        }
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.verdicts.is_empty() {
            let verdicts: Vec<_> = self.verdicts.iter().map(ToString::to_string).collect();
            parts.push(format!("fresh verdicts are missing: {}", verdicts.join(", ")));
        }
        if !self.missing.is_empty() {
            let quorums: Vec<_> = self.missing.iter().map(ToString::to_string).collect();
            parts.push(format!("approvals are missing: {}", quorums.join("; ")));
        }
        parts.extend(self.later.as_ref().map(|later| format!("and {later}")));
        f.write_str(&parts.join("; "))
    }
}

impl fmt::Display for MissingQuorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, required, present, members } = self;
        let member = |member: &PersonName| match present.contains(member) {
            true => format!("{member} approved"),
            false => member.to_string(),
        };
        let members: Vec<_> = members.iter().map(member).collect();
        write!(f, "{name} has {} of {required} ({})", present.len(), members.join(", "))
    }
}

impl fmt::Display for MissingVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.provider)
    }
}

impl fmt::Display for RefusedVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, provider, said } = self;
        write!(f, "verdict {name} is refused: {provider} said {} at {}", said.level, said.issued)
    }
}

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not before {}: {}", self.until, self.reason)
    }
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
            Self::NotPermitted { effect, nearest, refused } => {
                match nearest {
                    None => write!(f, "effect {effect}: no rule permits this action")?,
                    Some(rule) => write!(
                        f,
                        "effect {effect}: no rule permits it; nearest is {} \"{}\": {} did not hold, {}",
                        rule.id, rule.title, rule.unmet, rule.observed
                    )?,
                }
                refused.iter().try_for_each(|verdict| write!(f, "; {verdict}"))
            }
            Self::ForeignNonce { account } => write!(
                f,
                "the payload is on the durable nonce account {account}, which is in no [nonce_accounts] of the bundle: use one of those, or a recent blockhash"
            ),
            Self::RawDigest => f.write_str(
                "the key signs no raw digests: send what is hashed, or use a key that was made for it (raw-ok in its order)",
            ),
            Self::Fee { fee, most, bound } => write!(
                f,
                "the fee may be {} of {}, which is over {most}, {bound}: lower it, or have [fees] of the bundle allow it",
                fee.base_units,
                fee.asset.as_str()
            ),
            Self::Indeterminate { effect, reason } => write!(f, "effect {effect}: {reason}"),
            Self::PermitMismatch { part } => write!(
                f,
                "the reserve permit is for another {part}: begin a new attempt with the reserve phase"
            ),
        }
    }
}
