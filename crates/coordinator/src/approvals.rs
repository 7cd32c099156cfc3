//! What people say to requests, and what nodes say they still wait for.

use std::collections::BTreeSet;

use quorate_model::{Attempt, Digest, ParticipantId, PersonName, RequestKey, Timestamp};
use quorate_protocol::wire::{Deferral, MissingQuorum, ToNode};
use quorate_trust::{Approval, SIGNATURES_MAX, Signed, SignedApproval, SignedRiskVerdict, Verdict};

use crate::calls::Purpose;
use crate::client::{ClientError, ErrorCode};
use crate::coordinator::{Action, Coordinator};
use crate::out::Out;
use crate::queries::Reply;
use crate::record::Record;
use crate::request::{RequestState, SignRequestRecord};
use crate::requests::{Hold, Shown};
use crate::signing::Fault;

impl Coordinator {
    pub(crate) fn submit_approval(&mut self, signed: SignedApproval, out: &mut Out) -> Reply {
        let invalid = |error: &dyn std::error::Error| ClientError::new(ErrorCode::Invalid, error);
        let verified = signed.verify(&self.root).map_err(|error| invalid(&error))?;
        let (said, key) = (verified.approval(), verified.request().clone());
        let mut record = self.find(&key)?.clone();
        if said.subject.request_digest != record.digest {
            let message = format!("that was said to another statement of request {key}");
            return Err(ClientError::new(ErrorCode::Invalid, message));
        }
        if record.approvals.contains(&signed) {
            return Ok(self.view(&record));
        }
        if record.state.is_final() {
            let message = format!("request {key} is {}", record.state.as_str());
            return Err(ClientError::new(ErrorCode::Precondition, message));
        }
        verified.check_time(out.now).map_err(|error| invalid(&error))?;
        let person = said.approver.clone();
        record.approvals.retain(|earlier| earlier.signature.person != person);
        if record.approvals.len() >= SIGNATURES_MAX {
            let message = format!("{SIGNATURES_MAX} persons have approved: nobody else is asked");
            return Err(ClientError::new(ErrorCode::Exhausted, message));
        }
        match said.verdict {
            Verdict::Approve => {
                record.approvals.push(signed);
                self.approved(record, out);
            }
            Verdict::Reject => self.rejected(record, signed, &person, out)?,
        }
        self.find(&key).map(|record| self.view(record))
    }

    /// Tries the request again. It stays `PENDING_APPROVAL` until a signing set has been found.
    fn approved(&mut self, mut record: SignRequestRecord, out: &mut Out) {
        let key = record.signed.request.request_key();
        record.updated = out.now;
        self.requests.put(record.clone(), out.now);
        out.write(Record::Request(record));
        out.say(Action::Changed(key));
    }

    /// A person who was asked said no: it ends, and every node is told, so that none signs it for
    /// another coordinator either.
    fn rejected(
        &mut self,
        mut record: SignRequestRecord,
        rejection: SignedApproval,
        person: &PersonName,
        out: &mut Out,
    ) -> Result<(), ClientError> {
        let asks = |quorum: &MissingQuorum| quorum.members.contains(person);
        let mut deferrals = record.deferrals.iter();
        if !deferrals.any(|deferral| deferral.body.missing.iter().any(asks)) {
            let message = format!("{person} is not asked about this request");
            return Err(ClientError::new(ErrorCode::Precondition, message));
        }
        self.sessions.remove(&(record.digest, record.attempt));
        for node in self.nodes.attached() {
            let (request, rejection) = (record.signed.clone(), rejection.clone());
            let question = ToNode::Reject { request, rejection };
            self.ask(node, Purpose::Reject, question, self.limits.phase_ms, out);
        }
        record.approvals.push(rejection);
        self.finish(record, RequestState::Rejected, &format!("rejected by {person}"), out);
        Ok(())
    }

    /// A node would not sign it yet.
    pub(crate) fn deferred(
        &mut self,
        subject: Digest,
        attempt: Attempt,
        deferral: Signed<Deferral>,
        key: &RequestKey,
        out: &mut Out,
    ) {
        let (node, reason) = (deferral.from, deferral.body.reason.clone());
        let counts = self.counts(&deferral, subject, out.now);
        if let (true, Some(mut record)) = (counts, self.requests.get(key).cloned()) {
            record.keep_deferral(deferral);
            self.requests.put(record, out.now);
            self.remember_shown(node, key);
        }
        let fault = if counts { Fault::Nobody } else { Fault::Node(node) };
        self.end_attempt(subject, attempt, fault, &format!("node {node}: {reason}"), out);
    }

    /// What a node deferred it with: what it was shown when it was asked, not what has come since.
    fn remember_shown(&mut self, node: ParticipantId, key: &RequestKey) {
        if let Some(waiting) = self.requests.waiting_mut(key) {
            let shown = waiting.shown.clone();
            waiting.deferred_with.insert(node, shown);
        }
    }

    /// Whether the node said it, about this, and waits for somebody or for a time: whoever waits for
    /// nothing would be asked again at once, until no attempt is left.
    fn counts(&self, deferral: &Signed<Deferral>, subject: Digest, now: Timestamp) -> bool {
        let Deferral { request, until, .. } = &deferral.body;
        let waits = deferral.body.awaits_words() || until.is_some_and(|until| until > now);
        waits && *request == subject && deferral.clone().verify(&self.root).is_ok()
    }

    /// As [`Coordinator::deferred`], where another answer had ended the attempt: it tells nevertheless
    /// whom the node waits for, so that no attempt is spent to hear it again.
    pub(crate) fn deferred_late(
        &mut self,
        (subject, attempt): (Digest, Attempt),
        deferral: Signed<Deferral>,
        out: &Out,
    ) {
        let of_subject = |key: &RequestKey| {
            self.requests.get(key).filter(|record| record.digest == subject).cloned()
        };
        let found = self.requests.waiting_keys().iter().find_map(of_subject);
        if let (true, Some(mut record)) = (self.counts(&deferral, subject, out.now), found) {
            let (node, key) = (deferral.from, record.signed.request.request_key());
            let is_newest = record.attempt == attempt;
            record.keep_deferral(deferral);
            self.requests.put(record, out.now);
            if is_newest {
                self.remember_shown(node, &key);
            }
        }
    }

    /// Whether a node said that it would not sign yet, and nothing has changed that.
    pub(crate) fn holds_back(
        &self,
        record: &SignRequestRecord,
        node: ParticipantId,
        now: Timestamp,
    ) -> bool {
        let Some(deferral) = record.deferral_of(node) else { return false };
        let waiting = self.requests.waiting(&record.signed.request.request_key());
        let with = waiting.and_then(|waiting| waiting.deferred_with.get(&node));
        let shown = record.shown();
        // A verdict may open another way than the one that the node named.
        let same_verdicts = match with {
            Some(with) => with.verdicts == shown.verdicts,
            None => shown.verdicts.is_empty(),
        };
        if !same_verdicts {
            return false;
        }
        if deferral.until.is_some_and(|until| until > now) {
            return true;
        }
        let unchanged = with.is_some_and(|with| *with == shown);
        let unmet = deferral.missing.iter().any(|quorum| !is_met(quorum, record, deferral));
        deferral.awaits_words() && (unchanged || unmet)
    }

    /// So many nodes hold back that no signing set is left: waits for people, or for a time.
    pub(crate) fn defer(&mut self, mut record: SignRequestRecord, out: &mut Out) {
        let held = record.deferrals.iter();
        let held = held.filter(|deferral| self.holds_back(&record, deferral.from, out.now));
        let held: Vec<_> = held.cloned().collect();
        let untils = held.iter().filter_map(|deferral| deferral.body.until);
        let until = untils.filter(|until| *until > out.now).min();
        let asking = held.iter().find(|deferral| deferral.body.awaits_words());
        let Some(asking) = asking else {
            let until = until.unwrap_or(out.now.plus_millis(self.limits.retry_ms));
            let reason = held.first().map(|d| d.body.reason.clone()).unwrap_or_default();
            return self.park_until(record, Hold::Later(until), reason, until, out);
        };
        let key = record.signed.request.request_key();
        let reason = asking.body.reason.clone();
        let news = record.state != RequestState::PendingApproval || record.reason != reason;
        record.state = RequestState::PendingApproval;
        record.reason = reason;
        record.updated = out.now;
        let next_try = until.unwrap_or(record.signed.request.expires);
        self.requests.put(record.clone(), next_try);
        if news {
            out.write(Record::Request(record));
            out.say(Action::Changed(key));
        }
    }

    /// A node's bundle changed: what it waited for under the old one says nothing any more.
    pub(crate) fn forget_deferrals(&mut self, node: ParticipantId, out: &mut Out) {
        for key in self.requests.waiting_keys() {
            let Some(mut record) = self.requests.get(&key).cloned() else { continue };
            let before = record.deferrals.len();
            record.deferrals.retain(|deferral| deferral.from != node);
            if record.deferrals.len() < before && record.state != RequestState::Signing {
                record.state = RequestState::Queued;
                self.requests.put(record, out.now);
            }
        }
    }
}

/// Whether approvals that were given under the node's own bundle would meet a quorum now.
fn is_met(quorum: &MissingQuorum, record: &SignRequestRecord, deferral: &Deferral) -> bool {
    let given = record.approvals.iter().filter_map(|signed| Approval::parse(&signed.text).ok());
    let counts = given.filter(|approval| {
        approval.verdict == Verdict::Approve
            && approval.quorum == quorum.name
            && approval.subject.bundle == deferral.heads.bundle
            && quorum.members.contains(&approval.approver)
    });
    let persons: BTreeSet<_> = counts.map(|approval| approval.approver).collect();
    persons.len() >= quorum.required
}

impl SignRequestRecord {
    /// What a node said that would not sign it yet.
    pub fn deferral_of(&self, node: ParticipantId) -> Option<&Deferral> {
        let found = self.deferrals.iter().find(|deferral| deferral.from == node);
        found.map(|deferral| &deferral.body)
    }

    /// Keeps what a node said last.
    fn keep_deferral(&mut self, deferral: Signed<Deferral>) {
        self.deferrals.retain(|earlier| earlier.from != deferral.from);
        self.deferrals.push(deferral);
    }

    /// What nodes are shown of what was said.
    pub(crate) fn shown(&self) -> Shown {
        Shown {
            approvals: self.approvals.iter().map(SignedApproval::digest).collect(),
            verdicts: self.verdicts.iter().map(SignedRiskVerdict::digest).collect(),
        }
    }
}
