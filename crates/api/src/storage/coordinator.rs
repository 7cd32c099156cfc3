//! Records of a coordinator.

use prost::Message;
use quorate_coordinator::{
    AcceptanceRecord, KeyRecord, OperationRecord, OperationState, OrderRecord, Record,
    RequestState, SignRequestRecord,
};
use quorate_model::{Attempt, Timestamp};
use quorate_trust::SignedOrder;

use super::pieces::{self, Pieces};
use super::{Stored, Write, put};
use crate::convert::verdict::verdicts;
use crate::pb::statement::v1 as statement;
use crate::pb::storage::v1 as pb;
use crate::{DecodeError, Fault, field, limits};

const REQUESTS: &str = "requests";
const OPERATIONS: &str = "operations";
const KEYS: &str = "keys";
const ORDERS: &str = "orders";
const ACCEPTANCES: &str = "acceptances";

/// The trees of a coordinator's store, in the order in which an engine may be told of their records.
pub const TREES: [&str; 5] = [KEYS, OPERATIONS, ORDERS, ACCEPTANCES, REQUESTS];

/// Bytes of the deferrals that a record keeps.
const DEFERRALS_BYTES_MAX: usize = 96 * 1024;

/// The writes that make a record durable.
#[must_use]
pub fn encode(record: &Record) -> Vec<Write> {
    match record {
        Record::Request(record) => {
            let name = record.signed.request.request_key().to_string();
            pieces::split(REQUESTS, name.as_bytes(), &request(record))
        }
        Record::ForgetRequest(request) => pieces::remove(REQUESTS, request.to_string().as_bytes()),
        Record::Operation(record) => {
            vec![put(OPERATIONS, *record.digest.as_bytes(), &operation(record))]
        }
        Record::Key(record) => {
            let sharing = record.certificate.certified.sharing();
            vec![put(KEYS, sharing.to_string(), &key(record))]
        }
        Record::ForgetSharing(sharing) => {
            vec![Write::Delete { tree: KEYS, key: sharing.to_string().into() }]
        }
        Record::Order(record) => pieces::split(ORDERS, record.digest.as_bytes(), &order(record)),
        Record::Acceptance(AcceptanceRecord { word }) => {
            let node = field::participant_to_pb(word.from).to_be_bytes();
            let key = [word.body.order.as_bytes().as_slice(), &node].concat();
            vec![put(ACCEPTANCES, key, &statement::SignedAcceptance::from(word.clone()))]
        }
    }
}

/// All records of a store, from all entries of all its [`TREES`].
///
/// # Errors
/// [`DecodeError`] for an entry that is no record, that is not where it belongs, or for a missing
/// piece: the store is damaged then, or another version's.
pub fn decode(entries: impl IntoIterator<Item = Stored>) -> Result<Vec<Record>, DecodeError> {
    let mut records = Vec::new();
    let (mut requests, mut orders) = (Pieces::default(), Pieces::default());
    for Stored { tree, key, value } in entries {
        let bytes = value.0.as_slice();
        let record = match tree {
            REQUESTS => {
                requests.put(key, value);
                continue;
            }
            ORDERS => {
                orders.put(key, value);
                continue;
            }
            ACCEPTANCES => {
                let word: statement::SignedAcceptance = read("SignedAcceptance", bytes)?;
                Record::Acceptance(AcceptanceRecord { word: word.try_into()? })
            }
            OPERATIONS => Record::Operation(operation_from_pb(read("OperationRecord", bytes)?)?),
            KEYS => Record::Key(key_from_pb(read("KeyRecord", bytes)?)?),
            other => return Err(DecodeError::value("tree", format!("no such tree: {other}"))),
        };
        in_place(&key, &record)?;
        records.push(record);
    }
    for (key, order) in orders.join("CoordinatorOrderRecord")? {
        let record = Record::Order(order_from_pb(order)?);
        in_place(key, &record)?;
        records.push(record);
    }
    for (key, request) in requests.join("SignRequestRecord")? {
        let record = Record::Request(request_from_pb(request)?);
        in_place(key, &record)?;
        records.push(record);
    }
    Ok(records)
}

/// A record belongs where it would be written to. Its first write has the key that it was read by.
fn in_place(key: &[u8], record: &Record) -> Result<(), DecodeError> {
    match encode(record).first() {
        Some(Write::Put { key: own, .. } | Write::Delete { key: own, .. }) if own == key => Ok(()),
        Some(_) | None => Err(DecodeError::value("key", "the record is filed under another name")),
    }
}

fn read<M: Message + Default>(message: &'static str, bytes: &[u8]) -> Result<M, DecodeError> {
    M::decode(bytes).map_err(|e| DecodeError::encoding(message, &e))
}

fn request(record: &SignRequestRecord) -> pb::SignRequestRecord {
    let (signatures, signers) = match &record.state {
        RequestState::Signed { signatures, signers } => {
            (signatures.clone(), field::participants_to_pb(signers))
        }
        RequestState::PendingApproval
        | RequestState::Queued
        | RequestState::Signing
        | RequestState::Denied
        | RequestState::Rejected
        | RequestState::Expired
        | RequestState::Canceled
        | RequestState::Failed => (Vec::new(), Vec::new()),
    };
    pb::SignRequestRecord {
        signed: Some(record.signed.clone().into()),
        digest: record.digest.as_bytes().to_vec(),
        state: pb::RequestState::from(&record.state).into(),
        signatures,
        signers,
        attempt: record.attempt.0,
        denials: record.denials.iter().cloned().map(Into::into).collect(),
        reason: record.reason.clone(),
        create_time_ms: record.created.millis(),
        update_time_ms: record.updated.millis(),
        deferrals: deferrals(record),
        approvals: record.approvals.iter().cloned().map(Into::into).collect(),
        verdicts: record.verdicts.iter().cloned().map(Into::into).collect(),
    }
}

/// What fits of the deferrals: they are asked for again where they are missing.
fn deferrals(record: &SignRequestRecord) -> Vec<statement::SignedDeferral> {
    let mut bytes = 0;
    let all = record.deferrals.iter().cloned().map(statement::SignedDeferral::from);
    all.take_while(|deferral| {
        bytes += deferral.encoded_len();
        bytes <= DEFERRALS_BYTES_MAX
    })
    .collect()
}

fn request_from_pb(record: pb::SignRequestRecord) -> Result<SignRequestRecord, DecodeError> {
    const DENIALS: &str = "SignRequestRecord.denials";
    const DEFERRALS: &str = "SignRequestRecord.deferrals";
    const APPROVALS: &str = "SignRequestRecord.approvals";
    Ok(SignRequestRecord {
        signed: field::required("SignRequestRecord.signed", record.signed)?.try_into()?,
        digest: field::digest("SignRequestRecord.digest", &record.digest)?,
        state: request_state(record.state, record.signatures, record.signers)?,
        attempt: Attempt(record.attempt),
        denials: field::list(DENIALS, record.denials, limits::PARTICIPANTS_MAX)?,
        reason: record.reason,
        created: Timestamp::from_millis(record.create_time_ms),
        updated: Timestamp::from_millis(record.update_time_ms),
        deferrals: field::list(DEFERRALS, record.deferrals, limits::PARTICIPANTS_MAX)?,
        approvals: field::list(APPROVALS, record.approvals, limits::APPROVALS_MAX)?,
        verdicts: verdicts("SignRequestRecord.verdicts", record.verdicts)?,
    })
}

fn request_state(
    state: i32,
    signatures: Vec<Vec<u8>>,
    signers: Vec<u32>,
) -> Result<RequestState, DecodeError> {
    const SIGNATURES: &str = "SignRequestRecord.signatures";
    Ok(match pb::RequestState::try_from(state) {
        Ok(pb::RequestState::PendingApproval) => RequestState::PendingApproval,
        Ok(pb::RequestState::Rejected) => RequestState::Rejected,
        Ok(pb::RequestState::Queued) => RequestState::Queued,
        Ok(pb::RequestState::Signing) => RequestState::Signing,
        Ok(pb::RequestState::Signed) => RequestState::Signed {
            signatures: field::byte_list(
                SIGNATURES,
                signatures,
                limits::MESSAGES_MAX,
                limits::SIGNATURE_BYTES_MAX,
            )?,
            signers: field::participants("SignRequestRecord.signers", signers)?,
        },
        Ok(pb::RequestState::Denied) => RequestState::Denied,
        Ok(pb::RequestState::Expired) => RequestState::Expired,
        Ok(pb::RequestState::Canceled) => RequestState::Canceled,
        Ok(pb::RequestState::Failed) => RequestState::Failed,
        Ok(pb::RequestState::Unspecified) | Err(_) => {
            return Err(DecodeError::new("SignRequestRecord.state", Fault::Unknown(state)));
        }
    })
}

impl From<&RequestState> for pb::RequestState {
    fn from(state: &RequestState) -> Self {
        match state {
            RequestState::PendingApproval => Self::PendingApproval,
            RequestState::Rejected => Self::Rejected,
            RequestState::Queued => Self::Queued,
            RequestState::Signing => Self::Signing,
            RequestState::Signed { .. } => Self::Signed,
            RequestState::Denied => Self::Denied,
            RequestState::Expired => Self::Expired,
            RequestState::Canceled => Self::Canceled,
            RequestState::Failed => Self::Failed,
        }
    }
}

fn operation(record: &OperationRecord) -> pb::OperationRecord {
    let (state, detail) = match &record.state {
        OperationState::Running(detail) => (pb::OperationState::Running, detail.clone()),
        OperationState::Done => (pb::OperationState::Done, String::new()),
        OperationState::Failed(detail) => (pb::OperationState::Failed, detail.clone()),
    };
    pb::OperationRecord {
        order: Some(record.order.clone().into()),
        digest: record.digest.as_bytes().to_vec(),
        attempt: record.attempt.0,
        state: state.into(),
        detail,
        create_time_ms: record.created.millis(),
        update_time_ms: record.updated.millis(),
    }
}

fn operation_from_pb(record: pb::OperationRecord) -> Result<OperationRecord, DecodeError> {
    let state = match pb::OperationState::try_from(record.state) {
        Ok(pb::OperationState::Running) => OperationState::Running(record.detail),
        Ok(pb::OperationState::Done) => OperationState::Done,
        Ok(pb::OperationState::Failed) => OperationState::Failed(record.detail),
        Ok(pb::OperationState::Unspecified) | Err(_) => {
            return Err(DecodeError::new("OperationRecord.state", Fault::Unknown(record.state)));
        }
    };
    Ok(OperationRecord {
        order: field::required("OperationRecord.order", record.order)?.try_into()?,
        digest: field::digest("OperationRecord.digest", &record.digest)?,
        attempt: Attempt(record.attempt),
        state,
        created: Timestamp::from_millis(record.create_time_ms),
        updated: Timestamp::from_millis(record.update_time_ms),
    })
}

fn order(record: &OrderRecord) -> pb::CoordinatorOrderRecord {
    pb::CoordinatorOrderRecord {
        order: Some(record.order.clone().into()),
        create_time_ms: record.created.millis(),
        begin_time_ms: record.begins.millis(),
    }
}

fn order_from_pb(record: pb::CoordinatorOrderRecord) -> Result<OrderRecord, DecodeError> {
    let order = field::required("CoordinatorOrderRecord.order", record.order)?;
    let order = SignedOrder::try_from(order)?;
    Ok(OrderRecord {
        digest: order.digest(),
        order,
        created: Timestamp::from_millis(record.create_time_ms),
        begins: Timestamp::from_millis(record.begin_time_ms),
    })
}

fn key(record: &KeyRecord) -> pb::KeyRecord {
    pb::KeyRecord {
        certificate: Some(record.certificate.clone().into()),
        confirmations: record.confirmations.iter().cloned().map(Into::into).collect(),
        active: record.active,
        create_time_ms: record.created.millis(),
    }
}

fn key_from_pb(record: pb::KeyRecord) -> Result<KeyRecord, DecodeError> {
    const CONFIRMATIONS: &str = "KeyRecord.confirmations";
    Ok(KeyRecord {
        certificate: field::required("KeyRecord.certificate", record.certificate)?.try_into()?,
        confirmations: field::list(CONFIRMATIONS, record.confirmations, limits::CONFIRMATIONS_MAX)?,
        active: record.active,
        created: Timestamp::from_millis(record.create_time_ms),
    })
}

#[cfg(test)]
#[path = "coordinator_tests.rs"]
mod tests;
