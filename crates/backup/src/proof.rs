//! Proof that a backup holds a share, without telling the share.

use frost_core::{Ciphersuite, Signature, SigningKey, VerifyingKey};
use quorate_model::{Digest, ParticipantId, Scheme, Tag, Timestamp, Transcript};
use quorate_protocol::suite::{Ed25519, Secp256k1};
use quorate_protocol::{CertifiedKey, SecretShare};
use rand_core::CryptoRngCore;

/// Whoever opened a backup says that it holds the share which was certified for the node: a Schnorr
/// signature by that share, under its verifying share. It is of FROST(Ed25519, SHA-512) or
/// FROST(secp256k1, SHA-256), by the curve of the key (RFC 9591, sections 6.1 and 6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreProof {
    /// Whose share.
    pub node: ParticipantId,
    /// Digest of the certified key.
    pub certified: Digest,
    /// Digest of the backup.
    pub backup: Digest,
    /// When it was opened, by the clock of whoever did.
    pub time: Timestamp,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Why a restore proof is not made, or refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The proof is about another sharing.
    #[error("the proof is for sharing {found}, not for {expected}")]
    OtherSharing {
        /// Which one it is for.
        found: Digest,
        /// Which one was asked about.
        expected: Digest,
    },
    /// The node holds no share of the key.
    #[error("node {0} holds no share of this sharing")]
    NoHolder(ParticipantId),
    /// The share is not the one that was certified.
    #[error("the share is not the one that was certified for node {0}")]
    OtherShare(ParticipantId),
    /// The signature does not verify.
    #[error("the signature is not made with the share of node {0}")]
    BadSignature(ParticipantId),
    /// Bytes that are no scalar or point.
    #[error("the share or the verifying share cannot be decoded")]
    Malformed,
}

impl RestoreProof {
    /// Proves that a share was in a backup.
    ///
    /// # Errors
    /// [`ProofError`], also where it is not the share that was certified.
    pub fn sign(
        certified: &CertifiedKey,
        (node, share): (ParticipantId, &SecretShare),
        backup: Digest,
        time: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, ProofError> {
        let signature = Vec::new();
        let mut proof = Self { node, certified: certified.digest(), backup, time, signature };
        let (statement, verifying) =
            (proof.statement(certified), proof.verifying_share(certified)?);
        proof.signature = match certified.scheme {
            Scheme::FrostEd25519 => sign::<Ed25519>(share, verifying, node, &statement, rng),
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
                sign::<Secp256k1>(share, verifying, node, &statement, rng)
            }
        }?;
        Ok(proof)
    }

    /// Verifies the proof against the sharing that it is about. That this was certified is for the
    /// caller to know.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, certified: &CertifiedKey) -> Result<(), ProofError> {
        let (found, expected) = (self.certified, certified.digest());
        if found != expected {
            return Err(ProofError::OtherSharing { found, expected });
        }
        let (statement, verifying) = (self.statement(certified), self.verifying_share(certified)?);
        let verifies = match certified.scheme {
            Scheme::FrostEd25519 => verifies::<Ed25519>(verifying, &statement, &self.signature),
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
                verifies::<Secp256k1>(verifying, &statement, &self.signature)
            }
        }?;
        if verifies { Ok(()) } else { Err(ProofError::BadSignature(self.node)) }
    }

    fn statement(&self, certified: &CertifiedKey) -> Digest {
        Transcript::new(Tag::RestoreProof)
            .digest(&certified.cluster)
            .u64(u64::from(self.node.get()))
            .text(certified.key.as_str())
            .u64(certified.epoch.0)
            .digest(&self.certified)
            .digest(&self.backup)
            .u64(self.time.millis())
            .finish()
    }

    fn verifying_share<'a>(&self, certified: &'a CertifiedKey) -> Result<&'a [u8], ProofError> {
        let share = certified.verifying_shares.get(&self.node);
        share.map(Vec::as_slice).ok_or(ProofError::NoHolder(self.node))
    }
}

fn sign<C: Ciphersuite>(
    share: &SecretShare,
    verifying_share: &[u8],
    node: ParticipantId,
    statement: &Digest,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, ProofError> {
    let key = SigningKey::<C>::deserialize(share.secret_bytes());
    let key = key.map_err(|_| ProofError::Malformed)?;
    let own = VerifyingKey::from(&key).serialize().map_err(|_| ProofError::Malformed)?;
    if own != verifying_share {
        return Err(ProofError::OtherShare(node));
    }
    key.sign(rng, statement.as_bytes()).serialize().map_err(|_| ProofError::Malformed)
}

fn verifies<C: Ciphersuite>(
    verifying_share: &[u8],
    statement: &Digest,
    signature: &[u8],
) -> Result<bool, ProofError> {
    let key = VerifyingKey::<C>::deserialize(verifying_share);
    let key = key.map_err(|_| ProofError::Malformed)?;
    let Ok(signature) = Signature::<C>::deserialize(signature) else { return Ok(false) };
    Ok(key.verify(statement.as_bytes(), &signature).is_ok())
}
