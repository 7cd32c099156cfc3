//! Aggregation: shares in, verified signatures out. Holds no secret.

use std::collections::BTreeMap;

use frost_core::round2::SignatureShare;
use frost_core::{Error, Identifier};
use quorate_model::ParticipantId;
use quorate_trust::Authentic;

use super::context::package_digest;
use super::share::signing_packages;
use super::{ReserveAnswer, ShareAnswer, SigningContext};
use crate::inbox::collect;
use crate::suite::{Suite, identifier, participant};
use crate::{Abort, AbortReason, GroupInfo};

/// Puts the signers' shares together: one signature for each message, each verified under the
/// output key of the group's child at the context's path (RFC 9591, section 5.3).
///
/// # Errors
/// [`Abort`]. A share that does not verify convicts its signer: reserve and share answers are both
/// signed and bound to the same context and package.
pub fn aggregate<S: Suite>(
    context: &SigningContext,
    group: &GroupInfo<S>,
    answers: Vec<Authentic<ReserveAnswer>>,
    shares: Vec<Authentic<ShareAnswer>>,
) -> Result<Vec<Vec<u8>>, Abort> {
    let answers = collect(&context.signing_set, answers)?;
    let shares = released(context, &answers, shares)?;
    let packages = signing_packages::<S>(context, &answers)?;
    let mut lists: Vec<BTreeMap<Identifier<S>, SignatureShare<S>>> =
        std::iter::repeat_with(BTreeMap::new).take(packages.len()).collect();
    for (from, answer) in shares {
        decode::<S>(from, &answer, &mut lists)?;
    }
    let child = group.child(&context.path)?;
    let pairs = packages.iter().zip(&lists);
    pairs
        .map(|(package, shares)| {
            let signature =
                frost_core::aggregate(package, shares, &child).map_err(|e| refused(&e))?;
            signature.serialize().map_err(|e| refused(&e))
        })
        .collect()
}

/// Everybody's share answer, each for this context, for what all answered, and with a share for each
/// message.
///
/// # Errors
/// [`Abort`]. Another number of shares convicts its signer.
pub(super) fn released(
    context: &SigningContext,
    answers: &BTreeMap<ParticipantId, ReserveAnswer>,
    shares: Vec<Authentic<ShareAnswer>>,
) -> Result<BTreeMap<ParticipantId, ShareAnswer>, Abort> {
    let shares = collect(&context.signing_set, shares)?;
    let digest = context.digest();
    let package = package_digest(&digest, answers);
    let expected = context.messages.len();
    for (from, answer) in &shares {
        let (from, found) = (*from, answer.shares.len());
        if answer.context != digest {
            return Err(Abort::unproven(AbortReason::ContextMismatch(from)));
        }
        if answer.package != package {
            return Err(Abort::unproven(AbortReason::PackageMismatch(from)));
        }
        if found != expected {
            return Err(Abort::proven(AbortReason::Count { from, found, expected }, from));
        }
    }
    Ok(shares)
}

fn decode<S: Suite>(
    from: ParticipantId,
    answer: &ShareAnswer,
    lists: &mut [BTreeMap<Identifier<S>, SignatureShare<S>>],
) -> Result<(), Abort> {
    let malformed =
        |_: Error<S>| Abort::proven(AbortReason::Malformed { from, what: "signature share" }, from);
    let id = identifier::<S>(from).map_err(malformed)?;
    for (list, share) in lists.iter_mut().zip(&answer.shares) {
        list.insert(id, SignatureShare::<S>::deserialize(share).map_err(malformed)?);
    }
    Ok(())
}

fn refused<S: Suite>(error: &Error<S>) -> Abort {
    match error.culprits().first().and_then(participant) {
        Some(culprit) => Abort::proven(AbortReason::SignatureShare(culprit), culprit),
        None => Abort::unproven(AbortReason::Library(error.to_string())),
    }
}
