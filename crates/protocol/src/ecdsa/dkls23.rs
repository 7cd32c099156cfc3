//! The backend that signs: `dkls23-core`. Its own types are never serialised or shown whole: the share
//! is 32 bytes, and what each pair shares is a record of its own.

mod code;
mod keygen;
mod share;
mod sign;

use std::sync::Arc;

use dkls23_core::protocols as library;
use quorate_model::{Digest, ParticipantId, ParticipantSet, Threshold};

use super::backend::{EcdsaBackend, EcdsaShare};
use super::pairs::PairStates;
use crate::exchange::Outbox;
use crate::rounds::{CeremonyRound, Fault};
use crate::sign::KeyShareError;
use crate::{CertifiedKey, SecretShare};

/// The curve, of the generation that the library is on.
type Curve = k256_14::Secp256k1;

/// DKLs23 by the library `dkls23-core`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dkls23;

impl EcdsaBackend for Dkls23 {
    fn generate(
        &self,
        session: Digest,
        me: ParticipantId,
        roster: &ParticipantSet,
        threshold: Threshold,
        _entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
        keygen::begin(session, Seats::new(me, roster)?, threshold)
    }

    fn point(&self, roster: &ParticipantSet, id: ParticipantId) -> Option<u16> {
        let roster: Vec<_> = roster.iter().collect();
        seat(&roster, id).map(|seat| u16::from(seat.as_u8()))
    }

    fn set_up(
        &self,
        session: Digest,
        me: ParticipantId,

        (roster, threshold): (&ParticipantSet, Threshold),
        share: &SecretShare,
        _entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
        keygen::set_up(session, Seats::new(me, roster)?, threshold, share)
    }

    fn load(
        &self,
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        pairs: &PairStates,
    ) -> Result<Arc<dyn EcdsaShare>, KeyShareError> {
        Ok(Arc::new(share::Share::load(certified, me, share, pairs)?))
    }
}

/// The library numbers parties from 1 without a gap: the place of each in the roster.
#[derive(Debug, Clone)]
struct Seats {
    me: library::PartyIndex,
    roster: Vec<ParticipantId>,
}

impl Seats {
    fn new(me: ParticipantId, roster: &ParticipantSet) -> Result<Self, Fault> {
        let roster: Vec<_> = roster.iter().collect();
        let stranger = || Fault::Other(format!("node {me} holds no share of this key"));
        let me = seat(&roster, me).ok_or_else(stranger)?;
        Ok(Self { me, roster })
    }

    fn seat(&self, id: ParticipantId) -> Option<library::PartyIndex> {
        seat(&self.roster, id)
    }

    fn id(&self, seat: library::PartyIndex) -> Option<ParticipantId> {
        self.roster.get(usize::from(seat.as_u8()) - 1).copied()
    }

    /// The library's refusal, as ours.
    fn fault(&self, abort: &library::Abort) -> Fault {
        let what = abort.description();
        if let library::AbortKind::BanCounterparty(seat) = abort.kind {
            return match self.id(seat) {
                Some(with) => Fault::Pair { with, what },
                None => Fault::Other(what),
            };
        }
        match blamed(&abort.reason).filter(|seat| *seat != self.me).and_then(|seat| self.id(seat)) {
            Some(from) => Fault::Refused { from, what },
            None => Fault::Other(what),
        }
    }
}

fn seat(roster: &[ParticipantId], id: ParticipantId) -> Option<library::PartyIndex> {
    let place = roster.iter().position(|member| *member == id)?;
    library::PartyIndex::new(u8::try_from(place + 1).ok()?).ok()
}

/// Whose message the library names.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list is the library's, which may extend it"
)]
fn blamed(reason: &library::AbortReason) -> Option<library::PartyIndex> {
    use library::AbortReason as Reason;
    match reason {
        Reason::SessionBindingMismatch { counterparty }
        | Reason::ProofVerificationFailed { counterparty }
        | Reason::CommitmentMismatch { counterparty }
        | Reason::TrivialInstancePoint { counterparty }
        | Reason::OtConsistencyCheckFailed { counterparty }
        | Reason::MultiplicationVerificationFailed { counterparty, .. }
        | Reason::GammaUInconsistency { counterparty }
        | Reason::ZeroShareDecommitFailed { counterparty } => Some(*counterparty),
        Reason::ChainCodeCommitmentFailed { party } => Some(*party),
        _ => None,
    }
}

/// Makes the library's generator, which is this thread's, draw from the operating system again: a
/// process that was resumed from a snapshot repeats nothing (threat P22).
fn reseed() -> Result<(), Fault> {
    let failed = |_| Fault::Other("the operating system gives no randomness".to_owned());
    rand_10::rng().reseed().map_err(failed)
}
