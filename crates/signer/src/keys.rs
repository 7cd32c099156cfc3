//! The public side of the keys that a node holds shares of.

use std::collections::BTreeMap;

use quorate_model::{KeyId, KeyState, ParticipantId, Scheme};
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_protocol::{Certificate, CertifiedKey, Confirmation};
use quorate_trust::Signature;

use crate::refusal::refuse;

/// A key that this node voted for.
#[derive(Debug)]
pub(crate) struct HeldKey {
    pub(crate) certified: CertifiedKey,
    pub(crate) vote: Signature,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) confirmations: Option<Vec<Confirmation>>,
}

impl HeldKey {
    /// With whom this node shares state beside the share: nobody but for ECDSA keys.
    pub(crate) fn peers(&self, me: ParticipantId) -> Vec<ParticipantId> {
        match self.certified.scheme {
            Scheme::EcdsaSecp256k1 => self.certified.roster.iter().filter(|id| *id != me).collect(),
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> KeyState {
        if self.confirmations.is_some() { KeyState::Active } else { KeyState::PreActivation }
    }
}

/// All keys that this node voted for.
#[derive(Debug, Default)]
pub(crate) struct Keys(pub(crate) BTreeMap<KeyId, HeldKey>);

impl Keys {
    pub(crate) fn find(&self, key: &KeyId) -> Result<&HeldKey, Refusal> {
        let unknown = || refuse(RefusalCode::NotFound, format!("this node has no key {key}"));
        self.0.get(key).ok_or_else(unknown)
    }

    pub(crate) fn find_mut(&mut self, key: &KeyId) -> Result<&mut HeldKey, Refusal> {
        let unknown = || refuse(RefusalCode::NotFound, format!("this node has no key {key}"));
        self.0.get_mut(key).ok_or_else(unknown)
    }

    /// The key, if it signs requests.
    pub(crate) fn active(&self, key: &KeyId) -> Result<&HeldKey, Refusal> {
        let held = self.find(key)?;
        match held.state() {
            KeyState::Active => Ok(held),
            state @ (KeyState::PreActivation | KeyState::Suspended) => {
                let reason = format!("key {key} is in state {state}: it signs no request yet");
                Err(refuse(RefusalCode::NotFound, reason))
            }
        }
    }
}
