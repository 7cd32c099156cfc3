//! A backend for ECDSA keys that is the real one, but for how it begins each signing: for tests of what
//! the others do then. Engines are tested with it, and processes.

use std::sync::Arc;

use quorate_model::{Digest, ParticipantId, ParticipantSet, Threshold};
use quorate_protocol::ecdsa::{Dkls23, EcdsaBackend, EcdsaShare, PairStates, SignRound, Signing};
use quorate_protocol::exchange::Outbox;
use quorate_protocol::sign::KeyShareError;
use quorate_protocol::{CeremonyRound, CertifiedKey, Fault, SecretShare};

/// A signing's first round, and what it says.
pub(crate) type Begun = (Box<dyn SignRound>, Outbox);

/// A node's backend that makes something else of how each signing begins.
#[derive(Debug)]
pub(crate) struct AlteredEcdsa(pub(crate) fn(Begun) -> Begun);

struct AlteredShare(Arc<dyn EcdsaShare>, fn(Begun) -> Begun);

impl EcdsaBackend for AlteredEcdsa {
    fn generate(
        &self,
        session: Digest,
        me: ParticipantId,
        roster: &ParticipantSet,
        threshold: Threshold,
        entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
        Dkls23.generate(session, me, roster, threshold, entropy)
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
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
        Dkls23.set_up(session, me, among, share, entropy)
    }

    fn load(
        &self,
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        pairs: &PairStates,
    ) -> Result<Arc<dyn EcdsaShare>, KeyShareError> {
        Ok(Arc::new(AlteredShare(Dkls23.load(certified, me, share, pairs)?, self.0)))
    }
}

impl EcdsaShare for AlteredShare {
    fn secret_share(&self) -> SecretShare {
        self.0.secret_share()
    }

    fn sign(&self, signing: &Signing<'_>) -> Result<Begun, Fault> {
        self.0.sign(signing).map(self.1)
    }
}

/// Begins each multiplication wrongly, so that the pair's check fails at the other node.
pub(crate) fn cheating((round, mut outbox): Begun) -> Begun {
    for message in outbox.private.values_mut() {
        if let Some(last) = message.last_mut() {
            *last ^= 1;
        }
    }
    (round, outbox)
}
