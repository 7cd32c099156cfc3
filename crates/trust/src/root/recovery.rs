//! Who can open the backups of nodes, and that no few people can open those of as many as sign.

use std::collections::BTreeSet;

use quorate_model::{ParticipantId, PersonName};

use super::{Quorum, TrustRoot};

/// Recovery officers of one node, at most.
const OFFICERS_MAX: usize = 16;
/// Sets of people that a check goes through, at most. Three of 80 are fewer, and four of 40, and five
/// of 28.
const SETS_MAX: u64 = 100_000;

/// Why the recovery officers of a trust root are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// Somebody could open a backup alone, nobody could, or the officers are too many.
    #[error(
        "node {0}: a backup takes 2 to {OFFICERS_MAX} recovery officers to open, at most as many as there are"
    )]
    Required(ParticipantId),
    /// A person who is not in the root.
    #[error("node {node}: recovery officer {person} is not in the root")]
    Unknown {
        /// The node.
        node: ParticipantId,
        /// Who.
        person: PersonName,
    },
    /// A person to whom nothing can be encrypted.
    #[error("node {node}: recovery officer {person} has no age recipient (recovery: age1…)")]
    NoRecipient {
        /// The node.
        node: ParticipantId,
        /// Who.
        person: PersonName,
    },
    /// One age key stands for two persons.
    #[error("{0} and somebody else have one age recipient: every person needs one of their own")]
    SharedRecipient(PersonName),
    /// A few people could have the key of the cluster.
    #[error(
        "{} could open the backups of nodes {}: enough to sign; give nodes other recovery officers, or ask for more of them",
        names(people),
        names(nodes)
    )]
    EnoughToSign {
        /// Who: as many as one backup takes.
        people: BTreeSet<PersonName>,
        /// At least as many nodes as the threshold floor.
        nodes: BTreeSet<ParticipantId>,
    },
    /// The rule above cannot be checked.
    #[error(
        "{most} of {officers} recovery officers are more sets than the {SETS_MAX} that are checked: name fewer people"
    )]
    TooManySets {
        /// All recovery officers.
        officers: usize,
        /// The most that a node asks for.
        most: usize,
    },
}

impl TrustRoot {
    /// Checks everything about recovery officers.
    pub(super) fn check_recovery(&self) -> Result<(), RecoveryError> {
        let mut seen = BTreeSet::new();
        for (name, person) in &self.persons {
            if person.recovery.as_ref().is_some_and(|recipient| !seen.insert(recipient)) {
                return Err(RecoveryError::SharedRecipient(name.clone()));
            }
        }
        for (node, officers) in self.recovery_officers() {
            let most = officers.members.len();
            if officers.required < 2 || officers.required > most || most > OFFICERS_MAX {
                return Err(RecoveryError::Required(node));
            }
            for person in officers.members.iter().cloned() {
                match self.persons.get(&person).map(|entry| &entry.recovery) {
                    Some(Some(_)) => {}
                    Some(None) => return Err(RecoveryError::NoRecipient { node, person }),
                    None => return Err(RecoveryError::Unknown { node, person }),
                }
            }
        }
        self.check_no_few_open_enough()
    }

    /// Of every node that has some, the people who can open its backups.
    fn recovery_officers(&self) -> impl Iterator<Item = (ParticipantId, &Quorum)> {
        self.nodes.iter().filter_map(|(id, node)| Some((*id, node.recovery.as_ref()?)))
    }

    /// Whoever is enough for the backup that takes the most people must not have as many nodes as sign.
    fn check_no_few_open_enough(&self) -> Result<(), RecoveryError> {
        let people: BTreeSet<_> =
            self.recovery_officers().flat_map(|(_, officers)| &officers.members).collect();
        let people: Vec<_> = people.into_iter().collect();
        let most = self.recovery_officers().map(|(_, officers)| officers.required).max();
        let most = most.unwrap_or_default();
        if count(people.len(), most).is_none_or(|sets| sets > SETS_MAX) {
            return Err(RecoveryError::TooManySets { officers: people.len(), most });
        }
        // Whoever is one of more people can open no less: sets of exactly so many are enough.
        let mut chosen: Vec<usize> = (0..most).collect();
        loop {
            let set: BTreeSet<_> =
                chosen.iter().filter_map(|at| people.get(*at).copied()).collect();
            let opened = |(node, officers): (ParticipantId, &Quorum)| {
                let theirs = officers.members.iter().filter(|name| set.contains(name)).count();
                (theirs >= officers.required).then_some(node)
            };
            let nodes: BTreeSet<_> = self.recovery_officers().filter_map(opened).collect();
            if nodes.len() >= self.threshold_floor.as_usize() {
                let people = set.into_iter().cloned().collect();
                return Err(RecoveryError::EnoughToSign { people, nodes });
            }
            if !advance(&mut chosen, people.len()) {
                return Ok(());
            }
        }
    }
}

/// The next choice of as many out of `of`, in lexicographic order; false after the last.
fn advance(chosen: &mut [usize], of: usize) -> bool {
    let size = chosen.len();
    let last = |at: usize| of - size + at;
    let Some(at) = (0..size).rev().find(|at| chosen.get(*at).is_some_and(|c| *c < last(*at)))
    else {
        return false;
    };
    let first = chosen.get(at).map_or(0, |chosen| chosen + 1);
    chosen.iter_mut().skip(at).zip(first..).for_each(|(place, next)| *place = next);
    true
}

/// How many sets of `size` there are out of `of`; `None` where that is no 64-bit number.
fn count(of: usize, size: usize) -> Option<u64> {
    (0..size as u64).try_fold(1_u64, |sets, at| Some(sets.checked_mul(of as u64 - at)? / (at + 1)))
}

fn names<T: ToString>(items: &BTreeSet<T>) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
