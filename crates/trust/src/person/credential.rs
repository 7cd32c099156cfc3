//! One credential of a person, as the trust root lists it.

use std::fmt;
use std::str::FromStr;

use ssh_key::HashAlg;
use ssh_key::public::{Ed25519PublicKey, KeyData};

use super::{KeyMaterial, Namespace, PersonSignature, PersonSignatureError, SshKey};
use crate::PublicKey;

/// More than the longest key that is allowed.
const TEXT_MAX: usize = 512;

/// What a person signs with. The text form is one line of printable ASCII, without a comment:
/// `ed25519` and 64 hexadecimal digits, or an OpenSSH public key (`ssh-ed25519 AAAA…`).
///
/// Different credentials may hold the same key: see [`Credential::key_material`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credential {
    /// A key file of quorate's own: PKCS#8, Ed25519.
    Ed25519(PublicKey),
    /// A key that `ssh-keygen -Y sign` signs with, perhaps in a security key.
    Ssh(SshKey),
}

/// Whether a signature must show that the authenticator verified its user (by PIN or fingerprint), and
/// not only that somebody touched it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    /// It must: only security keys can show it, so that no other key's signature is accepted.
    Required,
    /// It need not. A security key must still have been touched.
    NotRequired,
}

/// Why a text is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialTextError {
    /// Longer than any key that is allowed.
    #[error("a credential has at most 512 bytes")]
    TooLong,
    /// Not `algorithm key`, or the key cannot be decoded.
    #[error("expected 'algorithm key', as in the first two words of an OpenSSH .pub file")]
    Malformed,
    /// An algorithm, or a certificate, that is not accepted.
    #[error(
        "the algorithm is none of ed25519, ssh-ed25519, ecdsa-sha2-nistp256, \
         sk-ssh-ed25519@openssh.com and sk-ecdsa-sha2-nistp256@openssh.com"
    )]
    UnknownAlgorithm,
    /// Something after the key.
    #[error("remove the comment after the key")]
    Comment,
    /// Not a canonical point of prime order.
    #[error("not a valid public key (a canonical point on its curve, of prime order)")]
    PublicKey,
    /// A security key that was not made for SSH.
    #[error("a security key's application begins with 'ssh:' and has at most 64 characters")]
    Application,
    /// Readable, but not in its one form.
    #[error("the key is not in its canonical form")]
    NotCanonical,
}

impl Credential {
    /// Verifies a person's signature under a statement's text, for one kind of statement. The key is
    /// this one: a signature that names another is refused, whatever it is worth.
    ///
    /// A security key's signature counter is not checked: a node keeps no state of people's keys, and
    /// several nodes see one signature. [`crate::SshSignature::counter`] shows it.
    ///
    /// # Errors
    /// [`PersonSignatureError`], naming the first rule that was broken.
    pub fn verify(
        &self,
        namespace: Namespace,
        text: &str,
        signature: &PersonSignature,
        verification: UserVerification,
    ) -> Result<(), PersonSignatureError> {
        match (self, signature) {
            (Self::Ed25519(key), PersonSignature::Ed25519(signature)) => {
                key.verify(&namespace.digest(text), signature)
                    .map_err(|_| PersonSignatureError::BadSignature)?;
                match verification {
                    UserVerification::Required => Err(PersonSignatureError::CannotVerifyUser),
                    UserVerification::NotRequired => Ok(()),
                }
            }
            (Self::Ssh(key), PersonSignature::Ssh(signature)) => {
                signature.verify(key, namespace, text, verification)
            }
            (Self::Ed25519(_), PersonSignature::Ssh(_))
            | (Self::Ssh(_), PersonSignature::Ed25519(_)) => Err(PersonSignatureError::OtherKind),
        }
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it; of a key file, that of the same key as `ssh-ed25519`.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Ed25519(key) => KeyData::from(Ed25519PublicKey(*key.as_bytes()))
                .fingerprint(HashAlg::Sha256)
                .to_string(),
            Self::Ssh(key) => key.fingerprint(),
        }
    }

    /// The key itself, to find out whether two credentials are one key.
    pub fn key_material(&self) -> KeyMaterial {
        match self {
            Self::Ed25519(key) => KeyMaterial::from(*key),
            Self::Ssh(key) => *key.material(),
        }
    }
}

impl FromStr for Credential {
    type Err = CredentialTextError;

    fn from_str(text: &str) -> Result<Self, CredentialTextError> {
        if text.len() > TEXT_MAX {
            return Err(CredentialTextError::TooLong);
        }
        let (algorithm, key) = text.split_once(' ').ok_or(CredentialTextError::Malformed)?;
        match algorithm {
            "ed25519" if key.contains(' ') => Err(CredentialTextError::Comment),
            "ed25519" => key.parse().map(Self::Ed25519).map_err(|_| CredentialTextError::PublicKey),
            "ssh-ed25519"
            | "ecdsa-sha2-nistp256"
            | "sk-ssh-ed25519@openssh.com"
            | "sk-ecdsa-sha2-nistp256@openssh.com" => SshKey::from_openssh(text).map(Self::Ssh),
            _ => Err(CredentialTextError::UnknownAlgorithm),
        }
    }
}

impl From<PublicKey> for Credential {
    fn from(key: PublicKey) -> Self {
        Self::Ed25519(key)
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(key) => write!(f, "ed25519 {key}"),
            Self::Ssh(key) => write!(f, "{key}"),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
