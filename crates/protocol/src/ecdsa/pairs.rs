//! What the two members of a pair share beside the key: the state of their oblivious transfers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quorate_model::{ParticipantId, ParticipantSet, Threshold};
use zeroize::Zeroizing;

/// One participant's half of what it shares with another, in the backend's own encoding: secret. At
/// most 60 KiB, so that it is one value of a store.
pub struct PairState(Zeroizing<Vec<u8>>);

/// By participant, of all the others.
pub type PairStates = BTreeMap<ParticipantId, PairState>;

impl PairState {
    /// The longest that is stored, in bytes: what one value of the store may have.
    pub const BYTES_MAX: usize = 60 * 1024;

    /// Takes an encoding; `None` where it is longer than [`PairState::BYTES_MAX`].
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() <= Self::BYTES_MAX).then_some(Self(bytes))
    }

    /// The bytes. For sealing and for the backend, nothing else.
    pub fn secret_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PairState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairState(<redacted>)")
    }
}

/// Sets of exactly `threshold` members such that each pair of the roster is in one of them: each pair's
/// shared state is used before the key is announced.
pub(crate) fn pair_covering_sets(
    roster: &ParticipantSet,
    threshold: Threshold,
) -> Vec<ParticipantSet> {
    let mut missing = pairs(roster);
    let mut sets = Vec::new();
    while let Some((first, second)) = missing.first().copied() {
        let mut set = BTreeSet::from([first, second]);
        while set.len() < threshold.as_usize().min(roster.len()) {
            let gain = |id: &ParticipantId| {
                let new = |other: &&ParticipantId| missing.contains(&ordered(*id, **other));
                set.iter().filter(new).count()
            };
            let others = roster.iter().filter(|id| !set.contains(id));
            let Some(best) = others.min_by_key(|id| Reverse(gain(id))) else { break };
            set.insert(best);
        }
        let Ok(set) = ParticipantSet::new(set) else { break };
        let covered = pairs(&set);
        missing.retain(|pair| !covered.contains(pair));
        sets.push(set);
    }
    sets
}

/// Whether each pair of `roster` is in one of the sets.
pub fn covers_pairs<'a>(
    roster: &ParticipantSet,
    sets: impl Iterator<Item = &'a ParticipantSet>,
) -> bool {
    let covered: BTreeSet<_> = sets.flat_map(pairs).collect();
    pairs(roster).is_subset(&covered)
}

fn pairs(set: &ParticipantSet) -> BTreeSet<(ParticipantId, ParticipantId)> {
    set.iter().flat_map(|a| set.iter().filter(move |b| a < *b).map(move |b| (a, b))).collect()
}

fn ordered(a: ParticipantId, b: ParticipantId) -> (ParticipantId, ParticipantId) {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_in_a_set_of_threshold_size() {
        for n in 2..=9_u32 {
            for t in 2..=n {
                let roster = ParticipantSet::from_wire(1..=n).unwrap();
                let sets = pair_covering_sets(&roster, Threshold::new(t).unwrap());
                assert!(sets.iter().all(|set| set.len() == t as usize && set.is_subset(&roster)));
                assert!(covers_pairs(&roster, sets.iter()), "{t} of {n}");
                assert!(!covers_pairs(&roster, sets.iter().skip(1)), "{t} of {n}: no set is idle");
            }
        }
    }
}
