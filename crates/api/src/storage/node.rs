//! Records of a signer node.

use std::collections::BTreeMap;

use prost::Message;
use quorate_audit::{Entry, Event};
use quorate_model::{
    Attempt, BootId, Epoch, Moment, ParticipantId, RequestId, RequestKey, SharingId, Timestamp,
};
use quorate_protocol::ecdsa::{PairState, PairStates};
use quorate_protocol::{CertifiedKey, SecretShare};
use quorate_signer::{
    ActiveRecord, CeremonyRecord, ClockRecord, ConfirmationAttempt, OrderRecord, PairFreezeRecord,
    PeerRecord, Record, RequestRecord, ShareRecord,
};
use quorate_trust::Signature;
use zeroize::Zeroizing;

use super::pieces::{self, Pieces};
use super::{Seal, Stored, Value, Write, put};
use crate::pb::statement::v1 as statement;
use crate::pb::storage::v1 as pb;
use crate::{DecodeError, field, limits};

const CEREMONIES: &str = "ceremonies";
const VOTES: &str = "votes";
const SHARES: &str = "shares";
const PAIRS: &str = "pairs";
const PAIR_FREEZES: &str = "pair-freezes";
const CERTIFICATES: &str = "certificates";
const CONFIRMATIONS: &str = "confirmations";
const REQUESTS: &str = "requests";
const WATERMARK: &str = "watermark";
const CLOCK: &str = "clock";
const CONFIRMATION_ATTEMPTS: &str = "confirmation-attempts";
const ORDERS: &str = "orders";
const PEERS: &str = "peers";
/// The tree of the audit log.
pub const AUDIT: &str = "audit";

/// The trees of a node's store, in the order in which an engine may be told of their records.
pub const TREES: [&str; 14] = [
    CEREMONIES,
    VOTES,
    SHARES,
    PAIRS,
    CERTIFICATES,
    CONFIRMATIONS,
    REQUESTS,
    WATERMARK,
    CLOCK,
    CONFIRMATION_ATTEMPTS,
    ORDERS,
    PEERS,
    PAIR_FREEZES,
    AUDIT,
];

const WATERMARK_KEY: &[u8] = b"requests";
const CLOCK_KEY: &[u8] = b"confirmed";

/// The writes that make a record durable.
#[must_use]
pub fn encode(record: &Record) -> Vec<Write> {
    match record {
        Record::Ceremony(record) => {
            vec![put(CEREMONIES, *record.order.as_bytes(), &ceremony(record))]
        }
        Record::Share(record) => share(record),
        Record::DropSharing { sharing, peers } => drop_sharing(sharing, peers),
        Record::Certificate(certificate) => {
            let key = sharing_key(&certificate.certified.sharing());
            vec![put(CERTIFICATES, key, &statement::Certificate::from(certificate.clone()))]
        }
        Record::Active(record) => {
            vec![put(CONFIRMATIONS, sharing_key(&record.sharing), &active(record))]
        }
        Record::Request(record) => {
            vec![put(REQUESTS, record.request.to_string(), &request(record))]
        }
        Record::ForgetRequest(request) => {
            vec![Write::Delete { tree: REQUESTS, key: request.to_string().into() }]
        }
        Record::Watermark(time) => {
            let message = pb::WatermarkRecord { expire_time_ms: time.millis() };
            vec![put(WATERMARK, WATERMARK_KEY, &message)]
        }
        Record::Clock(record) => vec![put(CLOCK, CLOCK_KEY, &clock(record))],
        Record::ConfirmationAttempt(ConfirmationAttempt { statement, attempt }) => {
            let key = statement.as_bytes();
            let statement = key.to_vec();
            let message = pb::ConfirmationAttemptRecord { statement, attempt: attempt.0 };
            vec![put(CONFIRMATION_ATTEMPTS, *key, &message)]
        }
        // By the text's hash: the same text is the same order.
        Record::Order(record) => {
            pieces::split(ORDERS, record.order.digest().as_bytes(), &order(record))
        }
        Record::Peer(record) => {
            vec![put(
                PEERS,
                field::participant_to_pb(record.shown.from).to_be_bytes(),
                &peer(record),
            )]
        }
        Record::PairFreeze(record) => {
            let sharing = SharingId { key: record.key.clone(), epoch: record.epoch };
            vec![put(PAIR_FREEZES, pair_key(&sharing, record.with), &pair_freeze(record))]
        }
        Record::Audit(entry) => vec![put(AUDIT, audit_key(entry.index), &audit(entry))],
    }
}

/// All records of a store, from all entries of all its [`TREES`]; those of one tree keep the order
/// of their entries.
///
/// # Errors
/// [`DecodeError`] for an entry that is no record, that is not where it belongs, or that is half of
/// one: the store is damaged then, or another version's.
pub fn decode(entries: impl IntoIterator<Item = Stored>) -> Result<Vec<Record>, DecodeError> {
    let mut records = Vec::new();
    let mut votes = Vec::new();
    let mut shares = BTreeMap::new();
    let mut pairs = BTreeMap::new();
    let mut orders = Pieces::default();
    for Stored { tree, key, value } in entries {
        let bytes = value.0.as_slice();
        let record = match tree {
            VOTES => {
                votes.push((key, vote_from_pb(read("VoteRecord", bytes)?)?));
                continue;
            }
            SHARES => {
                shares.insert(key, value);
                continue;
            }
            PAIRS => {
                pairs.insert(key, value);
                continue;
            }
            PAIR_FREEZES => {
                Record::PairFreeze(pair_freeze_from_pb(read("PairFreezeRecord", bytes)?)?)
            }
            CEREMONIES => Record::Ceremony(ceremony_from_pb(read("CeremonyRecord", bytes)?)?),
            CERTIFICATES => {
                let certificate: statement::Certificate = read("Certificate", bytes)?;
                Record::Certificate(certificate.try_into()?)
            }
            CONFIRMATIONS => Record::Active(active_from_pb(read("ActiveRecord", bytes)?)?),
            REQUESTS => Record::Request(request_from_pb(read("RequestRecord", bytes)?)?),
            WATERMARK => {
                let message: pb::WatermarkRecord = read("WatermarkRecord", bytes)?;
                Record::Watermark(Timestamp::from_millis(message.expire_time_ms))
            }
            CLOCK => Record::Clock(clock_from_pb(&read("ClockRecord", bytes)?)?),
            CONFIRMATION_ATTEMPTS => {
                let message = read("ConfirmationAttemptRecord", bytes)?;
                Record::ConfirmationAttempt(confirmation_attempt_from_pb(&message)?)
            }
            ORDERS => {
                orders.put(key, value);
                continue;
            }
            PEERS => Record::Peer(peer_from_pb(read("PeerRecord", bytes)?)?),
            AUDIT => Record::Audit(audit_from_pb(read("AuditRecord", bytes)?)?),
            other => return Err(DecodeError::value("tree", format!("no such tree: {other}"))),
        };
        in_place(&key, &record)?;
        records.push(record);
    }
    for (key, order) in orders.join("OrderRecord")? {
        let record = Record::Order(order_from_pb(order)?);
        in_place(key, &record)?;
        records.push(record);
    }
    join(&mut records, votes, shares, pairs)?;
    Ok(records)
}

/// Puts votes and shares together: they were written together.
fn join(
    records: &mut Vec<Record>,
    votes: Vec<(Vec<u8>, (CertifiedKey, Signature))>,
    mut shares: BTreeMap<Vec<u8>, Value>,
    mut pairs: BTreeMap<Vec<u8>, Value>,
) -> Result<(), DecodeError> {
    for (key, (certified, vote)) in votes {
        let stored = shares.remove(&sharing_key(&certified.sharing()));
        let stored = field::required("shares", stored)?;
        let share = field::required("shares", SecretShare::from_bytes(&stored.0))?;
        let pairs = take_pairs(&certified, &mut pairs)?;
        let record = Record::Share(ShareRecord { certified, vote, share, pairs });
        in_place(&key, &record)?;
        records.push(record);
    }
    if shares.is_empty() && pairs.is_empty() { Ok(()) } else { Err(DecodeError::missing("votes")) }
}

/// What is stored of the pairs of a sharing: which there have to be is checked where they are taken up.
fn take_pairs(
    certified: &CertifiedKey,
    stored: &mut BTreeMap<Vec<u8>, Value>,
) -> Result<PairStates, DecodeError> {
    let mut pairs = PairStates::new();
    let sharing = certified.sharing();
    for peer in certified.roster.iter() {
        if let Some(Value(bytes)) = stored.remove(&pair_key(&sharing, peer)) {
            pairs.insert(peer, field::required("pairs", PairState::new(bytes))?);
        }
    }
    Ok(pairs)
}

/// A record belongs where it would be written to. Its first write has the key that it was read by.
fn in_place(key: &[u8], record: &Record) -> Result<(), DecodeError> {
    match encode(record).first() {
        Some(Write::Put { key: own, .. } | Write::Delete { key: own, .. }) if own == key => Ok(()),
        Some(_) | None => Err(DecodeError::value("key", "the record is filed under another name")),
    }
}

/// Where the [`AUDIT`] tree has the entry of this index: keys are in the order of the entries.
#[must_use]
pub fn audit_key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn read<M: Message + Default>(message: &'static str, bytes: &[u8]) -> Result<M, DecodeError> {
    M::decode(bytes).map_err(|e| DecodeError::encoding(message, &e))
}

/// Where every tree of sharings has what it keeps of this one.
fn sharing_key(sharing: &SharingId) -> Vec<u8> {
    sharing.to_string().into()
}

fn pair_key(sharing: &SharingId, peer: ParticipantId) -> Vec<u8> {
    format!("{sharing}/{peer}").into()
}

fn share(record: &ShareRecord) -> Vec<Write> {
    let ShareRecord { certified, vote, share, pairs } = record;
    let sharing = certified.sharing();
    let seal = || Seal::Share { key: sharing.key.clone(), epoch: sharing.epoch };
    let message = pb::VoteRecord {
        certified: Some(certified.clone().into()),
        vote: vote.as_bytes().to_vec(),
    };
    let secret = Write::Put {
        tree: SHARES,
        key: sharing_key(&sharing),
        value: Value(Zeroizing::new(share.secret_bytes().to_vec())),
        seal: seal(),
    };
    let pair = |(peer, state): (&ParticipantId, &PairState)| Write::Put {
        tree: PAIRS,
        key: pair_key(&sharing, *peer),
        value: Value(Zeroizing::new(state.secret_bytes().to_vec())),
        seal: seal(),
    };
    let mut writes = vec![put(VOTES, sharing_key(&sharing), &message), secret];
    writes.extend(pairs.iter().map(pair));
    writes
}

/// Nothing of the sharing stays: an entry that is not there is not missed, for a sharing that was never
/// certified has fewer of them than one that signed.
fn drop_sharing(sharing: &SharingId, peers: &[ParticipantId]) -> Vec<Write> {
    let entry = |tree| Write::Delete { tree, key: sharing_key(sharing) };
    let pair = |peer: &ParticipantId| Write::Delete { tree: PAIRS, key: pair_key(sharing, *peer) };
    let mut writes = Vec::from([VOTES, SHARES, CERTIFICATES, CONFIRMATIONS].map(entry));
    writes.extend(peers.iter().map(pair));
    writes
}

fn vote_from_pb(record: pb::VoteRecord) -> Result<(CertifiedKey, Signature), DecodeError> {
    let certified = field::required("VoteRecord.certified", record.certified)?;
    Ok((certified.try_into()?, field::signature("VoteRecord.vote", &record.vote)?))
}

fn ceremony(record: &CeremonyRecord) -> pb::CeremonyRecord {
    pb::CeremonyRecord {
        key: record.key.to_string(),
        order: record.order.as_bytes().to_vec(),
        attempt: record.attempt.0,
    }
}

fn ceremony_from_pb(record: pb::CeremonyRecord) -> Result<CeremonyRecord, DecodeError> {
    Ok(CeremonyRecord {
        key: field::parse("CeremonyRecord.key", &record.key)?,
        order: field::digest("CeremonyRecord.order", &record.order)?,
        attempt: Attempt(record.attempt),
    })
}

fn active(record: &ActiveRecord) -> pb::ActiveRecord {
    let ActiveRecord { sharing, confirmations } = record;
    pb::ActiveRecord {
        key: sharing.key.to_string(),
        confirmations: confirmations.iter().cloned().map(Into::into).collect(),
        epoch: sharing.epoch.0,
    }
}

fn active_from_pb(record: pb::ActiveRecord) -> Result<ActiveRecord, DecodeError> {
    const CONFIRMATIONS: &str = "ActiveRecord.confirmations";
    let key = field::parse("ActiveRecord.key", &record.key)?;
    Ok(ActiveRecord {
        sharing: SharingId { key, epoch: Epoch(record.epoch) },
        confirmations: field::list(CONFIRMATIONS, record.confirmations, limits::CONFIRMATIONS_MAX)?,
    })
}

fn request(record: &RequestRecord) -> pb::RequestRecord {
    pb::RequestRecord {
        service: record.request.service.to_string(),
        request_id: record.request.request_id.as_bytes().to_vec(),
        digest: record.digest.as_bytes().to_vec(),
        expire_time_ms: record.expires.millis(),
        attempt: record.attempt.0,
        released: record.released.map(|attempt| attempt.0),
        denied: record.denied.clone(),
    }
}

fn request_from_pb(record: pb::RequestRecord) -> Result<RequestRecord, DecodeError> {
    const ID: &str = "RequestRecord.request_id";
    Ok(RequestRecord {
        request: RequestKey {
            service: field::parse("RequestRecord.service", &record.service)?,
            request_id: RequestId::new(field::array(ID, &record.request_id)?),
        },
        digest: field::digest("RequestRecord.digest", &record.digest)?,
        expires: Timestamp::from_millis(record.expire_time_ms),
        attempt: Attempt(record.attempt),
        released: record.released.map(Attempt),
        denied: record.denied,
    })
}

fn clock(record: &ClockRecord) -> pb::ClockRecord {
    let ClockRecord { boot, confirmed: Moment { time, uptime_ms } } = *record;
    pb::ClockRecord { boot: boot.as_bytes().to_vec(), time_ms: time.millis(), uptime_ms }
}

fn clock_from_pb(record: &pb::ClockRecord) -> Result<ClockRecord, DecodeError> {
    let time = Timestamp::from_millis(record.time_ms);
    Ok(ClockRecord {
        boot: BootId::from_bytes(field::array("ClockRecord.boot", &record.boot)?),
        confirmed: Moment { time, uptime_ms: record.uptime_ms },
    })
}

fn confirmation_attempt_from_pb(
    record: &pb::ConfirmationAttemptRecord,
) -> Result<ConfirmationAttempt, DecodeError> {
    let statement = field::digest("ConfirmationAttemptRecord.statement", &record.statement)?;
    Ok(ConfirmationAttempt { statement, attempt: Attempt(record.attempt) })
}

fn order(record: &OrderRecord) -> pb::OrderRecord {
    let OrderRecord { order, begins } = record;
    pb::OrderRecord { order: Some(order.clone().into()), begin_time_ms: begins.millis() }
}

fn order_from_pb(record: pb::OrderRecord) -> Result<OrderRecord, DecodeError> {
    Ok(OrderRecord {
        order: field::required("OrderRecord.order", record.order)?.try_into()?,
        begins: Timestamp::from_millis(record.begin_time_ms),
    })
}

fn peer(record: &PeerRecord) -> pb::PeerRecord {
    pb::PeerRecord { shown: Some(record.shown.clone().into()) }
}

fn peer_from_pb(record: pb::PeerRecord) -> Result<PeerRecord, DecodeError> {
    Ok(PeerRecord { shown: field::required("PeerRecord.shown", record.shown)?.try_into()? })
}

fn pair_freeze(record: &PairFreezeRecord) -> pb::PairFreezeRecord {
    pb::PairFreezeRecord {
        key: record.key.to_string(),
        epoch: record.epoch.0,
        node: field::participant_to_pb(record.with),
        reason: record.reason.clone(),
        since_ms: record.since.millis(),
    }
}

fn pair_freeze_from_pb(record: pb::PairFreezeRecord) -> Result<PairFreezeRecord, DecodeError> {
    Ok(PairFreezeRecord {
        key: field::parse("PairFreezeRecord.key", &record.key)?,
        epoch: Epoch(record.epoch),
        with: field::participant("PairFreezeRecord.node", record.node)?,
        reason: record.reason,
        since: Timestamp::from_millis(record.since_ms),
    })
}

fn audit(entry: &Entry) -> pb::AuditRecord {
    let fact = |(name, value): &(String, String)| {
        let (name, value) = (name.clone(), value.clone());
        pb::AuditFact { name, value }
    };
    pb::AuditRecord {
        index: entry.index,
        previous: entry.previous.as_bytes().to_vec(),
        time_ms: entry.time.millis(),
        kind: entry.event.kind.as_str().to_owned(),
        facts: entry.event.facts.iter().map(fact).collect(),
        state: entry.state.as_bytes().to_vec(),
    }
}

fn audit_from_pb(record: pb::AuditRecord) -> Result<Entry, DecodeError> {
    let kind = field::parse("AuditRecord.kind", &record.kind)?;
    let facts = record.facts.into_iter().map(|fact| (fact.name, fact.value)).collect();
    Ok(Entry {
        index: record.index,
        previous: field::digest("AuditRecord.previous", &record.previous)?,
        time: Timestamp::from_millis(record.time_ms),
        state: field::digest("AuditRecord.state", &record.state)?,
        event: Event { kind, facts },
    })
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
