//! Certificates of keys, and their confirmations.

use std::collections::BTreeMap;

use quorate_model::{Activation, Epoch, ParticipantId, Threshold};
use quorate_protocol::{Certificate, CertifiedKey, Confirmation};
use quorate_trust::Signature;

use crate::convert::scheme::{scheme, scheme_to_pb};
use crate::pb::statement::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::CertifiedKey> for CertifiedKey {
    type Error = DecodeError;

    fn try_from(key: pb::CertifiedKey) -> Result<Self, DecodeError> {
        Ok(Self {
            cluster: field::digest("CertifiedKey.cluster", &key.cluster)?,
            order: field::digest("CertifiedKey.order", &key.order)?,
            attempt: field::attempt("CertifiedKey.attempt", key.attempt)?,
            key: field::parse("CertifiedKey.key", &key.key)?,
            scheme: scheme("CertifiedKey.scheme", key.scheme)?,
            epoch: Epoch(key.epoch),
            predecessor: key
                .predecessor
                .map(|bytes| field::digest("CertifiedKey.predecessor", &bytes))
                .transpose()?,
            roster: field::participants("CertifiedKey.roster", key.roster)?,
            threshold: Threshold::new(key.threshold)
                .map_err(|e| DecodeError::value("CertifiedKey.threshold", e))?,
            raw_ok: key.raw_ok,
            activation: if key.by_order { Activation::ByOrder } else { Activation::AtOnce },
            group_verifying_key: field::bytes(
                "CertifiedKey.group_verifying_key",
                key.group_verifying_key,
                limits::ELEMENT_BYTES_MAX,
            )?,
            verifying_shares: verifying_shares(key.verifying_shares)?,
            chain_code: field::array("CertifiedKey.chain_code", &key.chain_code)?,
            echo: field::digest("CertifiedKey.echo", &key.echo)?,
        })
    }
}

impl From<CertifiedKey> for pb::CertifiedKey {
    fn from(key: CertifiedKey) -> Self {
        let verifying_share = |(id, verifying_share)| {
            let participant = field::participant_to_pb(id);
            pb::VerifyingShare { participant, verifying_share }
        };
        Self {
            cluster: key.cluster.as_bytes().to_vec(),
            order: key.order.as_bytes().to_vec(),
            attempt: key.attempt.0,
            key: key.key.to_string(),
            scheme: scheme_to_pb(key.scheme),
            epoch: key.epoch.0,
            roster: field::participants_to_pb(&key.roster),
            threshold: u32::from(key.threshold.get()),
            group_verifying_key: key.group_verifying_key,
            verifying_shares: key.verifying_shares.into_iter().map(verifying_share).collect(),
            chain_code: key.chain_code.to_vec(),
            echo: key.echo.as_bytes().to_vec(),
            raw_ok: key.raw_ok,
            by_order: key.activation == Activation::ByOrder,
            predecessor: key.predecessor.map(|digest| digest.as_bytes().to_vec()),
        }
    }
}

impl TryFrom<pb::Certificate> for Certificate {
    type Error = DecodeError;

    fn try_from(certificate: pb::Certificate) -> Result<Self, DecodeError> {
        let certified = field::required("Certificate.certified", certificate.certified)?;
        Ok(Self { certified: certified.try_into()?, votes: votes(certificate.votes)? })
    }
}

impl From<Certificate> for pb::Certificate {
    fn from(certificate: Certificate) -> Self {
        let vote = |(id, signature): (ParticipantId, Signature)| pb::VoteSignature {
            participant: field::participant_to_pb(id),
            signature: signature.as_bytes().to_vec(),
        };
        Self {
            certified: Some(certificate.certified.into()),
            votes: certificate.votes.into_iter().map(vote).collect(),
        }
    }
}

impl TryFrom<pb::Confirmation> for Confirmation {
    type Error = DecodeError;

    fn try_from(confirmation: pb::Confirmation) -> Result<Self, DecodeError> {
        Ok(Self {
            signing_set: field::participants("Confirmation.signing_set", confirmation.signing_set)?,
            signature: field::bytes(
                "Confirmation.signature",
                confirmation.signature,
                limits::SIGNATURE_BYTES_MAX,
            )?,
        })
    }
}

impl From<Confirmation> for pb::Confirmation {
    fn from(confirmation: Confirmation) -> Self {
        Self {
            signing_set: field::participants_to_pb(&confirmation.signing_set),
            signature: confirmation.signature,
        }
    }
}

fn verifying_shares(
    shares: Vec<pb::VerifyingShare>,
) -> Result<BTreeMap<ParticipantId, Vec<u8>>, DecodeError> {
    const LIST: &str = "CertifiedKey.verifying_shares";
    const SHARE: &str = "VerifyingShare.verifying_share";
    by_participant(LIST, shares, |share| {
        let id = field::participant("VerifyingShare.participant", share.participant)?;
        Ok((id, field::bytes(SHARE, share.verifying_share, limits::ELEMENT_BYTES_MAX)?))
    })
}

fn votes(votes: Vec<pb::VoteSignature>) -> Result<BTreeMap<ParticipantId, Signature>, DecodeError> {
    by_participant("Certificate.votes", votes, |vote| {
        let id = field::participant("VoteSignature.participant", vote.participant)?;
        Ok((id, field::signature("VoteSignature.signature", &vote.signature)?))
    })
}

/// Items of participants, ascending, so that one map has one encoding.
fn by_participant<P, T>(
    field: &'static str,
    items: Vec<P>,
    item: impl Fn(P) -> Result<(ParticipantId, T), DecodeError>,
) -> Result<BTreeMap<ParticipantId, T>, DecodeError> {
    field::count(field, items.len(), limits::PARTICIPANTS_MAX)?;
    let mut map = BTreeMap::new();
    for next in items {
        let (id, value) = item(next)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= id) {
            return Err(DecodeError::value(field, "participants must be unique and ascending"));
        }
        map.insert(id, value);
    }
    Ok(map)
}
