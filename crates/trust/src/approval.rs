//! Approvals and rejections: what a person says to one sign request.

mod subject;

use std::fmt;
use std::str::FromStr;

use quorate_model::{
    ClusterId, Digest, PersonName, QuorumName, RequestKey, ServiceName, Timestamp,
};

pub use self::subject::{ApprovalSubject, Decoding, EFFECTS_MAX, TooManyEffects};
use crate::text::{Reader, TextError, Writer};
use crate::{
    Credential, Namespace, PersonSignature, PersonSignatureError, SigningKey, StatementSignature,
    TrustRoot,
};

const KIND: &str = "quorate-approval/1";
/// No approval lives longer: seven days, as long as a request may.
const LIFETIME_MAX_MS: u64 = 7 * 24 * 3600 * 1000;
/// Bytes of the text of an approval, at most.
pub const APPROVAL_BYTES_MAX: usize = 16 * 1024;

/// What a person says to a request, every word of it under the person's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Yes or no.
    pub verdict: Verdict,
    /// To what, as the person's own machine decoded it.
    pub subject: ApprovalSubject,
    /// For which quorum: a person counts once in a request.
    pub quorum: QuorumName,
    /// Who.
    pub approver: PersonName,
    /// Fingerprint of the credential that signs.
    pub credential: String,
    /// Fresh randomness: no two approvals are the same.
    pub nonce: ApprovalNonce,
    /// From when it counts.
    pub not_before: Timestamp,
    /// From when it counts no more; no later than the request itself.
    pub expires: Timestamp,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request may be signed.
    Approve,
    /// The request must not be signed. It is final: no later approval revives it.
    Reject,
}

/// Fresh randomness in an approval: 16 bytes, shown in hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApprovalNonce(pub [u8; 16]);

/// An approval as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedApproval {
    /// The canonical text, verbatim.
    pub text: String,
    /// The person's signature under it.
    pub signature: StatementSignature,
}

/// An approval whose signature was verified back to the trust root: proof by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedApproval {
    approval: Approval,
    digest: Digest,
}

/// Why an approval does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// The text is no approval.
    #[error(transparent)]
    Text(#[from] TextError),
    /// For another cluster.
    #[error("the approval is for cluster {0}")]
    OtherCluster(ClusterId),
    /// Somebody whom the trust root does not name.
    #[error("{0} is not in the trust root")]
    Unknown(PersonName),
    /// The text is in one person's name, the signature in another's.
    #[error("the approval of {0} is signed in the name of {1}")]
    OtherSigner(PersonName, PersonName),
    /// A credential that the person does not have, or no more.
    #[error("{person} has no credential {credential} in the trust root")]
    Credential {
        /// The person.
        person: PersonName,
        /// The fingerprint.
        credential: String,
    },
    /// Not that credential's signature.
    #[error("the signature of {person} does not count: {reason}")]
    Signature {
        /// The person.
        person: PersonName,
        /// What is wrong with it.
        reason: PersonSignatureError,
    },
    /// Whoever answers for the service that asks does not approve what it asks for.
    #[error("{person} owns service {service}: who asks does not approve")]
    Initiator {
        /// The person.
        person: PersonName,
        /// The service.
        service: ServiceName,
    },
    /// Given to something else than this node decoded.
    #[error("{person} approved another {field}: {given}, not {expected}")]
    Differs {
        /// The person.
        person: PersonName,
        /// The field that differs.
        field: &'static str,
        /// What the person approved.
        given: String,
        /// What it is.
        expected: String,
    },
    /// A window that ends before it begins, or lasts longer than seven days.
    #[error("an approval counts for at most seven days, and ends after it begins")]
    BadWindow,
    /// Outlives the request.
    #[error("the approval of {0} is valid for longer than the request")]
    OutlivesRequest(PersonName),
    /// Before its window.
    #[error("the approval of {0} counts from {1}")]
    NotYet(PersonName, Timestamp),
    /// After its window.
    #[error("the approval of {0} expired at {1}")]
    Expired(PersonName, Timestamp),
}

impl Approval {
    /// The canonical text: what is shown and signed.
    pub fn render(&self) -> String {
        let mut text = Writer::new(KIND);
        text.field("verdict", self.verdict);
        self.subject.write(&mut text);
        text.field("quorum", &self.quorum).field("approver", &self.approver);
        text.field("credential", &self.credential).field("nonce", self.nonce);
        text.field("not-before", self.not_before).field("expires", self.expires);
        text.finish()
    }

    /// Reads the canonical text of an approval.
    ///
    /// # Errors
    /// [`TextError`], naming the line or field.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() > APPROVAL_BYTES_MAX {
            return Err(TextError::TooLong { max: APPROVAL_BYTES_MAX });
        }
        let mut reader = Reader::new(text, KIND)?;
        let approval = Self {
            verdict: reader.parse("verdict")?,
            subject: ApprovalSubject::read(&mut reader)?,
            quorum: reader.parse("quorum")?,
            approver: reader.parse("approver")?,
            credential: reader.text("credential")?.to_owned(),
            nonce: reader.parse("nonce")?,
            not_before: reader.parse("not-before")?,
            expires: reader.parse("expires")?,
        };
        reader.finish()?;
        if approval.render() == text { Ok(approval) } else { Err(TextError::NotCanonical) }
    }
}

impl SignedApproval {
    /// Signs an approval with a key file.
    pub fn sign(approval: &Approval, key: &SigningKey) -> Self {
        let text = approval.render();
        let signature = PersonSignature::sign(key, Namespace::Approval, &text);
        Self {
            text,
            signature: StatementSignature { person: approval.approver.clone(), signature },
        }
    }

    /// The digest of the text.
    pub fn digest(&self) -> Digest {
        Namespace::Approval.digest(&self.text)
    }

    /// Verifies everything about the approval except what it is given to, and the time.
    ///
    /// # Errors
    /// [`ApprovalError`], naming the first rule that was broken.
    pub fn verify(&self, root: &TrustRoot) -> Result<VerifiedApproval, ApprovalError> {
        let approval = Approval::parse(&self.text)?;
        let (person, subject) = (&approval.approver, &approval.subject);
        if subject.cluster != root.cluster() {
            return Err(ApprovalError::OtherCluster(subject.cluster));
        }
        if self.signature.person != *person {
            let signer = self.signature.person.clone();
            return Err(ApprovalError::OtherSigner(person.clone(), signer));
        }
        let entry = root.persons.get(person);
        let entry = entry.ok_or_else(|| ApprovalError::Unknown(person.clone()))?;
        let named = |credential: &&Credential| credential.fingerprint() == approval.credential;
        let credential = entry.credentials.iter().find(named).ok_or_else(|| {
            let credential = approval.credential.clone();
            ApprovalError::Credential { person: person.clone(), credential }
        })?;
        let signature = &self.signature.signature;
        credential
            .verify(Namespace::Approval, &self.text, signature, entry.user_verification)
            .map_err(|reason| ApprovalError::Signature { person: person.clone(), reason })?;
        let service = &subject.request.service;
        let owners = root.services.get(service).map(|entry| &entry.owners);
        if owners.is_some_and(|owners| owners.contains(person)) {
            let (person, service) = (person.clone(), service.clone());
            return Err(ApprovalError::Initiator { person, service });
        }
        let lifetime = approval.expires.since(approval.not_before);
        if lifetime == 0 || lifetime > LIFETIME_MAX_MS {
            return Err(ApprovalError::BadWindow);
        }
        Ok(VerifiedApproval { approval, digest: self.digest() })
    }
}

impl VerifiedApproval {
    /// What was said.
    pub fn approval(&self) -> &Approval {
        &self.approval
    }

    /// The digest of the text.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The request that it is about.
    pub fn request(&self) -> &RequestKey {
        &self.approval.subject.request
    }

    /// Checks that it is given to exactly this, which whoever asks has decoded itself, and that it
    /// does not outlive the request.
    ///
    /// # Errors
    /// [`ApprovalError::Differs`], naming the first field; [`ApprovalError::OutlivesRequest`].
    pub fn check_subject(
        &self,
        subject: &ApprovalSubject,
        request_expires: Timestamp,
    ) -> Result<(), ApprovalError> {
        let person = || self.approval.approver.clone();
        if let Some((field, given, expected)) = self.approval.subject.difference(subject) {
            return Err(ApprovalError::Differs { person: person(), field, given, expected });
        }
        if self.approval.expires > request_expires {
            return Err(ApprovalError::OutlivesRequest(person()));
        }
        Ok(())
    }

    /// Checks that it counts now. A rejection counts at any time: a delayed no is still a no.
    ///
    /// # Errors
    /// [`ApprovalError::NotYet`] or [`ApprovalError::Expired`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), ApprovalError> {
        let Approval { verdict, approver, not_before, expires, .. } = &self.approval;
        match verdict {
            Verdict::Reject => Ok(()),
            Verdict::Approve if now < *not_before => {
                Err(ApprovalError::NotYet(approver.clone(), *not_before))
            }
            Verdict::Approve if now >= *expires => {
                Err(ApprovalError::Expired(approver.clone(), *expires))
            }
            Verdict::Approve => Ok(()),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        })
    }
}

impl FromStr for Verdict {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        match text {
            "approve" => Ok(Self::Approve),
            "reject" => Ok(Self::Reject),
            _ => {
                let reason = "expected approve or reject".to_owned();
                Err(TextError::Value { field: "verdict", reason })
            }
        }
    }
}

impl fmt::Display for ApprovalNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ApprovalNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ApprovalNonce {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| {
            let reason = "expected 32 hexadecimal digits".to_owned();
            TextError::Value { field: "nonce", reason }
        })?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
