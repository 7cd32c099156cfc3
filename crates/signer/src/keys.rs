//! The public side of the keys that a node holds shares of.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use quorate_model::{Epoch, KeyId, ParticipantId, Scheme, SharingId};
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

    /// Which sharing it is.
    pub(crate) fn sharing(&self) -> SharingId {
        self.certified.sharing()
    }
}

/// All sharings that this node voted for: of each key the one that signs, or is the first to, and later
/// ones, of which the last that becomes active takes its place.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    present: BTreeMap<KeyId, HeldKey>,
    later: BTreeMap<SharingId, HeldKey>,
}

impl Keys {
    /// Takes up a sharing that this node voted for.
    pub(crate) fn put(&mut self, held: HeldKey) {
        match held.certified.predecessor {
            None => self.present.insert(held.certified.key.clone(), held),
            Some(_) => self.later.insert(held.sharing(), held),
        };
    }

    pub(crate) fn find(&self, sharing: &SharingId) -> Result<&HeldKey, Refusal> {
        let present = self.present.get(&sharing.key).filter(|held| held.sharing() == *sharing);
        present.or_else(|| self.later.get(sharing)).ok_or_else(|| unknown(sharing))
    }

    pub(crate) fn find_mut(&mut self, sharing: &SharingId) -> Result<&mut HeldKey, Refusal> {
        let present = self.present.get_mut(&sharing.key);
        let present = present.filter(|held| held.sharing() == *sharing);
        present.or_else(|| self.later.get_mut(sharing)).ok_or_else(|| unknown(sharing))
    }

    /// Lets go of the first sharing of a key.
    pub(crate) fn remove_first(&mut self, key: &KeyId) -> Option<HeldKey> {
        self.present.remove(key)
    }

    /// Puts a later sharing in the place of the present one, which is given back with all between them.
    pub(crate) fn switch(&mut self, sharing: &SharingId) -> Vec<HeldKey> {
        let Some(next) = self.later.remove(sharing) else { return Vec::new() };
        let replaced = self.let_go(sharing);
        self.present.insert(sharing.key.clone(), next);
        replaced
    }

    /// Lets go of every sharing of a key.
    pub(crate) fn remove_all(&mut self, key: &KeyId) -> Vec<HeldKey> {
        self.remove(key, |_| true)
    }

    /// Lets go of every sharing that is earlier than this one.
    pub(crate) fn let_go(&mut self, sharing: &SharingId) -> Vec<HeldKey> {
        self.remove(&sharing.key, |epoch| epoch < sharing.epoch)
    }

    fn remove(&mut self, key: &KeyId, which: impl Fn(Epoch) -> bool) -> Vec<HeldKey> {
        let present = self.present.get(key).is_some_and(|held| which(held.certified.epoch));
        let present = if present { self.present.remove(key) } else { None };
        let later = self.later.extract_if(of(key), |held, _| which(held.epoch));
        present.into_iter().chain(later.map(|(_, held)| held)).collect()
    }

    /// The key's sharing that signs, or is the first to.
    pub(crate) fn present(&self, key: &KeyId) -> Option<&HeldKey> {
        self.present.get(key)
    }

    /// Every sharing of a key that this node voted for.
    pub(crate) fn of_key(&self, key: &KeyId) -> impl Iterator<Item = &HeldKey> {
        let later = self.later.range(of(key)).map(|(_, held)| held);
        self.present.get(key).into_iter().chain(later)
    }

    /// The last epoch of a key that this node voted for.
    pub(crate) fn last_epoch(&self, key: &KeyId) -> Option<Epoch> {
        self.of_key(key).map(|held| held.certified.epoch).max()
    }

    /// The key, if its shares have proven that they sign.
    pub(crate) fn confirmed(&self, key: &KeyId) -> Result<&HeldKey, Refusal> {
        let unknown = || refuse(RefusalCode::NotFound, format!("this node has no key {key}"));
        let held = self.present(key).ok_or_else(unknown)?;
        if held.confirmations.is_some() {
            return Ok(held);
        }
        let reason = format!("key {key} is not confirmed yet: it signs no request");
        Err(refuse(RefusalCode::NotFound, reason))
    }

    /// Every sharing.
    pub(crate) fn all(&self) -> impl Iterator<Item = &HeldKey> {
        self.present.values().chain(self.later.values())
    }
}

/// Where the sharings of a key are among all.
fn of(key: &KeyId) -> RangeInclusive<SharingId> {
    let at = |epoch| SharingId { key: key.clone(), epoch };
    at(Epoch::FIRST)..=at(Epoch(u64::MAX))
}

fn unknown(SharingId { key, epoch }: &SharingId) -> Refusal {
    let reason = format!("this node has no share of key {key} in epoch {epoch}");
    refuse(RefusalCode::NotFound, reason)
}
