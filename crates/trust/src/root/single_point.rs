//! Who could do alone what should take several.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quorate_model::{ParticipantId, PersonName, QuorumName};

use crate::{Label, TrustRoot};

/// Somebody who could cause a signature, or loosen what protects from one, without anybody else. No
/// machine can: thresholds are at least 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinglePoint {
    /// A quorum that every one of its members fills alone.
    Quorum {
        /// Which.
        quorum: QuorumName,
        /// Each of them can decide.
        members: BTreeSet<PersonName>,
    },
    /// Somebody who operates as many nodes as sign.
    Operator {
        /// Who.
        operator: Label,
        /// At least as many as the threshold floor.
        nodes: BTreeSet<ParticipantId>,
    },
}

impl TrustRoot {
    /// Whom one would have to bribe, or rob, alone. A root for funds has none.
    ///
    /// It sees what the root says: that two names are one person, or two operators one company, is
    /// for whoever compares the root to notice.
    pub fn single_points(&self) -> Vec<SinglePoint> {
        let alone = self.quorums.iter().filter(|(_, quorum)| quorum.required < 2);
        let quorums = alone.map(|(name, quorum)| SinglePoint::Quorum {
            quorum: name.clone(),
            members: quorum.members.clone(),
        });
        let mut operators: BTreeMap<&Label, BTreeSet<ParticipantId>> = BTreeMap::new();
        for (id, node) in &self.nodes {
            operators.entry(&node.operator).or_default().insert(*id);
        }
        let floor = self.threshold_floor.as_usize();
        let many = operators.into_iter().filter(|(_, nodes)| nodes.len() >= floor);
        let operators = many
            .map(|(operator, nodes)| SinglePoint::Operator { operator: operator.clone(), nodes });
        quorums.chain(operators).collect()
    }
}

impl fmt::Display for SinglePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quorum { quorum, members } => {
                let members: Vec<_> = members.iter().map(PersonName::as_str).collect();
                write!(f, "each of {} is quorum {quorum} alone", members.join(", "))
            }
            Self::Operator { operator, nodes } => {
                let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
                write!(f, "{operator} operates nodes {}: enough to sign", nodes.join(", "))
            }
        }
    }
}
