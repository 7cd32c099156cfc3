//! `quorate join`: makes a member's keys where they are used.

use std::path::Path;

use quorate_net::pki::TlsKey;
use quorate_trust::{Credential, SigningKey};
use rand_core::OsRng;

use super::member::{JoinRequest, Member};
use super::{JOIN_FILE, SetupError, TLS_KEY_FILE};
use crate::files;

/// Makes the member's private keys in `dir`, and the join file for whoever makes the trust root. A
/// person may bring the public key of an SSH key instead: its private half stays where it is.
pub(crate) fn join(
    dir: &Path,
    member: Member,
    ssh_key: Option<Credential>,
) -> Result<JoinRequest, SetupError> {
    let path = dir.join(JOIN_FILE);
    if path.exists() {
        return Err(SetupError::Joined(path));
    }
    files::make_dir(dir)?;
    let key = match (ssh_key, member.key_file()) {
        (Some(key), _) => Some(key),
        (None, Some(name)) => {
            let key = SigningKey::generate(&mut OsRng);
            let pem = key.to_pkcs8_pem().map_err(SetupError::NewKey)?;
            files::create_secret(&dir.join(name), &pem)?;
            Some(key.public_key().into())
        }
        (None, None) => None,
    };
    let tls_key = TlsKey::generate()?;
    files::create_secret(&dir.join(TLS_KEY_FILE), &tls_key.to_pem())?;
    let names = match &member {
        Member::Coordinator { address, .. } => vec![address.server_name().clone()],
        Member::Node { .. } | Member::Service { .. } | Member::Person { .. } => Vec::new(),
    };
    let signing_request = tls_key.signing_request(&member.role(), &names)?;
    let request = JoinRequest { member, key, tls: tls_key.spki(), signing_request };
    let text = request
        .render()
        .map_err(|error| SetupError::JoinFile { path: path.clone(), reason: error.to_string() })?;
    // Last: without it, nothing was joined.
    files::create(&path, &text)?;
    Ok(request)
}

/// Reads a join file.
pub(crate) fn read(path: &Path) -> Result<JoinRequest, SetupError> {
    JoinRequest::parse(&files::read(path)?)
        .map_err(|reason| SetupError::JoinFile { path: path.to_owned(), reason })
}

/// The key that the trust root has to name: the public half of the private key that `join` made; or
/// the SSH key that a person brought.
pub(crate) fn named_key(
    dir: &Path,
    request: &JoinRequest,
) -> Result<Option<Credential>, SetupError> {
    match (&request.key, request.member.key_file()) {
        (Some(key @ Credential::Ssh(_)), _) => Ok(Some(key.clone())),
        (_, Some(name)) => Ok(Some(read_key(&dir.join(name))?.public_key().into())),
        (_, None) => Ok(None),
    }
}

/// Reads the `.pub` file of an SSH key, without its comment.
pub(crate) fn read_ssh_key(path: &Path) -> Result<Credential, SetupError> {
    let text = files::read(path)?;
    let mut words = text.split_whitespace();
    let line = [words.next(), words.next()].map(Option::unwrap_or_default).join(" ");
    line.parse().map_err(|source| SetupError::SshKey { path: path.to_owned(), source })
}

/// Reads a PKCS#8 file of an Ed25519 key.
pub(crate) fn read_key(path: &Path) -> Result<SigningKey, SetupError> {
    SigningKey::from_pkcs8_pem(&files::read_secret(path)?)
        .map_err(|source| SetupError::Key { path: path.to_owned(), source })
}
