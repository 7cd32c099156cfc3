//! Which quorums are missing.

use std::collections::BTreeSet;

use super::given::Given;
use super::question::Question;
use crate::Denial;

/// A bundle with many ways through many quorums must not keep a node busy.
const QUESTIONS_MAX: usize = 500;

/// Quorums by their places in the bundle, as bits.
type Mask = u32;

/// The smallest set of quorums that, beside what is given, would allow it; among equals
/// the first by name. `None` where no set does.
///
/// By the lints more quorums never allow less. So whatever set does not allow it is grown until
/// nothing can be added to it, and each set that allows it must have a quorum that is not in there:
/// few questions tell which sets need not be asked about.
pub(super) fn smallest(
    question: &Question<'_>,
    given: &Given,
) -> Result<Option<BTreeSet<String>>, Denial> {
    let all = question.bundle().tables.quorums.keys();
    let unmet: Vec<&String> = all.filter(|name| !given.quorums.contains(*name)).collect();
    let mut search = Search { question, given, unmet, questions: 0 };
    let full = search.full();
    if full == 0 || !search.allows(full)? {
        return Ok(None);
    }
    let mut candidates: Vec<Mask> = (0..=full).collect();
    // The first by name is the lowest bit: among equal counts, compare from there.
    candidates.sort_by_key(|mask| (mask.count_ones(), std::cmp::Reverse(mask.reverse_bits())));
    let mut must_meet: Vec<Mask> = Vec::new();
    for candidate in candidates {
        if must_meet.iter().any(|one_of| candidate & one_of == 0) {
            continue;
        }
        if search.allows(candidate)? {
            return Ok(Some(search.names(candidate)));
        }
        if search.questions >= QUESTIONS_MAX {
            return search.any_minimal(full);
        }
        let grown = search.grown(candidate)?;
        must_meet.push(full & !grown);
    }
    Ok(None)
}

struct Search<'a, 'q> {
    question: &'a Question<'q>,
    given: &'a Given,
    unmet: Vec<&'a String>,
    questions: usize,
}

impl Search<'_, '_> {
    fn full(&self) -> Mask {
        self.bits().fold(0, |mask, bit| mask | bit)
    }

    fn bits(&self) -> impl Iterator<Item = Mask> + use<> {
        (0u32..).take(self.unmet.len()).filter_map(|place| 1u32.checked_shl(place))
    }

    fn names(&self, mask: Mask) -> BTreeSet<String> {
        let chosen = self.unmet.iter().zip(self.bits()).filter(|(_, bit)| mask & bit != 0);
        chosen.map(|(name, _)| (*name).clone()).collect()
    }

    fn allows(&mut self, mask: Mask) -> Result<bool, Denial> {
        self.questions += 1;
        let given = self.given.clone().with_quorums(self.names(mask));
        Ok(self.question.allowed_by(&given)?.is_some())
    }

    /// A set that does not allow it, with all that can be added so that it still does not.
    fn grown(&mut self, mut mask: Mask) -> Result<Mask, Denial> {
        for bit in self.bits().collect::<Vec<_>>() {
            if mask & bit == 0 && !self.allows(mask | bit)? {
                mask |= bit;
            }
        }
        Ok(mask)
    }

    /// A set of which no quorum can be left out, though another set may be smaller.
    fn any_minimal(&mut self, mut mask: Mask) -> Result<Option<BTreeSet<String>>, Denial> {
        for bit in self.bits().collect::<Vec<_>>() {
            if self.allows(mask & !bit)? {
                mask &= !bit;
            }
        }
        Ok(Some(self.names(mask)))
    }
}
