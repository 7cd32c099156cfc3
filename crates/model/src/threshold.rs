//! How many signers a signature takes.

use std::fmt;

/// Signers required: `t` of `n`, RFC 9591's MIN_PARTICIPANTS. `t - 1` corrupt holders learn nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(u16);

/// Why a threshold is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// One signer alone would be no threshold at all.
    #[error("threshold {0} is below 2")]
    BelowTwo(u32),
    /// More signers than holders.
    #[error("threshold {threshold} exceeds the {holders} holders")]
    AboveHolders {
        /// What was asked for.
        threshold: u16,
        /// How many hold a share.
        holders: usize,
    },
    /// Two disjoint sets could sign at the same time.
    #[error("threshold {threshold} of {holders} lets two disjoint sets sign: take more than half")]
    NotMajority {
        /// What was asked for.
        threshold: u16,
        /// How many hold a share.
        holders: usize,
    },
}

impl Threshold {
    /// # Errors
    /// [`ThresholdError::BelowTwo`], also where the number does not fit.
    pub fn new(signers: u32) -> Result<Self, ThresholdError> {
        match u16::try_from(signers) {
            Ok(signers) if signers >= 2 => Ok(Self(signers)),
            _ => Err(ThresholdError::BelowTwo(signers)),
        }
    }

    /// Checks the threshold against the number of holders: at most all of them, and a majority, so
    /// that any two signing sets share a node.
    ///
    /// # Errors
    /// [`ThresholdError::AboveHolders`] or [`ThresholdError::NotMajority`].
    pub fn check(self, holders: usize) -> Result<(), ThresholdError> {
        if self.as_usize() > holders {
            return Err(ThresholdError::AboveHolders { threshold: self.0, holders });
        }
        if self.as_usize() * 2 <= holders {
            return Err(ThresholdError::NotMajority { threshold: self.0, holders });
        }
        Ok(())
    }

    /// The number of signers required.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The number of signers required, for comparing with lengths.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// How many holders may be corrupt without harm: `t - 1`.
    pub const fn max_corruptions(self) -> u16 {
        self.0 - 1
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_majority_of_at_least_two() {
        assert!(Threshold::new(1).is_err());
        let two = Threshold::new(2).unwrap();
        assert!(two.check(3).is_ok() && two.check(2).is_ok());
        assert!(matches!(two.check(4), Err(ThresholdError::NotMajority { .. })));
        assert!(matches!(two.check(1), Err(ThresholdError::AboveHolders { .. })));
    }
}
