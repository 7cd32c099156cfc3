//! Signing: pick a set, relay, aggregate, verify, and try again with another set where it failed.

use quorate_intent::{Decoded, PayingKey, Payload, decode};
use quorate_model::{Attempt, Digest, ParticipantId, RequestKey};
use quorate_protocol::sign::{ReserveAnswer, ShareAnswer, SigningContext};
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode, SignedDenial, Subject, ToNode};
use quorate_protocol::{Abort, CertifiedKey};
use quorate_trust::{Authentic, Body, SignRequest, Signed};
use rand_core::CryptoRngCore;

use crate::calls::Purpose;
use crate::coordinator::{Action, Coordinator};
use crate::out::Out;
use crate::record::Record;
use crate::request::{RequestState, SignRequestRecord};
use crate::session::{Job, Session};

impl Coordinator {
    /// Begins whatever can begin now.
    pub(crate) fn schedule(&mut self, out: &mut Out, rng: &mut dyn CryptoRngCore) {
        while self.sessions.len() < self.limits.sessions_max {
            let Some(request) = self.requests.pop_due(out.now) else { return };
            self.try_request(&request, out, rng);
        }
    }

    fn try_request(&mut self, key: &RequestKey, out: &mut Out, rng: &mut dyn CryptoRngCore) {
        let Some(mut record) = self.requests.get(key).cloned() else { return };
        if out.now >= record.signed.request.expires {
            return self.finish(record, RequestState::Expired, "its time ran out", out);
        }
        let Some(activation) = self.keys.get(&record.signed.request.key) else {
            return self.finish(record, RequestState::Failed, "its key is gone", out);
        };
        let certified = &activation.record.certificate.certified;
        let (threshold, holders) = (certified.threshold, certified.roster.len());
        if record.denials.len() > holders - threshold.as_usize() {
            let reason = denial_reason(&record);
            return self.finish(record, RequestState::Denied, &reason, out);
        }
        let Some(attempt) = record.attempt.next().filter(|next| next.0 <= self.limits.attempts_max)
        else {
            let reason = format!("every attempt failed; the last: {}", record.reason);
            return self.finish(record, RequestState::Failed, &reason, out);
        };
        let failed = self.requests.waiting(key).map(|w| w.failed.clone()).unwrap_or_default();
        let live = |id: &ParticipantId| self.nodes.is_attached(*id) && !record.is_denied_by(*id);
        let candidates: Vec<_> = certified.roster.iter().filter(live).collect();
        let fresh: Vec<_> = candidates.iter().copied().filter(|id| !failed.contains(id)).collect();
        let choice = if fresh.len() >= threshold.as_usize() { &fresh } else { &candidates };
        let load = |id| self.calls.load(id);
        let Some(signing_set) = self.nodes.pick(choice, threshold, load, out.now, rng) else {
            let found = candidates.len();
            return self.park(record, format!("{found} of {threshold} nodes can be asked"), out);
        };
        let decoded = match decode_request(certified, &record.signed.request) {
            Ok(decoded) => decoded,
            Err(reason) => return self.finish(record, RequestState::Failed, &reason, out),
        };
        let context = SigningContext {
            cluster: self.cluster,
            key: certified.key.clone(),
            scheme: certified.scheme,
            epoch: certified.epoch,
            subject: record.digest,
            attempt,
            signing_set,
            path: record.signed.request.path.clone(),
            messages: decoded.signing_messages,
        };
        let subject = Subject::Request(record.signed.clone());
        record.state = RequestState::Signing;
        record.attempt = attempt;
        record.updated = out.now;
        if let Some(waiting) = self.requests.waiting_mut(key) {
            waiting.below_threshold = false;
        }
        self.requests.put(record.clone(), out.now);
        out.write(Record::Request(record));
        out.say(Action::Changed(key.clone()));
        self.begin_session(Job::Request(key.clone()), context, &subject, out);
    }

    /// Puts a request off until a node attaches, or for a little while.
    fn park(&mut self, mut record: SignRequestRecord, reason: String, out: &mut Out) {
        let key = record.signed.request.request_key();
        if let Some(waiting) = self.requests.waiting_mut(&key) {
            waiting.below_threshold = true;
        }
        let news = record.reason != reason || record.state != RequestState::Queued;
        record.state = RequestState::Queued;
        record.reason = reason;
        record.updated = out.now;
        let next_try = out.now.plus_millis(self.limits.retry_ms);
        self.requests.put(record.clone(), next_try);
        if news {
            out.write(Record::Request(record));
            out.say(Action::Changed(key));
        }
    }

    /// Asks every member of the signing set to reserve.
    pub(crate) fn begin_session(
        &mut self,
        job: Job,
        context: SigningContext,
        subject: &Subject,
        out: &mut Out,
    ) {
        let (digest, attempt) = (context.subject, context.attempt);
        let signing_set = context.signing_set.clone();
        self.sessions.insert((digest, attempt), Session::new(job, context));
        for node in signing_set.iter() {
            let purpose = Purpose::Signing { subject: digest, attempt };
            let (subject, signing_set) = (subject.clone(), signing_set.clone());
            let question = ToNode::Reserve { subject, attempt, signing_set };
            self.ask(node, purpose, question, self.limits.phase_ms, out);
        }
    }

    pub(crate) fn signing_answered(
        &mut self,
        node: ParticipantId,
        subject: Digest,
        attempt: Attempt,
        answer: FromNode,
        out: &mut Out,
    ) {
        let Some(session) = self.sessions.get_mut(&(subject, attempt)) else { return };
        match answer {
            FromNode::Reserved(answer) if answer.from == node => {
                session.answers.insert(node, answer);
                if session.all_reserved() {
                    self.begin_share_phase(subject, attempt, out);
                }
            }
            FromNode::Shares(answer) if answer.from == node => {
                session.shares.insert(node, answer);
                if session.all_shared() {
                    self.finish_session(subject, attempt, out);
                }
            }
            FromNode::Denied(denial) if denial.from == node => {
                self.denied(subject, attempt, denial, out);
            }
            FromNode::Refused(refusal) => self.refused(node, subject, attempt, &refusal, out),
            FromNode::Reserved(_)
            | FromNode::Shares(_)
            | FromNode::Denied(_)
            | FromNode::Announcement(_)
            | FromNode::Round1(_)
            | FromNode::Round2(_)
            | FromNode::Vote(..)
            | FromNode::Certified
            | FromNode::Active
            | FromNode::Simulated(_)
            | FromNode::Status(_) => {
                let reason = format!("node {node} answered something else than it was asked");
                self.end_attempt(subject, attempt, &[node], &reason, out);
            }
        }
    }

    fn begin_share_phase(&mut self, subject: Digest, attempt: Attempt, out: &mut Out) {
        let Some(session) = self.sessions.get(&(subject, attempt)) else { return };
        let answers: Vec<_> = session.answers.values().cloned().collect();
        for node in session.context.signing_set.clone().iter() {
            let purpose = Purpose::Signing { subject, attempt };
            let question = ToNode::Share { subject, attempt, answers: answers.clone() };
            self.ask(node, purpose, question, self.limits.phase_ms, out);
        }
    }

    /// Aggregates and verifies; a bad share ends the attempt and names its signer.
    fn finish_session(&mut self, subject: Digest, attempt: Attempt, out: &mut Out) {
        let Some(session) = self.sessions.get(&(subject, attempt)) else { return };
        match self.aggregate(session) {
            Ok(signatures) => {
                let Some(session) = self.sessions.remove(&(subject, attempt)) else { return };
                self.signed(session, signatures, out);
            }
            Err(Abort { reason, culprits }) => {
                let reason = reason.to_string();
                self.end_attempt(subject, attempt, &culprits, &reason, out);
            }
        }
    }

    fn aggregate(&self, session: &Session) -> Result<Vec<Vec<u8>>, Abort> {
        let unknown = || Abort::unproven(quorate_protocol::AbortReason::Library("no key".into()));
        let activation = self.keys.get(&session.context.key).ok_or_else(unknown)?;
        let answers: Vec<Authentic<ReserveAnswer>> = self.authenticate(session.answers.values())?;
        let shares: Vec<Authentic<ShareAnswer>> = self.authenticate(session.shares.values())?;
        activation.group.aggregate(&session.context, answers, shares)
    }

    fn authenticate<'a, T: Body + Clone + 'a>(
        &self,
        messages: impl Iterator<Item = &'a Signed<T>>,
    ) -> Result<Vec<Authentic<T>>, Abort> {
        let verify = |message: &Signed<T>| {
            let from = message.from;
            let reason = quorate_protocol::AbortReason::Malformed { from, what: "signature" };
            message.clone().verify(&self.root).map_err(|_| Abort::proven(reason, from))
        };
        messages.map(verify).collect()
    }

    fn signed(&mut self, session: Session, signatures: Vec<Vec<u8>>, out: &mut Out) {
        match session.job {
            Job::Request(key) => {
                let Some(record) = self.requests.get(&key).cloned() else { return };
                let signers = session.context.signing_set;
                self.finish(record, RequestState::Signed { signatures, signers }, "", out);
            }
            Job::Confirmation(key) => {
                self.confirmation_signed(&key, session.context.signing_set, signatures, out);
            }
        }
    }

    /// A node's gate said no: for good, at that node.
    fn denied(
        &mut self,
        subject: Digest,
        attempt: Attempt,
        denial: Signed<SignedDenial>,
        out: &mut Out,
    ) {
        let (node, reason) = (denial.from, denial.body.reason.clone());
        let genuine = denial.body.request == subject && denial.clone().verify(&self.root).is_ok();
        let session = self.sessions.get(&(subject, attempt));
        let job = session.map(|session| session.job.clone());
        if let (true, Some(Job::Request(key))) = (genuine, job)
            && let Some(mut record) = self.requests.get(&key).cloned()
            && !record.is_denied_by(node)
        {
            record.denials.push(denial);
            self.requests.put(record, out.now);
        }
        // Words that the node did not sign, or about something else, are a fault and no denial.
        let at_fault = if genuine { vec![] } else { vec![node] };
        self.end_attempt(subject, attempt, &at_fault, &format!("node {node}: {reason}"), out);
    }

    fn refused(
        &mut self,
        node: ParticipantId,
        subject: Digest,
        attempt: Attempt,
        refusal: &Refusal,
        out: &mut Out,
    ) {
        // An attempt that was used before this coordinator started says nothing about the node.
        let at_fault = match refusal.code {
            RefusalCode::AttemptUsed => vec![],
            RefusalCode::Invalid
            | RefusalCode::NotFound
            | RefusalCode::AttemptsExhausted
            | RefusalCode::HeadsDiffer
            | RefusalCode::Aborted
            | RefusalCode::Busy
            | RefusalCode::Time => vec![node],
        };
        let reason = format!("node {node}: {}", refusal.reason);
        self.end_attempt(subject, attempt, &at_fault, &reason, out);
    }

    /// Ends an attempt without a signature; the request goes back to the queue.
    pub(crate) fn end_attempt(
        &mut self,
        subject: Digest,
        attempt: Attempt,
        at_fault: &[ParticipantId],
        reason: &str,
        out: &mut Out,
    ) {
        let Some(session) = self.sessions.remove(&(subject, attempt)) else { return };
        for node in at_fault {
            self.nodes.suspect(*node, out.now.plus_millis(self.limits.suspect_ms));
        }
        match session.job {
            Job::Confirmation(key) => {
                self.confirmation_failed(&key, &session.context.signing_set, reason, out);
            }
            Job::Request(key) => {
                let Some(mut record) = self.requests.get(&key).cloned() else { return };
                if record.state.is_final() {
                    return;
                }
                if let Some(waiting) = self.requests.waiting_mut(&key) {
                    waiting.failed.extend(at_fault);
                }
                record.state = RequestState::Queued;
                reason.clone_into(&mut record.reason);
                record.updated = out.now;
                self.requests.put(record, out.now);
            }
        }
    }

    /// Ends a request for ever.
    pub(crate) fn finish(
        &mut self,
        mut record: SignRequestRecord,
        state: RequestState,
        reason: &str,
        out: &mut Out,
    ) {
        record.state = state;
        reason.clone_into(&mut record.reason);
        record.updated = out.now;
        let key = record.signed.request.request_key();
        self.requests.put(record.clone(), out.now);
        out.write(Record::Request(record));
        out.say(Action::Changed(key));
    }
}

fn denial_reason(record: &SignRequestRecord) -> String {
    let words = record.denials.iter().map(|d| format!("node {}: {}", d.from, d.body.reason));
    words.collect::<Vec<_>>().join("; ")
}

/// What a request's payload does and needs signed, decoded as every node decodes it.
pub(crate) fn decode_request(
    certified: &CertifiedKey,
    request: &SignRequest,
) -> Result<Decoded, String> {
    let payload = Payload::new(request.payload_format, request.payload.clone());
    let group_verifying_key = &certified.group_verifying_key;
    let key = PayingKey { group_verifying_key, network: request.network };
    decode(&payload, key).map_err(|error| error.to_string())
}
