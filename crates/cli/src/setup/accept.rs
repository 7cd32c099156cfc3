//! `quorate join accept`: checks what came back, and makes the folder ready to run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use quorate_model::{Digest, Network};
use quorate_net::pki::TlsKey;
use quorate_policy::Bundle;
use quorate_trust::TrustRoot;
use rand_core::{OsRng, RngCore as _};
use zeroize::Zeroizing;

use super::address::CoordinatorAddress;
use super::member::{JoinRequest, Member};
use super::welcome::Welcome;
use super::{
    CA_FILE, CERTIFICATE_FILE, JOIN_FILE, PASSPHRASE_FILE, POLICY_FILE, Purpose, ROOT_FILE,
    SetupError, TLS_KEY_FILE, certificate, join, template,
};
use crate::files;

/// A member whose welcome was checked and written down.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) member: Member,
    pub(crate) cluster: Digest,
    pub(crate) root: TrustRoot,
    pub(crate) coordinators: Vec<CoordinatorAddress>,
}

/// Checks a welcome file against the pinned hash and the keys in `dir`, and writes the trust root and
/// the certificates. What a node or coordinator needs beyond that is made where it is missing.
pub(crate) fn accept(
    dir: &Path,
    welcome: &str,
    pinned: Digest,
    purpose: Purpose,
) -> Result<Accepted, SetupError> {
    let request = join::read(&dir.join(JOIN_FILE))?;
    let welcome = Welcome::parse(welcome)?;
    let root = TrustRoot::parse(&welcome.root)?;
    let cluster = root.hash();
    if cluster != pinned {
        return Err(SetupError::OtherRoot { found: cluster, expected: pinned });
    }
    purpose.check(&root)?;
    check_unchanged(dir, cluster)?;
    let expected = request.member.role();
    if welcome.role != expected.to_string() {
        return Err(SetupError::OtherRole { found: welcome.role, expected });
    }
    let tls_path = dir.join(TLS_KEY_FILE);
    let tls_key = TlsKey::from_pem(&files::read_secret(&tls_path)?)?;
    check_named(dir, &request, &tls_key, &root)?;
    certificate::check(&request, &tls_key, &welcome.ca, &welcome.certificate)?;
    if let Member::Node { .. } = request.member {
        accept_policy(dir, welcome.policy.as_deref().unwrap_or_default(), &root)?;
    }
    let coordinators = welcome.coordinators()?;
    files::replace(&dir.join(ROOT_FILE), welcome.root.as_bytes())?;
    files::replace(&dir.join(CA_FILE), welcome.ca.as_bytes())?;
    files::replace(&dir.join(CERTIFICATE_FILE), welcome.certificate.as_bytes())?;
    complete(dir, &request.member)?;
    Ok(Accepted { member: request.member, cluster, root, coordinators })
}

/// Writes the member's configuration file, over an older one. `networks` are what the command line
/// takes where none is named.
pub(crate) fn configure(
    dir: &Path,
    accepted: &Accepted,
    networks: &[Network],
) -> Result<PathBuf, SetupError> {
    let Accepted { member, cluster, coordinators, .. } = accepted;
    let (name, text) = match member {
        Member::Node { id, .. } => ("node.toml", template::node(*id, *cluster, coordinators)),
        Member::Coordinator { address, .. } => {
            ("coordinator.toml", template::coordinator(*cluster, address.listen()))
        }
        Member::Service { name, .. } => {
            let who = template::Client::Service(name);
            ("client.toml", template::client(who, *cluster, coordinators, networks))
        }
        Member::Person { name, .. } => {
            let who = template::Client::Person(name);
            ("client.toml", template::client(who, *cluster, coordinators, networks))
        }
    };
    let path = dir.join(name);
    files::replace(&path, text.as_bytes())?;
    Ok(path)
}

/// A folder belongs to one cluster, for ever.
fn check_unchanged(dir: &Path, offered: Digest) -> Result<(), SetupError> {
    let path = dir.join(ROOT_FILE);
    if !path.exists() {
        return Ok(());
    }
    let found = TrustRoot::parse(&files::read(&path)?)?.hash();
    if found == offered { Ok(()) } else { Err(SetupError::RootChanged { found, offered }) }
}

/// Checks that the trust root names the keys of this folder: by the private ones, not by what a file
/// says they are.
fn check_named(
    dir: &Path,
    request: &JoinRequest,
    tls_key: &TlsKey,
    root: &TrustRoot,
) -> Result<(), SetupError> {
    let member = &request.member;
    let key = join::named_key(dir, request)?;
    let (named, what): (BTreeSet<_>, _) = match member {
        Member::Node { id, .. } => (
            root.nodes.get(id).map(|node| node.identity.into()).into_iter().collect(),
            "identity key",
        ),
        Member::Coordinator { .. } => (BTreeSet::new(), "key"),
        Member::Service { name, .. } => (
            root.services.get(name).map(|entry| entry.key.into()).into_iter().collect(),
            "request key",
        ),
        Member::Person { name, .. } => {
            let entry = root.persons.get(name);
            (entry.map(|entry| entry.credentials.clone()).unwrap_or_default(), "key")
        }
    };
    let ours = key.map_or(named.is_empty(), |key| named.contains(&key));
    if !ours {
        return Err(SetupError::NotOurKey { role: member.role(), what });
    }
    if let Member::Person { name, standing } = member {
        let named = root.persons.get(name).and_then(|entry| entry.recovery.clone());
        // Otherwise somebody else would read what is this person's to keep.
        if named != standing.recovery {
            return Err(SetupError::NotOurKey { role: member.role(), what: "recovery recipient" });
        }
    }
    let Member::Node { id, .. } = member else { return Ok(()) };
    if root.nodes.get(id).map(|node| node.tls) != Some(tls_key.spki()) {
        return Err(SetupError::NotOurKey { role: member.role(), what: "TLS key" });
    }
    Ok(())
}

/// Writes the policy that the root pins.
fn accept_policy(dir: &Path, text: &str, root: &TrustRoot) -> Result<(), SetupError> {
    let found = Bundle::parse(text).map_err(|error| SetupError::Policy(error.to_string()))?.hash();
    if found != root.policy {
        return Err(SetupError::OtherPolicy { found, pinned: root.policy });
    }
    Ok(files::replace(&dir.join(POLICY_FILE), text.as_bytes())?)
}

fn complete(dir: &Path, member: &Member) -> Result<(), SetupError> {
    let has_store = match member {
        Member::Node { .. } | Member::Coordinator { .. } => true,
        Member::Service { .. } | Member::Person { .. } => false,
    };
    let passphrase = dir.join(PASSPHRASE_FILE);
    if has_store && !passphrase.exists() {
        let mut bytes = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(bytes.as_mut());
        files::create_secret(&passphrase, &Zeroizing::new(hex::encode(bytes.as_slice())))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;
