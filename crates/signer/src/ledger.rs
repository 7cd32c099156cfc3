//! What a node did for each request: ids are used once, attempts only forward.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{Attempt, Digest, RequestKey, Timestamp};
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_trust::VerifiedRequest;

use crate::record::{Record, RequestRecord};
use crate::refusal::refuse;

const FORGET_AT_ONCE_MAX: usize = 256;

/// The durable memory of requests.
#[derive(Debug)]
pub(crate) struct Ledger {
    requests: BTreeMap<RequestKey, RequestRecord>,
    expiries: BTreeSet<(Timestamp, RequestKey)>,
    watermark: Timestamp,
}

impl Default for Ledger {
    fn default() -> Self {
        let (requests, expiries) = (BTreeMap::new(), BTreeSet::new());
        Self { requests, expiries, watermark: Timestamp::ZERO }
    }
}

impl Ledger {
    /// Takes up a record, new or from the store.
    pub(crate) fn put(&mut self, record: RequestRecord) {
        self.expiries.insert((record.expires, record.request.clone()));
        self.requests.insert(record.request.clone(), record);
    }

    pub(crate) fn set_watermark(&mut self, watermark: Timestamp) {
        self.watermark = watermark;
    }

    /// Whether requests that expired at that time are forgotten.
    pub(crate) fn has_forgotten(&self, expires: Timestamp) -> bool {
        expires <= self.watermark
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &RequestRecord> {
        self.requests.values()
    }

    pub(crate) fn get(&self, request: &RequestKey) -> Option<&RequestRecord> {
        self.requests.get(request)
    }

    /// Checks that the node may answer this attempt, and gives the record it would leave behind.
    pub(crate) fn admit(
        &self,
        request: &VerifiedRequest,
        attempt: Attempt,
        attempts_max: u32,
    ) -> Result<RequestRecord, Refusal> {
        let expires = request.request().expires;
        if expires <= self.watermark {
            let reason = format!("the request expired at {expires}, before all that is remembered");
            return Err(refuse(RefusalCode::Time, reason));
        }
        check_attempt(attempt, attempts_max)?;
        let record = self.record_of(request)?;
        if attempt <= record.attempt {
            let (key, answered) = (&record.request, record.attempt);
            let reason = format!("attempt {attempt} of {key}: {answered} was answered");
            return Err(refuse(RefusalCode::AttemptUsed, reason));
        }
        Ok(RequestRecord { attempt, ..record })
    }

    /// What the node did for a request so far, or the record of having done nothing yet.
    pub(crate) fn record_of(&self, request: &VerifiedRequest) -> Result<RequestRecord, Refusal> {
        let key = request.request().request_key();
        let Some(record) = self.requests.get(&key) else {
            let (digest, expires) = (request.digest(), request.request().expires);
            let (attempt, released, denied) = (Attempt(0), None, None);
            return Ok(RequestRecord { request: key, digest, expires, attempt, released, denied });
        };
        same_statement(record, request.digest())?;
        Ok(record.clone())
    }

    /// Forgets requests that expired long enough ago, behind a watermark.
    pub(crate) fn forget(&mut self, before: Timestamp) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some((expires, _)) = self.expiries.first() {
            if *expires >= before || records.len() >= FORGET_AT_ONCE_MAX {
                break;
            }
            let Some((expires, request)) = self.expiries.pop_first() else { break };
            self.requests.remove(&request);
            self.watermark = self.watermark.max(expires);
            records.push(Record::ForgetRequest(request));
        }
        if !records.is_empty() {
            records.push(Record::Watermark(self.watermark));
        }
        records
    }

    /// The expiry of the request that is the next to be forgotten.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiries.first().map(|(expires, _)| *expires)
    }
}

/// An attempt is a number from 1 to the limit.
pub(crate) fn check_attempt(attempt: Attempt, attempts_max: u32) -> Result<(), Refusal> {
    if attempt.0 == 0 {
        return Err(refuse(RefusalCode::Invalid, "attempts count from 1"));
    }
    if attempt.0 > attempts_max {
        let reason = format!("this node answers at most {attempts_max} attempts");
        return Err(refuse(RefusalCode::AttemptsExhausted, reason));
    }
    Ok(())
}

fn same_statement(record: &RequestRecord, digest: Digest) -> Result<(), Refusal> {
    if record.digest == digest {
        return Ok(());
    }
    let reason = format!("request id {} stands for another statement", record.request);
    Err(refuse(RefusalCode::Invalid, reason))
}
