//! Signing: a reserve phase as round 0, then DKLs23's three rounds, for all messages of an attempt at
//! once.

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_model::{Digest, Heads, ParticipantId, Tag, Transcript};
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::backend::{EcdsaBackend, EcdsaShare, PartialSignature, SignRound, SignStep, Signing};
use super::pairs::PairStates;
use crate::channel::EphemeralSecret;
use crate::derive::derive;
use crate::exchange::{AwaitMessages, Exchange, ExchangeMessage, Inbox, Outbox, SealedPart};
use crate::inbox::collect;
use crate::sign::{
    KeyShareError, Offer, ReserveAnswer, ShareAnswer, SigningContext, package_digest,
};
use crate::{Abort, AbortReason, CertifiedKey, ChildKey, SecretShare};

/// A share of an ECDSA key with the public facts that its children follow from.
pub struct EcdsaKeyShare {
    share: Arc<dyn EcdsaShare>,
    group_verifying_key: Vec<u8>,
    chain_code: [u8; 32],
}

impl EcdsaKeyShare {
    /// Puts a stored share together with its certified key.
    ///
    /// # Errors
    /// [`KeyShareError`], also where the share is not the certified one.
    pub fn load(
        backend: &dyn EcdsaBackend,
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        pairs: &PairStates,
    ) -> Result<Self, KeyShareError> {
        let share = backend.load(certified, me, share, pairs)?;
        let (key, chain_code) = (certified.group_verifying_key.clone(), certified.chain_code);
        Ok(Self { share, group_verifying_key: key, chain_code })
    }
}

impl EcdsaKeyShare {
    pub(crate) fn secret_share(&self) -> SecretShare {
        self.share.secret_share()
    }
}

/// Reserved: an ephemeral key and a share that is ready. Nothing was drawn yet that signs.
pub struct EcdsaReserved {
    me: ParticipantId,
    context: SigningContext,
    digest: Digest,
    ephemeral: EphemeralSecret,
    answer: ReserveAnswer,
    entropy: [u8; 32],
    share: Arc<dyn EcdsaShare>,
    child: ChildKey,
}

/// In a round; waiting for everybody's message.
pub struct EcdsaSigning {
    context: SigningContext,
    package: Digest,
    exchange: AwaitMessages,
    rounds: Vec<Box<dyn SignRound>>,
}

/// What follows a round.
pub enum SigningProgress {
    /// Another: the message to sign, and its sealed parts.
    Next(Box<EcdsaSigning>, ExchangeMessage, Vec<SealedPart>),
    /// This signer's parts of the signatures. They must not leave before their release is durable.
    Done(ShareAnswer),
}

impl EcdsaReserved {
    /// Draws an ephemeral key and a nonce for the session, and derives the child that signs.
    ///
    /// # Errors
    /// [`Abort`], where the path leads to no key.
    pub fn reserve(
        context: SigningContext,
        me: ParticipantId,
        key_share: &EcdsaKeyShare,
        heads: Heads,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Self, ReserveAnswer), Abort> {
        let EcdsaKeyShare { share, group_verifying_key, chain_code } = key_share;
        let child = derive(context.scheme, group_verifying_key, chain_code, &context.path);
        let child = child.map_err(|error| Abort::unproven(AbortReason::Derive(error)))?;
        let share = Arc::clone(share);
        let ephemeral = EphemeralSecret::generate(rng);
        let (mut nonce, mut entropy) = ([0; 32], [0; 32]);
        rng.fill_bytes(&mut nonce);
        rng.fill_bytes(&mut entropy);
        let digest = context.digest();
        let offer = Offer { nonce, ephemeral: ephemeral.public() };
        let answer =
            ReserveAnswer { context: digest, commitments: vec![], offer: Some(offer), heads };
        let sent = answer.clone();
        Ok((Self { me, context, digest, ephemeral, answer, entropy, share, child }, sent))
    }

    /// What the attempt is about.
    pub fn context(&self) -> &SigningContext {
        &self.context
    }

    /// Takes the signed answer of every signer of the set: round 1.
    ///
    /// # Errors
    /// [`Abort`], where an answer is missing, foreign, for another context or degenerate, or where our
    /// own came back changed.
    pub fn begin(self, answers: Vec<Authentic<ReserveAnswer>>) -> Result<SigningProgress, Abort> {
        let Self { me, context, digest, ephemeral, answer, entropy, share, child } = self;
        let answers = collect(&context.signing_set, answers)?;
        if answers.get(&me) != Some(&answer) {
            return Err(Abort::unproven(AbortReason::NotOurs));
        }
        let announced = offers(&context, &answers)?;
        let package = package_digest(&digest, &answers);
        let set = context.signing_set.clone();
        let exchange = Exchange::begin(package, me, set, &ephemeral, &announced)?;
        let mut rounds = Vec::with_capacity(context.messages.len());
        let mut outboxes = Vec::with_capacity(context.messages.len());
        for (index, message) in context.messages.iter().enumerate() {
            let message = <[u8; 32]>::try_from(message.as_slice())
                .map_err(|_| library("an ECDSA message is a hash of 32 bytes"))?;
            let mut transcript = Transcript::new(Tag::EcdsaSigning);
            let id = transcript.digest(&package).u64(index as u64).finish();
            let entropy = transcript.bytes(&entropy).finish();
            let signing = Signing {
                id,
                signing_set: &context.signing_set,
                child: &child,
                message,
                entropy: *entropy.as_bytes(),
            };
            let (round, outbox) = share.sign(&signing)?;
            rounds.push(round);
            outboxes.push(outbox);
        }
        next(context, package, exchange, rounds, outboxes)
    }
}

impl EcdsaSigning {
    /// What the attempt is about.
    pub fn context(&self) -> &SigningContext {
        &self.context
    }

    /// Takes everybody's message of the round, with the parts that are for this participant.
    ///
    /// # Errors
    /// [`Abort`]; with [`AbortReason::Multiplication`] the state shared with a participant must not be
    /// used again.
    pub fn handle(
        self,
        messages: Vec<Authentic<ExchangeMessage>>,
        parts: BTreeMap<ParticipantId, SealedPart>,
    ) -> Result<SigningProgress, Abort> {
        let Self { context, package, exchange, rounds } = self;
        let (exchange, inbox) = exchange.receive(messages, parts)?;
        let inboxes = split(inbox, rounds.len())?;
        let mut next_rounds = Vec::with_capacity(rounds.len());
        let mut outboxes = Vec::with_capacity(rounds.len());
        let mut done = Vec::with_capacity(rounds.len());
        for (round, inbox) in rounds.into_iter().zip(inboxes) {
            match round.step(inbox)? {
                SignStep::Next(round, outbox) => {
                    next_rounds.push(round);
                    outboxes.push(outbox);
                }
                SignStep::Done(part) => done.push(part.to_bytes()),
            }
        }
        match (next_rounds.is_empty(), done.is_empty()) {
            (false, true) => next(context, package, exchange, next_rounds, outboxes),
            (true, _) => {
                let context = context.digest();
                Ok(SigningProgress::Done(ShareAnswer { context, package, shares: done }))
            }
            (false, false) => Err(library("the signings are in different rounds")),
        }
    }
}

impl PartialSignature {
    /// Length of the encoding: r ‖ u ‖ w.
    pub const BYTES: usize = 96;

    /// Encodes it for a [`ShareAnswer`].
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.r, self.u, self.w].concat()
    }

    /// Decodes it; `None` unless it has [`PartialSignature::BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (r, rest) = bytes.split_first_chunk::<32>()?;
        let (u, rest) = rest.split_first_chunk::<32>()?;
        let w = rest.try_into().ok()?;
        Some(Self { r: *r, u: *u, w })
    }
}

/// Everybody's ephemeral key, from answers that fit the context.
pub(crate) fn offers(
    context: &SigningContext,
    answers: &BTreeMap<ParticipantId, ReserveAnswer>,
) -> Result<BTreeMap<ParticipantId, [u8; 32]>, Abort> {
    let digest = context.digest();
    let mut offers = BTreeMap::new();
    for (from, answer) in answers {
        if answer.context != digest {
            return Err(Abort::unproven(AbortReason::ContextMismatch(*from)));
        }
        let malformed = || {
            let reason = AbortReason::Malformed { from: *from, what: "offer of an ephemeral key" };
            Abort::proven(reason, *from)
        };
        let offer = answer.offer.as_ref().filter(|_| answer.commitments.is_empty());
        offers.insert(*from, offer.ok_or_else(malformed)?.ephemeral);
    }
    Ok(offers)
}

fn next(
    context: SigningContext,
    package: Digest,
    exchange: Exchange,
    rounds: Vec<Box<dyn SignRound>>,
    outboxes: Vec<Outbox>,
) -> Result<SigningProgress, Abort> {
    let (exchange, message, parts) = exchange.send(join(outboxes))?;
    let next = Box::new(EcdsaSigning { context, package, exchange, rounds });
    Ok(SigningProgress::Next(next, message, parts))
}

/// One message for all signings: what each has to say, with its length, one after the other.
fn join(outboxes: Vec<Outbox>) -> Outbox {
    let mut joined = Outbox::default();
    for outbox in outboxes {
        append(&mut joined.broadcast, &outbox.broadcast);
        for (to, plain) in outbox.private {
            append(joined.private.entry(to).or_default(), &plain);
        }
    }
    joined
}

fn append(to: &mut Vec<u8>, piece: &[u8]) {
    // Far below 4 GiB: `SIGNINGS_MAX` bounds it.
    let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(piece);
}

/// Undoes [`join`] for exactly so many signings.
fn split(inbox: Inbox, signings: usize) -> Result<Vec<Inbox>, Abort> {
    let mut inboxes: Vec<Inbox> = std::iter::repeat_with(Inbox::default).take(signings).collect();
    for (from, bytes) in &inbox.broadcasts {
        for (inbox, piece) in inboxes.iter_mut().zip(pieces(*from, bytes, signings)?) {
            inbox.broadcasts.insert(*from, piece.to_vec());
        }
    }
    for (from, bytes) in &inbox.private {
        for (inbox, piece) in inboxes.iter_mut().zip(pieces(*from, bytes, signings)?) {
            inbox.private.insert(*from, Zeroizing::new(piece.to_vec()));
        }
    }
    Ok(inboxes)
}

fn pieces(from: ParticipantId, mut bytes: &[u8], count: usize) -> Result<Vec<&[u8]>, Abort> {
    let malformed =
        || Abort::unproven(AbortReason::Malformed { from, what: "pieces of a message" });
    let mut pieces = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (piece, rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
        pieces.push(piece);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(pieces) } else { Err(malformed()) }
}

fn library(reason: &str) -> Abort {
    Abort::unproven(AbortReason::Library(reason.to_owned()))
}
