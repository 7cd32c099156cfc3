//! What a backup keeps secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quorate_model::{ClusterId, Digest, KeyId, ParticipantId, PersonName, SharingId, Timestamp};
use quorate_protocol::sign::{AnyKeyShare, KeyShareError};
use quorate_protocol::{Certificate, CertificateError, Confirmation, SecretShare};
use quorate_trust::{Recipient, SigningKey, TrustRoot};

use crate::Header;

/// A backup that is not sealed yet: what one node has to say about itself and its keys.
#[derive(Debug)]
pub struct Draft {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: ParticipantId,
    /// The node's time.
    pub created: Timestamp,
    /// Hash of the version of the trust root that names the officers.
    pub root: Digest,
    /// How many officers it takes.
    pub required: usize,
    /// Who they are, and to whom their pieces are encrypted.
    pub officers: BTreeMap<PersonName, Recipient>,
    /// What only they may read together.
    pub contents: Contents,
}

/// What is sealed: without it the node cannot be put back.
pub struct Contents {
    /// Signs everything that the node says. The trust root lets no other key take its place.
    pub identity: SigningKey,
    /// Every sharing that is active at the node, in the order of keys.
    pub keys: Vec<KeyContents>,
}

/// A node's share of one key. What an ECDSA key's holders share in pairs is not in it, so that a restored
/// share cannot sign before a refresh; nor is anything that a rolled-back disk could replay.
pub struct KeyContents {
    /// What all holders voted for.
    pub certificate: Certificate,
    /// Signatures of sets that cover the sharing's roster.
    pub confirmations: Vec<Confirmation>,
    /// The secret.
    pub share: SecretShare,
}

/// Why what was in a backup is not taken for a node's shares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentsError {
    /// The backup of another cluster.
    #[error("the backup is of cluster {found}, not of {expected}")]
    OtherCluster {
        /// Of which one it is.
        found: ClusterId,
        /// Of which one it has to be.
        expected: ClusterId,
    },
    /// The identity key is not the one that the trust root has for the node.
    #[error("the trust root does not name the identity key in the backup for node {0}")]
    Identity(ParticipantId),
    /// Other keys than the header lists.
    #[error("the backup holds other keys than its header lists")]
    Keys,
    /// A certificate that does not verify under the trust root.
    #[error("key {key}: {source}")]
    Certificate {
        /// The key.
        key: KeyId,
        /// What is wrong.
        source: CertificateError,
    },
    /// A share that is not the one that was certified for the node.
    #[error("key {key}: {source}")]
    Share {
        /// The key.
        key: KeyId,
        /// What is wrong.
        source: KeyShareError,
    },
}

impl Contents {
    /// Which sharings it has.
    pub fn sharings(&self) -> BTreeSet<SharingId> {
        self.keys.iter().map(|key| key.certificate.certified.sharing()).collect()
    }

    /// Checks that these are the shares that the cluster certified for the node of the header.
    ///
    /// # Errors
    /// [`ContentsError`].
    pub fn check(&self, header: &Header, root: &TrustRoot) -> Result<(), ContentsError> {
        let (found, expected) = (header.cluster, root.cluster());
        if found != expected {
            return Err(ContentsError::OtherCluster { found, expected });
        }
        let named = root.nodes.get(&header.node).map(|node| node.identity);
        if named != Some(self.identity.public_key()) {
            return Err(ContentsError::Identity(header.node));
        }
        if self.keys.len() != header.sharings.len() || self.sharings() != header.sharings {
            return Err(ContentsError::Keys);
        }
        for KeyContents { certificate, share, .. } in &self.keys {
            let key = || certificate.certified.key.clone();
            let refused = |source| ContentsError::Certificate { key: key(), source };
            certificate.verify(root).map_err(refused)?;
            let checked = AnyKeyShare::restored(&certificate.certified, header.node, share);
            checked.map_err(|source| ContentsError::Share { key: key(), source })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({} keys, <redacted>)", self.keys.len())
    }
}

impl fmt::Debug for KeyContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyContents({}, <redacted>)", self.certificate.certified.sharing())
    }
}
