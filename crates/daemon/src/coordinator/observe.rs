//! What a coordinator did, for logs and metrics.

use quorate_coordinator::{
    AcceptanceRecord, Action, OperationState, Record, RequestState, SignRequestRecord,
};
use quorate_protocol::Output;
use tracing::{info, info_span};

pub(super) fn observe(outputs: &[Output<Record, Action>]) {
    for output in outputs {
        let Output::Persist(records) = output else { continue };
        for record in records {
            match record {
                Record::Request(record) => request(record),
                Record::ForgetRequest(_) | Record::ForgetSharing(_) => {}
                Record::Operation(record) => {
                    let state = match &record.state {
                        OperationState::Running(detail) => detail.as_str(),
                        OperationState::Done => "done",
                        OperationState::Failed(reason) => reason.as_str(),
                    };
                    info!(order = %record.digest.short(), state, "key ceremony");
                }
                Record::Order(record) => {
                    info!(order = %record.digest.short(), "order");
                }
                Record::Acceptance(AcceptanceRecord { word }) => {
                    let (node, order) = (word.from, word.body.order.short());
                    info!(%node, order, begins = %word.body.begins, "order holds");
                }
                Record::Key(record) => {
                    let certified = &record.certificate.certified;
                    let active = record.active;
                    info!(key = %certified.key, epoch = %certified.epoch, scheme = %certified.scheme, active, "key");
                }
            }
        }
    }
}

fn request(record: &SignRequestRecord) {
    let asked = &record.signed.request;
    let (subject, attempt) = (record.digest.short(), record.attempt.0);
    let span = info_span!("session", key = %asked.key, subject, attempt);
    let _entered = span.enter();
    let state = record.state.as_str();
    info!(request = %asked.request_key(), state, reason = record.reason, "request");
    let scheme = asked.scheme.as_str();
    if !record.state.is_final() {
        return;
    }
    metrics::counter!("quorate_sign_requests_total", "scheme" => scheme, "result" => state)
        .increment(1);
    if matches!(record.state, RequestState::Signed { .. }) {
        let millis = record.updated.since(record.created);
        #[expect(clippy::cast_precision_loss, reason = "durations are far below 2^52 ms")]
        let seconds = millis as f64 / 1_000.0;
        metrics::histogram!("quorate_sign_duration_seconds", "scheme" => scheme).record(seconds);
    }
}
