//! A coordinator and the nodes of a lab.

mod approvals;
mod keys;
mod orders;
mod pairs;
mod paths;
mod requests;
mod testimonies;
mod verdicts;

use std::collections::VecDeque;

use quorate_coordinator::{
    Action, ClientCall, ClientError, ClientReply, ClientRequest, Coordinator, ErrorCode, Hold,
    Input, KeyRecord, Limits, ListFilter, Record, RequestState, SignRequestView,
};
use quorate_model::{Attempt, Moment, ParticipantId, Timestamp};
use quorate_protocol::wire::FromNode;
use quorate_protocol::{Engine as _, Output};
use quorate_testkit::{Lab, seeded};
use quorate_trust::{Namespace, SignedRequest, StatementSignature};
use rand_chacha::ChaCha20Rng;

use crate::{id, lab};

/// A coordinator and the nodes of a lab, with whatever a test lets through in between.
struct Cluster {
    lab: Lab,
    coordinator: Coordinator,
    records: Vec<Record>,
    rng: ChaCha20Rng,
    calls: u64,
    /// Changes what a node says.
    between: Box<dyn FnMut(ParticipantId, FromNode) -> FromNode>,
}

fn moment(now: Timestamp) -> Moment {
    Moment { time: now, uptime_ms: now.millis() }
}

fn key_record(lab: &Lab) -> KeyRecord {
    let mut certificate = None;
    let mut confirmations = Vec::new();
    for record in lab.records(id(1)) {
        match record {
            quorate_signer::Record::Certificate(found) => certificate = Some(found),
            quorate_signer::Record::Active(found) => confirmations = found.confirmations,
            _ => {}
        }
    }
    let certificate = certificate.unwrap();
    KeyRecord { certificate, confirmations, active: true, created: lab.now }
}

impl Cluster {
    fn new(limits: Limits) -> Self {
        Self::of(lab(), limits)
    }

    fn of(lab: Lab, limits: Limits) -> Self {
        let records = vec![Record::Key(key_record(&lab))];
        let root = lab.fixture.root.clone();
        let coordinator = Coordinator::start(root, limits, records.clone(), lab.now).unwrap();
        let between = Box::new(|_, answer| answer);
        Self { lab, coordinator, records, rng: seeded(9), calls: 0, between }
    }

    fn attach(&mut self, nodes: &[u16]) {
        for node in nodes {
            self.tell(Input::Attached(id(*node)));
        }
    }

    /// Tells the coordinator and answers its questions until it asks no more.
    fn tell(&mut self, input: Input) -> Vec<(ClientCall, Result<ClientReply, ClientError>)> {
        let mut replies = Vec::new();
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.coordinator.handle(input, moment(self.lab.now), &mut self.rng) {
                match output {
                    Output::Persist(records) => self.records.extend(records),
                    Output::Act(Action::Ask { node, call, question })
                    | Output::Now(Action::Ask { node, call, question }) => {
                        let answer = self.lab.ask(node, question);
                        let answer = (self.between)(node, answer);
                        inputs.push_back(Input::Answer { node, call, answer });
                    }
                    Output::Act(Action::Reply { call, reply }) => replies.push((call, reply)),
                    Output::Act(Action::Changed(_) | Action::RootBegun(_)) => {}
                    Output::Now(said) => panic!("said before it is durable: {said:?}"),
                }
            }
        }
        replies
    }

    fn ask(&mut self, request: ClientRequest) -> Result<ClientReply, ClientError> {
        self.calls += 1;
        let call = ClientCall(self.calls);
        let replies = self.tell(Input::Client { call, request });
        let found = replies.into_iter().find(|(to, _)| *to == call);
        found.expect("every question of a client is answered").1
    }

    /// Asks, and keeps back what nodes answer.
    fn hold(&mut self, request: ClientRequest) -> Vec<Input> {
        self.calls += 1;
        let call = ClientCall(self.calls);
        let mut held = Vec::new();
        let input = Input::Client { call, request };
        for output in self.coordinator.handle(input, moment(self.lab.now), &mut self.rng) {
            match output {
                Output::Persist(records) => self.records.extend(records),
                Output::Act(Action::Ask { node, call, question })
                | Output::Now(Action::Ask { node, call, question }) => {
                    let answer = self.lab.ask(node, question);
                    held.push(Input::Answer { node, call, answer });
                }
                Output::Act(_) | Output::Now(_) => {}
            }
        }
        held
    }

    fn create(&mut self, request: &SignedRequest) -> Result<SignRequestView, ClientError> {
        let create = ClientRequest::CreateSignRequest {
            request: request.clone(),
            verdicts: vec![],
            validate_only: false,
        };
        self.ask(create).map(view)?;
        self.get(request)
    }

    fn get(&mut self, request: &SignedRequest) -> Result<SignRequestView, ClientError> {
        self.ask(ClientRequest::GetSignRequest(request.request.request_key())).map(view)
    }

    fn restart(&mut self) {
        let root = self.lab.fixture.root.clone();
        let mut latest: Vec<Record> = Vec::new();
        for record in self.records.clone() {
            latest.retain(|earlier| !same_place(earlier, &record));
            latest.push(record);
        }
        self.coordinator =
            Coordinator::start(root, Limits::default(), latest, self.lab.now).unwrap();
    }
}

fn same_place(a: &Record, b: &Record) -> bool {
    match (a, b) {
        (Record::Request(a), Record::Request(b)) => {
            a.signed.request.request_key() == b.signed.request.request_key()
        }
        (Record::Operation(a), Record::Operation(b)) => a.digest == b.digest,
        (Record::Order(a), Record::Order(b)) => a.digest == b.digest,
        (Record::Key(a), Record::Key(b)) => {
            a.certificate.certified.key == b.certificate.certified.key
        }
        _ => false,
    }
}

fn view(reply: ClientReply) -> SignRequestView {
    match reply {
        ClientReply::SignRequest(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn cluster() -> Cluster {
    Cluster::new(Limits::default())
}
