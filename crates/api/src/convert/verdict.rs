//! What risk providers say about payloads.

use quorate_model::Timestamp;
use quorate_protocol::wire::MissingVerdict;
use quorate_trust::{RiskVerdict, SignedRiskVerdict};

use crate::pb::statement::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::SignedRiskVerdict> for SignedRiskVerdict {
    type Error = DecodeError;

    fn try_from(signed: pb::SignedRiskVerdict) -> Result<Self, DecodeError> {
        let verdict = field::required("SignedRiskVerdict.verdict", signed.verdict)?;
        let signature = field::signature("SignedRiskVerdict.signature", &signed.signature)?;
        Ok(Self { verdict: verdict.try_into()?, signature })
    }
}

impl From<SignedRiskVerdict> for pb::SignedRiskVerdict {
    fn from(signed: SignedRiskVerdict) -> Self {
        let signature = signed.signature.as_bytes().to_vec();
        Self { verdict: Some(signed.verdict.into()), signature }
    }
}

impl TryFrom<pb::RiskVerdict> for RiskVerdict {
    type Error = DecodeError;

    fn try_from(verdict: pb::RiskVerdict) -> Result<Self, DecodeError> {
        Ok(Self {
            cluster: field::digest("RiskVerdict.cluster", &verdict.cluster)?,
            provider: field::parse("RiskVerdict.provider", &verdict.provider)?,
            effects: field::digest("RiskVerdict.effects", &verdict.effects)?,
            level: field::parse("RiskVerdict.level", &verdict.level)?,
            issued: Timestamp::from_millis(verdict.issue_time_ms),
        })
    }
}

impl From<RiskVerdict> for pb::RiskVerdict {
    fn from(verdict: RiskVerdict) -> Self {
        let RiskVerdict { cluster, provider, effects, level, issued } = verdict;
        Self {
            cluster: cluster.as_bytes().to_vec(),
            provider: provider.to_string(),
            effects: effects.as_bytes().to_vec(),
            level: level.to_string(),
            issue_time_ms: issued.millis(),
        }
    }
}

impl TryFrom<pb::MissingVerdict> for MissingVerdict {
    type Error = DecodeError;

    fn try_from(verdict: pb::MissingVerdict) -> Result<Self, DecodeError> {
        Ok(Self {
            name: field::parse("MissingVerdict.name", &verdict.name)?,
            provider: field::parse("MissingVerdict.provider", &verdict.provider)?,
        })
    }
}

impl From<MissingVerdict> for pb::MissingVerdict {
    fn from(MissingVerdict { name, provider }: MissingVerdict) -> Self {
        Self { name: name.to_string(), provider: provider.to_string() }
    }
}

/// What came with a request.
pub(crate) fn verdicts(
    field: &'static str,
    verdicts: Vec<pb::SignedRiskVerdict>,
) -> Result<Vec<SignedRiskVerdict>, DecodeError> {
    field::list(field, verdicts, limits::RISK_VERDICTS_MAX)
}
