//! Which holders of a key must not sign together, as they said, and which sets failed without anybody to
//! blame. In memory: after a restart the next refusals say it again.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{
    Attempt, Digest, KeyId, ParticipantId, ParticipantSet, Scheme, Threshold, Timestamp,
};
use quorate_protocol::sign::SigningContext;
use rand_core::CryptoRngCore;

use crate::activation::Activation;
use crate::coordinator::Coordinator;
use crate::request::SignRequestRecord;
use crate::requests::Hold;

/// Why there is nobody to ask now.
pub(crate) enum NoSet {
    /// Whoever is left has deferred the request.
    Deferred,
    /// Holders are about to switch to the key's next sharing.
    Switching,
    /// What stands in the way, and in words.
    Held(Hold, String),
}

/// What is known of the holders of one key, of its epoch. No more than there are pairs of holders: an
/// ECDSA key has 12 at most, and keys of other schemes have no pairs.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    frozen: BTreeSet<(ParticipantId, ParticipantId)>,
    /// How often each was in a set whose parts made no signature, since it was in one that signed.
    doubts: BTreeMap<ParticipantId, u32>,
}

impl Holders {
    /// A pair must not sign together, says one of it.
    pub(crate) fn freeze(&mut self, one: ParticipantId, other: ParticipantId) {
        self.frozen.insert((one.min(other), one.max(other)));
    }

    /// Every frozen pair, in words.
    fn frozen_in_words(&self) -> String {
        let pairs = self.frozen.iter().map(|(one, other)| format!("{one} and {other}"));
        pairs.collect::<Vec<_>>().join(", ")
    }

    /// Why no set is left, and what to do.
    fn no_set(&self, key: &KeyId) -> String {
        let pairs = self.frozen_in_words();
        format!(
            "so many pairs of nodes must not sign with key {key} together that no signing set is left \
             ({pairs}): order a refresh of the key, which makes new pairs"
        )
    }

    fn is_frozen(&self, one: ParticipantId, other: ParticipantId) -> bool {
        self.frozen.contains(&(one.min(other), one.max(other)))
    }

    /// A frozen pair of a set.
    pub(crate) fn frozen_in(&self, set: &ParticipantSet) -> Option<(ParticipantId, ParticipantId)> {
        self.frozen.iter().find(|(one, other)| set.contains(*one) && set.contains(*other)).copied()
    }

    /// The first `threshold` of the candidates of whom no two are frozen, by their order: each as early
    /// as those before it allow.
    pub(crate) fn choose(
        &self,
        candidates: &[ParticipantId],
        threshold: Threshold,
    ) -> Option<ParticipantSet> {
        let mut chosen = Vec::with_capacity(threshold.as_usize());
        let found = self.complete(candidates, threshold.as_usize(), &mut chosen);
        found.then(|| ParticipantSet::new(chosen).ok()).flatten()
    }

    /// Whether there is a set of so many candidates, without a frozen pair, that one of them is in.
    pub(crate) fn signs_with(
        &self,
        one: ParticipantId,
        candidates: &[ParticipantId],
        count: usize,
    ) -> bool {
        let others: Vec<_> = candidates.iter().copied().filter(|id| *id != one).collect();
        self.complete(&others, count, &mut vec![one])
    }

    /// Tries the candidates in order and goes back where too few are left; at most every set of 12
    /// holders is looked at.
    fn complete(
        &self,
        candidates: &[ParticipantId],
        count: usize,
        chosen: &mut Vec<ParticipantId>,
    ) -> bool {
        if chosen.len() == count {
            return true;
        }
        for (index, candidate) in candidates.iter().enumerate() {
            if candidates.len() - index < count - chosen.len() {
                return false;
            }
            if chosen.iter().any(|other| self.is_frozen(*candidate, *other)) {
                continue;
            }
            chosen.push(*candidate);
            let rest = candidates.get(index + 1..).unwrap_or_default();
            if self.complete(rest, count, chosen) {
                return true;
            }
            chosen.pop();
        }
        false
    }

    /// The parts of a set made no signature, and it does not show whose is wrong.
    pub(crate) fn doubt(&mut self, set: &ParticipantSet) {
        for id in set.iter() {
            let doubts = self.doubts.entry(id).or_default();
            *doubts = doubts.saturating_add(1);
        }
    }

    /// A set signed: nobody of it was at fault.
    pub(crate) fn trust(&mut self, set: &ParticipantSet) {
        self.doubts.retain(|id, _| !set.contains(*id));
    }

    pub(crate) fn doubts(&self, id: ParticipantId) -> u32 {
        self.doubts.get(&id).copied().unwrap_or(0)
    }
}

impl Coordinator {
    /// Picks who signs a request: nobody who denied or deferred it, no frozen pair, and of the others
    /// those with whom it is the likeliest to succeed.
    pub(crate) fn pick_set(
        &self,
        record: &SignRequestRecord,
        activation: &Activation,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<ParticipantSet, NoSet> {
        let certified = &activation.record.certificate.certified;
        let (threshold, roster) = (certified.threshold, &certified.roster);
        let waiting = self.requests.waiting(&record.signed.request.request_key());
        let failures = |id| waiting.and_then(|w| w.failures.get(&id)).copied().unwrap_or(0);
        let holds_back =
            |id: &ParticipantId| !record.is_denied_by(*id) && self.holds_back(record, *id, now);
        let live = |id: &ParticipantId| {
            self.nodes.can_work(*id) && !record.is_denied_by(*id) && !holds_back(id)
        };
        let live: Vec<_> = roster.iter().filter(live).collect();
        let active = live.iter().copied().filter(|id| activation.is_active_at(*id)).collect();
        let candidates = self.nodes.on_one_head(active);
        let missing = candidates.len() < threshold.as_usize();
        if missing && live.len() >= threshold.as_usize() && activation.is_switching(now) {
            return Err(NoSet::Switching);
        }
        let holders = &activation.holders;
        let enough = candidates.len() >= threshold.as_usize();
        if enough {
            let rank = |id| (failures(id), holders.doubts(id), self.calls.load(id));
            let ranked = self.nodes.ranked(&candidates, rank, now, rng);
            if let Some(set) = holders.choose(&ranked, threshold) {
                return Ok(set);
            }
        }
        let mut willing: Vec<_> = roster.iter().filter(|id| !record.is_denied_by(*id)).collect();
        if holders.choose(&willing, threshold).is_none() {
            return Err(NoSet::Held(Hold::PairsFrozen, holders.no_set(&certified.key)));
        }
        willing.retain(|id| !holds_back(id));
        if holders.choose(&willing, threshold).is_none() {
            return Err(NoSet::Deferred);
        }
        let found = candidates.len();
        let mut reason = format!("{found} of {threshold} nodes can be asked");
        if enough {
            let pairs = holders.frozen_in_words();
            reason = format!("{found} nodes can be asked, and these not together: {pairs}");
        }
        Err(NoSet::Held(Hold::BelowThreshold, reason))
    }

    /// A node says that it and another must not sign together. It can only speak of its own pairs, in
    /// the set that it was asked for.
    pub(crate) fn learn_frozen_pair(
        &mut self,
        session: (Digest, Attempt),
        (node, with): (ParticipantId, ParticipantId),
    ) -> bool {
        let Some(session) = self.sessions.get(&session) else { return false };
        let SigningContext { scheme, signing_set, .. } = &session.context;
        let of_the_set = signing_set.contains(node) && signing_set.contains(with);
        let genuine = *scheme == Scheme::EcdsaSecp256k1 && node != with && of_the_set;
        let sharing = session.sharing();
        let Some(activation) = self.keys.get_mut(&sharing) else { return false };
        if genuine {
            activation.holders.freeze(node, with);
        }
        genuine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[u16]) -> Vec<ParticipantId> {
        ids.iter().map(|id| ParticipantId::new(*id).unwrap()).collect()
    }

    fn choose(frozen: &[(u16, u16)], order: &[u16], threshold: u32) -> Option<Vec<ParticipantId>> {
        let mut holders = Holders::default();
        for (one, other) in frozen {
            holders.freeze(ids(&[*one])[0], ids(&[*other])[0]);
        }
        let set = holders.choose(&ids(order), Threshold::new(threshold).unwrap());
        set.map(|set| set.iter().collect())
    }

    #[test]
    fn the_first_candidates_sign_that_may_sign_together() {
        assert_eq!(choose(&[], &[3, 1, 2], 2), Some(ids(&[1, 3])));
        assert_eq!(choose(&[(1, 3)], &[3, 1, 2], 2), Some(ids(&[2, 3])));
        // Node 3 comes first, and with it there is no set.
        assert_eq!(choose(&[(1, 3), (3, 2)], &[3, 1, 2], 2), Some(ids(&[1, 2])));
        assert_eq!(choose(&[(1, 3), (2, 3), (1, 2)], &[3, 1, 2], 2), None);
        assert_eq!(choose(&[], &[3], 2), None);
    }

    #[test]
    fn the_search_ends_also_where_every_pair_of_the_most_holders_is_frozen() {
        let order: Vec<u16> = (1..=12).collect();
        let pairs = order.iter().flat_map(|a| order.iter().map(move |b| (*a, *b)));
        // All but the pairs of six holders, who are not a majority.
        let frozen: Vec<_> = pairs.filter(|(a, b)| a < b && *b > 6).collect();
        assert_eq!(choose(&frozen, &order, 6), Some(ids(&[1, 2, 3, 4, 5, 6])));
        assert_eq!(choose(&frozen, &order, 7), None);
    }

    #[test]
    fn a_node_with_frozen_pairs_only_signs_with_nobody() {
        let mut holders = Holders::default();
        let [one, two, three] = [1, 2, 3].map(|id| ParticipantId::new(id).unwrap());
        holders.freeze(three, one);
        assert!(holders.signs_with(three, &[one, two, three], 2));
        holders.freeze(two, three);
        assert!(!holders.signs_with(three, &[one, two, three], 2));
        assert!(!holders.signs_with(one, &[one, three], 2));
    }

    #[test]
    fn who_was_in_a_set_that_failed_is_doubted_until_it_is_in_one_that_signs() {
        let set = |ids_: &[u16]| ParticipantSet::new(ids(ids_)).unwrap();
        let mut holders = Holders::default();
        holders.doubt(&set(&[1, 3]));
        holders.doubt(&set(&[2, 3]));
        holders.trust(&set(&[1, 2]));
        let doubts: Vec<_> = ids(&[1, 2, 3]).into_iter().map(|id| holders.doubts(id)).collect();
        assert_eq!(doubts, [0, 0, 2]);
    }
}
