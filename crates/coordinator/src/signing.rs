//! Signing: pick a set, relay, aggregate, verify, and try again with another set where it failed.

use quorate_intent::{Decoded, PayingKey, Payload, decode};
use quorate_model::{Attempt, Digest, ParticipantId, ParticipantSet, RequestKey, Timestamp};
use quorate_protocol::CertifiedKey;
use quorate_protocol::sign::SigningContext;
use quorate_protocol::wire::{Subject, ToNode, Words};
use quorate_trust::SignRequest;
use rand_core::CryptoRngCore;

use crate::activation::Activation;
use crate::calls::{Phase, Purpose};
use crate::coordinator::{Action, Coordinator};
use crate::holders::NoSet;
use crate::out::Out;
use crate::record::Record;
use crate::request::{RequestState, SignRequestRecord};
use crate::requests::Hold;
use crate::session::{Job, Session};

/// Who made an attempt fail: whom to do without in the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody who could be avoided.
    Nobody,
    /// This node, by what it said or did not say itself.
    Node(ParticipantId),
    /// Somebody of the signing set.
    Set,
}

/// What a node's own fault weighs, beside being in a set that failed.
const CERTAIN: u32 = 100;
/// How soon it is looked again whether holders have switched: it wakes up at the first that says so, too.
const SWITCH_MS: u64 = 20;
/// A pause doubles so many times at most.
const BACKOFF_EXPONENT_MAX: u32 = 6;

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
        let Some(activation) = self.keys.present(&record.signed.request.key) else {
            return self.finish(record, RequestState::Failed, "its key is gone", out);
        };
        let certified = &activation.record.certificate.certified;
        let (threshold, holders) = (certified.threshold, certified.roster.len());
        if record.denials.len() > holders - threshold.as_usize() {
            let reason = denial_reason(&record);
            return self.finish(record, RequestState::Denied, &reason, out);
        }
        let SignRequest { key: name, service, .. } = &record.signed.request;
        if let Some(stop) = self.stops.on_request(name, service, out.now) {
            let reason = stop.to_string();
            return self.park(record, Hold::Frozen, reason, out);
        }
        let signing_set = match self.pick_set(&record, activation, out.now, rng) {
            Ok(signing_set) => signing_set,
            Err(NoSet::Deferred) => return self.defer(record, out),
            Err(NoSet::Switching) => {
                return self.requests.put(record, out.now.plus_millis(SWITCH_MS));
            }
            Err(NoSet::Held(hold, reason)) => return self.park(record, hold, reason, out),
        };
        let Some(attempt) = record.attempt.next().filter(|next| next.0 <= self.limits.attempts_max)
        else {
            let reason = format!("every attempt failed; the last: {}", record.reason);
            return self.finish(record, RequestState::Failed, &reason, out);
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
        let words =
            Words { approvals: record.approvals.clone(), verdicts: record.verdicts.clone() };
        record.state = RequestState::Signing;
        record.attempt = attempt;
        record.updated = out.now;
        if let Some(waiting) = self.requests.waiting_mut(key) {
            waiting.hold = None;
            waiting.shown = record.shown();
        }
        self.requests.put(record.clone(), out.now);
        out.write(Record::Request(record));
        out.say(Action::Changed(key.clone()));
        self.begin_session(Job::Request(key.clone()), context, (&subject, &words), out);
    }

    /// Puts a request off until a node attaches or an order comes, or for a little while.
    fn park(&mut self, record: SignRequestRecord, hold: Hold, reason: String, out: &mut Out) {
        let next_try = out.now.plus_millis(self.limits.retry_ms);
        self.park_until(record, hold, reason, next_try, out);
    }

    pub(crate) fn park_until(
        &mut self,
        mut record: SignRequestRecord,
        hold: Hold,
        reason: String,
        next_try: Timestamp,
        out: &mut Out,
    ) {
        let key = record.signed.request.request_key();
        if let Some(waiting) = self.requests.waiting_mut(&key) {
            waiting.hold = Some(hold);
        }
        let news = record.reason != reason || record.state != RequestState::Queued;
        record.state = RequestState::Queued;
        record.reason = reason;
        record.updated = out.now;
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
        (subject, words): (&Subject, &Words),
        out: &mut Out,
    ) {
        let (digest, attempt) = (context.subject, context.attempt);
        let signing_set = context.signing_set.clone();
        self.sessions.insert((digest, attempt), Session::new(job, context));
        for node in signing_set.iter() {
            let phase = Phase::Reserve;
            let purpose = Purpose::Signing { subject: digest, attempt, phase };
            let (subject, words) = (subject.clone(), words.clone());
            let signing_set = signing_set.clone();
            let question = ToNode::Reserve { subject, words, attempt, signing_set };
            self.ask(node, purpose, question, self.limits.phase_ms, out);
        }
    }

    pub(crate) fn signed(&mut self, session: Session, signatures: Vec<Vec<u8>>, out: &mut Out) {
        if let Some(activation) = self.keys.get_mut(&session.sharing()) {
            activation.holders.trust(&session.context.signing_set);
        }
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

    /// Ends an attempt without a signature; the request goes back to the queue.
    pub(crate) fn end_attempt(
        &mut self,
        subject: Digest,
        attempt: Attempt,
        fault: Fault,
        reason: &str,
        out: &mut Out,
    ) {
        let Some(session) = self.sessions.remove(&(subject, attempt)) else { return };
        // Signers that have switched meanwhile sign nothing more with the sharing before.
        let present = self.keys.present(&session.context.key).map(Activation::sharing);
        let replaced = present.is_some_and(|present| present.epoch > session.context.epoch);
        let fault = if replaced { Fault::Nobody } else { fault };
        if let Fault::Node(node) = fault {
            self.nodes.suspect(node, out.now.plus_millis(self.limits.suspect_ms));
        }
        let signing_set = session.context.signing_set;
        match session.job {
            Job::Confirmation(key) => self.confirmation_failed(&key, &signing_set, reason, out),
            Job::Request(key) => self.requeue(&key, &signing_set, fault, reason, out),
        }
    }

    fn requeue(
        &mut self,
        key: &RequestKey,
        signing_set: &ParticipantSet,
        fault: Fault,
        reason: &str,
        out: &mut Out,
    ) {
        let Some(mut record) = self.requests.get(key).cloned() else { return };
        if record.state.is_final() {
            return;
        }
        let Some(waiting) = self.requests.waiting_mut(key) else { return };
        match fault {
            Fault::Nobody => {}
            Fault::Node(node) => *waiting.failures.entry(node).or_default() += CERTAIN,
            Fault::Set => {
                signing_set.iter().for_each(|id| *waiting.failures.entry(id).or_default() += 1);
            }
        }
        let failures = |id: &ParticipantId| waiting.failures.get(id).copied().unwrap_or(0);
        let attached = self.nodes.attached();
        // With others to ask there is nothing to wait for; otherwise the next try comes later and
        // later, so that a passing trouble does not use up all attempts.
        let others = match fault {
            // Somebody who was in no set that failed: one of the others may be at fault each time.
            Fault::Set => self.keys.present(&record.signed.request.key).is_some_and(|activation| {
                let roster = activation.record.certificate.certified.roster.iter();
                let left = roster.filter(|id| attached.contains(id) && !record.is_denied_by(*id));
                let left: Vec<_> = left.collect();
                let mut new = left.iter().filter(|id| failures(id) == 0);
                new.any(|id| activation.holders.signs_with(*id, &left, signing_set.len()))
            }),
            Fault::Nobody | Fault::Node(_) => {
                attached.iter().filter(|id| failures(id) < CERTAIN).count() >= signing_set.len()
            }
        };
        let exponent = record.attempt.0.saturating_sub(1).min(BACKOFF_EXPONENT_MAX);
        let pause = if others { 0 } else { self.limits.retry_ms << exponent };
        record.state = RequestState::Queued;
        reason.clone_into(&mut record.reason);
        record.updated = out.now;
        self.requests.put(record, out.now.plus_millis(pause));
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
    let child = certified.child(&request.path).map_err(|error| error.to_string())?;
    let key = PayingKey {
        group_verifying_key: &child.verifying_key,
        scheme: certified.scheme,
        network: request.network,
    };
    decode(&payload, key).map_err(|error| error.to_string())
}
