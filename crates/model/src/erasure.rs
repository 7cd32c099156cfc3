//! How surely something that was erased is gone.

use std::fmt;

/// How surely the erased shares of a node are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Erasure {
    /// As surely as the medium forgets: an old copy of the disk, with the passphrase, still has them.
    Medium,
    /// For good: what opened them was destroyed in a token that never gives it away.
    Complete,
}

impl Erasure {
    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medium => "medium",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
