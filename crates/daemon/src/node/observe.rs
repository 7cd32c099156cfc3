//! What a node did, for logs and metrics. Everything it logs is an entry of its audit log too.

use quorate_protocol::Output;
use quorate_protocol::wire::FromNode;
use quorate_signer::{Action, Record};
use tracing::{debug, info, info_span};

pub(super) fn observe(outputs: &[Output<Record, Action>]) {
    for output in outputs {
        match output {
            Output::Persist(records) => records.iter().for_each(observe_record),
            Output::Act(Action::Answer { answer, .. })
            | Output::Now(Action::Answer { answer, .. }) => observe_answer(answer),
            // Its entry in the audit log says it all; and of work its outcome.
            Output::Act(
                Action::Checkpoint { .. }
                | Action::Backup { .. }
                | Action::Noted { .. }
                | Action::Work(_),
            )
            | Output::Now(
                Action::Checkpoint { .. }
                | Action::Backup { .. }
                | Action::Noted { .. }
                | Action::Work(_),
            ) => {}
        }
    }
}

fn observe_record(record: &Record) {
    let Record::Audit(entry) = record else { return };
    let event = entry.event.kind.as_str();
    metrics::counter!("quorate_audit_events_total", "event" => event).increment(1);
    let fact = |name| entry.event.values(name).next().unwrap_or_default();
    // One session is one request (or key) and attempt, whichever of its phases speaks.
    let subject = if fact("digest").is_empty() { fact("subject") } else { fact("digest") };
    let span = info_span!("session", key = fact("key"), subject, attempt = fact("attempt"));
    let _entered = span.enter();
    info!(index = entry.index, event, request = fact("request"), reason = fact("reason"));
}

fn observe_answer(answer: &FromNode) {
    let kind = match answer {
        FromNode::Announcement(_) => "announcement",
        FromNode::Round1(_) => "round1",
        FromNode::Round2(_) => "round2",
        FromNode::Exchanged(_) => "exchanged",
        FromNode::Vote(..) => "vote",
        FromNode::Certified => "certified",
        FromNode::Reserved(_) => "reserved",
        FromNode::Denied(_) => "denied",
        FromNode::Deferred(_) => "deferred",
        FromNode::Shares(_) => "shares",
        FromNode::Active => "active",
        FromNode::Simulated(_) => "simulated",
        FromNode::Accepted(_) => "accepted",
        FromNode::Orders(_) => "orders",
        FromNode::Order(_) => "order",
        FromNode::Testimony(_) => "testimony",
        FromNode::Status(status) => {
            let doubts = status.challenge.is_some();
            metrics::gauge!("quorate_clock_doubted").set(if doubts { 1.0 } else { 0.0 });
            "status"
        }
        FromNode::Refused(refusal) => {
            debug!(code = ?refusal.code, reason = refusal.reason, "refused");
            "refused"
        }
    };
    metrics::counter!("quorate_answers_total", "answer" => kind).increment(1);
}
