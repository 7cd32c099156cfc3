//! Share holders and sets of them.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// A holder of a share: RFC 9591's participant. Never zero, and never taken from a message: it
/// follows from a verified signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(NonZeroU16);

/// Why participants are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParticipantError {
    /// Identifier zero would reveal the group secret (RFC 9591, section 4.2).
    #[error("participant id must be between 1 and 65535")]
    Zero,
    /// A set named one participant twice, or not in ascending order.
    #[error("participants must be unique and in ascending order")]
    NotAscending,
    /// A set of nobody.
    #[error("a set of participants cannot be empty")]
    Empty,
}

impl ParticipantId {
    /// # Errors
    /// [`ParticipantError::Zero`].
    pub fn new(id: u16) -> Result<Self, ParticipantError> {
        NonZeroU16::new(id).map(Self).ok_or(ParticipantError::Zero)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl FromStr for ParticipantId {
    type Err = ParticipantError;

    fn from_str(text: &str) -> Result<Self, ParticipantError> {
        let id = Self::new(text.parse().map_err(|_| ParticipantError::Zero)?)?;
        if id.to_string() == text { Ok(id) } else { Err(ParticipantError::Zero) }
    }
}

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Participants, sorted and unique, never empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantSet(BTreeSet<ParticipantId>);

impl ParticipantSet {
    /// # Errors
    /// [`ParticipantError::Empty`].
    pub fn new(members: impl IntoIterator<Item = ParticipantId>) -> Result<Self, ParticipantError> {
        let members: BTreeSet<_> = members.into_iter().collect();
        if members.is_empty() { Err(ParticipantError::Empty) } else { Ok(Self(members)) }
    }

    /// Takes the ids as they came over a wire: they must already be ascending, so that one set has
    /// one encoding.
    ///
    /// # Errors
    /// [`ParticipantError`] for a zero, a repetition, disorder or an empty list.
    pub fn from_wire(ids: impl IntoIterator<Item = u32>) -> Result<Self, ParticipantError> {
        let mut members = BTreeSet::new();
        for id in ids {
            let id = ParticipantId::new(u16::try_from(id).map_err(|_| ParticipantError::Zero)?)?;
            if members.last().is_some_and(|last| *last >= id) {
                return Err(ParticipantError::NotAscending);
            }
            members.insert(id);
        }
        Self::new(members)
    }

    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `id` is one of them.
    pub fn contains(&self, id: ParticipantId) -> bool {
        self.0.contains(&id)
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ParticipantId> + '_ {
        self.0.iter().copied()
    }

    /// The members of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).copied().collect())
    }

    /// Whether every member is a member of `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
}

impl fmt::Display for ParticipantSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, id) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{id}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ParticipantSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_one_encoding() {
        assert!(ParticipantSet::from_wire([1, 2, 9]).is_ok());
        assert_eq!(ParticipantSet::from_wire([2, 1]), Err(ParticipantError::NotAscending));
        assert_eq!(ParticipantSet::from_wire([1, 1]), Err(ParticipantError::NotAscending));
        assert_eq!(ParticipantSet::from_wire([0]), Err(ParticipantError::Zero));
        assert_eq!(ParticipantSet::from_wire([65_536]), Err(ParticipantError::Zero));
        assert_eq!(ParticipantSet::from_wire([]), Err(ParticipantError::Empty));
    }
}
