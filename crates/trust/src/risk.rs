//! Risk verdicts: what a provider says about a payload. A provider is a program that the policy bundle
//! names, by its key.

use quorate_model::{
    ClusterId, Digest, ProviderName, RiskLevel, Tag, Timestamp, Transcribe, Transcript,
};

use crate::{PublicKey, Signature, SigningKey};

/// Risk verdicts that come with one request, at most: one of each provider.
pub const RISK_VERDICTS_MAX: usize = 8;

/// How risky a payload is, every word of it under the provider's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskVerdict {
    /// The cluster that is to rely on it.
    pub cluster: ClusterId,
    /// Who says it.
    pub provider: ProviderName,
    /// About which effects: the digest of what the provider decoded itself.
    pub effects: Digest,
    /// How it rates them.
    pub level: RiskLevel,
    /// When it was said: what the policy counts its age from.
    pub issued: Timestamp,
}

/// A risk verdict with its provider's signature, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRiskVerdict {
    /// What is said.
    pub verdict: RiskVerdict,
    /// The provider's signature.
    pub signature: Signature,
}

/// A risk verdict that is its provider's, about exactly what was decoded: proof by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRiskVerdict {
    verdict: RiskVerdict,
    digest: Digest,
}

/// Why a risk verdict does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RiskVerdictError {
    /// For another cluster.
    #[error("the verdict of {0} is for cluster {1}")]
    OtherCluster(ProviderName, ClusterId),
    /// About something else than was decoded.
    #[error("the verdict of {0} is about effects {1}, not {2}")]
    OtherEffects(ProviderName, Digest, Digest),
    /// The policy bundle has no such provider.
    #[error("the policy bundle has no provider {0}")]
    UnknownProvider(ProviderName),
    /// Not the provider's signature.
    #[error("the verdict is not signed by provider {0}")]
    BadSignature(ProviderName),
    /// Said later than now.
    #[error("the verdict of {0} is from {1}, which is in the future")]
    FromTheFuture(ProviderName, Timestamp),
}

impl SignedRiskVerdict {
    /// Signs a verdict.
    pub fn sign(verdict: RiskVerdict, key: &SigningKey) -> Self {
        let signature = key.sign(&digest(&verdict));
        Self { verdict, signature }
    }

    /// The digest of what is said.
    pub fn digest(&self) -> Digest {
        digest(&self.verdict)
    }

    /// Checks what it is about: all that can be checked without knowing the provider.
    ///
    /// # Errors
    /// [`RiskVerdictError::OtherCluster`] or [`RiskVerdictError::OtherEffects`].
    pub fn check_subject(
        &self,
        cluster: ClusterId,
        effects: Digest,
    ) -> Result<(), RiskVerdictError> {
        let RiskVerdict { provider, .. } = &self.verdict;
        if self.verdict.cluster != cluster {
            let other = self.verdict.cluster;
            return Err(RiskVerdictError::OtherCluster(provider.clone(), other));
        }
        if self.verdict.effects != effects {
            let other = self.verdict.effects;
            return Err(RiskVerdictError::OtherEffects(provider.clone(), other, effects));
        }
        Ok(())
    }

    /// Verifies everything about the verdict except the time. `key` is that of the provider that it
    /// names, if there is such a provider.
    ///
    /// # Errors
    /// [`RiskVerdictError`], naming the first rule that was broken.
    pub fn verify(
        &self,
        cluster: ClusterId,
        effects: Digest,
        key: Option<&PublicKey>,
    ) -> Result<VerifiedRiskVerdict, RiskVerdictError> {
        let provider = &self.verdict.provider;
        let key = key.ok_or_else(|| RiskVerdictError::UnknownProvider(provider.clone()))?;
        let digest = self.digest();
        if key.verify(&digest, &self.signature).is_err() {
            return Err(RiskVerdictError::BadSignature(provider.clone()));
        }
        self.check_subject(cluster, effects)?;
        Ok(VerifiedRiskVerdict { verdict: self.verdict.clone(), digest })
    }
}

impl VerifiedRiskVerdict {
    /// What is said.
    pub fn verdict(&self) -> &RiskVerdict {
        &self.verdict
    }

    /// The digest of what is said.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Checks that it was said by now, by a clock that may differ from the provider's by so many
    /// milliseconds. How old it may be is the policy's to say.
    ///
    /// # Errors
    /// [`RiskVerdictError::FromTheFuture`].
    pub fn check_time(&self, now: Timestamp, skew_ms: u64) -> Result<(), RiskVerdictError> {
        let RiskVerdict { provider, issued, .. } = &self.verdict;
        if issued.since(now) > skew_ms {
            return Err(RiskVerdictError::FromTheFuture(provider.clone(), *issued));
        }
        Ok(())
    }
}

impl Transcribe for RiskVerdict {
    fn transcribe(&self, transcript: &mut Transcript) {
        let Self { cluster, provider, effects, level, issued } = self;
        transcript.digest(cluster).text(provider.as_str()).digest(effects);
        transcript.text(level.as_str()).u64(issued.millis());
    }
}

fn digest(verdict: &RiskVerdict) -> Digest {
    Transcript::new(Tag::RiskVerdict).value(verdict).finish()
}

#[cfg(test)]
#[path = "risk_tests.rs"]
mod tests;
