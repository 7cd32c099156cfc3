//! What people have to agree to beside the rules: that a request takes the place of another, or that a key which is
//! compromised pays.

use std::collections::BTreeSet;

use quorate_model::{PersonName, QuorumName};

use crate::quorum::Quorum;
use crate::{Gate, MissingQuorum};

/// What people say to a request that would take the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// A quorum of the bundle approved it.
    Approved,
    /// A quorum must approve it first. This is the first by name; every other will do as well.
    Awaits(MissingQuorum),
    /// The bundle has no quorums, so nobody can.
    Impossible,
}

impl Gate {
    /// What of a quorum of the bundle the approvals of a request lack; `None` where the bundle has no such
    /// quorum.
    pub fn missing_of(
        &self,
        name: &QuorumName,
        approvals: &BTreeSet<(QuorumName, PersonName)>,
    ) -> Option<Result<(), MissingQuorum>> {
        let quorum = self.bundle().tables.quorums.get(name.as_str())?;
        if quorum.is_met_by(name.as_str(), approvals) {
            return Some(Ok(()));
        }
        Some(Err(missing(name.as_str(), quorum, approvals)))
    }

    /// Whether the approvals of a request, as in [`crate::SigningSubject::approvals`], meet at least
    /// one quorum of the bundle, whichever it is: then it may take the place of another that was signed
    /// before, where the rules allow it as well.
    pub fn replacement(&self, approvals: &BTreeSet<(QuorumName, PersonName)>) -> Replacement {
        let quorums = &self.bundle().tables.quorums;
        if quorums.iter().any(|(name, quorum)| quorum.is_met_by(name, approvals)) {
            return Replacement::Approved;
        }
        quorums.iter().next().map_or(Replacement::Impossible, |(name, quorum)| {
            Replacement::Awaits(missing(name, quorum, approvals))
        })
    }
}

fn missing(
    name: &str,
    quorum: &Quorum,
    approvals: &BTreeSet<(QuorumName, PersonName)>,
) -> MissingQuorum {
    MissingQuorum {
        name: name.to_owned(),
        required: quorum.required,
        present: quorum.present(name, approvals).cloned().collect(),
        members: quorum.members.iter().cloned().collect(),
    }
}
