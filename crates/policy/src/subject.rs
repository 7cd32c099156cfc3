//! What the gate is asked about.

use std::collections::{BTreeMap, BTreeSet};

use quorate_intent::Intent;
use quorate_model::{
    Attempt, Digest, Epoch, KeyId, PersonName, ProviderName, QuorumName, RiskLevel, Scheme,
    ServiceName, Timestamp,
};

use crate::Usage;

/// One signing attempt of a verified request, with everything that this node itself decoded or
/// holds. Built by the node's engine; nothing here is taken from the coordinator.
#[derive(Debug, Clone, Copy)]
pub struct SigningSubject<'a> {
    /// The service whose signature on the request was verified: the principal.
    pub service: &'a ServiceName,
    /// Digest of the signed request statement.
    pub request: Digest,
    /// The key that is asked to sign: the resource.
    pub key: &'a KeyId,
    /// The key's scheme.
    pub scheme: Scheme,
    /// Whether the key was made to sign raw digests as well.
    pub raw_ok: bool,
    /// The epoch of the share that would sign.
    pub epoch: Epoch,
    /// Which try at the request.
    pub attempt: Attempt,
    /// What the payload does, decoded by this node.
    pub intent: &'a Intent,
    /// The persons whose verified approval of exactly this request counts, each with the quorum for
    /// which it was given: it counts in no other. Whoever may not approve, such as who initiated the
    /// request, is not among them, and the engine has a person count once.
    pub approvals: &'a BTreeSet<(QuorumName, PersonName)>,
    /// What each risk provider last said of exactly these effects, verified with the key that the
    /// bundle has for it. What is from the future, as far as clocks may differ, is not among it.
    pub ratings: &'a BTreeMap<ProviderName, Rating>,
    /// What this node released so far. What it has of this very request is not counted against it.
    pub usage: &'a Usage,
    /// The node's time.
    pub now: Timestamp,
}

/// What a risk provider said of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// How risky it is, in the provider's own words.
    pub level: RiskLevel,
    /// When it was said.
    pub issued: Timestamp,
}

/// One key confirmation: the only signature of a key that no policy speaks about. Its message is a
/// tagged hash that parses as no transaction.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmationSubject<'a> {
    /// The key to confirm.
    pub key: &'a KeyId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Digest of the confirmation statement (the message that is signed).
    pub statement: Digest,
    /// Which try at the confirmation.
    pub attempt: Attempt,
}
