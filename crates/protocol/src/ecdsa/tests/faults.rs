//! A node that says something else than it computed, and signs and seals it as its own: field by field.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use quorate_model::{Digest, ParticipantId, ParticipantSet, Threshold};
use zeroize::Zeroizing;

use super::tree::{Field, Tree};
use crate::ecdsa::{Dkls23, EcdsaBackend, EcdsaShare, PairStates, SignRound, SignStep, Signing};
use crate::exchange::{Inbox, Outbox};
use crate::fixture::id;
use crate::rounds::{CeremonyRound, CeremonyStep, Fault as RoundFault};
use crate::sign::KeyShareError;
use crate::{Abort, AbortReason, CertifiedKey, SecretShare};

/// What every node had to say, by round and node, before anybody meddled with it.
pub(super) type Said = BTreeMap<(u8, ParticipantId), Outbox>;

type Meddle = dyn Fn(u8, ParticipantId, &Said, &mut Outbox) + Send + Sync;

/// The backend of all nodes: it hears what they say, in ascending order, and may change it.
#[derive(Clone)]
pub(super) struct Meddling {
    said: Arc<Mutex<Said>>,
    meddle: Arc<Meddle>,
}

impl Meddling {
    pub(super) fn new(
        meddle: impl Fn(u8, ParticipantId, &Said, &mut Outbox) + Send + Sync + 'static,
    ) -> Self {
        Self { said: Arc::default(), meddle: Arc::new(meddle) }
    }

    pub(super) fn nothing() -> Self {
        Self::new(|_, _, _, _| {})
    }

    /// What was said.
    pub(super) fn said(&self) -> Said {
        std::mem::take(&mut *self.said.lock().unwrap())
    }

    fn hear(&self, round: u8, me: ParticipantId, mut outbox: Outbox) -> Outbox {
        let said = &mut *self.said.lock().unwrap();
        let copy = Outbox { broadcast: outbox.broadcast.clone(), private: outbox.private.clone() };
        said.insert((round, me), copy);
        (self.meddle)(round, me, said, &mut outbox);
        outbox
    }
}

impl fmt::Debug for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meddling").finish_non_exhaustive()
    }
}

/// A share or a round whose words go through [`Meddling`].
struct Heard<T> {
    inner: T,
    round: u8,
    me: ParticipantId,
    by: Meddling,
}

impl EcdsaBackend for Meddling {
    fn generate(
        &self,
        session: Digest,
        me: ParticipantId,
        roster: &ParticipantSet,
        threshold: Threshold,
        entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), RoundFault> {
        let (inner, outbox) = Dkls23.generate(session, me, roster, threshold, entropy)?;
        let round = Heard { inner, round: 1, me, by: self.clone() };
        Ok((Box::new(round), self.hear(1, me, outbox)))
    }

    fn point(&self, roster: &ParticipantSet, id: ParticipantId) -> Option<u16> {
        Dkls23.point(roster, id)
    }

    fn set_up(
        &self,
        session: Digest,
        me: ParticipantId,

        among: (&ParticipantSet, Threshold),
        share: &SecretShare,
        entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), RoundFault> {
        Dkls23.set_up(session, me, among, share, entropy)
    }

    fn load(
        &self,
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        pairs: &PairStates,
    ) -> Result<Arc<dyn EcdsaShare>, KeyShareError> {
        let inner = Dkls23.load(certified, me, share, pairs)?;
        Ok(Arc::new(Heard { inner, round: 0, me, by: self.clone() }))
    }
}

impl EcdsaShare for Heard<Arc<dyn EcdsaShare>> {
    fn secret_share(&self) -> SecretShare {
        self.inner.secret_share()
    }

    fn sign(&self, signing: &Signing<'_>) -> Result<(Box<dyn SignRound>, Outbox), RoundFault> {
        let (inner, outbox) = self.inner.sign(signing)?;
        let outbox = self.by.hear(1, self.me, outbox);
        let round = Heard { inner, round: 1, me: self.me, by: self.by.clone() };
        Ok((Box::new(round), outbox))
    }
}

impl CeremonyRound for Heard<Box<dyn CeremonyRound>> {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, RoundFault> {
        let Self { inner, round, me, by } = *self;
        Ok(match inner.step(inbox)? {
            CeremonyStep::Next(inner, outbox) => {
                let outbox = by.hear(round + 1, me, outbox);
                CeremonyStep::Next(Box::new(Self { inner, round: round + 1, me, by }), outbox)
            }
            done @ CeremonyStep::Done(_) => done,
        })
    }
}

impl SignRound for Heard<Box<dyn SignRound>> {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<SignStep, RoundFault> {
        let Self { inner, round, me, by } = *self;
        Ok(match inner.step(inbox)? {
            SignStep::Next(inner, outbox) => {
                let outbox = by.hear(round + 1, me, outbox);
                SignStep::Next(Box::new(Self { inner, round: round + 1, me, by }), outbox)
            }
            done @ SignStep::Done(_) => done,
        })
    }
}

/// What can be otherwise about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Omitted,
    Flipped,
    Zero,
    /// What another participant said in its place.
    AnothersValue,
    /// What the sender itself said in an earlier session.
    EarlierValue,
    Shorter,
    Longer,
}

impl Fault {
    pub(super) const ALL: [Self; 7] = [
        Self::Omitted,
        Self::Flipped,
        Self::Zero,
        Self::AnothersValue,
        Self::EarlierValue,
        Self::Shorter,
        Self::Longer,
    ];

    fn apply(self, message: &mut Tree, path: &[usize], anothers: &Tree, earlier: &Tree) {
        let field = message.at_mut(path).unwrap();
        match self {
            Self::Omitted => message.omit(path),
            Self::Flipped => {
                let mut bytes = field.bytes_mut();
                let middle = bytes.len() / 2;
                *bytes[middle] ^= 1;
            }
            Self::Zero => field.bytes_mut().into_iter().for_each(|byte| *byte = 0),
            Self::AnothersValue => *field = anothers.at(path).unwrap().clone(),
            Self::EarlierValue => *field = earlier.at(path).unwrap().clone(),
            Self::Shorter => field.shorten(),
            Self::Longer => field.lengthen(),
        }
    }
}

/// What is to come of a field that is still one, and false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// The message is refused, and names its sender; the pair is not at fault.
    Sender,
    /// The multiplication with its sender fails: the pair is at fault.
    Pair,
    /// The one or the other, by what of it is false.
    SenderOrPair,
    /// Nothing shows whose it was.
    Nobody,
    /// Nothing of it shows in a key generation: the pair has a key that it cannot sign with.
    Unnoticed,
}

/// A message of the library.
pub(super) struct Message {
    pub(super) round: u8,
    /// For one receiver, or for all.
    pub(super) private: bool,
    pub(super) parse: fn(&[u8]) -> Option<Tree>,
    /// Every field that it has: one that a version of the library adds has to be added here.
    pub(super) fields: &'static [(&'static str, Blame)],
}

/// One fault of one field.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) message: &'static Message,
    pub(super) field: Field,
    pub(super) blame: Blame,
    pub(super) fault: Fault,
}

/// Whoever is dishonest comes last, and has heard the others; the receiver of its false part is first.
pub(super) fn cheater() -> ParticipantId {
    id(3)
}

pub(super) fn victim() -> ParticipantId {
    id(1)
}

impl Message {
    fn said<'a>(&self, outbox: &'a Outbox, to: ParticipantId) -> &'a [u8] {
        if self.private { &outbox.private[&to] } else { &outbox.broadcast }
    }

    /// Every fault of every field that it has, after what it said in an honest session.
    pub(super) fn cases(&'static self, said: &Said) -> Vec<Case> {
        let bytes = self.said(&said[&(self.round, cheater())], victim());
        let tree = (self.parse)(bytes).unwrap();
        assert_eq!(tree.encode(), bytes, "taken apart and put together");
        let fields = tree.fields();
        let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        let known: Vec<_> = self.fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, known, "every field of the message of round {}", self.round);
        let blames = self.fields.iter().map(|(_, blame)| *blame);
        let each = fields.into_iter().zip(blames).flat_map(|(field, blame)| {
            let case = move |fault| Case { message: self, field: field.clone(), blame, fault };
            Fault::ALL.map(case)
        });
        each.collect()
    }
}

impl Case {
    /// The backend of all nodes, of which one does this; and what came of it: `None` where the field
    /// is as it would have been, else what there is to blame.
    pub(super) fn backend(&self, earlier: &'static Said) -> (Meddling, Arc<Mutex<Option<Blame>>>) {
        let (case, expected) = (self.clone(), Arc::new(Mutex::new(None)));
        let found = Arc::clone(&expected);
        let meddle = move |round, me, said: &Said, outbox: &mut Outbox| {
            if (round, me) == (case.message.round, cheater()) {
                *found.lock().unwrap() = case.meddle(said, earlier, outbox);
            }
        };
        (Meddling::new(meddle), expected)
    }

    fn meddle(&self, said: &Said, earlier: &Said, outbox: &mut Outbox) -> Option<Blame> {
        let Self { message, field, blame, fault } = self;
        let parse = |bytes: &[u8]| (message.parse)(bytes).unwrap();
        let honest = parse(message.said(outbox, victim()));
        // In a key generation what the second node told the first; two signers have each other only.
        let (another, to) = match said.get(&(message.round, id(2))) {
            Some(second) => (second, victim()),
            None => (&said[&(message.round, victim())], cheater()),
        };
        let anothers = parse(message.said(another, to));
        let earlier = parse(message.said(&earlier[&(message.round, cheater())], victim()));
        let mut altered = honest.clone();
        fault.apply(&mut altered, &field.path, &anothers, &earlier);
        if altered == honest {
            return None;
        }
        let bytes = altered.encode();
        let blame = if (message.parse)(&bytes).is_some() { *blame } else { Blame::Sender };
        if message.private {
            outbox.private.insert(victim(), Zeroizing::new(bytes));
        } else {
            outbox.broadcast = bytes;
        }
        Some(blame)
    }

    /// Whether another session may have the same: who a message is from and to, the generator, and
    /// challenges, which are a few bytes that count up.
    pub(super) fn may_change_nothing(&self) -> bool {
        let same = ["parties", "sender", "receiver", "sender_index", "base_g", "challenge"];
        self.field.name.rsplit('.').next().is_some_and(|last| same.contains(&last))
    }
}

impl Blame {
    /// Whether an abort at an honest node is that; nobody is ever convicted.
    pub(super) fn is_of(self, abort: &Abort) -> bool {
        let names = abort.named() == Some(cheater());
        let sender = names && matches!(abort.reason, AbortReason::Refused { .. });
        let pair =
            matches!(abort.reason, AbortReason::Multiplication { with, .. } if with == cheater());
        let nobody = matches!(abort.reason, AbortReason::Library(_));
        let fits = match self {
            Self::Sender => sender,
            Self::Pair => pair && abort.named().is_none(),
            Self::SenderOrPair => sender || pair,
            Self::Nobody => nobody,
            Self::Unnoticed => false,
        };
        fits && abort.culprits.is_empty()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, field, fault, .. } = self;
        let to = if message.private { "to one" } else { "to all" };
        write!(f, "round {} {to}, field {:?}: {fault:?}", message.round, field.name)
    }
}
