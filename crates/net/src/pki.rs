//! The cluster's private certificate authority, and what it issues.
//!
//! Every private key is generated where it is used: its holder makes a signing request, and the
//! authority issues a certificate for the role that its operator expects. A role is one URI in the
//! certificate's subject alternative name.

mod authority;
mod key;
mod request;
mod role;

pub use authority::{CertificateAuthority, Validity};
pub use key::TlsKey;
pub use request::signing_request_spki;
pub use role::{CoordinatorName, ParseRole, Role};

use quorate_model::{Digest, Timestamp};
use sha2::{Digest as _, Sha256};

/// Why a key, a request or a certificate was not made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The PEM text holds no key that the cluster uses.
    #[error("not a PEM encoded PKCS#8 private key on the curve P-256")]
    Key(#[source] rcgen::Error),
    /// The key is on another curve, or of another kind.
    #[error("the key is not on the curve P-256: generate a new one")]
    KeyKind,
    /// The text is no signing request, or not one of the key that it names.
    #[error("not a PEM encoded signing request with a valid signature of its own key")]
    Request(#[source] rcgen::Error),
    /// The bytes of the request hold something beside the request.
    #[error("the signing request is malformed")]
    MalformedRequest,
    /// The request is longer than any that we make.
    #[error("the signing request has {0} bytes, at most 65536 are read")]
    RequestTooLong(usize),
    /// The request is for another role than its issuer expects.
    #[error("the signing request is for {found}, but {expected} was expected")]
    RoleMismatch {
        /// The role that is to be certified.
        expected: Role,
        /// The role that the request names, or what stands there instead.
        found: String,
    },
    /// A server's certificate without a name to reach it by would be refused by every client.
    #[error("the certificate of {0} needs at least one DNS name or IP address")]
    NoHostName(Role),
    /// The certificate would outlive the authority.
    #[error("the certificate would be valid until {certificate}, the authority only until {ca}")]
    OutlivesAuthority {
        /// End of the certificate.
        certificate: Timestamp,
        /// End of the authority's certificate.
        ca: Timestamp,
    },
    /// A time of validity that is empty, or that X.509 cannot express.
    #[error("a certificate cannot be valid from {not_before} to {not_after}")]
    Validity {
        /// The first moment.
        not_before: Timestamp,
        /// The last moment.
        not_after: Timestamp,
    },
    /// The certificate is none of a certificate authority.
    #[error("not a PEM encoded certificate of a certificate authority")]
    NotAnAuthority,
    /// The authority's certificate and key do not belong together.
    #[error("the authority's certificate is for another key")]
    AuthorityKeyMismatch,
    /// The operating system gave no randomness.
    #[error("the operating system's random generator failed")]
    Random,
    /// The encoder refused.
    #[error("the certificate cannot be encoded")]
    Encode(#[source] rcgen::Error),
}

/// SHA-256 of a SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7): how the trust root names a
/// TLS key.
pub(crate) fn spki_digest(subject_public_key_info: &[u8]) -> Digest {
    Digest::new(Sha256::digest(subject_public_key_info).into())
}
