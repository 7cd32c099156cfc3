//! Signing sessions between their two phases: the only place where nonces live.

use std::collections::BTreeMap;

use quorate_model::{Attempt, Digest, Epoch, KeyId, ParticipantId, SharingId, Timestamp};
use quorate_policy::Permit;
use quorate_protocol::ecdsa::EcdsaSigning;
use quorate_protocol::sign::{AnyReserved, SigningContext};

use crate::case::Case;

/// One attempt that was allowed and reserved.
pub(crate) struct Session {
    pub(crate) stage: Stage,
    pub(crate) permit: Permit,
    pub(crate) subject: SessionSubject,
    pub(crate) deadline: Timestamp,
}

/// How far the session is.
#[expect(clippy::large_enum_variant, reason = "most sessions hold nonces")]
pub(crate) enum Stage {
    /// Reserved: waiting for everybody's reserve answer.
    Reserved(AnyReserved),
    /// In a round of ECDSA: waiting for everybody's message.
    Rounds(Box<EcdsaSigning>),
    /// A round is being computed, apart from the engine.
    Working(SigningContext),
}

/// What the session signs, kept from the reserve phase: the very object that was decided about.
pub(crate) enum SessionSubject {
    Request(Box<Case>),
    Confirmation,
}

impl Session {
    pub(crate) fn context(&self) -> &SigningContext {
        match &self.stage {
            Stage::Reserved(reserved) => reserved.context(),
            Stage::Rounds(signing) => signing.context(),
            Stage::Working(context) => context,
        }
    }
}

/// Open sessions, by subject and attempt.
#[derive(Default)]
pub(crate) struct Sessions(BTreeMap<(Digest, Attempt), Session>);

impl Sessions {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn open(&mut self, subject: Digest, attempt: Attempt, session: Session) {
        self.0.insert((subject, attempt), session);
    }

    /// Takes a session out: its nonces are used now or never.
    pub(crate) fn take(&mut self, subject: Digest, attempt: Attempt) -> Option<Session> {
        self.0.remove(&(subject, attempt))
    }

    /// Drops every session of a subject, with its nonces.
    pub(crate) fn drop_all(&mut self, subject: Digest) {
        self.0.retain(|(digest, _), _| *digest != subject);
    }

    /// Drops every session that a node takes part in under one sharing of a key.
    pub(crate) fn drop_pair(&mut self, key: &KeyId, epoch: Epoch, with: ParticipantId) {
        self.0.retain(|_, session| {
            let context = session.context();
            let of_pair =
                context.key == *key && context.epoch == epoch && context.signing_set.contains(with);
            !of_pair
        });
    }

    /// Drops every session under one sharing of a key, with its nonces.
    pub(crate) fn drop_sharing(&mut self, sharing: &SharingId) {
        self.0.retain(|_, session| {
            let context = session.context();
            context.key != sharing.key || context.epoch != sharing.epoch
        });
    }

    /// Drops every session, with its nonces.
    pub(crate) fn end_all(&mut self) {
        self.0.clear();
    }

    /// Drops sessions whose time ran out.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.0.retain(|_, session| session.deadline > now);
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.0.values().map(|session| session.deadline).min()
    }
}
