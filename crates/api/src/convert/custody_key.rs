//! Keys and their operations, as clients see them.

use prost_types::Any;
use quorate_coordinator::{KeyRecord, OperationRecord, OperationState};
use quorate_model::{KeyState, OrderId};

use crate::convert::scheme::scheme_to_pb;
use crate::name;
use crate::pb::custody::v1 as pb;
use crate::pb::longrunning::{Operation, operation};
use crate::status::{Failure, Reason};
use crate::field;

impl From<&KeyRecord> for pb::Key {
    fn from(key: &KeyRecord) -> Self {
        let certified = &key.certificate.certified;
        let state = if key.active { KeyState::Active } else { KeyState::PreActivation };
        Self {
            name: name::key(&certified.key),
            scheme: scheme_to_pb(certified.scheme),
            threshold: u32::from(certified.threshold.get()),
            nodes: field::participants_to_pb(&certified.roster),
            state: pb::KeyState::from(state).into(),
            epoch: certified.epoch.0,
            group_verifying_key: certified.group_verifying_key.clone(),
            certificate: Some(key.certificate.clone().into()),
            confirmations: key.confirmations.iter().cloned().map(Into::into).collect(),
            create_time_ms: key.created.millis(),
        }
    }
}

impl From<KeyState> for pb::KeyState {
    fn from(state: KeyState) -> Self {
        match state {
            KeyState::PreActivation => Self::PreActivation,
            KeyState::Active => Self::Active,
        }
    }
}

/// An operation, by the id of its order. An operation that is done has the `key` that it made.
#[must_use]
pub fn operation_to_pb(
    order: &OrderId,
    record: &OperationRecord,
    key: Option<&KeyRecord>,
) -> Operation {
    let (detail, result) = match &record.state {
        OperationState::Running(detail) => (detail.clone(), None),
        OperationState::Done => {
            let response = key.map(|key| any(&pb::Key::from(key)));
            (String::new(), response.map(operation::Result::Response))
        }
        OperationState::Failed(detail) => {
            let error = Failure::new(Reason::OperationFailed, detail.clone()).into_status_message();
            (detail.clone(), Some(operation::Result::Error(error)))
        }
    };
    let metadata = pb::GenerateKeyMetadata {
        order: record.digest.as_bytes().to_vec(),
        attempt: record.attempt.0,
        detail,
        create_time_ms: record.created.millis(),
        update_time_ms: record.updated.millis(),
    };
    Operation {
        name: name::operation(order),
        metadata: Some(any(&metadata)),
        done: !matches!(record.state, OperationState::Running(_)),
        result,
    }
}

fn any<T: prost::Name>(message: &T) -> Any {
    Any { type_url: T::type_url(), value: message.encode_to_vec() }
}
