//! Key generation with a scheme that is known at run time only.

use quorate_model::{ParticipantId, Scheme};
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

use super::{AwaitAnnouncements, AwaitRound1, AwaitRound2, NewShare};
use crate::suite::{Ed25519, Secp256k1, Secp256k1Tr, Suite};
use crate::{Abort, Announcement, Ceremony, Round1, Round2};

/// [`AwaitAnnouncements`] of any scheme.
pub trait Announced: Send {
    /// See [`AwaitAnnouncements::handle`].
    ///
    /// # Errors
    /// [`Abort`].
    fn handle(
        self: Box<Self>,
        messages: Vec<Authentic<Announcement>>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Box<dyn Committed>, Round1), Abort>;
}

/// [`AwaitRound1`] of any scheme.
pub trait Committed: Send {
    /// See [`AwaitRound1::handle`].
    ///
    /// # Errors
    /// [`Abort`].
    fn handle(
        self: Box<Self>,
        messages: Vec<Authentic<Round1>>,
    ) -> Result<(Box<dyn Dealt>, Round2), Abort>;
}

/// [`AwaitRound2`] of any scheme.
pub trait Dealt: Send {
    /// See [`AwaitRound2::handle`].
    ///
    /// # Errors
    /// [`Abort`].
    fn handle(self: Box<Self>, messages: Vec<Authentic<Round2>>) -> Result<NewShare, Abort>;
}

/// Begins a key generation of the ceremony's FROST scheme: see [`AwaitAnnouncements::begin`]. `None` for
/// ECDSA, which is no FROST scheme: see [`crate::ecdsa::begin_keygen`].
pub fn begin(
    ceremony: Ceremony,
    me: ParticipantId,
    rng: &mut dyn CryptoRngCore,
) -> Option<(Box<dyn Announced>, Announcement)> {
    fn boxed<S: Suite>(
        ceremony: Ceremony,
        me: ParticipantId,
        rng: &mut dyn CryptoRngCore,
    ) -> (Box<dyn Announced>, Announcement) {
        let (state, announcement) = AwaitAnnouncements::<S>::begin(ceremony, me, rng);
        (Box::new(state), announcement)
    }
    match ceremony.scheme {
        Scheme::FrostEd25519 => Some(boxed::<Ed25519>(ceremony, me, rng)),
        Scheme::FrostSecp256k1Tr => Some(boxed::<Secp256k1Tr>(ceremony, me, rng)),
        Scheme::FrostSecp256k1 => Some(boxed::<Secp256k1>(ceremony, me, rng)),
        Scheme::EcdsaSecp256k1 => None,
    }
}

impl<S: Suite> Announced for AwaitAnnouncements<S> {
    fn handle(
        self: Box<Self>,
        messages: Vec<Authentic<Announcement>>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Box<dyn Committed>, Round1), Abort> {
        let (next, round1) = Self::handle(*self, messages, rng)?;
        Ok((Box::new(next), round1))
    }
}

impl<S: Suite> Committed for AwaitRound1<S> {
    fn handle(
        self: Box<Self>,
        messages: Vec<Authentic<Round1>>,
    ) -> Result<(Box<dyn Dealt>, Round2), Abort> {
        let (next, round2) = Self::handle(*self, messages)?;
        Ok((Box::new(next), round2))
    }
}

impl<S: Suite> Dealt for AwaitRound2<S> {
    fn handle(self: Box<Self>, messages: Vec<Authentic<Round2>>) -> Result<NewShare, Abort> {
        Self::handle(*self, messages)
    }
}
