//! The certificate of a key: what all holders of its shares voted for.

use std::collections::BTreeMap;

use quorate_model::{
    Activation, Attempt, ClusterId, Digest, Epoch, KeyId, ParticipantId, ParticipantSet, Scheme,
    SharingId, Tag, Threshold, Transcribe, Transcript,
};
use quorate_trust::{Signature, Signed, TrustRoot};

use crate::Vote;

/// How addresses follow from the group key, by scheme: the one convention there is. A Taproot group
/// key is the BIP-341 internal key, and its output key commits to no script; the other schemes'
/// group keys are used as they are.
pub const TWEAK_CONVENTION: &str = "bip341-internal-key-no-script";

/// Everything about a sharing that its holders must agree on. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedKey {
    /// The cluster.
    pub cluster: ClusterId,
    /// Digest of the order that made the key.
    pub order: Digest,
    /// The attempt that succeeded.
    pub attempt: Attempt,
    /// The key.
    pub key: KeyId,
    /// Its scheme.
    pub scheme: Scheme,
    /// The sharing's epoch.
    pub epoch: Epoch,
    /// Digest of the sharing that it follows; of the first, nothing.
    pub predecessor: Option<Digest>,
    /// Who holds a share.
    pub roster: ParticipantSet,
    /// Signers required.
    pub threshold: Threshold,
    /// Whether the key may sign raw digests: bytes of which no node can say what they do.
    pub raw_ok: bool,
    /// When it begins to sign.
    pub activation: Activation,
    /// The group verifying key, in the scheme's encoding.
    pub group_verifying_key: Vec<u8>,
    /// Each holder's verifying share, in the scheme's encoding.
    pub verifying_shares: BTreeMap<ParticipantId, Vec<u8>>,
    /// BIP-32 chain code for non-hardened derivation.
    pub chain_code: [u8; 32],
    /// The hash of all announcements and round-1 messages of the ceremony.
    pub echo: Digest,
}

/// A certified key with the votes of all its holders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// What was voted for.
    pub certified: CertifiedKey,
    /// Every holder's signature over its [`Vote`].
    pub votes: BTreeMap<ParticipantId, Signature>,
}

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The certificate of another cluster.
    #[error("the certificate is for cluster {0}")]
    OtherCluster(ClusterId),
    /// A holder's vote is missing.
    #[error("the vote of node {0} is missing: a certificate needs every holder's vote")]
    MissingVote(ParticipantId),
    /// A vote of somebody who holds no share.
    #[error("node {0} voted but holds no share")]
    Stranger(ParticipantId),
    /// Not the vote of the holder that it names, or for something else.
    #[error("the vote of node {0} does not verify")]
    BadVote(ParticipantId),
    /// The verifying shares are not the roster's.
    #[error("verifying shares and roster differ")]
    Roster,
}

impl CertifiedKey {
    /// Which sharing it is.
    pub fn sharing(&self) -> SharingId {
        SharingId { key: self.key.clone(), epoch: self.epoch }
    }

    /// Whether another sharing is of the same key.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.key == other.key
            && self.scheme == other.scheme
            && self.group_verifying_key == other.group_verifying_key
            && self.chain_code == other.chain_code
            && self.raw_ok == other.raw_ok
            && self.activation == other.activation
    }

    /// The digest that votes sign.
    pub fn digest(&self) -> Digest {
        Transcript::new(Tag::CertifiedKey).value(self).finish()
    }
}

impl Certificate {
    /// Puts votes together. It is a certificate once [`Certificate::verify`] says so.
    pub fn new(certified: CertifiedKey, votes: impl IntoIterator<Item = Signed<Vote>>) -> Self {
        let votes = votes.into_iter().map(|vote| (vote.from, vote.signature)).collect();
        Self { certified, votes }
    }

    /// Verifies that every holder, and nobody else, voted for exactly this. The root's floor for
    /// thresholds is not looked at: every holder checked the order against the floor of its time, and a
    /// later version of the root may have raised it.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn verify(&self, root: &TrustRoot) -> Result<(), CertificateError> {
        let certified = &self.certified;
        if certified.cluster != root.cluster() {
            return Err(CertificateError::OtherCluster(certified.cluster));
        }
        if !certified.verifying_shares.keys().copied().eq(certified.roster.iter()) {
            return Err(CertificateError::Roster);
        }
        let digest = certified.digest();
        for id in certified.roster.iter() {
            let signature = *self.votes.get(&id).ok_or(CertificateError::MissingVote(id))?;
            let vote = Signed { from: id, body: Vote { certified: digest }, signature };
            vote.verify(root).map_err(|_| CertificateError::BadVote(id))?;
        }
        match self.votes.keys().find(|id| !certified.roster.contains(**id)) {
            Some(stranger) => Err(CertificateError::Stranger(*stranger)),
            None => Ok(()),
        }
    }
}

impl Transcribe for CertifiedKey {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript
            .digest(&self.cluster)
            .digest(&self.order)
            .u64(u64::from(self.attempt.0))
            .text(self.key.as_str())
            .text(self.scheme.as_str())
            .u64(self.epoch.0)
            .u64(u64::from(self.predecessor.is_some()))
            .digest(&self.predecessor.unwrap_or(Digest::new([0; 32])))
            .participants(&self.roster)
            .u64(u64::from(self.threshold.get()))
            .u64(u64::from(self.raw_ok))
            .text(self.activation.as_str())
            .bytes(&self.group_verifying_key)
            .u64(self.verifying_shares.len() as u64);
        for (id, share) in &self.verifying_shares {
            transcript.u64(u64::from(id.get())).bytes(share);
        }
        transcript.bytes(&self.chain_code).text(TWEAK_CONVENTION).digest(&self.echo);
    }
}
