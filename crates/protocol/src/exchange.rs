//! Rounds of messages between participants over a relay that nobody trusts: each message is signed by
//! its sender, says what its sender has seen so far, and has a part for each of the others that only
//! that one can open.
//!
//! What a relay may do is lose a message. Whatever it changes, withholds from some or mixes up is
//! noticed before any of it reaches the protocol inside: so a failure in there is the doing of the
//! participant that signed, and never of the relay (threat P14, P15).

use std::collections::BTreeMap;

use quorate_model::{
    Digest, ParticipantId, ParticipantSet, SessionId, Tag, Transcribe, Transcript,
};
use quorate_trust::{Authentic, Body, Signed};
use zeroize::Zeroizing;

use crate::channel::{EphemeralSecret, PairSecret, ReceivingKey};
use crate::inbox::collect;
use crate::{Abort, AbortReason};

/// A participant's message of one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeMessage {
    /// The session.
    pub session: SessionId,
    /// Which round, counted from 1.
    pub round: u8,
    /// The hash of everybody's messages of every earlier round.
    pub seen: Digest,
    /// What everybody is told.
    pub broadcast: Vec<u8>,
    /// For each of the others the digest of its [`SealedPart`], ascending.
    pub sealed: BTreeMap<ParticipantId, Digest>,
}

/// The part of a message that only its receiver can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPart {
    /// For whom.
    pub to: ParticipantId,
    /// ChaCha20-Poly1305 ciphertext (RFC 8439).
    pub sealed: Vec<u8>,
}

/// A message on its way: from its sender with every part, to a receiver with that one's only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The message, signed by its sender.
    pub message: Signed<ExchangeMessage>,
    /// Sealed parts that it names.
    pub parts: Vec<SealedPart>,
}

/// What a participant has to say in a round.
#[derive(Default)]
pub struct Outbox {
    /// To everybody.
    pub broadcast: Vec<u8>,
    /// To each of the others.
    pub private: BTreeMap<ParticipantId, Zeroizing<Vec<u8>>>,
}

/// What a participant was told in a round, by each of the others.
#[derive(Default)]
pub struct Inbox {
    /// To everybody.
    pub broadcasts: BTreeMap<ParticipantId, Vec<u8>>,
    /// To it alone.
    pub private: BTreeMap<ParticipantId, Zeroizing<Vec<u8>>>,
}

/// An exchange between two rounds: about to send.
pub struct Exchange {
    me: ParticipantId,
    members: ParticipantSet,
    session: SessionId,
    pairs: BTreeMap<ParticipantId, PairSecret>,
    round: u8,
    seen: Digest,
}

/// An exchange in a round: this participant has sent, and waits for the others.
pub struct AwaitMessages {
    exchange: Exchange,
    sent: ExchangeMessage,
    receiving: BTreeMap<ParticipantId, ReceivingKey>,
}

impl SealedPart {
    /// The digest that the message names.
    pub fn digest(&self) -> Digest {
        Transcript::new(Tag::SealedPart).u64(u64::from(self.to.get())).bytes(&self.sealed).finish()
    }
}

impl Parcel {
    /// What the relay passes on to one receiver.
    pub fn for_receiver(&self, to: ParticipantId) -> Self {
        let parts = self.parts.iter().filter(|part| part.to == to).cloned().collect();
        Self { message: self.message.clone(), parts }
    }

    /// Whether every part that the message names is here and nothing else, one for each of the others:
    /// what a relay checks before it passes it on, or a receiver would seem to be at fault.
    pub fn is_whole(&self, members: &ParticipantSet) -> bool {
        let ExchangeMessage { sealed, .. } = &self.message.body;
        let from = self.message.from;
        let others = || members.iter().filter(|id| *id != from);
        let named = sealed.is_empty() || sealed.keys().copied().eq(others());
        named
            && self.parts.len() == sealed.len()
            && self.parts.iter().all(|part| sealed.get(&part.to) == Some(&part.digest()))
    }
}

impl Exchange {
    /// Begins a session of `members`, each of whom announced an ephemeral key. The session id has to
    /// cover all that was announced.
    ///
    /// # Errors
    /// [`Abort`], which convicts whoever announced a degenerate key.
    pub(crate) fn begin(
        session: SessionId,
        me: ParticipantId,
        members: ParticipantSet,
        ephemeral: &EphemeralSecret,
        announced: &BTreeMap<ParticipantId, [u8; 32]>,
    ) -> Result<Self, Abort> {
        let mut pairs = BTreeMap::new();
        for (peer, public) in announced.iter().filter(|(id, _)| **id != me) {
            let pair = ephemeral.agree(&session, me, *peer, public);
            let degenerate = || Abort::proven(AbortReason::DegenerateKey(*peer), *peer);
            pairs.insert(*peer, pair.ok_or_else(degenerate)?);
        }
        Ok(Self { me, members, session, pairs, round: 0, seen: session })
    }

    /// Goes on among these members only.
    pub(crate) fn narrow(&mut self, members: &ParticipantSet) {
        self.members = members.clone();
        self.pairs.retain(|id, _| members.contains(*id));
    }

    /// The hash of everybody's messages so far.
    pub(crate) fn seen(&self) -> Digest {
        self.seen
    }

    /// Seals what is to be said in the next round: the message to sign, and its parts.
    ///
    /// # Errors
    /// [`Abort`], where the channel fails.
    pub(crate) fn send(
        mut self,
        outbox: Outbox,
    ) -> Result<(AwaitMessages, ExchangeMessage, Vec<SealedPart>), Abort> {
        self.round += 1;
        let mut parts = Vec::new();
        let mut receiving = BTreeMap::new();
        for (to, plain) in outbox.private {
            let keys = self.pairs.get(&to).and_then(|pair| pair.keys(self.round));
            let (sealed, key) = keys.ok_or_else(no_channel)?.seal(&plain);
            parts.push(SealedPart { to, sealed: sealed.ok_or_else(no_channel)? });
            receiving.insert(to, key);
        }
        let message = ExchangeMessage {
            session: self.session,
            round: self.round,
            seen: self.seen,
            broadcast: outbox.broadcast,
            sealed: parts.iter().map(|part| (part.to, part.digest())).collect(),
        };
        let sent = message.clone();
        Ok((AwaitMessages { exchange: self, sent, receiving }, message, parts))
    }
}

impl AwaitMessages {
    /// Who takes part.
    pub fn members(&self) -> &ParticipantSet {
        &self.exchange.members
    }

    /// Takes everybody's message of the round, this participant's own among them, and opens what is
    /// for this one.
    ///
    /// # Errors
    /// [`Abort`]. A part that its sender signed and that does not open names the sender and convicts
    /// nobody: only the receiver can tell.
    pub(crate) fn receive(
        self,
        messages: Vec<Authentic<ExchangeMessage>>,
        mut parts: BTreeMap<ParticipantId, SealedPart>,
    ) -> Result<(Exchange, Inbox), Abort> {
        let Self { mut exchange, sent, receiving } = self;
        let messages = collect(&exchange.members, messages)?;
        exchange.check(&sent, &messages)?;
        let mut seen = Transcript::new(Tag::ExchangeSeen);
        seen.digest(&exchange.seen).u64(messages.len() as u64);
        for (from, message) in &messages {
            seen.u64(u64::from(from.get())).value(message);
        }
        exchange.seen = seen.finish();
        let mut inbox = Inbox::default();
        for (from, key) in receiving {
            let named = messages.get(&from).and_then(|message| message.sealed.get(&exchange.me));
            let part = parts.remove(&from).filter(|part| Some(&part.digest()) == named);
            // Not what the sender signed: the relay's doing.
            let part = part.ok_or_else(|| Abort::unproven(AbortReason::Relay(from)))?;
            let plain = key.open(&part.sealed);
            let plain = plain.ok_or_else(|| Abort::unproven(AbortReason::SealedShare(from)))?;
            inbox.private.insert(from, plain);
        }
        let others = messages.into_iter().filter(|(from, _)| *from != exchange.me);
        inbox.broadcasts = others.map(|(from, message)| (from, message.broadcast)).collect();
        Ok((exchange, inbox))
    }
}

impl Exchange {
    fn check(
        &self,
        sent: &ExchangeMessage,
        messages: &BTreeMap<ParticipantId, ExchangeMessage>,
    ) -> Result<(), Abort> {
        for (from, message) in messages {
            if message.session != self.session || message.round != self.round {
                return Err(Abort::unproven(AbortReason::OtherSession(*from)));
            }
        }
        if messages.get(&self.me) != Some(sent) {
            return Err(Abort::unproven(AbortReason::NotOurs));
        }
        for (from, message) in messages {
            if message.seen != self.seen {
                return Err(Abort::unproven(AbortReason::EchoMismatch(*from)));
            }
            let receivers = self.members.iter().filter(|to| to != from);
            let expected = if sent.sealed.is_empty() {
                message.sealed.is_empty()
            } else {
                message.sealed.keys().copied().eq(receivers)
            };
            if !expected {
                let reason = AbortReason::Malformed { from: *from, what: "list of sealed parts" };
                return Err(Abort::proven(reason, *from));
            }
        }
        Ok(())
    }
}

fn no_channel() -> Abort {
    Abort::unproven(AbortReason::Library("no channel to the receiver of a message".to_owned()))
}

impl Transcribe for ExchangeMessage {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.session).u64(u64::from(self.round)).digest(&self.seen);
        transcript.bytes(&self.broadcast).u64(self.sealed.len() as u64);
        for (to, digest) in &self.sealed {
            transcript.u64(u64::from(to.get())).digest(digest);
        }
    }
}

impl Body for ExchangeMessage {
    const TAG: Tag = Tag::ExchangeMessage;
}
