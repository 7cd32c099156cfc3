//! What a person's signature is for.

use std::fmt;

use quorate_model::{Digest, Tag, Transcript};

/// A kind of statement that people sign. Every signature is for one kind: one made under an approval
/// counts nowhere else.
///
/// The text form is the namespace that `ssh-keygen -Y sign -n` takes. It has no version: the first
/// line of every statement names its kind and version, and is signed with the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// An order to the cluster: `quorate-order`.
    Order,
    /// The approval of a sign request: `quorate-approval`.
    Approval,
}

impl Namespace {
    /// Every kind of statement.
    pub const ALL: [Self; 2] = [Self::Order, Self::Approval];

    /// The namespace of SSHSIG.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "quorate-order",
            Self::Approval => "quorate-approval",
        }
    }

    /// What a key file signs for a statement's text.
    pub fn digest(self, text: &str) -> Digest {
        let tag = match self {
            Self::Order => Tag::Order,
            Self::Approval => Tag::Approval,
        };
        Transcript::new(tag).text(text).finish()
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.as_str() == name)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
