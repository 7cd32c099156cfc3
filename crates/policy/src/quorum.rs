//! Quorums: enough persons out of some.

use std::collections::BTreeSet;

use quorate_model::{PersonName, QuorumName};

/// How many of which persons must approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quorum {
    /// How many of the members, from 1 to all.
    pub(crate) required: usize,
    /// Who may approve.
    pub(crate) members: BTreeSet<PersonName>,
}

impl Quorum {
    /// Whether enough members have approved for the quorum of this name.
    pub(crate) fn is_met_by(
        &self,
        name: &str,
        approvals: &BTreeSet<(QuorumName, PersonName)>,
    ) -> bool {
        self.present(name, approvals).count() >= self.required
    }

    /// The members who have approved for the quorum of this name, ascending.
    pub(crate) fn present<'a>(
        &'a self,
        name: &'a str,
        approvals: &'a BTreeSet<(QuorumName, PersonName)>,
    ) -> impl Iterator<Item = &'a PersonName> {
        let for_this = approvals.iter().filter(move |(quorum, _)| quorum.as_str() == name);
        for_this.map(|(_, person)| person).filter(|person| self.members.contains(*person))
    }
}
