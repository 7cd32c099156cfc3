//! What one input makes a coordinator ask, write and say.

use quorate_model::Timestamp;
use quorate_protocol::Output;

use crate::coordinator::Action;
use crate::record::Record;

/// Collects the outputs of one step. Questions to nodes wait for nothing: nodes are safe whatever
/// they are asked. What clients hear is durable first.
pub(crate) struct Out {
    pub(crate) now: Timestamp,
    questions: Vec<Action>,
    records: Vec<Record>,
    replies: Vec<Action>,
}

impl Out {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now, questions: Vec::new(), records: Vec::new(), replies: Vec::new() }
    }

    pub(crate) fn ask(&mut self, question: Action) {
        self.questions.push(question);
    }

    pub(crate) fn write(&mut self, record: Record) {
        self.records.push(record);
    }

    pub(crate) fn say(&mut self, reply: Action) {
        self.replies.push(reply);
    }

    pub(crate) fn finish(self) -> Vec<Output<Record, Action>> {
        // Each record is a batch of its own: a step may change many requests, and a store takes
        // batches of limited size only.
        let persist = self.records.into_iter().map(|record| Output::Persist(vec![record]));
        let questions = self.questions.into_iter().map(Output::Now);
        questions.chain(persist).chain(self.replies.into_iter().map(Output::Act)).collect()
    }
}
