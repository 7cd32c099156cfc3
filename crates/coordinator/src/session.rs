//! A signing session, from the coordinator's side.

use std::collections::BTreeMap;

use quorate_model::{Digest, ParticipantId, RequestKey, SharingId};
use quorate_protocol::exchange::Parcel;
use quorate_protocol::sign::{ReserveAnswer, ShareAnswer, SigningContext};
use quorate_trust::{Authentic, Signed};

/// One attempt at one subject by one signing set.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) job: Job,
    pub(crate) context: SigningContext,
    /// The context's digest.
    pub(crate) digest: Digest,
    /// Verified, and as they were signed: that is what the others are shown.
    pub(crate) answers: BTreeMap<ParticipantId, (Authentic<ReserveAnswer>, Signed<ReserveAnswer>)>,
    /// Of the round of ECDSA that is under way.
    pub(crate) parcels: BTreeMap<ParticipantId, Parcel>,
    pub(crate) shares: BTreeMap<ParticipantId, Authentic<ShareAnswer>>,
}

/// What the session is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    Request(RequestKey),
    Confirmation(SharingId),
}

impl Session {
    pub(crate) fn new(job: Job, context: SigningContext) -> Self {
        let digest = context.digest();
        let (answers, parcels, shares) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { job, context, digest, answers, parcels, shares }
    }

    /// Which sharing of the key signs.
    pub(crate) fn sharing(&self) -> SharingId {
        SharingId { key: self.context.key.clone(), epoch: self.context.epoch }
    }

    pub(crate) fn all_reserved(&self) -> bool {
        self.answers.len() == self.context.signing_set.len()
    }

    /// Whether everybody who reserved is on one trust root and one policy bundle.
    pub(crate) fn on_one_head(&self) -> bool {
        let on = |answer: &Authentic<ReserveAnswer>| {
            let heads = &answer.body().heads;
            (heads.root, heads.bundle)
        };
        let mut all = self.answers.values().map(|(answer, _)| on(answer));
        let first = all.next();
        all.all(|other| Some(other) == first)
    }

    pub(crate) fn all_shared(&self) -> bool {
        self.shares.len() == self.context.signing_set.len()
    }
}
