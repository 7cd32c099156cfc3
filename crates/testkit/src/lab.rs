//! Nodes without a coordinator: a test asks them whatever it likes.

mod backup;
mod doubts;
mod exchange;

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_audit::{Entry, SignedCheckpoint};
use quorate_model::{
    Attempt, BootId, DerivationPath, Digest, Epoch, KeyId, Moment, ParticipantId, ParticipantSet,
    Scheme, SharingId, Timestamp,
};
use quorate_policy::Bundle;
use quorate_protocol::ecdsa::EcdsaBackend;
use quorate_protocol::sign::ReserveAnswer;
use quorate_protocol::wire::{CallId, CeremonyKey, ExchangeKey, FromNode, Subject, ToNode, Words};
use quorate_protocol::{Certificate, CertifiedKey, Confirmation, Engine as _, Output};
use quorate_signer::{
    Action, Administration, Input, LinkId, Node, NodeConfig, Record, StartError, Work,
};
use quorate_trust::{Signed, SignedOrder, SignedRequest};
use rand_chacha::ChaCha20Rng;

use crate::cluster::{ClusterFixture, PaymentRequest, PaymentSize, network_of};
use crate::disk::Disk;
use crate::rng::seeded;

/// What a lab signs.
#[derive(Debug, Clone)]
pub struct ToSign {
    /// The request, or the key to confirm.
    pub subject: Subject,
    /// Its digest.
    pub digest: Digest,
    /// The messages that the nodes find in it.
    pub messages: Vec<Vec<u8>>,
}

/// Nodes with their disks, each asked directly.
pub struct Lab {
    /// Everybody's keys and the trust root.
    pub fixture: ClusterFixture,
    /// What time it is: all clocks follow.
    pub now: Timestamp,
    /// By how many milliseconds a node's wall clock is wrong: ahead, or behind.
    pub wrong_ms: BTreeMap<ParticipantId, i64>,
    /// How many other nodes' clocks are to agree with a node's, for those that start next.
    pub start_peers: Option<usize>,
    /// What signs with ECDSA keys at a node, where it is not the usual: for those that start next.
    pub backends: BTreeMap<ParticipantId, Arc<dyn EcdsaBackend>>,
    /// How often a node's machine was started.
    boots: BTreeMap<ParticipantId, u8>,
    nodes: BTreeMap<ParticipantId, (Node, Disk)>,
    rng: ChaCha20Rng,
    scheme: Scheme,
    threshold: u16,
}

impl Lab {
    /// Nodes that have just started.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn new(seed: u64, nodes: u16, threshold: u16, scheme: Scheme) -> Self {
        let mut rng = seeded(seed);
        let fixture = ClusterFixture::new(nodes, &mut rng);
        Self::of(fixture, rng, threshold, scheme)
    }

    fn of(fixture: ClusterFixture, rng: ChaCha20Rng, threshold: u16, scheme: Scheme) -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let start = |id: &ParticipantId| {
            let mut config = fixture.node_config(*id, ClusterFixture::bundle());
            config.boot = Some(BootId::from_bytes([0; 16]));
            let now = Moment { time: now, uptime_ms: now.millis() };
            let (node, records) = Node::start(config, Vec::new(), now).expect("an empty start");
            let mut disk = Disk::default();
            disk.apply(&records);
            (*id, (node, disk))
        };
        let nodes = fixture.root.nodes.keys().map(start).collect();
        let mut lab = Self {
            fixture,
            now,
            wrong_ms: BTreeMap::new(),
            start_peers: None,
            backends: BTreeMap::new(),
            boots: BTreeMap::new(),
            nodes,
            rng,
            scheme,
            threshold,
        };
        for node in lab.ids() {
            lab.confirm_start(node);
        }
        lab
    }

    /// Nodes that hold shares of an active key.
    ///
    /// # Panics
    /// If key generation fails.
    pub fn with_key(seed: u64, nodes: u16, threshold: u16, scheme: Scheme) -> Self {
        let mut lab = Self::new(seed, nodes, threshold, scheme);
        lab.make_key();
        lab
    }

    /// As [`Lab::with_key`], where the root names recovery officers for every node.
    ///
    /// # Panics
    /// If key generation fails.
    pub fn with_recovery(seed: u64, nodes: u16, threshold: u16, scheme: Scheme) -> Self {
        let mut rng = seeded(seed);
        let mut fixture = ClusterFixture::new(nodes, &mut rng);
        fixture.name_recovery_officers();
        let mut lab = Self::of(fixture, rng, threshold, scheme);
        lab.make_key();
        lab
    }

    /// Makes the lab's key, and confirms it.
    ///
    /// # Panics
    /// If a node refuses.
    pub fn make_key(&mut self) {
        let certificate = self.certificate();
        for id in self.ids() {
            assert_eq!(self.ask(id, ToNode::Certify(certificate.clone())), FromNode::Certified);
        }
        let confirmations = self.confirmations(&certificate.certified);
        let sharing = certificate.certified.sharing();
        for id in self.ids() {
            let (sharing, confirmations) = (sharing.clone(), confirmations.clone());
            let question = ToNode::Confirm { sharing, confirmations };
            assert_eq!(self.ask(id, question), FromNode::Active);
        }
    }

    /// The key of every lab.
    ///
    /// # Panics
    /// Never: the name is a name.
    pub fn key() -> KeyId {
        "treasury".parse().expect("a name")
    }

    /// The first sharing of the lab's key.
    pub fn sharing() -> SharingId {
        SharingId { key: Self::key(), epoch: Epoch::FIRST }
    }

    /// All nodes.
    pub fn ids(&self) -> Vec<ParticipantId> {
        self.nodes.keys().copied().collect()
    }

    /// Asks a node; what it writes is durable before the answer is given.
    ///
    /// # Panics
    /// If there is no such node, or it does not answer.
    pub fn ask(&mut self, node: ParticipantId, question: ToNode) -> FromNode {
        let mut said = self.ask_or_work(node, question);
        loop {
            match said {
                Ok(answer) => return answer,
                Err(work) => said = self.tell(node, Input::WorkDone(work.run())),
            }
        }
    }

    /// Asks a node: its answer, or the work that has to be done first.
    ///
    /// # Panics
    /// As [`Self::ask`].
    pub fn ask_or_work(&mut self, node: ParticipantId, question: ToNode) -> Result<FromNode, Work> {
        self.tell(node, Input::Question { link: LinkId(0), call: CallId(0), question })
    }

    /// Tells a node what came of its work.
    ///
    /// # Panics
    /// As [`Self::ask`].
    pub fn tell(&mut self, node: ParticipantId, input: Input) -> Result<FromNode, Work> {
        let now = self.moment(node);
        let (engine, disk) = self.nodes.get_mut(&node).expect("a node of the lab");
        let mut said = None;
        for output in engine.handle(input, now, &mut self.rng) {
            match output {
                Output::Persist(records) => {
                    assert!(said.is_none(), "an answer came before what it rests on");
                    disk.apply(&records);
                }
                Output::Act(Action::Answer { answer, .. }) => said = Some(Ok(answer)),
                Output::Act(
                    Action::Checkpoint { .. } | Action::Backup { .. } | Action::Noted { .. },
                ) => {
                    panic!("nobody administers the node")
                }
                Output::Now(Action::Work(work)) => said = Some(Err(work)),
                Output::Act(said @ Action::Work(_)) | Output::Now(said) => {
                    panic!("a node waits for its disk, and nothing else: {said:?}")
                }
            }
        }
        said.expect("every question has an answer")
    }

    /// Reads a node's audit log, as its administrator: what is durable by the time of the answer,
    /// and the checkpoint of it.
    ///
    /// # Panics
    /// If there is no such node, or it does not sign.
    pub fn read_audit(&mut self, node: ParticipantId) -> (Vec<Entry>, SignedCheckpoint) {
        let now = self.moment(node);
        let (engine, disk) = self.nodes.get_mut(&node).expect("a node of the lab");
        let input = Input::ReadAudit { call: CallId(0) };
        for output in engine.handle(input, now, &mut self.rng) {
            match output {
                Output::Persist(records) => disk.apply(&records),
                Output::Act(Action::Checkpoint { checkpoint, .. }) => {
                    let entries = disk.records().into_iter().filter_map(|record| {
                        if let Record::Audit(entry) = record { Some(entry) } else { None }
                    });
                    return (entries.collect(), checkpoint.expect("a node signs its own log"));
                }
                said => panic!("that is no checkpoint: {said:?}"),
            }
        }
        panic!("every reader has an answer")
    }

    /// Has an administrator do something to a node. Returns whether that was noted, durably.
    ///
    /// # Panics
    /// If there is no such node, or it says something else.
    pub fn administer(&mut self, node: ParticipantId, act: Administration) -> bool {
        let now = self.moment(node);
        let (engine, disk) = self.nodes.get_mut(&node).expect("a node of the lab");
        let mut noted = false;
        for output in engine.handle(Input::Administer { call: CallId(0), act }, now, &mut self.rng)
        {
            match output {
                Output::Persist(records) => disk.apply(&records),
                Output::Act(Action::Noted { .. }) => noted = true,
                said => panic!("that is no note: {said:?}"),
            }
        }
        noted
    }

    /// When a node wants to be told that time has passed.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn wake_at(&self, node: ParticipantId) -> Option<Timestamp> {
        self.nodes.get(&node).expect("a node of the lab").0.wake_at()
    }

    /// Tells a node that time has passed.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn tick(&mut self, node: ParticipantId) {
        let now = self.moment(node);
        let (engine, disk) = self.nodes.get_mut(&node).expect("a node of the lab");
        for output in engine.handle(Input::Tick, now, &mut self.rng) {
            if let Output::Persist(records) = output {
                disk.apply(&records);
            }
        }
    }

    /// Stops a node and starts it again from its disk. The others say that its log is whole.
    ///
    /// # Errors
    /// Why the node does not start.
    pub fn restart(&mut self, node: ParticipantId) -> Result<(), StartError> {
        self.restart_with(node, ClusterFixture::bundle(), |_| {})
    }

    /// As [`Lab::restart`], with another policy and after a change to its records.
    ///
    /// # Errors
    /// Why the node does not start.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn restart_with(
        &mut self,
        node: ParticipantId,
        bundle: Bundle,
        change: impl FnOnce(&mut Vec<Record>),
    ) -> Result<(), StartError> {
        self.restart_alone(node, bundle, change)?;
        self.confirm_start(node);
        Ok(())
    }

    /// As [`Lab::restart_with`], and the others have said nothing yet.
    ///
    /// # Errors
    /// Why the node does not start.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn restart_alone(
        &mut self,
        node: ParticipantId,
        bundle: Bundle,
        change: impl FnOnce(&mut Vec<Record>),
    ) -> Result<(), StartError> {
        let mut records = self.records(node);
        change(&mut records);
        let mut config = self.fixture.node_config(node, bundle);
        let boots = self.boots.get(&node).copied().unwrap_or_default();
        config.boot = Some(BootId::from_bytes([boots; 16]));
        config.limits.start_peers = self.start_peers;
        if let Some(backend) = self.backends.get(&node) {
            config.ecdsa = Arc::clone(backend);
        }
        let (engine, started) = Node::start(config, records, self.moment(node))?;
        let (place, disk) = self.nodes.get_mut(&node).expect("a node of the lab");
        disk.apply(&started);
        *place = engine;
        Ok(())
    }

    /// Stops a node and starts it again from what its disk was before. The others have said nothing yet.
    ///
    /// # Errors
    /// Why the node does not start.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn put_back(&mut self, node: ParticipantId, before: &[Record]) -> Result<(), StartError> {
        let (_, disk) = self.nodes.get_mut(&node).expect("a node of the lab");
        *disk = Disk::default();
        disk.apply(before);
        self.restart_alone(node, ClusterFixture::bundle(), |_| {})
    }

    /// What a node needs to start, for changing it.
    pub fn config(&self, node: ParticipantId) -> NodeConfig {
        self.fixture.node_config(node, ClusterFixture::bundle())
    }

    /// What a node's disk holds.
    ///
    /// # Panics
    /// If there is no such node, or its records cannot be read.
    pub fn records(&self, node: ParticipantId) -> Vec<Record> {
        self.nodes.get(&node).expect("a node of the lab").1.records()
    }

    /// The writes that records are, for reading a disk's bytes.
    pub fn disk(&self, node: ParticipantId) -> &Disk {
        &self.nodes.get(&node).expect("a node of the lab").1
    }

    /// The order that makes the lab's key.
    pub fn order(&self) -> SignedOrder {
        self.fixture.order(&Self::key(), self.scheme, self.threshold, self.now)
    }

    /// Runs key generation up to the votes, and puts them together.
    ///
    /// # Panics
    /// If a node refuses.
    pub fn certificate(&mut self) -> Certificate {
        let order = self.order();
        let ceremony = CeremonyKey { key: Self::key(), attempt: Attempt::FIRST };
        let begin = ToNode::GenerateKey { order, attempt: Attempt::FIRST, never_voted: vec![] };
        let announcements = self.ask_all(&begin, |answer| match answer {
            FromNode::Announcement(message) => message,
            other => panic!("{other:?}"),
        });
        let question = ToNode::Announcements(ceremony.clone(), announcements);
        if self.scheme == Scheme::EcdsaSecp256k1 {
            let first = self.ask_all(&question, |answer| answer);
            let roster = ParticipantSet::new(self.ids()).expect("ascending ids");
            let exchange = ExchangeKey::Ceremony(ceremony);
            let votes = self.exchange(&exchange, &roster, first, &|_, parcels| parcels);
            return certificate(votes);
        }
        let round1 = self.ask_all(&question, |answer| match answer {
            FromNode::Round1(message) => message,
            other => panic!("{other:?}"),
        });
        let round2 =
            self.ask_all(&ToNode::Round1(ceremony.clone(), round1), |answer| match answer {
                FromNode::Round2(message) => message,
                other => panic!("{other:?}"),
            });
        certificate(self.ask_all(&ToNode::Round2(ceremony, round2), |answer| answer))
    }

    /// Asks every node the same.
    pub fn ask_all<T>(&mut self, question: &ToNode, take: impl Fn(FromNode) -> T) -> Vec<T> {
        self.ids().into_iter().map(|id| take(self.ask(id, question.clone()))).collect()
    }

    /// What the nodes certified as the lab's key: the first who still has it says so.
    ///
    /// # Panics
    /// If there is none.
    pub fn certified(&self) -> CertifiedKey {
        let records = self.ids().into_iter().flat_map(|node| self.records(node));
        let found = records.into_iter().find_map(|record| match record {
            Record::Share(share) => Some(share.certified),
            _ => None,
        });
        found.expect("the lab has a key")
    }

    /// Signatures of sets that cover every node, over the key's confirmation.
    pub fn confirmations(&mut self, certified: &CertifiedKey) -> Vec<Confirmation> {
        let sets = Confirmation::signing_sets(certified);
        sets.into_iter().map(|set| self.confirmation(certified, set)).collect()
    }

    fn confirmation(&mut self, certified: &CertifiedKey, set: ParticipantSet) -> Confirmation {
        let subject = Subject::Confirmation { sharing: certified.sharing() };
        let statement = Confirmation::statement(certified, &set);
        let messages = vec![statement.as_bytes().to_vec()];
        let what = ToSign { subject, digest: statement, messages };
        let signatures = self.sign(what, &set, Attempt::FIRST, certified);
        let signature = signatures.into_iter().next().expect("one message");
        Confirmation { signing_set: set, signature }
    }

    /// A payment request that the service signed.
    ///
    /// # Panics
    /// If the lab's scheme has no network.
    pub fn payment(&self, number: u64, permitted: bool) -> SignedRequest {
        let network = network_of(self.scheme).expect("a scheme with a network");
        let expires = self.now.plus_millis(300_000);
        let size = if permitted { PaymentSize::Small } else { PaymentSize::Large };
        let request = PaymentRequest { network, number, size, expires };
        self.fixture.payment(&Self::key(), &self.certified().group_verifying_key, request)
    }

    /// Asks one node to reserve a request.
    pub fn reserve(
        &mut self,
        node: ParticipantId,
        request: &SignedRequest,
        attempt: Attempt,
        set: &ParticipantSet,
    ) -> FromNode {
        let subject = Subject::Request(request.clone());
        self.ask(
            node,
            ToNode::Reserve { subject, words: Words::default(), attempt, signing_set: set.clone() },
        )
    }

    /// Reserves a request at every member of a set.
    ///
    /// # Panics
    /// If a node refuses.
    pub fn reserve_all(
        &mut self,
        subject: &Subject,
        attempt: Attempt,
        set: &ParticipantSet,
    ) -> Vec<Signed<ReserveAnswer>> {
        let question = ToNode::Reserve {
            subject: subject.clone(),
            words: Words::default(),
            attempt,
            signing_set: set.clone(),
        };
        let reserve = |id| match self.ask(id, question.clone()) {
            FromNode::Reserved(answer) => answer,
            other => panic!("{other:?}"),
        };
        set.iter().map(reserve).collect()
    }

    /// Signs a subject with a set, all phases, and aggregates.
    ///
    /// # Panics
    /// If a node refuses, or the shares do not add up.
    pub fn sign(
        &mut self,
        what: ToSign,
        set: &ParticipantSet,
        attempt: Attempt,
        certified: &CertifiedKey,
    ) -> Vec<Vec<u8>> {
        let ToSign { subject, digest, messages } = what;
        let path = match &subject {
            Subject::Request(signed) => signed.request.path.clone(),
            Subject::Confirmation { .. } => DerivationPath::root(),
        };
        let answers = self.reserve_all(&subject, attempt, set);
        let question = ToNode::Share { subject: digest, attempt, answers: answers.clone() };
        let first = set.iter().map(|id| self.ask(id, question.clone())).collect();
        let exchange = ExchangeKey::Signing { subject: digest, attempt };
        let shares = self.exchange(&exchange, set, first, &|_, parcels| parcels);
        let share = |answer| match answer {
            FromNode::Shares(answer) => answer,
            other => panic!("{other:?}"),
        };
        let shares: Vec<_> = shares.into_iter().map(share).collect();
        let context = quorate_protocol::sign::SigningContext {
            cluster: certified.cluster,
            key: certified.key.clone(),
            scheme: certified.scheme,
            epoch: certified.epoch,
            subject: digest,
            attempt,
            signing_set: set.clone(),
            path,
            messages,
        };
        let group = quorate_protocol::sign::AnyGroupInfo::new(certified).expect("a good key");
        let root = &self.fixture.root;
        let answers = answers.into_iter().map(|a| a.verify(root).expect("authentic")).collect();
        let shares = shares.into_iter().map(|s| s.verify(root).expect("authentic")).collect();
        group.aggregate(&context, answers, shares).expect("honest shares add up")
    }
}

/// The certificate of what everybody voted for.
fn certificate(answers: Vec<FromNode>) -> Certificate {
    let vote = |answer| match answer {
        FromNode::Vote(certified, vote) => (certified, vote),
        other => panic!("{other:?}"),
    };
    let votes: Vec<_> = answers.into_iter().map(vote).collect();
    let certified = votes.first().expect("at least one node").0.clone();
    Certificate::new(certified, votes.into_iter().map(|(_, vote)| vote))
}
