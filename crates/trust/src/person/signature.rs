//! A person's signature under a statement.

use super::{Namespace, SshSignature};
use crate::{Signature, SigningKey};

/// A person's signature. Whose it is, and under what, only [`crate::Credential::verify`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonSignature {
    /// By a key file: over the digest that [`Namespace::digest`] makes.
    Ed25519(Signature),
    /// By `ssh-keygen -Y sign`: over the text.
    Ssh(SshSignature),
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
