//! A person's signature under a statement.

use quorate_model::PersonName;

use super::{Credential, Namespace, SshSignature};
use crate::{Signature, SigningKey, TrustRoot};

/// A person's signature. Whose it is, and under what, only [`crate::Credential::verify`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonSignature {
    /// By a key file: over the digest that [`Namespace::digest`] makes.
    Ed25519(Signature),
    /// By `ssh-keygen -Y sign`: over the text.
    Ssh(SshSignature),
}

/// A signature under a statement of people, and who claims to have made it, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementSignature {
    /// The person, by name: the trust root knows the credentials.
    pub person: PersonName,
    /// The signature, by one of these.
    pub signature: PersonSignature,
}

/// Why a statement is not signed by whom it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The trust root has no such person.
    #[error("{0} is not in the trust root")]
    Unknown(PersonName),
    /// The signature is by none of the person's credentials.
    #[error("the signature of {person} does not count: {reason}")]
    Signature {
        /// The person.
        person: PersonName,
        /// What is wrong with it.
        reason: PersonSignatureError,
    },
}

/// Why a person's signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonSignatureError {
    /// A key file's signature for an SSH key, or the reverse.
    #[error("the signature is of another kind than the person's credential")]
    OtherKind,
    /// Made for another kind of statement.
    #[error("the signature is for {found}: sign with 'ssh-keygen -Y sign -n {expected}'")]
    OtherNamespace {
        /// What was verified.
        expected: Namespace,
        /// What was signed.
        found: Namespace,
    },
    /// Made by a key that is not the person's, or that security key for another application.
    #[error("the signature is by key {found}, the person's is {expected}")]
    OtherKey {
        /// Fingerprint of the person's key.
        expected: String,
        /// Fingerprint of the key that the signature names.
        found: String,
    },
    /// Not this key's, or not over this text.
    #[error("the signature does not verify")]
    BadSignature,
    /// A security key signed without being touched.
    #[error("the security key was not touched: make the key without 'no-touch-required'")]
    UserNotPresent,
    /// A security key signed without asking for a PIN or a fingerprint.
    #[error("the security key did not verify its user: make the key with '-O verify-required'")]
    UserNotVerified,
    /// A key in software, where user verification is required.
    #[error("only a security key can show that it verified its user")]
    CannotVerifyUser,
}

impl PersonSignature {
    /// Signs a statement's text with a key file.
    pub fn sign(key: &SigningKey, namespace: Namespace, text: &str) -> Self {
        Self::Ed25519(key.sign(&namespace.digest(text)))
    }
}

impl StatementSignature {
    /// Signs a statement's text with a person's key file.
    pub fn sign(text: &str, namespace: Namespace, person: PersonName, key: &SigningKey) -> Self {
        Self { person, signature: PersonSignature::sign(key, namespace, text) }
    }

    /// Verifies that the person signed this text, for this kind of statement.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn verify(
        &self,
        namespace: Namespace,
        text: &str,
        root: &TrustRoot,
    ) -> Result<(), SignerError> {
        let person = &self.person;
        let entry = root.persons.get(person).ok_or_else(|| SignerError::Unknown(person.clone()))?;
        let verify = |credential: &Credential| {
            credential.verify(namespace, text, &self.signature, entry.user_verification)
        };
        let mut reason = None;
        for credential in &entry.credentials {
            match verify(credential) {
                Ok(()) => return Ok(()),
                Err(error) => reason = Some(closest(reason, error)),
            }
        }
        // Every person has a credential.
        let reason = reason.unwrap_or(PersonSignatureError::BadSignature);
        Err(SignerError::Signature { person: person.clone(), reason })
    }
}

/// Of a person's several credentials, the error of the one that was meant.
fn closest(
    earlier: Option<PersonSignatureError>,
    error: PersonSignatureError,
) -> PersonSignatureError {
    let other = |error: &PersonSignatureError| {
        matches!(error, PersonSignatureError::OtherKind | PersonSignatureError::OtherKey { .. })
    };
    match earlier {
        Some(earlier) if other(&error) || !other(&earlier) => earlier,
        Some(_) | None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::PersonSignatureError::{BadSignature, OtherKind, UserNotPresent};
    use super::closest;

    #[test]
    fn the_error_of_the_credential_that_was_meant_is_told() {
        assert_eq!(closest(None, OtherKind), OtherKind);
        assert_eq!(closest(Some(OtherKind), BadSignature), BadSignature);
        assert_eq!(closest(Some(BadSignature), OtherKind), BadSignature);
        assert_eq!(closest(Some(UserNotPresent), BadSignature), UserNotPresent);
    }
}
