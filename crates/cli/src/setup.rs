//! Bringing a cluster up: everybody makes their own keys (`join`), one person makes the trust root
//! and the certificates (`init`), and everybody checks what comes back (`accept`).

pub(crate) mod accept;
pub(crate) mod address;
mod certificate;
pub(crate) mod init;
pub(crate) mod join;
pub(crate) mod member;
pub(crate) mod template;
pub(crate) mod welcome;

use std::path::PathBuf;

use quorate_model::{Digest, ParticipantId};
use quorate_net::TlsError;
use quorate_net::pki::{PkiError, Role};
use quorate_trust::{CredentialError, CredentialTextError, RootError, SinglePoint, TrustRoot};

use crate::files::FileError;

/// The trust root, in every folder that pins one.
pub(crate) const ROOT_FILE: &str = "root.txt";
/// The certificate of the cluster's authority.
pub(crate) const CA_FILE: &str = "ca.crt";
/// The own certificate.
pub(crate) const CERTIFICATE_FILE: &str = "tls.crt";
/// The private key of the own certificate.
pub(crate) const TLS_KEY_FILE: &str = "tls.key";
/// What `join` writes for the person who makes the trust root.
pub(crate) const JOIN_FILE: &str = "join.txt";
/// The policy bundle of a node.
pub(crate) const POLICY_FILE: &str = "policy.toml";
/// The key that signs everything a node says.
pub(crate) const IDENTITY_FILE: &str = "identity.pem";
/// The folder of a store.
pub(crate) const STORE_DIR: &str = "store";
/// The passphrase that wraps the data keys of a store.
pub(crate) const PASSPHRASE_FILE: &str = "passphrase";

/// What a cluster is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Nobody may be able to do harm alone.
    Funds,
    /// To try things out.
    Dev,
}

impl Purpose {
    /// Checks that a trust root is fit for it.
    fn check(self, root: &TrustRoot) -> Result<(), SetupError> {
        let points = match self {
            Self::Funds => root.single_points(),
            Self::Dev => Vec::new(),
        };
        if points.is_empty() { Ok(()) } else { Err(SetupError::SinglePoints(points)) }
    }
}

/// Why a step is not done. Nothing is left half done but what a message names.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("{} is not a key of ours", path.display())]
    Key { path: PathBuf, source: CredentialError },
    #[error("{} is no SSH public key that can be used", path.display())]
    SshKey { path: PathBuf, source: CredentialTextError },
    #[error("a new key cannot be encoded")]
    NewKey(#[source] CredentialError),
    #[error("{} exists: this folder has joined already", .0.display())]
    Joined(PathBuf),
    #[error("{} is not a join file: {reason}", path.display())]
    JoinFile { path: PathBuf, reason: String },
    #[error("not a welcome file: {0}")]
    Welcome(String),
    #[error("{0} joins twice: every member has one join file")]
    Twice(Role),
    #[error("{}: a cluster was made here already; choose another folder", .0.display())]
    ClusterExists(PathBuf),
    #[error("no coordinator joins: at least one is needed")]
    NoCoordinator,
    #[error("recovery officers of node {0}: it does not join, or they are given twice")]
    RecoveryOf(ParticipantId),
    #[error("quorum {0:?} is given twice")]
    QuorumTwice(String),
    #[error(
        "under this trust root, {}; only a cluster that is not for funds may be so (--dev)",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    SinglePoints(Vec<SinglePoint>),
    #[error(
        "the welcome file has the trust root {found}, but {expected} was pinned: compare the hash \
         with the other administrators again, over another channel than the file came by"
    )]
    OtherRoot { found: Digest, expected: Digest },
    #[error("the policy that comes with it is refused: {0}")]
    Policy(String),
    #[error("the policy that comes with it has the hash {found}, but the trust root pins {pinned}")]
    OtherPolicy { found: Digest, pinned: Digest },
    #[error("this folder belongs to cluster {found} already; it cannot accept {offered}")]
    RootChanged { found: Digest, offered: Digest },
    #[error("the welcome file is for {found}, but this folder joins as {expected}")]
    OtherRole { found: String, expected: Role },
    #[error(
        "the trust root has no {role} with the {what} of this folder: somebody else's key stands \
         there, or none"
    )]
    NotOurKey { role: Role, what: &'static str },
    #[error("the certificate is for {found}, but this folder joins as {expected}")]
    CertificateRole { found: Role, expected: Role },
    #[error("the certificate is for another TLS key than the one in this folder")]
    CertificateKey,
    #[error("the certificate is not PEM")]
    CertificatePem,
    #[error("the certificate is not under the authority that came with it, or not valid now")]
    Chain(#[source] rustls::Error),
    #[error("the certificate of the authority cannot be used")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
}
