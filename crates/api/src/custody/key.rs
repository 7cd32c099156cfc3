//! Keys and their operations, as clients see them.

use prost_types::Any;
use quorate_coordinator::{KeyRecord, KeyView, OperationState, OperationView};
use quorate_model::{Activation, Epoch, KeyId, KeyState, Timestamp};

use crate::convert::scheme::scheme_to_pb;
use crate::page::{Page, next_token};
use crate::pb::custody::v1 as pb;
use crate::pb::longrunning::{Operation, operation};
use crate::status::{Failure, Reason};
use crate::{DecodeError, Fault, field, limits, name};

/// A page of all keys.
#[must_use]
pub fn keys_to_pb(page: &Page<KeyId>, mut keys: Vec<KeyView>) -> pb::ListKeysResponse {
    let id = |key: &KeyView| key.record.certificate.certified.key.clone();
    keys.sort_by_key(id);
    keys.retain(|key| page.after.as_ref().is_none_or(|after| id(key) > *after));
    let more = keys.len() > page.size;
    keys.truncate(page.size);
    let last = keys.last().filter(|_| more).map(id);
    pb::ListKeysResponse {
        next_page_token: last.map(|last| next_token(&last)).unwrap_or_default(),
        keys: keys.into_iter().map(Into::into).collect(),
    }
}

/// An operation. One that is done has the `key` that it made.
#[must_use]
pub fn operation_to_pb(view: OperationView, key: Option<KeyView>) -> Operation {
    let OperationView { id, key: key_id, record } = view;
    let (detail, done, result) = match record.state {
        OperationState::Running(detail) => (detail, false, None),
        OperationState::Done => {
            let response = key.map(|key| any(&pb::Key::from(key)));
            (String::new(), true, response.map(operation::Result::Response))
        }
        OperationState::Failed(detail) => {
            let error = Failure::new(Reason::OperationFailed, detail.clone()).into_status_message();
            (detail, true, Some(operation::Result::Error(error)))
        }
    };
    let metadata = pb::CeremonyMetadata {
        order: record.digest.as_bytes().to_vec(),
        attempt: record.attempt.0,
        detail,
        create_time_ms: record.created.millis(),
        update_time_ms: record.updated.millis(),
        key: name::key(&key_id),
    };
    Operation { name: name::operation(&id), metadata: Some(any(&metadata)), done, result }
}

impl From<KeyView> for pb::Key {
    fn from(view: KeyView) -> Self {
        let KeyView { record, state, next_epoch, active_until, activated_ms } = view;
        let certified = &record.certificate.certified;
        Self {
            name: name::key(&certified.key),
            scheme: scheme_to_pb(certified.scheme),
            threshold: u32::from(certified.threshold.get()),
            nodes: field::participants_to_pb(&certified.roster),
            state: pb::KeyState::from(state).into(),
            epoch: certified.epoch.0,
            group_verifying_key: certified.group_verifying_key.clone(),
            raw_ok: certified.raw_ok,
            by_order: certified.activation == Activation::ByOrder,
            active_until_ms: active_until.map_or(0, Timestamp::millis),
            activated_ms,
            certificate: Some(record.certificate.into()),
            confirmations: record.confirmations.into_iter().map(Into::into).collect(),
            create_time_ms: record.created.millis(),
            next_epoch: next_epoch.0,
        }
    }
}

/// A key as a client takes it: only what its certificate says, which the client then verifies.
impl TryFrom<pb::Key> for KeyView {
    type Error = DecodeError;

    fn try_from(key: pb::Key) -> Result<Self, DecodeError> {
        const CONFIRMATIONS: &str = "Key.confirmations";
        let (message, confirmations) = (key.clone(), key.confirmations);
        let state = match message.state() {
            pb::KeyState::PreActivation => KeyState::PreActivation,
            pb::KeyState::Active => KeyState::Active,
            pb::KeyState::Suspended => KeyState::Suspended,
            pb::KeyState::Deactivated => KeyState::Deactivated,
            pb::KeyState::Compromised => KeyState::Compromised,
            pb::KeyState::Destroyed => KeyState::Destroyed,
            pb::KeyState::Unspecified => {
                return Err(DecodeError::new("Key.state", Fault::Unknown(message.state)));
            }
        };
        let record = KeyRecord {
            certificate: field::required("Key.certificate", key.certificate)?.try_into()?,
            confirmations: field::list(CONFIRMATIONS, confirmations, limits::CONFIRMATIONS_MAX)?,
            active: state != KeyState::PreActivation,
            created: Timestamp::from_millis(key.create_time_ms),
        };
        let next_epoch = Epoch(key.next_epoch);
        let until = Some(key.active_until_ms).filter(|until| *until > 0);
        let view = Self {
            record,
            state,
            next_epoch,
            active_until: until.map(Timestamp::from_millis),
            activated_ms: key.activated_ms,
        };
        if pb::Key::from(view.clone()) != message {
            return Err(DecodeError::value("Key", "the key is not what its certificate says"));
        }
        Ok(view)
    }
}

impl From<KeyState> for pb::KeyState {
    fn from(state: KeyState) -> Self {
        match state {
            KeyState::PreActivation => Self::PreActivation,
            KeyState::Active => Self::Active,
            KeyState::Suspended => Self::Suspended,
            KeyState::Deactivated => Self::Deactivated,
            KeyState::Compromised => Self::Compromised,
            KeyState::Destroyed => Self::Destroyed,
        }
    }
}

fn any<T: prost::Name>(message: &T) -> Any {
    Any { type_url: T::type_url(), value: message.encode_to_vec() }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
