//! What nodes have in common, so that one cause could reach several of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quorate_model::{ParticipantId, ParticipantSet, Threshold};

use crate::{Label, NodeEntry, TrustRoot};

/// Something that two or more nodes share, by the labels of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// `operator`, `provider` or `region`.
    pub kind: &'static str,
    /// Which.
    pub label: Label,
    /// Who shares it, at least two.
    pub nodes: BTreeSet<ParticipantId>,
}

/// How a label is read out of an entry.
type OfEntry = fn(&NodeEntry) -> &Label;

const KINDS: [(&str, OfEntry); 3] = [
    ("operator", |node| &node.operator),
    ("provider", |node| &node.provider),
    ("region", |node| &node.region),
];

impl TrustRoot {
    /// What nodes of a roster share. It sees what the root says: two labels may mean one company.
    pub fn shared(&self, roster: &ParticipantSet) -> Vec<Shared> {
        let of_kind = |(kind, label): (&'static str, OfEntry)| {
            let mut by_label: BTreeMap<&Label, BTreeSet<ParticipantId>> = BTreeMap::new();
            for id in roster.iter() {
                if let Some(node) = self.nodes.get(&id) {
                    by_label.entry(label(node)).or_default().insert(id);
                }
            }
            let shared = by_label.into_iter().filter(|(_, nodes)| nodes.len() > 1);
            shared.map(move |(label, nodes)| Shared { kind, label: label.clone(), nodes })
        };
        KINDS.into_iter().flat_map(of_kind).collect()
    }
}

impl Shared {
    /// Whether it could sign: whoever has it in hand has as many shares as sign.
    pub fn could_sign(&self, threshold: Threshold) -> bool {
        self.nodes.len() >= threshold.as_usize()
    }

    /// Whether nobody signs without it: the others are fewer than sign.
    pub fn could_stop(&self, threshold: Threshold, roster: &ParticipantSet) -> bool {
        roster.len().saturating_sub(self.nodes.len()) < threshold.as_usize()
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.nodes.iter().map(ToString::to_string).collect();
        write!(f, "nodes {} share {} {}", nodes.join(", "), self.kind, self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    fn root(labels: &[[&str; 3]]) -> TrustRoot {
        let mut root = crate::root::tests::root();
        root.nodes = labels
            .iter()
            .zip(1..)
            .map(|([operator, provider, region], number)| {
                let key = SigningKey::generate(&mut rand_core::OsRng).public_key();
                let entry = NodeEntry {
                    identity: key,
                    tls: quorate_model::Digest::new([number; 32]),
                    operator: operator.parse().unwrap(),
                    region: region.parse().unwrap(),
                    provider: provider.parse().unwrap(),
                    recovery: None,
                };
                (ParticipantId::new(u16::from(number)).unwrap(), entry)
            })
            .collect();
        root
    }

    fn roster(ids: &[u32]) -> ParticipantSet {
        ParticipantSet::from_wire(ids.iter().copied()).unwrap()
    }

    #[test]
    fn what_two_holders_share_is_told_and_what_others_have_is_not() {
        let root = root(&[
            ["a", "cloud-1", "here"],
            ["b", "cloud-1", "there"],
            ["c", "cloud-2", "there"],
            ["a", "cloud-3", "elsewhere"],
        ]);
        let said = |ids: &[u32]| -> Vec<String> {
            root.shared(&roster(ids)).iter().map(ToString::to_string).collect()
        };
        assert_eq!(said(&[1, 3]), [""; 0]);
        assert_eq!(
            said(&[1, 2, 3]),
            ["nodes 1, 2 share provider cloud-1", "nodes 2, 3 share region there"]
        );
        assert_eq!(said(&[1, 4]), ["nodes 1, 4 share operator a"]);
    }

    #[test]
    fn two_of_three_could_sign_and_stop_and_two_of_five_could_do_neither() {
        let pair = |ids: &[u32]| {
            let root = root(&[
                ["a", "x", "1"],
                ["a", "y", "2"],
                ["c", "z", "3"],
                ["d", "u", "4"],
                ["e", "v", "5"],
            ]);
            root.shared(&roster(ids)).remove(0)
        };
        let threshold = |n| Threshold::new(n).unwrap();
        let small = pair(&[1, 2, 3]);
        assert!(
            small.could_sign(threshold(2)) && small.could_stop(threshold(2), &roster(&[1, 2, 3]))
        );
        let large = pair(&[1, 2, 3, 4, 5]);
        let all = roster(&[1, 2, 3, 4, 5]);
        assert!(!large.could_sign(threshold(3)) && !large.could_stop(threshold(3), &all));
        assert!(large.could_stop(threshold(4), &all), "three are left of four that sign");
    }
}
