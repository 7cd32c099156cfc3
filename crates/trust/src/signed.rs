//! What nodes say to each other, through a coordinator that they do not trust.

use quorate_model::{Digest, ParticipantId, Tag, Transcribe, Transcript};

use crate::{Signature, SigningKey, TrustRoot};

/// A message that a node signs with its identity key. Its transcript names everything that the
/// message is bound to: session, attempt, round.
pub trait Body: Transcribe {
    /// The domain of the signature.
    const TAG: Tag;
}

/// A message with its sender's signature, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T> {
    /// Who claims to have sent it: believed only once verified.
    pub from: ParticipantId,
    /// The message.
    pub body: T,
    /// The sender's signature over sender and message.
    pub signature: Signature,
}

/// A message whose sender's signature was verified: proof by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentic<T> {
    from: ParticipantId,
    body: T,
}

/// Why a message is not from whom it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SenderError {
    /// The trust root has no such node.
    #[error("node {0} is not in the trust root")]
    Unknown(ParticipantId),
    /// Whoever sent this, it was not that node, or not these bytes.
    #[error("a message that claims to be from node {0} is not signed by it")]
    BadSignature(ParticipantId),
}

impl<T: Body> Signed<T> {
    /// Signs a message.
    pub fn sign(from: ParticipantId, body: T, key: &SigningKey) -> Self {
        let signature = key.sign(&Self::digest(from, &body));
        Self { from, body, signature }
    }

    /// Verifies the sender.
    ///
    /// # Errors
    /// [`SenderError`]. It blames nobody: anyone may have made the message.
    pub fn verify(self, root: &TrustRoot) -> Result<Authentic<T>, SenderError> {
        let Some(node) = root.nodes.get(&self.from) else {
            return Err(SenderError::Unknown(self.from));
        };
        let digest = Self::digest(self.from, &self.body);
        if node.identity.verify(&digest, &self.signature).is_err() {
            return Err(SenderError::BadSignature(self.from));
        }
        Ok(Authentic { from: self.from, body: self.body })
    }

    fn digest(from: ParticipantId, body: &T) -> Digest {
        Transcript::new(T::TAG).u64(u64::from(from.get())).value(body).finish()
    }
}

impl<T> Authentic<T> {
    /// The node that signed it.
    pub fn from(&self) -> ParticipantId {
        self.from
    }

    /// The message.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// The sender and the message.
    pub fn into_parts(self) -> (ParticipantId, T) {
        (self.from, self.body)
    }
}
