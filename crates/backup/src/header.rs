//! What everybody may read of a backup.

use std::collections::{BTreeMap, BTreeSet};

use frost_core::Identifier;
use frost_core::keys::VerifiableSecretSharingCommitment;
use quorate_model::{
    ClusterId, Digest, ParticipantId, PersonName, SharingId, Tag, Timestamp, Transcript,
};
use quorate_protocol::suite::Ed25519;
use quorate_trust::Recipient;

/// The version of the format, in every header's digest.
pub(crate) const FORMAT: u64 = 1;

/// What a backup is of, and who opens it. Its digest is bound to everything else in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: ParticipantId,
    /// The node's time when it was made.
    pub created: Timestamp,
    /// Hash of the version of the trust root that named the officers.
    pub root: Digest,
    /// Every sharing in it.
    pub sharings: BTreeSet<SharingId>,
    /// How many officers it takes.
    pub required: usize,
    /// The officers, and to whom their pieces are encrypted. Pieces are numbered in this order, from 1.
    pub officers: BTreeMap<PersonName, Recipient>,
    /// Commitments to the polynomial that pieces are values of: as many as officers are required, each a
    /// compressed point of edwards25519 (RFC 8032), 32 bytes.
    pub commitments: Vec<Vec<u8>>,
}

/// Why a header is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Numbers that do not fit each other.
    #[error("{required} of {officers} officers with {commitments} commitments make no backup")]
    Numbers {
        /// How many officers it would take.
        required: usize,
        /// Out of how many.
        officers: usize,
        /// How many commitments there are.
        commitments: usize,
    },
    /// Bytes that are no points of the curve.
    #[error("the commitments are damaged")]
    Commitments,
}

impl Header {
    /// The digest that names the backup. The secret behind the commitments is fresh for each, so no two
    /// backups have the same.
    pub fn digest(&self) -> Digest {
        let mut transcript = Transcript::new(Tag::Backup);
        transcript
            .u64(FORMAT)
            .digest(&self.cluster)
            .u64(u64::from(self.node.get()))
            .u64(self.created.millis())
            .digest(&self.root)
            .u64(self.sharings.len() as u64);
        for SharingId { key, epoch } in &self.sharings {
            transcript.text(key.as_str()).u64(epoch.0);
        }
        transcript.u64(self.required as u64).u64(self.officers.len() as u64);
        for (name, recipient) in &self.officers {
            transcript.text(name.as_str()).text(&recipient.to_string());
        }
        transcript.list(self.commitments.iter().map(Vec::as_slice)).finish()
    }

    /// The number of an officer's piece.
    pub(crate) fn identifier(&self, officer: &PersonName) -> Option<Identifier<Ed25519>> {
        let at = self.officers.keys().position(|name| name == officer)?;
        u16::try_from(at + 1).ok()?.try_into().ok()
    }

    /// The commitments as points.
    pub(crate) fn commitment(
        &self,
    ) -> Result<VerifiableSecretSharingCommitment<Ed25519>, HeaderError> {
        let Self { required, officers, commitments, .. } = self;
        let (required, officers) = (*required, officers.len());
        if required < 2 || required > officers || commitments.len() != required {
            let commitments = commitments.len();
            return Err(HeaderError::Numbers { required, officers, commitments });
        }
        VerifiableSecretSharingCommitment::deserialize(commitments)
            .map_err(|_| HeaderError::Commitments)
    }
}
