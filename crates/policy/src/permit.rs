//! The witness that the gate said yes.

use quorate_intent::Asset;
use quorate_model::{Attempt, Digest, Epoch, KeyId};
use ruint::aliases::U256;

/// Proof that this node's gate allowed one phase of one attempt with one key. Only the gate makes
/// one, only a `Permit` loads a share for signing, and it is spent by value: not `Clone`.
///
/// Nothing outside the gate can make one:
///
/// ```compile_fail,E0451
/// use quorate_model::{Attempt, Digest, Epoch};
/// let permit = quorate_policy::Permit {
///     key: "treasury".parse().unwrap(),
///     epoch: Epoch::FIRST,
///     subject: Digest::new([0; 32]),
///     attempt: Attempt::FIRST,
///     phase: quorate_policy::Phase::Share,
///     rules: Vec::new(),
///     charges: Vec::new(),
/// };
/// ```
///
/// nor copy one:
///
/// ```compile_fail,E0599
/// fn copy(permit: &quorate_policy::Permit) -> quorate_policy::Permit {
///     permit.clone()
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    pub(crate) key: KeyId,
    pub(crate) epoch: Epoch,
    pub(crate) subject: Digest,
    pub(crate) attempt: Attempt,
    pub(crate) phase: Phase,
    pub(crate) rules: Vec<String>,
    pub(crate) charges: Vec<(Asset, U256)>,
}

/// The phase of a signing session that a permit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Making nonces and committing to them.
    Reserve,
    /// Releasing signature shares.
    Share,
}

impl Permit {
    /// The key that may sign.
    pub fn key(&self) -> &KeyId {
        &self.key
    }

    /// The epoch of the share that may sign.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The digest of the request (or of the confirmation statement) that was allowed.
    pub fn subject(&self) -> Digest {
        self.subject
    }

    /// The attempt that was allowed.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The phase that was allowed.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Ids of the rules that allowed it, sorted: for the audit log.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// What to charge to the key's [`Usage`](crate::Usage) when shares are released: for each asset
    /// that has a window in the bundle, what the payload takes of it, in base units, fee included.
    pub fn charges(&self) -> &[(Asset, U256)] {
        &self.charges
    }
}
