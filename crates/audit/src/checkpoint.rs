//! What a log was at one moment, in a form that others can hold its node to.

use std::fmt;

use quorate_model::Digest;
use quorate_trust::{PublicKey, SigningKey, verify_ed25519};
use signed_note::{Note, NoteError, Signature, VerifierList};
use tlog_tiles::Hash;

use crate::Origin;

/// How long a log was and what was in it. Comes from a [`Log`](crate::Log) of one's own or from the
/// verification of a signature, and from nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    length: u64,
    head: Digest,
}

/// A checkpoint under the signature of its node: a C2SP signed note (c2sp.org/signed-note) whose text
/// is a C2SP checkpoint (c2sp.org/tlog-checkpoint) without extension lines, and whose one signature
/// is Ed25519 under the log's origin as key name.
///
/// ```text
/// quorate/<cluster id>/node-<participant>
/// <entries, decimal>
/// <root hash, base64>
///
/// — quorate/<cluster id>/node-<participant> <key id and signature, base64>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: String,
}

/// Why a checkpoint is not made or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Longer than any checkpoint of ours.
    #[error("checkpoint: longer than {} bytes", SignedCheckpoint::BYTES_MAX)]
    TooLong,
    /// Not a signed note.
    #[error("checkpoint: not a signed note (c2sp.org/signed-note)")]
    NoNote,
    /// No signature by this key under this name.
    #[error("checkpoint: no signature of {0} by the given key")]
    Unsigned(Origin),
    /// A signature that claims to be this key's and is not.
    #[error("checkpoint: the signature does not verify")]
    BadSignature,
    /// A signed text that is no checkpoint of a log of this software.
    #[error("checkpoint: the text is not origin, length and root hash of a log of quorate")]
    NoCheckpoint,
    /// The checkpoint of another log.
    #[error("checkpoint: of the log {0}")]
    OtherLog(Origin),
    /// The signing key refused the text.
    #[error("checkpoint: the key does not sign it")]
    NotSigned,
}

impl Checkpoint {
    pub(crate) const fn new(origin: Origin, length: u64, head: Digest) -> Self {
        Self { origin, length, head }
    }

    /// Whose log it is.
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// How many entries the log had.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Root of the tree of those entries (RFC 6962, section 2.1).
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// Signs with the identity key of the node whose log it is.
    ///
    /// # Errors
    /// [`CheckpointError::NotSigned`], which a checkpoint of a valid origin does not see.
    pub fn sign(self, key: &SigningKey) -> Result<SignedCheckpoint, CheckpointError> {
        let text = self.text()?;
        let signature = key.sign_note(&text).map_err(|_| CheckpointError::NotSigned)?;
        let note = NoteKey::new(&self.origin.to_string(), key.public_key())
            .note(&text, signature.as_bytes())
            .map_err(|_| CheckpointError::NotSigned)?;
        Ok(SignedCheckpoint { checkpoint: self, note })
    }

    /// The text under the signature.
    fn text(&self) -> Result<String, CheckpointError> {
        let (origin, head) = (self.origin.to_string(), Hash(*self.head.as_bytes()));
        let checkpoint = tlog_tiles::Checkpoint::new(&origin, self.length, head, "")
            .map_err(|_| CheckpointError::NoCheckpoint)?;
        String::from_utf8(checkpoint.to_bytes()).map_err(|_| CheckpointError::NoCheckpoint)
    }

    fn parse(text: &[u8]) -> Result<Self, CheckpointError> {
        let parsed =
            tlog_tiles::Checkpoint::from_bytes(text).map_err(|_| CheckpointError::NoCheckpoint)?;
        let origin = parsed.origin().parse().map_err(|_| CheckpointError::NoCheckpoint)?;
        let checkpoint = Self::new(origin, parsed.size(), Digest::new(parsed.hash().0));
        // One checkpoint, one text: what we would not write, with extension lines for one, we do
        // not claim to understand.
        let same = checkpoint.text()?.as_bytes() == text;
        if same { Ok(checkpoint) } else { Err(CheckpointError::NoCheckpoint) }
    }
}

impl SignedCheckpoint {
    /// The longest note that is read, in bytes. Ours have about 350; the rest is for the signatures
    /// of others.
    pub const BYTES_MAX: usize = 16 * 1024;

    /// Verifies a note: that it is a checkpoint of this log, signed by this key. Signatures of other
    /// keys are ignored and dropped, as the format demands.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn verify(note: &str, origin: Origin, key: &PublicKey) -> Result<Self, CheckpointError> {
        if note.len() > Self::BYTES_MAX {
            return Err(CheckpointError::TooLong);
        }
        let key = NoteKey::new(&origin.to_string(), *key);
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::NoNote)?;
        let known = VerifierList::new(vec![Box::new(key.clone())]);
        let (signatures, _) = note.verify(&known).map_err(|error| match error {
            NoteError::InvalidSignature { .. } => CheckpointError::BadSignature,
            NoteError::UnverifiedNote => CheckpointError::Unsigned(origin),
            NoteError::MalformedNote
            | NoteError::InvalidSigner
            | NoteError::MismatchedVerifier
            | NoteError::VerificationError(_)
            | NoteError::SignatureError(_) => CheckpointError::NoNote,
        })?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::OtherLog(checkpoint.origin));
        }
        let signature = signatures.first().ok_or(CheckpointError::Unsigned(origin))?;
        let note = key.note(&checkpoint.text()?, signature.signature())?;
        Ok(Self { checkpoint, note })
    }

    /// What is signed.
    pub const fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// The note: the text, an empty line, and the node's own signature.
    pub fn note(&self) -> &str {
        &self.note
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.note)
    }
}

/// A public key under a name, as signed notes know it.
#[derive(Clone)]
struct NoteKey {
    name: String,
    id: u32,
    key: PublicKey,
}

/// The signature type of Ed25519 (c2sp.org/signed-note, "Signature types").
const ED25519: u8 = 1;

impl NoteKey {
    fn new(name: &str, key: PublicKey) -> Self {
        let typed: Vec<u8> = [ED25519].iter().chain(key.as_bytes()).copied().collect();
        Self { name: name.to_owned(), id: signed_note::key_id(name, &typed), key }
    }

    fn note(&self, text: &str, signature: &[u8]) -> Result<String, CheckpointError> {
        let signature = Signature::new(self.name.clone(), self.id, signature.to_vec())
            .map_err(|_| CheckpointError::NoNote)?;
        let note = Note::new(text.as_bytes(), &[signature]).map_err(|_| CheckpointError::NoNote)?;
        String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::NoNote)
    }
}

impl signed_note::Verifier for NoteKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    /// As strictly as everything else that a node signed; the verifier of `signed_note` is laxer.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        verify_ed25519(self.key.as_bytes(), message, signature)
    }
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
