//! A signing session, from the coordinator's side.

use std::collections::BTreeMap;

use quorate_model::{KeyId, ParticipantId, RequestKey};
use quorate_protocol::sign::{ReserveAnswer, ShareAnswer, SigningContext};
use quorate_trust::Signed;

/// One attempt at one subject by one signing set.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) job: Job,
    pub(crate) context: SigningContext,
    pub(crate) answers: BTreeMap<ParticipantId, Signed<ReserveAnswer>>,
    pub(crate) shares: BTreeMap<ParticipantId, Signed<ShareAnswer>>,
}

/// What the session is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    Request(RequestKey),
    Confirmation(KeyId),
}

impl Session {
    pub(crate) fn new(job: Job, context: SigningContext) -> Self {
        Self { job, context, answers: BTreeMap::new(), shares: BTreeMap::new() }
    }

    pub(crate) fn all_reserved(&self) -> bool {
        self.answers.len() == self.context.signing_set.len()
    }

    pub(crate) fn all_shared(&self) -> bool {
        self.shares.len() == self.context.signing_set.len()
    }
}
