//! What one input makes a node write and say.

use quorate_model::Timestamp;
use quorate_protocol::Output;

use crate::node::Action;
use crate::record::Record;

/// Collects what is to be durable before the answer to one input leaves.
pub(crate) struct Turn {
    pub(crate) now: Timestamp,
    records: Vec<Record>,
}

impl Turn {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now, records: Vec::new() }
    }

    pub(crate) fn write(&mut self, record: Record) {
        self.records.push(record);
    }

    /// What is to be durable.
    pub(crate) fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// The outputs, in the order that safety needs: first durable, then sent.
    pub(crate) fn finish(self, action: Option<Action>) -> Vec<Output<Record, Action>> {
        let persist = (!self.records.is_empty()).then(|| Output::Persist(self.records));
        persist.into_iter().chain(action.map(Output::Act)).collect()
    }
}
