//! Which node a store belongs to.

use quorate_model::Digest;

/// A hash over what makes a node unlike every other: its cluster, role and participant.
///
/// It is associated data of every sealed value and of the keyring, so that neither can be moved to
/// another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding(Digest);

impl Binding {
    /// The binding with this hash.
    pub const fn new(digest: Digest) -> Self {
        Self(digest)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}
