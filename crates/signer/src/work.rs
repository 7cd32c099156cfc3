//! Work that takes long, done apart from the engine: rounds of ECDSA key generation and signing. The
//! engine gives it away, goes on with other questions, and is told of the outcome.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use quorate_model::{Attempt, Digest, Epoch, KeyId, ParticipantSet};
use quorate_protocol::CeremonyProgress;
use quorate_protocol::ecdsa::SigningProgress;
use quorate_protocol::wire::{CallId, CeremonyKey, FromNode};
use quorate_protocol::{Abort, AbortReason};

use crate::node::LinkId;

/// What a question leads to.
#[expect(clippy::large_enum_variant, reason = "nearly all are answers")]
pub(crate) enum Reply {
    /// An answer.
    Said(FromNode),
    /// Work, whose outcome leads to the answer.
    Work(Work),
}

/// The question that work is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) link: LinkId,
    pub(crate) call: CallId,
}

/// A piece of work, for a thread that has the time.
pub struct Work {
    pub(crate) asked: Asked,
    pub(crate) job: Box<dyn FnOnce() -> Step + Send>,
}

/// What came of it: see [`crate::Input::WorkDone`].
pub struct Outcome {
    pub(crate) asked: Asked,
    pub(crate) step: Step,
}

/// A step of a machine that was taken.
pub(crate) enum Step {
    /// The ceremony, and the digest of the order that it carries out.
    Keygen((CeremonyKey, Digest), Result<CeremonyProgress, Abort>),
    Signing(SigningRun, Result<SigningProgress, Abort>),
}

/// Which signing, and under which share.
#[derive(Debug, Clone)]
pub(crate) struct SigningRun {
    pub(crate) subject: Digest,
    pub(crate) attempt: Attempt,
    pub(crate) key: KeyId,
    pub(crate) epoch: Epoch,
    pub(crate) signing_set: ParticipantSet,
}

impl Work {
    pub(crate) fn keygen(
        asked: Asked,
        ceremony: (CeremonyKey, Digest),
        step: impl FnOnce() -> Result<CeremonyProgress, Abort> + Send + 'static,
    ) -> Self {
        Self { asked, job: Box::new(move || Step::Keygen(ceremony, guarded(step))) }
    }

    pub(crate) fn signing(
        asked: Asked,
        run: SigningRun,
        step: impl FnOnce() -> Result<SigningProgress, Abort> + Send + 'static,
    ) -> Self {
        Self { asked, job: Box::new(move || Step::Signing(run, guarded(step))) }
    }

    /// Does the work: up to a second.
    pub fn run(self) -> Outcome {
        Outcome { asked: self.asked, step: (self.job)() }
    }
}

/// A machine that panics fails its session and nothing else: it was consumed.
fn guarded<T>(step: impl FnOnce() -> Result<T, Abort>) -> Result<T, Abort> {
    let panicked = |_| Err(Abort::unproven(AbortReason::Panicked));
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(panicked)
}

impl From<FromNode> for Reply {
    fn from(answer: FromNode) -> Self {
        Self::Said(answer)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("asked", &self.asked).finish_non_exhaustive()
    }
}
