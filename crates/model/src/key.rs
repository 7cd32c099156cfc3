//! The life of a key, in numbers and states.

use std::fmt;
use std::str::FromStr;

use crate::KeyId;

/// The generation of a sharing: 0 after key generation, one more with each refresh or reshare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch that key generation makes.
    pub const FIRST: Self = Self(0);

    /// The epoch after this one, or `None` after the last that fits.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A sharing: a key, and which of its generations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharingId {
    /// The key.
    pub key: KeyId,
    /// The generation.
    pub epoch: Epoch,
}

impl fmt::Display for SharingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.key, self.epoch)
    }
}

/// One try at a request or a ceremony, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u32);

impl Attempt {
    /// The first try.
    pub const FIRST: Self = Self(1);

    /// The try after this one, or `None` after the last that fits.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// When a key begins to sign, for ever: it is part of the key's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activation {
    /// As soon as all its shares have proven that they sign.
    AtOnce,
    /// When an order says so, and for as long as it says.
    ByOrder,
}

impl Activation {
    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at-once",
            Self::ByOrder => "by-order",
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is neither `at-once` nor `by-order`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not when a key is activated: expected at-once or by-order")]
pub struct ParseActivation(String);

impl FromStr for Activation {
    type Err = ParseActivation;

    fn from_str(text: &str) -> Result<Self, ParseActivation> {
        let found = [Self::AtOnce, Self::ByOrder].into_iter().find(|known| known.as_str() == text);
        found.ok_or_else(|| ParseActivation(text.chars().take(80).collect()))
    }
}

/// The states of a key, by the names of NIST SP 800-57 part 1, section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Shared and voted for, not yet certified and confirmed, or not yet activated: signs its key
    /// confirmation only.
    PreActivation,
    /// Signs what the gate permits.
    Active,
    /// Signs nothing until it is resumed, or activated again.
    Suspended,
    /// Pays to the destinations that were named for it, and signs nothing else, for ever: so late deposits stay
    /// reachable.
    Deactivated,
    /// As deactivated, and each payment takes the approval of a quorum that was named for it.
    Compromised,
    /// Its shares are erased.
    Destroyed,
}

impl KeyState {
    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreActivation => "pre-activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
            Self::Compromised => "compromised",
            Self::Destroyed => "destroyed",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
