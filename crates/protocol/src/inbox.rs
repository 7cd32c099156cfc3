//! One message of every participant, no more and no less.

use std::collections::BTreeMap;

use quorate_model::{ParticipantId, ParticipantSet};
use quorate_trust::Authentic;

use crate::{Abort, AbortReason};

/// Sorts the messages of a round by sender and checks that every member sent exactly one.
pub(crate) fn collect<T>(
    members: &ParticipantSet,
    messages: Vec<Authentic<T>>,
) -> Result<BTreeMap<ParticipantId, T>, Abort> {
    let mut inbox = BTreeMap::new();
    for message in messages {
        let (from, body) = message.into_parts();
        if !members.contains(from) {
            return Err(Abort::unproven(AbortReason::Stranger(from)));
        }
        if inbox.insert(from, body).is_some() {
            return Err(Abort::unproven(AbortReason::Duplicate(from)));
        }
    }
    match members.iter().find(|id| !inbox.contains_key(id)) {
        Some(missing) => Err(Abort::unproven(AbortReason::Missing(missing))),
        None => Ok(inbox),
    }
}
