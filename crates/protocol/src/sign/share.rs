//! The share phase: check everybody's answer, spend the nonces.

use std::collections::BTreeMap;

use frost_core::round1::{NonceCommitment, SigningCommitments};
use frost_core::{Error, Identifier, SigningPackage, round2};
use quorate_model::ParticipantId;
use quorate_trust::Authentic;

use super::context::package_digest;
use super::{KeyShare, ReserveAnswer, Reserved, ShareAnswer, SigningContext};
use crate::inbox::collect;
use crate::suite::{Suite, identifier};
use crate::{Abort, AbortReason};

impl<S: Suite> Reserved<S> {
    /// Takes the signed answer of every signer of the set and releases one share for each message.
    /// The nonces are gone afterwards, whatever the outcome.
    ///
    /// # Errors
    /// [`Abort`], where an answer is missing, foreign, for another context or malformed, or where
    /// our own came back changed.
    pub fn release(
        self,
        share: &KeyShare<S>,
        answers: Vec<Authentic<ReserveAnswer>>,
    ) -> Result<ShareAnswer, Abort> {
        let answers = collect(&self.context.signing_set, answers)?;
        if answers.get(&self.me) != Some(&self.answer) {
            return Err(Abort::unproven(AbortReason::NotOurs));
        }
        let packages = signing_packages::<S>(&self.context, &answers)?;
        let package = package_digest(&self.digest, &answers);
        let child = share.child(&self.context.path)?;
        let mut shares = Vec::with_capacity(packages.len());
        let mut packages = packages.into_iter();
        for (nonces, _) in &self.nonces {
            let library = |e: Error<S>| Abort::unproven(AbortReason::Library(e.to_string()));
            let exhausted = || Abort::unproven(AbortReason::Library("package count".to_owned()));
            let package = packages.next().ok_or_else(exhausted)?;
            let signature_share = round2::sign(&package, nonces, &child).map_err(library)?;
            shares.push(signature_share.serialize());
        }
        Ok(ShareAnswer { context: self.digest, package, shares })
    }
}

/// One signing package for each message, over the commitments of the whole signing set.
pub(super) fn signing_packages<S: Suite>(
    context: &SigningContext,
    answers: &BTreeMap<ParticipantId, ReserveAnswer>,
) -> Result<Vec<SigningPackage<S>>, Abort> {
    let digest = context.digest();
    let expected = context.messages.len();
    let mut lists: Vec<BTreeMap<Identifier<S>, SigningCommitments<S>>> =
        std::iter::repeat_with(BTreeMap::new).take(expected).collect();
    for (from, answer) in answers {
        let from = *from;
        if answer.context != digest {
            return Err(Abort::unproven(AbortReason::ContextMismatch(from)));
        }
        let found = answer.commitments.len();
        if found != expected {
            return Err(Abort::proven(AbortReason::Count { from, found, expected }, from));
        }
        let malformed = |_: Error<S>| {
            Abort::proven(AbortReason::Malformed { from, what: "nonce commitment" }, from)
        };
        let id = identifier::<S>(from).map_err(malformed)?;
        let mut lists = lists.iter_mut();
        for [hiding, binding] in &answer.commitments {
            let hiding = NonceCommitment::<S>::deserialize(hiding).map_err(malformed)?;
            let binding = NonceCommitment::<S>::deserialize(binding).map_err(malformed)?;
            if let Some(list) = lists.next() {
                list.insert(id, SigningCommitments::new(hiding, binding));
            }
        }
    }
    let messages = context.messages.iter();
    Ok(messages.zip(lists).map(|(m, list)| SigningPackage::new(list, m)).collect())
}
