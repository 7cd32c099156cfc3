//! A key as this client verified it: no address is shown of any other.

use std::collections::BTreeSet;

use quorate_api::pb::custody::v1 as pb;
use quorate_api::{DecodeError, KeyProof, name};
use quorate_intent::{Address, DecodeError as PayloadError, PayingKey, address};
use quorate_model::{DerivationPath, Epoch, KeyId, KeyState, Network, Timestamp};
use quorate_protocol::{
    Certificate, CertificateError, CertifiedKey, Confirmation, DeriveError, verify_signature,
};
use quorate_trust::TrustRoot;

use crate::network_name;

/// A key whose certificate all its holders signed, under the pinned root, and whose every share was
/// seen to sign if it is active; or a child of one. Proof by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedKey {
    certificate: Certificate,
    confirmations: Vec<Confirmation>,
    state: KeyState,
    active_until: Option<Timestamp>,
    activated_ms: u64,
    created: Timestamp,
    path: DerivationPath,
    /// Of the child at `path`.
    /// What the coordinator says: nobody is harmed where it lies, and nodes refuse.
    next_epoch: Epoch,
    verifying_key: Vec<u8>,
}

/// Why what a coordinator calls a key is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the coordinator sent {found}, not {asked}")]
    OtherKey { asked: KeyId, found: KeyId },
    #[error("the coordinator sent no certificate")]
    NoCertificate,
    #[error("the certificate of {key} is refused")]
    Certificate { key: KeyId, source: CertificateError },
    #[error("the coordinator's summary of {key} says another {field} than its certificate")]
    Summary { key: KeyId, field: &'static str },
    #[error("a confirmation of {0} is not by a signing set of its holders")]
    SigningSet(KeyId),
    #[error("a confirmation of {0} does not verify under its group key")]
    Confirmation(KeyId),
    #[error("{0} is said to be active, but the confirmations do not cover all its holders")]
    Uncovered(KeyId),
    #[error("the coordinator names no state of {0} that we know")]
    State(KeyId),
}

impl VerifiedKey {
    /// Verifies what a coordinator sent, back to the pinned root. `asked` is the key that was asked
    /// for, if one was.
    pub(crate) fn verify(
        key: pb::Key,
        asked: Option<&KeyId>,
        root: &TrustRoot,
    ) -> Result<Self, KeyError> {
        let certificate = key.certificate.ok_or(KeyError::NoCertificate)?;
        let certificate = Certificate::try_from(certificate)?;
        let id = certificate.certified.key.clone();
        if let Some(asked) = asked.filter(|asked| **asked != id) {
            return Err(KeyError::OtherKey { asked: asked.clone(), found: id });
        }
        let refused = |source| KeyError::Certificate { key: id.clone(), source };
        certificate.verify(root).map_err(refused)?;
        let certified = &certificate.certified;
        let summary = |field| KeyError::Summary { key: id.clone(), field };
        if key.name != name::key(&id) {
            return Err(summary("name"));
        }
        if key.group_verifying_key != certified.group_verifying_key {
            return Err(summary("group key"));
        }
        let confirmations = key.confirmations.into_iter().map(Confirmation::try_from);
        let confirmations: Vec<_> = confirmations.collect::<Result<_, _>>()?;
        let state = match pb::KeyState::try_from(key.state) {
            Ok(pb::KeyState::PreActivation) => KeyState::PreActivation,
            Ok(pb::KeyState::Active) => KeyState::Active,
            Ok(pb::KeyState::Suspended) => KeyState::Suspended,
            Ok(pb::KeyState::Deactivated) => KeyState::Deactivated,
            Ok(pb::KeyState::Compromised) => KeyState::Compromised,
            Ok(pb::KeyState::Destroyed) => KeyState::Destroyed,
            Ok(pb::KeyState::Unspecified) | Err(_) => return Err(KeyError::State(id)),
        };
        let covered = check_confirmations(certified, &confirmations)?;
        if state != KeyState::PreActivation && !covered {
            return Err(KeyError::Uncovered(id));
        }
        let created = Timestamp::from_millis(key.create_time_ms);
        let (path, verifying_key) = (DerivationPath::root(), certified.group_verifying_key.clone());
        let next_epoch = Epoch(key.next_epoch);
        let until = Some(key.active_until_ms).filter(|until| *until > 0);
        Ok(Self {
            certificate,
            confirmations,
            state,
            active_until: until.map(Timestamp::from_millis),
            activated_ms: key.activated_ms,
            created,
            next_epoch,
            path,
            verifying_key,
        })
    }

    /// Verifies what was kept of a key, back to the pinned root and without any coordinator. What orders made
    /// of its state is not in it.
    pub(crate) fn of_proof(proof: KeyProof, root: &TrustRoot) -> Result<Self, KeyError> {
        let certified = &proof.certificate.certified;
        let key = pb::Key {
            name: name::key(&certified.key),
            state: pb::KeyState::Active.into(),
            group_verifying_key: certified.group_verifying_key.clone(),
            certificate: Some(proof.certificate.into()),
            confirmations: proof.confirmations.into_iter().map(Into::into).collect(),
            ..pb::Key::default()
        };
        Self::verify(key, None, root)
    }

    /// What proves this key to whoever has the trust root.
    pub(crate) fn proof(&self) -> KeyProof {
        let (certificate, confirmations) = (self.certificate.clone(), self.confirmations.clone());
        KeyProof { certificate, confirmations }
    }

    /// The key's child at a path, derived here from the certificate.
    pub(crate) fn at(&self, path: &DerivationPath) -> Result<Self, DeriveError> {
        let verifying_key = self.certified().child(path)?.verifying_key;
        Ok(Self { path: path.clone(), verifying_key, ..self.clone() })
    }

    pub(crate) const fn certified(&self) -> &CertifiedKey {
        &self.certificate.certified
    }

    /// Which child of the certified key this is.
    pub(crate) const fn path(&self) -> &DerivationPath {
        &self.path
    }

    /// The epoch for an order for the key's next sharing.
    pub(crate) fn next_epoch(&self) -> Epoch {
        self.next_epoch
    }

    /// The verifying key of this child, in the scheme's encoding.
    pub(crate) fn verifying_key(&self) -> &[u8] {
        &self.verifying_key
    }

    pub(crate) fn confirmations(&self) -> &[Confirmation] {
        &self.confirmations
    }

    pub(crate) const fn state(&self) -> KeyState {
        self.state
    }

    /// Until when an order has the key active.
    pub(crate) const fn active_until(&self) -> Option<Timestamp> {
        self.active_until
    }

    /// For how long orders had the key activated so far, in milliseconds.
    pub(crate) const fn activated_ms(&self) -> u64 {
        self.activated_ms
    }

    pub(crate) const fn created(&self) -> Timestamp {
        self.created
    }

    /// The key as a decoder takes it.
    pub(crate) fn paying(&self, network: Network) -> PayingKey<'_> {
        PayingKey {
            group_verifying_key: &self.verifying_key,
            scheme: self.certified().scheme,
            network,
        }
    }

    /// The addresses of the key, derived here, by network. None while a share of it was not seen to
    /// sign: whatever is sent there might stay there.
    pub(crate) fn addresses(&self) -> Result<Vec<(Network, Address)>, PayloadError> {
        let networks = network_name::of_scheme(self.certified().scheme);
        match self.state {
            KeyState::Active
            | KeyState::Suspended
            | KeyState::Deactivated
            | KeyState::Compromised
            | KeyState::Destroyed => {
                networks.map(|network| Ok((network, address(self.paying(network))?))).collect()
            }
            KeyState::PreActivation => Ok(Vec::new()),
        }
    }

    /// Whether `signature` is the key's over `message`.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(self.certified().scheme, &self.verifying_key, message, signature)
    }
}

/// Verifies every confirmation; whether they cover every holder.
fn check_confirmations(
    certified: &CertifiedKey,
    confirmations: &[Confirmation],
) -> Result<bool, KeyError> {
    let mut covered = BTreeSet::new();
    for Confirmation { signing_set, signature } in confirmations {
        let enough = signing_set.len() >= certified.threshold.as_usize();
        if !enough || !signing_set.is_subset(&certified.roster) {
            return Err(KeyError::SigningSet(certified.key.clone()));
        }
        let message = Confirmation::statement(certified, signing_set);
        let group = &certified.group_verifying_key;
        if !verify_signature(certified.scheme, group, message.as_bytes(), signature) {
            return Err(KeyError::Confirmation(certified.key.clone()));
        }
        covered.extend(signing_set.iter());
    }
    Ok(certified.roster.iter().all(|id| covered.contains(&id)))
}

#[cfg(test)]
#[path = "verified_key_tests.rs"]
pub(crate) mod tests;
