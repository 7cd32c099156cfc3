//! What people say to requests, and what nodes still wait for.

use std::collections::BTreeSet;

use quorate_model::{PersonName, Timestamp};
use quorate_protocol::wire::{Deferral, MissingQuorum};
use quorate_trust::SignedApproval;

use crate::pb::statement::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::SignedApproval> for SignedApproval {
    type Error = DecodeError;

    fn try_from(approval: pb::SignedApproval) -> Result<Self, DecodeError> {
        const TEXT: &str = "SignedApproval.text";
        const SIGNATURE: &str = "SignedApproval.signature";
        Ok(Self {
            text: field::text(TEXT, approval.text, limits::APPROVAL_BYTES_MAX)?,
            signature: field::required(SIGNATURE, approval.signature)?.try_into()?,
        })
    }
}

impl From<SignedApproval> for pb::SignedApproval {
    fn from(approval: SignedApproval) -> Self {
        let SignedApproval { text, signature } = approval;
        Self { text, signature: Some(signature.into()) }
    }
}

impl TryFrom<pb::Deferral> for Deferral {
    type Error = DecodeError;

    fn try_from(deferral: pb::Deferral) -> Result<Self, DecodeError> {
        const MISSING: &str = "Deferral.missing";
        const VERDICTS: &str = "Deferral.verdicts";
        Ok(Self {
            request: field::digest("Deferral.request", &deferral.request)?,
            missing: field::list(MISSING, deferral.missing, limits::MISSING_QUORUMS_MAX)?,
            verdicts: field::list(VERDICTS, deferral.verdicts, limits::MISSING_VERDICTS_MAX)?,
            until: deferral.until_ms.map(Timestamp::from_millis),
            reason: field::text("Deferral.reason", deferral.reason, limits::REASON_BYTES_MAX)?,
            effects: field::digest("Deferral.effects", &deferral.effects)?,
            heads: field::required("Deferral.heads", deferral.heads)?.try_into()?,
        })
    }
}

impl From<Deferral> for pb::Deferral {
    fn from(deferral: Deferral) -> Self {
        Self {
            request: deferral.request.as_bytes().to_vec(),
            missing: deferral.missing.into_iter().map(Into::into).collect(),
            verdicts: deferral.verdicts.into_iter().map(Into::into).collect(),
            until_ms: deferral.until.map(Timestamp::millis),
            reason: deferral.reason,
            effects: deferral.effects.as_bytes().to_vec(),
            heads: Some(deferral.heads.into()),
        }
    }
}

impl TryFrom<pb::MissingQuorum> for MissingQuorum {
    type Error = DecodeError;

    fn try_from(quorum: pb::MissingQuorum) -> Result<Self, DecodeError> {
        const REQUIRED: &str = "MissingQuorum.required";
        Ok(Self {
            name: field::parse("MissingQuorum.name", &quorum.name)?,
            required: usize::try_from(quorum.required)
                .map_err(|error| DecodeError::value(REQUIRED, error.to_string()))?,
            present: persons("MissingQuorum.present", &quorum.present)?,
            members: persons("MissingQuorum.members", &quorum.members)?,
        })
    }
}

impl From<MissingQuorum> for pb::MissingQuorum {
    fn from(quorum: MissingQuorum) -> Self {
        let names = |persons: BTreeSet<PersonName>| {
            persons.into_iter().map(|person| person.to_string()).collect()
        };
        Self {
            name: quorum.name.to_string(),
            required: u32::try_from(quorum.required).unwrap_or(u32::MAX),
            present: names(quorum.present),
            members: names(quorum.members),
        }
    }
}

/// Names of persons, in their one order: what was signed has to be found again.
fn persons(field: &'static str, names: &[String]) -> Result<BTreeSet<PersonName>, DecodeError> {
    field::count(field, names.len(), limits::QUORUM_MEMBERS_MAX)?;
    let persons: Vec<PersonName> =
        names.iter().map(|name| field::parse(field, name)).collect::<Result<_, _>>()?;
    if persons.is_sorted_by(|a, b| a < b) {
        return Ok(persons.into_iter().collect());
    }
    Err(DecodeError::value(field, "persons are in ascending order, each once"))
}
