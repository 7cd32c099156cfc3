//! The reserve phase: nonces in memory, commitments out.

use frost_core::round1::{self, SigningCommitments, SigningNonces};
use quorate_model::{Digest, Heads, ParticipantId};
use rand_core::CryptoRngCore;

use super::{KeyShare, ReserveAnswer, SigningContext};
use crate::suite::Suite;
use crate::{Abort, AbortReason};

/// Nonces made for one attempt. They exist nowhere else, cannot be copied, serialised or shown, and
/// are consumed by the release of the shares.
pub struct Reserved<S: Suite> {
    pub(super) me: ParticipantId,
    pub(super) context: SigningContext,
    pub(super) digest: Digest,
    pub(super) answer: ReserveAnswer,
    pub(super) nonces: Vec<(SigningNonces<S>, SigningCommitments<S>)>,
}

impl<S: Suite> Reserved<S> {
    /// Makes one pair of nonces for each message (RFC 9591, section 5.1: hedged with the share).
    ///
    /// # Errors
    /// [`Abort`], where the path leads to no key or the library cannot encode a commitment.
    pub fn reserve(
        context: SigningContext,
        me: ParticipantId,
        share: &KeyShare<S>,
        heads: Heads,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Self, ReserveAnswer), Abort> {
        let child = share.child(&context.path)?;
        let mut nonces = Vec::with_capacity(context.messages.len());
        let mut commitments = Vec::with_capacity(context.messages.len());
        for _ in &context.messages {
            let mut rng = &mut *rng;
            let (pair, commitment) = round1::commit(child.signing_share(), &mut rng);
            commitments.push(encode(&commitment)?);
            nonces.push((pair, commitment));
        }
        let digest = context.digest();
        let answer = ReserveAnswer { context: digest, commitments, offer: None, heads };
        let sent = answer.clone();
        Ok((Self { me, context, digest, answer, nonces }, sent))
    }

    /// What the attempt is about.
    pub fn context(&self) -> &SigningContext {
        &self.context
    }
}

fn encode<S: Suite>(commitment: &SigningCommitments<S>) -> Result<[Vec<u8>; 2], Abort> {
    let library = |e: frost_core::Error<S>| Abort::unproven(AbortReason::Library(e.to_string()));
    Ok([
        commitment.hiding().serialize().map_err(library)?,
        commitment.binding().serialize().map_err(library)?,
    ])
}
