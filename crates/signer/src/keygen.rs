//! Key generation, from the node's side.

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_audit::{Event, EventKind};
use quorate_model::{Attempt, Digest, KeyId, ParticipantId, Scheme, Timestamp, Transcript};
use quorate_protocol::dkg::{Announced, Committed, Dealt, NewShare, begin};
use quorate_protocol::ecdsa::{EcdsaAnnounced, HOLDERS_MAX, PairStates, begin_keygen};
use quorate_protocol::exchange::{ExchangeMessage, Parcel, SealedPart};
use quorate_protocol::sign::AnyKeyShare;
use quorate_protocol::wire::{CeremonyKey, FromNode, Refusal, RefusalCode};
use quorate_protocol::{
    Abort, Announcement, Ceremony, CeremonyExchange, CeremonyProgress, CertifiedKey,
    ResharingAnnounced, Round1, Round2, SecretShare, Vote,
};
use quorate_trust::{Authentic, Signed, SignedOrder, VerifiedOrder};
use rand_core::CryptoRngCore;

use crate::keys::HeldKey;
use crate::ledger::check_attempt;
use crate::node::Node;
use crate::record::{CeremonyRecord, Record, ShareRecord};
use crate::refusal::{abort, order as order_refused, refuse, unless_stopped};
use crate::turn::Turn;
use crate::work::{Asked, Reply, Work};

/// Key generations that this node takes part in, and how far each order has come.
#[derive(Default)]
pub(crate) struct Ceremonies {
    running: BTreeMap<KeyId, Running>,
    attempts: BTreeMap<Digest, Attempt>,
}

struct Running {
    /// The digest of the order that it carries out.
    order: Digest,
    attempt: Attempt,
    machine: Machine,
    deadline: Timestamp,
}

pub(crate) enum Machine {
    Announced(Box<dyn Announced>),
    Committed(Box<dyn Committed>),
    Dealt(Box<dyn Dealt>),
    EcdsaAnnounced(Box<EcdsaAnnounced>),
    Resharing(Box<ResharingAnnounced>),
    Exchange(Box<CeremonyExchange>),
    /// A round is being computed, apart from the engine.
    Working,
}

impl Ceremonies {
    /// Takes up a record from the store.
    pub(crate) fn put(&mut self, record: &CeremonyRecord) {
        self.attempts.insert(record.order, record.attempt);
    }

    /// How far tries at each order have come.
    pub(crate) fn transcribe_attempts(&self, transcript: &mut Transcript) {
        transcript.u64(self.attempts.len() as u64);
        for (order, attempt) in &self.attempts {
            transcript.digest(order).u64(u64::from(attempt.0));
        }
    }

    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.running.retain(|_, running| running.deadline > now);
    }

    /// Ends the ceremony of a key that runs.
    pub(crate) fn end_of(&mut self, key: &KeyId) {
        self.running.remove(key);
    }

    /// Ends every key generation that runs: the next attempt is another.
    pub(crate) fn end_all(&mut self) {
        self.running.clear();
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.running.values().map(|running| running.deadline).min()
    }

    /// Takes a machine out: it is stepped now or gone.
    fn take(&mut self, ceremony: &CeremonyKey) -> Result<Running, Refusal> {
        let found = self.running.remove(&ceremony.key);
        let (key, attempt) = (&ceremony.key, ceremony.attempt);
        match found {
            Some(running) if running.attempt == attempt => Ok(running),
            Some(other) => {
                self.running.insert(key.clone(), other);
                Err(no_ceremony(ceremony))
            }
            None => Err(no_ceremony(ceremony)),
        }
    }
}

fn no_ceremony(CeremonyKey { key, attempt }: &CeremonyKey) -> Refusal {
    let reason = format!("attempt {attempt} at key {key} is not running here in that round");
    refuse(RefusalCode::NotFound, reason)
}

impl Node {
    /// Round 0: verifies the order and announces; or repeats the vote that was cast.
    pub(crate) fn generate_key(
        &mut self,
        signed: &SignedOrder,
        attempt: Attempt,
        never_voted: Vec<Signed<Announcement>>,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let order = signed.verify(&self.root).map_err(order_refused)?.key_order();
        let not_one = || refuse(RefusalCode::Invalid, "this order makes no key");
        let order = order.ok_or_else(not_one)?;
        let verified = order.verified();
        self.check_fit(turn.now)?;
        let ceremony = Ceremony::generate_key(&order, attempt);
        unless_stopped(self.stops.on_key(&ceremony.key, turn.now))?;
        if !ceremony.roster.contains(self.me) {
            return Err(refuse(RefusalCode::Invalid, "the order's roster does not name this node"));
        }
        if ceremony.scheme == Scheme::EcdsaSecp256k1 && ceremony.roster.len() > HOLDERS_MAX {
            let reason = format!("an ECDSA key has at most {HOLDERS_MAX} holders");
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        if let Some(vote) = self.cast_vote(&ceremony, never_voted, turn)? {
            return Ok(vote);
        }
        self.begin_ceremony(verified, &ceremony, turn)?;
        let (key, order) = (ceremony.key.clone(), ceremony.order);
        let (machine, announcement) = match begin(ceremony.clone(), self.me, rng) {
            Some((machine, announcement)) => (Machine::Announced(machine), announcement),
            None => {
                let (machine, announcement) = begin_keygen(ceremony, self.me, rng);
                (Machine::EcdsaAnnounced(Box::new(machine)), announcement)
            }
        };
        Ok(self.announce(key, (order, attempt), machine, announcement, turn))
    }

    /// Takes note of an attempt that is about to begin, for ever.
    pub(crate) fn begin_ceremony(
        &mut self,
        verified: &VerifiedOrder,
        ceremony: &Ceremony,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.check_not_destroyed(&ceremony.key, turn.now)?;
        let attempt = ceremony.attempt;
        verified.check_time(turn.now).map_err(order_refused)?;
        self.admit_attempt(verified, attempt)?;
        let record = CeremonyRecord { key: ceremony.key.clone(), order: ceremony.order, attempt };
        self.ceremonies.put(&record);
        turn.write(Record::Ceremony(record));
        let event = Event::new(EventKind::CeremonyBegun)
            .fact("order", &verified.order().id)
            .fact("key", &ceremony.key)
            .fact("epoch", ceremony.epoch)
            .fact("scheme", ceremony.scheme)
            .fact("threshold", ceremony.threshold)
            .fact("roster", &ceremony.roster)
            .fact("attempt", attempt);
        self.audit(event, turn);
        Ok(())
    }

    pub(crate) fn announce(
        &mut self,
        key: KeyId,
        (order, attempt): (Digest, Attempt),
        machine: Machine,
        announcement: Announcement,
        turn: &Turn,
    ) -> FromNode {
        let deadline = turn.now.plus_millis(self.limits.ceremony_ms);
        let running = Running { order, attempt, machine, deadline };
        self.ceremonies.running.insert(key, running);
        FromNode::Announcement(self.sign(announcement))
    }

    /// The vote that this node cast for the key, if it holds to it. It lets go only of a share that
    /// can never be certified, on the word of `threshold` holders that they never voted.
    fn cast_vote(
        &mut self,
        ceremony: &Ceremony,
        never_voted: Vec<Signed<Announcement>>,
        turn: &mut Turn,
    ) -> Result<Option<FromNode>, Refusal> {
        let Some(held) = self.keys.present(&ceremony.key) else { return Ok(None) };
        if held.certified.order != ceremony.order {
            let reason = format!("key {} exists: a key id is used once", ceremony.key);
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        let retry = held.certificate.is_none() && ceremony.attempt > held.certified.attempt;
        if !retry || never_voted.is_empty() {
            let vote = Vote { certified: held.certified.digest() };
            let vote = Signed { from: self.me, body: vote, signature: held.vote };
            return Ok(Some(FromNode::Vote(held.certified.clone(), vote)));
        }
        self.check_never_voted(ceremony, never_voted)?;
        if let Some(held) = self.keys.remove_first(&ceremony.key) {
            self.erase(&held, turn);
        }
        Ok(None)
    }

    /// A node that announces a later attempt has not voted before: had it, it would repeat its vote;
    /// and it never will, since attempts only go forward. Of `threshold` such words one is honest.
    fn check_never_voted(
        &self,
        ceremony: &Ceremony,
        announcements: Vec<Signed<Announcement>>,
    ) -> Result<(), Refusal> {
        let mut words = std::collections::BTreeSet::new();
        for announcement in self.authenticate(announcements)? {
            let Announcement { order, attempt, .. } = *announcement.body();
            let from = announcement.from();
            let counts = (order, attempt) == (ceremony.order, ceremony.attempt)
                && ceremony.roster.contains(from)
                && from != self.me;
            if counts {
                words.insert(from);
            }
        }
        if words.len() >= ceremony.threshold.as_usize() {
            return Ok(());
        }
        let reason = format!(
            "this node voted for key {}; {} of {} holders said that they never did",
            ceremony.key,
            words.len(),
            ceremony.threshold
        );
        Err(refuse(RefusalCode::Invalid, reason))
    }

    fn admit_attempt(&self, verified: &VerifiedOrder, attempt: Attempt) -> Result<(), Refusal> {
        check_attempt(attempt, self.limits.attempts_max)?;
        if self.ceremonies.attempts.get(&verified.digest()).is_some_and(|seen| attempt <= *seen) {
            let reason = format!("attempt {attempt} at order {} was used", verified.order().id);
            return Err(refuse(RefusalCode::AttemptUsed, reason));
        }
        if self.ceremonies.running.len() >= self.limits.ceremonies_max {
            let reason = format!("{} ceremonies are running", self.limits.ceremonies_max);
            return Err(refuse(RefusalCode::Busy, reason));
        }
        Ok(())
    }

    /// Everybody's announcements: commit.
    pub(crate) fn announcements(
        &mut self,
        ceremony: &CeremonyKey,
        messages: Vec<Signed<Announcement>>,
        asked: Asked,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Reply, Refusal> {
        unless_stopped(self.stops.on_key(&ceremony.key, turn.now))?;
        let messages = self.authenticate(messages)?;
        let Running { order, attempt, machine, deadline } = self.ceremonies.take(ceremony)?;
        let (machine, reply) = match machine {
            Machine::Announced(machine) => {
                let (next, round1) = machine.handle(messages, rng).map_err(abort)?;
                let answer = FromNode::Round1(self.sign(round1));
                (Machine::Committed(next), answer.into())
            }
            Machine::EcdsaAnnounced(machine) => {
                let backend = Arc::clone(&self.ecdsa);
                let step = move || machine.handle(messages, &backend);
                let work = Work::keygen(asked, (ceremony.clone(), order), step);
                (Machine::Working, Reply::Work(work))
            }
            Machine::Resharing(machine) => {
                let dealt = machine.handle(messages, &self.ecdsa, rng).map_err(abort)?;
                let running = (order, attempt, deadline);
                return self.exchanged(ceremony, running, dealt, turn).map(Reply::Said);
            }
            Machine::Committed(_) | Machine::Dealt(_) | Machine::Exchange(_) | Machine::Working => {
                return Err(no_ceremony(ceremony));
            }
        };
        let running = Running { order, attempt, machine, deadline };
        self.ceremonies.running.insert(ceremony.key.clone(), running);
        Ok(reply)
    }

    /// A round of an ECDSA key generation.
    pub(crate) fn ceremony_round(
        &mut self,
        ceremony: &CeremonyKey,
        (messages, parts): (Vec<Authentic<ExchangeMessage>>, BTreeMap<ParticipantId, SealedPart>),
        asked: Asked,
        turn: &Turn,
    ) -> Result<Reply, Refusal> {
        unless_stopped(self.stops.on_key(&ceremony.key, turn.now))?;
        let Running { order, attempt, machine, deadline } = self.ceremonies.take(ceremony)?;
        let Machine::Exchange(machine) = machine else { return Err(no_ceremony(ceremony)) };
        let running = Running { order, attempt, machine: Machine::Working, deadline };
        self.ceremonies.running.insert(ceremony.key.clone(), running);
        let step = move || machine.handle(messages, parts);
        Ok(Reply::Work(Work::keygen(asked, (ceremony.clone(), order), step)))
    }

    /// What came of a round. A ceremony that ended meanwhile is not taken up again, nor is another one
    /// given its outcome: attempts are counted for each order, and two orders may be for one key.
    pub(crate) fn keygen_done(
        &mut self,
        (ceremony, worked): &(CeremonyKey, Digest),
        progress: Result<CeremonyProgress, Abort>,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        unless_stopped(self.stops.on_key(&ceremony.key, turn.now))?;
        let in_work = |running: &Running| {
            running.order == *worked && matches!(running.machine, Machine::Working)
        };
        if !self.ceremonies.running.get(&ceremony.key).is_some_and(in_work) {
            return Err(no_ceremony(ceremony));
        }
        let Running { order, attempt, deadline, .. } = self.ceremonies.take(ceremony)?;
        let progress = progress.map_err(abort)?;
        self.exchanged(ceremony, (order, attempt, deadline), progress, turn)
    }

    /// Answers with the next round's message, or with the vote. Who only gives its share away is done with
    /// its first message.
    fn exchanged(
        &mut self,
        ceremony: &CeremonyKey,
        (order, attempt, deadline): (Digest, Attempt, Timestamp),
        progress: CeremonyProgress,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        match progress {
            CeremonyProgress::Next(next, message, parts) => {
                if next.receives(self.me) {
                    let machine = Machine::Exchange(next);
                    let running = Running { order, attempt, machine, deadline };
                    self.ceremonies.running.insert(ceremony.key.clone(), running);
                }
                Ok(FromNode::Exchanged(Parcel { message: self.sign(message), parts }))
            }
            CeremonyProgress::Done(done) => {
                let (certified, share, pairs) = *done;
                self.commit_share(certified, share, pairs, turn)
            }
        }
    }

    /// Everybody's commitments: deal.
    pub(crate) fn round1(
        &mut self,
        ceremony: &CeremonyKey,
        messages: Vec<Signed<Round1>>,
        turn: &Turn,
    ) -> Result<FromNode, Refusal> {
        unless_stopped(self.stops.on_key(&ceremony.key, turn.now))?;
        let messages = self.authenticate(messages)?;
        let Running { order, attempt, machine, deadline } = self.ceremonies.take(ceremony)?;
        let Machine::Committed(machine) = machine else { return Err(no_ceremony(ceremony)) };
        let (next, round2) = machine.handle(messages).map_err(abort)?;
        let running = Running { order, attempt, machine: Machine::Dealt(next), deadline };
        self.ceremonies.running.insert(ceremony.key.clone(), running);
        Ok(FromNode::Round2(self.sign(round2)))
    }

    /// Everybody's shares: make this node's share durable, then vote for it.
    pub(crate) fn round2(
        &mut self,
        ceremony: &CeremonyKey,
        messages: Vec<Signed<Round2>>,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        unless_stopped(self.stops.on_key(&ceremony.key, turn.now))?;
        let messages = self.authenticate(messages)?;
        let Machine::Dealt(machine) = self.ceremonies.take(ceremony)?.machine else {
            return Err(no_ceremony(ceremony));
        };
        let NewShare { certified, share } = machine.handle(messages).map_err(abort)?;
        self.commit_share(certified, share, PairStates::new(), turn)
    }

    /// Makes a share durable, then votes for it.
    fn commit_share(
        &mut self,
        certified: CertifiedKey,
        share: SecretShare,
        pairs: PairStates,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let loaded = AnyKeyShare::new(&certified, self.me, &share, &pairs, &*self.ecdsa)
            .map_err(|error| refuse(RefusalCode::Aborted, error))?;
        let digest = certified.digest();
        let vote = self.sign(Vote { certified: digest });
        let event = Event::new(EventKind::ShareCommitted)
            .fact("key", &certified.key)
            .fact("epoch", certified.epoch)
            .fact("certified", digest);
        self.vault.insert(certified.sharing(), loaded);
        let held = HeldKey {
            certified: certified.clone(),
            vote: vote.signature,
            certificate: None,
            confirmations: None,
        };
        self.keys.put(held);
        self.audit(event, turn);
        let record =
            ShareRecord { certified: certified.clone(), vote: vote.signature, share, pairs };
        turn.write(Record::Share(record));
        Ok(FromNode::Vote(certified, vote))
    }
}
