//! Signatures of people under the files of their statements, each in a file of its own beside them.

use std::path::{Path, PathBuf};

use quorate_model::PersonName;
use quorate_trust::{
    Namespace, PersonSignature, Signature, SigningKey, SshSignature, StatementSignature, TrustRoot,
};

use super::order::person_of;
use crate::exit::{Exit, Failure};
use crate::files;

/// Signs a statement's text with a key file, and puts the signature beside its file:
/// `order.txt.alice.sig`.
pub(crate) fn sign_file(
    file: &Path,
    text: &str,
    namespace: Namespace,
    key: &SigningKey,
    root: &TrustRoot,
) -> Result<PathBuf, Failure> {
    let stranger = || Failure::new(Exit::Error, "the trust root names nobody with this key");
    let name = person_of(key, root).ok_or_else(stranger)?;
    let signature = PersonSignature::sign(key, namespace, text);
    let mut path = file.as_os_str().to_owned();
    path.push(format!(".{name}.sig"));
    let path = PathBuf::from(path);
    files::create(&path, &render(&signature))?;
    Ok(path)
}

/// The text of a signature's file.
pub(crate) fn render(signature: &PersonSignature) -> String {
    match signature {
        PersonSignature::Ed25519(signature) => format!("{}\n", hex::encode(signature.as_bytes())),
        PersonSignature::Ssh(signature) => signature.as_pem().to_owned(),
    }
}

/// Every signature that lies beside a statement's file: `order.txt.sig`, as `ssh-keygen -Y sign` writes
/// it, `order.txt.alice.sig`, and the like.
pub(crate) fn beside(
    file: &Path,
    text: &str,
    namespace: Namespace,
    root: &TrustRoot,
) -> Result<Vec<StatementSignature>, Failure> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let prefix = format!("{}.", name(file).unwrap_or_default());
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .map_err(|error| Failure::new(Exit::Error, format!("{}: {error}", file.display())))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| name(path).is_some_and(|n| n.starts_with(&prefix) && n.ends_with("sig")));
    paths.sort();
    paths.iter().map(|path| read(path, text, namespace, root)).collect()
}

/// Reads a signature, and finds out whose it is: the trust root knows who it can be.
pub(crate) fn read(
    path: &Path,
    text: &str,
    namespace: Namespace,
    root: &TrustRoot,
) -> Result<StatementSignature, Failure> {
    let refused = |reason: &dyn std::fmt::Display| {
        Failure::new(Exit::Error, format!("{}: {reason}", path.display()))
    };
    let signature = parse(&files::read(path)?).map_err(|reason| refused(&reason))?;
    let of = |person: &PersonName| StatementSignature {
        person: person.clone(),
        signature: signature.clone(),
    };
    let mut reason = None;
    for candidate in root.persons.keys().map(of) {
        match candidate.verify(namespace, text, root) {
            Ok(()) => return Ok(candidate),
            Err(error) => reason = Some(error),
        }
    }
    let nobody = "the trust root names nobody whose signature this is".to_owned();
    let reason = reason.filter(|_| root.persons.len() == 1).map_or(nobody, |e| e.to_string());
    Err(refused(&reason))
}

/// The text of a signature's file: SSHSIG in PEM, or 128 hexadecimal digits of a key file.
fn parse(text: &str) -> Result<PersonSignature, String> {
    let text = text.replace("\r\n", "\n");
    if text.starts_with("-----BEGIN SSH SIGNATURE-----") {
        let signature = SshSignature::from_pem(&text).map_err(|error| error.to_string())?;
        return Ok(PersonSignature::Ssh(signature));
    }
    let bytes = hex::decode(text.trim()).map_err(|_| "no signature".to_owned())?;
    let signature = Signature::from_bytes(&bytes).map_err(|error| error.to_string())?;
    Ok(PersonSignature::Ed25519(signature))
}
