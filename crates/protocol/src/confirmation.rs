//! Key confirmation: proof, before a key is announced, that every share of it signs.

use quorate_model::{Digest, ParticipantSet, Scheme, Tag, Threshold, Transcript};

use crate::CertifiedKey;
use crate::ecdsa::pair_covering_sets;

/// A signature over a key's confirmation statement, made by one signing set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Who signed.
    pub signing_set: ParticipantSet,
    /// The group's signature over [`Confirmation::statement`].
    pub signature: Vec<u8>,
}

impl Confirmation {
    /// What `signing_set` signs to confirm a key: a tagged hash that no chain takes for a
    /// transaction. (A BIP-341 message is the hash of something else under another tag; 32 bytes
    /// are too short for a Solana message.)
    pub fn statement(certified: &CertifiedKey, signing_set: &ParticipantSet) -> Digest {
        Transcript::new(Tag::KeyConfirmation)
            .digest(&certified.digest())
            .participants(signing_set)
            .finish()
    }

    /// The sets that confirm a key, the same for everybody: of an ECDSA key each pair of holders is in one
    /// of them, since each shares state that has to be seen to work; of the others each holder.
    pub fn signing_sets(certified: &CertifiedKey) -> Vec<ParticipantSet> {
        let CertifiedKey { scheme, roster, threshold, .. } = certified;
        match scheme {
            Scheme::EcdsaSecp256k1 => pair_covering_sets(roster, *threshold),
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
                covering_sets(roster, *threshold)
            }
        }
    }
}

/// Sets of exactly `threshold` members that together cover the whole roster: consecutive runs, the
/// last one reaching back where the roster does not divide evenly.
fn covering_sets(roster: &ParticipantSet, threshold: Threshold) -> Vec<ParticipantSet> {
    let members: Vec<_> = roster.iter().collect();
    let size = threshold.as_usize().min(members.len());
    let starts = (0..members.len()).step_by(size.max(1));
    starts
        .filter_map(|start| {
            let start = start.min(members.len() - size);
            ParticipantSet::new(members.iter().copied().skip(start).take(size)).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_threshold_size_cover_everybody() {
        for n in 2..=9u32 {
            for t in 2..=n {
                let roster = ParticipantSet::from_wire(1..=n).unwrap();
                let sets = covering_sets(&roster, Threshold::new(t).unwrap());
                assert!(sets.iter().all(|set| set.len() == t as usize && set.is_subset(&roster)));
                assert!(roster.iter().all(|id| sets.iter().any(|set| set.contains(id))));
                assert_eq!(sets.len(), n.div_ceil(t) as usize);
            }
        }
    }
}
