//! Quorums: enough persons out of some.

use std::collections::BTreeSet;

use quorate_model::PersonName;

/// How many of which persons must approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quorum {
    /// How many of the members, from 1 to all.
    pub(crate) required: usize,
    /// Who may approve.
    pub(crate) members: BTreeSet<PersonName>,
}

impl Quorum {
    /// Whether enough of these persons are members.
    pub(crate) fn is_met_by(&self, approvers: &BTreeSet<PersonName>) -> bool {
        self.members.intersection(approvers).count() >= self.required
    }
}
