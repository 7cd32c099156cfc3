//! Ceremonies, from the coordinator's side: key generation and new sharings. Collect a round from everybody, hand it to
//! everybody, until all have voted.

use std::collections::BTreeMap;

use quorate_model::{Attempt, KeyId, ParticipantId, ParticipantSet, Scheme, Timestamp};
use quorate_protocol::exchange::Parcel;
use quorate_protocol::wire::{CeremonyKey, ExchangeKey, FromNode, ToNode};
use quorate_protocol::{Announcement, Certificate, CertifiedKey, Round1, Round2, Vote};
use quorate_trust::Signed;

use crate::activation::Activation;
use crate::calls::Purpose;
use crate::coordinator::Coordinator;
use crate::out::Out;
use crate::plan::Plan;
use crate::record::{KeyRecord, OperationState, Record};

/// The carrying out of one order, until there is a certificate.
#[derive(Debug)]
pub(crate) struct Ceremony {
    plan: Plan,
    attempt: Attempt,
    /// Who has a part in the attempt; after the first round of a new sharing, who will hold a share.
    participants: ParticipantSet,
    round: Round,
}

type Messages<T> = BTreeMap<ParticipantId, Signed<T>>;
type Votes = BTreeMap<ParticipantId, (CertifiedKey, Signed<Vote>)>;

/// What the ceremony collects.
#[derive(Debug)]
enum Round {
    /// Nothing: the next attempt begins at this time.
    Pause(Timestamp),
    /// Announcements; or the votes that nodes cast in an earlier attempt, before they were shown
    /// that others never voted.
    Announcements(Messages<Announcement>, Votes),
    /// The announcements of those who had voted, too.
    LateAnnouncements(Messages<Announcement>),
    Round1(Messages<Round1>),
    Round2(Messages<Round2>),
    /// Messages of a round of an ECDSA key generation, its first where there are announcements.
    Exchange(BTreeMap<ParticipantId, Parcel>),
    Votes(Votes),
}

impl Ceremony {
    /// A ceremony that is about to begin its next attempt.
    pub(crate) fn resume(plan: Plan, attempt: Attempt) -> Self {
        let participants = plan.roster.clone();
        Self { plan, attempt, participants, round: Round::Pause(Timestamp::ZERO) }
    }

    /// When the next attempt is due.
    pub(crate) fn retry_at(&self) -> Option<Timestamp> {
        match self.round {
            Round::Pause(time) => Some(time),
            Round::Announcements(..)
            | Round::LateAnnouncements(_)
            | Round::Round1(_)
            | Round::Round2(_)
            | Round::Exchange(_)
            | Round::Votes(_) => None,
        }
    }

    fn holders(&self) -> usize {
        self.participants.len()
    }
}

impl Coordinator {
    /// Begins every attempt whose time has come and whose nodes are all here.
    pub(crate) fn advance_ceremonies(&mut self, out: &mut Out) {
        let due = |ceremony: &Ceremony| ceremony.retry_at().is_some_and(|time| time <= out.now);
        let keys = self.ceremonies.iter().filter(|(_, c)| due(c)).map(|(key, _)| key.clone());
        for key in keys.collect::<Vec<_>>() {
            self.begin_attempt(&key, out);
        }
    }

    fn begin_attempt(&mut self, key: &KeyId, out: &mut Out) {
        let Some(ceremony) = self.ceremonies.get_mut(key) else { return };
        let plan = ceremony.plan.clone();
        if let Err(error) = plan.order.check_time(out.now) {
            return self.fail_operation(&plan, &error.to_string(), out);
        }
        let absent: Vec<_> = plan.roster.iter().filter(|id| !self.nodes.can_work(*id)).collect();
        let coming = ceremony.attempt.next().unwrap_or(ceremony.attempt);
        let dealers = plan.dealers(coming, |id| self.nodes.can_work(id));
        let waits = if !absent.is_empty() {
            Some(format!("waiting for nodes {absent:?} to attach and trust their clocks"))
        } else if plan.predecessor.is_some() && dealers.is_none() {
            Some("waiting for more holders of the present sharing to attach".to_owned())
        } else {
            None
        };
        if let Some(waits) = waits {
            ceremony.round = Round::Pause(out.now.plus_millis(self.limits.retry_ms));
            return self.note(&plan, &waits, out);
        }
        let next = ceremony.attempt.next().filter(|next| next.0 <= self.limits.attempts_max);
        let Some(attempt) = next else {
            let reason = match plan.predecessor {
                None => format!("every attempt at key {key} failed: order a key with another id"),
                Some(_) => {
                    format!("every attempt failed: key {key} signs as before, order it again")
                }
            };
            return self.fail_operation(&plan, &reason, out);
        };
        if plan.predecessor.is_some()
            && let Err(waits) = self.pace.begin(key, out.now)
        {
            ceremony.round = Round::Pause(out.now.plus_millis(self.limits.retry_ms));
            return self.note(&plan, waits, out);
        }
        ceremony.attempt = attempt;
        ceremony.round = Round::Announcements(BTreeMap::new(), BTreeMap::new());
        let dealing = dealers.as_ref();
        ceremony.participants = dealing.map_or(plan.roster.clone(), |all| plan.roster.union(all));
        let participants = ceremony.participants.clone();
        self.note(&plan, &format!("attempt {attempt}"), out);
        match dealers {
            None => self.ask_to_announce(&plan, attempt, participants.iter(), &[], out),
            Some(dealers) => self.ask_to_deal(&plan, (attempt, dealers), &participants, out),
        }
    }

    /// Asks only once it is durable that this attempt was begun: nodes take part in none twice.
    fn ask_to_announce(
        &mut self,
        plan: &Plan,
        attempt: Attempt,
        nodes: impl Iterator<Item = ParticipantId>,
        never_voted: &[Signed<Announcement>],
        out: &mut Out,
    ) {
        let Some(record) = self.operations.get(&plan.order.order().id) else { return };
        let signed = record.order.clone();
        for node in nodes {
            let purpose = Purpose::Ceremony(CeremonyKey { key: plan.key.clone(), attempt });
            let question = ToNode::GenerateKey {
                order: signed.clone(),
                attempt,
                never_voted: never_voted.to_vec(),
            };
            self.ask_durably(node, purpose, question, self.limits.round_ms, out);
        }
    }

    fn ask_to_deal(
        &mut self,
        plan: &Plan,
        (attempt, dealers): (Attempt, ParticipantSet),
        participants: &ParticipantSet,
        out: &mut Out,
    ) {
        let Some(predecessor) = &plan.predecessor else { return };
        let Some(record) = self.operations.get(&plan.order.order().id) else { return };
        let signed = record.order.clone();
        for node in participants.iter() {
            let purpose = Purpose::Ceremony(CeremonyKey { key: plan.key.clone(), attempt });
            let question = ToNode::ReshareKey {
                order: signed.clone(),
                attempt,
                dealers: dealers.clone(),
                predecessor: predecessor.clone(),
            };
            self.ask_durably(node, purpose, question, self.limits.round_ms, out);
        }
    }

    pub(crate) fn ceremony_answered(
        &mut self,
        node: ParticipantId,
        key: &CeremonyKey,
        answer: FromNode,
        out: &mut Out,
    ) {
        let Some(ceremony) = self.ceremonies.get_mut(&key.key) else { return };
        if ceremony.attempt != key.attempt {
            return;
        }
        let holders = ceremony.holders();
        match (&mut ceremony.round, answer) {
            (Round::Announcements(messages, votes), FromNode::Announcement(message)) => {
                messages.insert(node, message);
                if messages.len() + votes.len() == holders {
                    self.all_announced(key, out);
                }
            }
            (Round::Announcements(messages, votes), FromNode::Vote(certified, vote)) => {
                votes.insert(node, (certified, vote));
                if messages.len() + votes.len() == holders {
                    self.all_announced(key, out);
                }
            }
            (Round::LateAnnouncements(messages), FromNode::Announcement(message)) => {
                messages.insert(node, message);
                if messages.len() == holders {
                    self.begin_round1(key, out);
                }
            }
            (Round::Round1(messages), FromNode::Round1(message)) => {
                messages.insert(node, message);
                if messages.len() == holders {
                    let all: Vec<_> = messages.values().cloned().collect();
                    ceremony.round = Round::Round2(BTreeMap::new());
                    self.ask_all(key, |key| ToNode::Round1(key, all.clone()), out);
                }
            }
            (Round::Round2(messages), FromNode::Round2(message)) => {
                messages.insert(node, message);
                if messages.len() == holders {
                    let all: Vec<_> = messages.values().cloned().collect();
                    ceremony.round = Round::Votes(BTreeMap::new());
                    self.ask_all(key, |key| ToNode::Round2(key, all.clone()), out);
                }
            }
            (Round::Exchange(parcels), FromNode::Exchanged(parcel)) => {
                if parcel.message.from != node || !parcel.is_whole(&ceremony.participants) {
                    let reason = format!("node {node} sent a message that is not whole");
                    return self.ceremony_failed(key, &reason, out);
                }
                parcels.insert(node, parcel);
                if parcels.len() == holders {
                    self.next_exchange(key, out);
                }
            }
            // After the last round of an exchange, nodes vote.
            (Round::Exchange(parcels), FromNode::Vote(certified, vote)) if parcels.is_empty() => {
                ceremony.round = Round::Votes([(node, (certified, vote))].into());
            }
            (Round::Votes(votes), FromNode::Vote(certified, vote)) => {
                votes.insert(node, (certified, vote));
                if votes.len() == holders {
                    self.all_voted(key, out);
                }
            }
            (_, FromNode::Refused(refusal)) => {
                self.ceremony_failed(key, &format!("node {node}: {}", refusal.reason), out);
            }
            _ => {
                let reason = format!("node {node} answered something else than it was asked");
                self.ceremony_failed(key, &reason, out);
            }
        }
    }

    /// Everybody announced; or everybody had voted already; or some had, who may let go.
    fn all_announced(&mut self, key: &CeremonyKey, out: &mut Out) {
        let Some(ceremony) = self.ceremonies.get_mut(&key.key) else { return };
        let Round::Announcements(messages, votes) = &mut ceremony.round else { return };
        if messages.is_empty() {
            let votes = std::mem::take(votes);
            ceremony.round = Round::Votes(votes);
            return self.all_voted(key, out);
        }
        let all: Vec<_> = messages.values().cloned().collect();
        if votes.is_empty() {
            return self.begin_round1(key, out);
        }
        let voters: Vec<_> = std::mem::take(votes).into_keys().collect();
        let plan = ceremony.plan.clone();
        if all.len() < plan.threshold.as_usize() {
            let reason = format!(
                "nodes {voters:?} voted for key {} and the others lost their part of it: order a \
                 key with another id",
                key.key
            );
            return self.fail_operation(&plan, &reason, out);
        }
        ceremony.round = Round::LateAnnouncements(std::mem::take(messages));
        self.ask_to_announce(&plan, key.attempt, voters.into_iter(), &all, out);
    }

    fn begin_round1(&mut self, key: &CeremonyKey, out: &mut Out) {
        let Some(ceremony) = self.ceremonies.get_mut(&key.key) else { return };
        let first = match ceremony.plan.scheme {
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1
                if ceremony.plan.predecessor.is_none() =>
            {
                Round::Round1(BTreeMap::new())
            }
            Scheme::EcdsaSecp256k1
            | Scheme::FrostEd25519
            | Scheme::FrostSecp256k1Tr
            | Scheme::FrostSecp256k1 => Round::Exchange(BTreeMap::new()),
        };
        let round = std::mem::replace(&mut ceremony.round, first);
        let (Round::Announcements(messages, _) | Round::LateAnnouncements(messages)) = round else {
            return;
        };
        let all: Vec<_> = messages.into_values().collect();
        self.ask_all(key, |key| ToNode::Announcements(key, all.clone()), out);
    }

    /// Everybody's messages of a round are here: each node gets all of them, with its own parts.
    fn next_exchange(&mut self, key: &CeremonyKey, out: &mut Out) {
        let Some(ceremony) = self.ceremonies.get_mut(&key.key) else { return };
        let Round::Exchange(parcels) = &mut ceremony.round else { return };
        let parcels = std::mem::take(parcels);
        // Who only gave its share away is done.
        ceremony.participants = ceremony.plan.roster.clone();
        for node in ceremony.participants.clone().iter() {
            let purpose = Purpose::Ceremony(key.clone());
            let exchange = ExchangeKey::Ceremony(key.clone());
            let own = parcels.values().map(|parcel| parcel.for_receiver(node)).collect();
            let question = ToNode::Exchange(exchange, own);
            self.ask(node, purpose, question, self.limits.round_ms, out);
        }
    }

    fn ask_all(
        &mut self,
        key: &CeremonyKey,
        question: impl Fn(CeremonyKey) -> ToNode,
        out: &mut Out,
    ) {
        let Some(ceremony) = self.ceremonies.get(&key.key) else { return };
        for node in ceremony.participants.clone().iter() {
            let purpose = Purpose::Ceremony(key.clone());
            self.ask(node, purpose, question(key.clone()), self.limits.round_ms, out);
        }
    }

    /// Everybody voted: the votes are the certificate, if they are for one thing.
    fn all_voted(&mut self, key: &CeremonyKey, out: &mut Out) {
        let Some(ceremony) = self.ceremonies.get_mut(&key.key) else { return };
        let Round::Votes(votes) = &mut ceremony.round else { return };
        let votes = std::mem::take(votes);
        let Some((certified, _)) = votes.values().next().cloned() else { return };
        let certificate = Certificate::new(certified, votes.into_values().map(|(_, vote)| vote));
        if let Err(error) = certificate.verify(&self.root) {
            return self.ceremony_failed(key, &error.to_string(), out);
        }
        let record =
            KeyRecord { certificate, confirmations: vec![], active: false, created: out.now };
        let sharing = record.certificate.certified.sharing();
        match Activation::new(record.clone()) {
            Ok(activation) => {
                self.ceremonies.remove(&key.key);
                // One that was never confirmed is in nobody's way.
                for replaced in self.keys.put(activation) {
                    self.give_way(&replaced, out);
                }
                out.write(Record::Key(record));
                self.advance_activation(&sharing, out);
            }
            Err(error) => self.ceremony_failed(key, &error.to_string(), out),
        }
    }

    /// An attempt failed: the next one begins after a pause.
    pub(crate) fn ceremony_failed(&mut self, key: &CeremonyKey, reason: &str, out: &mut Out) {
        let Some(ceremony) = self.ceremonies.get_mut(&key.key) else { return };
        if ceremony.attempt != key.attempt || ceremony.retry_at().is_some() {
            return;
        }
        // Later and later, so that a passing trouble does not use up all attempts; but people wait for it.
        let pause = self.limits.retry_ms << key.attempt.0.min(5);
        ceremony.round = Round::Pause(out.now.plus_millis(pause));
        let plan = ceremony.plan.clone();
        self.rest_after(&key.key, out);
        self.note(&plan, &format!("attempt {} failed: {reason}", key.attempt), out);
    }

    /// Keeps what an operation waits for, where people and a restart find it.
    fn note(&mut self, plan: &Plan, state: &str, out: &mut Out) {
        self.set_operation(plan, OperationState::Running(state.to_owned()), out);
    }

    /// It is the turn of another key to get new shares, after a rest.
    pub(crate) fn rest_after(&mut self, key: &KeyId, out: &Out) {
        self.pace.end(key, self.limits.reshare_rests, out.now);
    }

    pub(crate) fn fail_operation(&mut self, plan: &Plan, reason: &str, out: &mut Out) {
        self.rest_after(&plan.key, out);
        self.ceremonies.remove(&plan.key);
        self.set_operation(plan, OperationState::Failed(reason.to_owned()), out);
    }

    fn set_operation(&mut self, plan: &Plan, state: OperationState, out: &mut Out) {
        let attempt = self.ceremonies.get(&plan.key).map(|ceremony| ceremony.attempt);
        let Some(record) = self.operations.get_mut(&plan.order.order().id) else { return };
        let attempt = attempt.unwrap_or(record.attempt);
        if record.state == state && record.attempt == attempt {
            return;
        }
        record.state = state;
        record.attempt = attempt;
        record.updated = out.now;
        out.write(Record::Operation(record.clone()));
    }
}
