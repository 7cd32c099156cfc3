//! Orders about keys, and the officers who sign them.

use std::path::{Path, PathBuf};

use quorate_model::{
    Digest, KeyId, OrderId, ParticipantSet, PersonName, Scheme, Threshold, Timestamp,
};
use quorate_trust::{
    GenerateKey, Order, OrderAction, OrderSignature, Signature, SignedOrder, SigningKey, TrustRoot,
    Window,
};
use rand_core::{OsRng, RngCore as _};

use crate::exit::{Exit, Failure};
use crate::files;
use crate::setup::join::read_key;

/// How long before now an order begins, for nodes whose clocks are behind.
const LEAD_MS: u64 = 30_000;
/// How long an order may begin to be carried out.
const LIFETIME_MS: u64 = 10 * 60_000;

/// An order's text, to be shown before it is signed.
pub(crate) fn propose(
    cluster: Digest,
    action: OrderAction,
    now: Timestamp,
) -> Result<String, Failure> {
    let mut random = [0; 8];
    OsRng.fill_bytes(&mut random);
    let id: OrderId = format!("order-{}", hex::encode(random)).parse()?;
    let not_before = Timestamp::from_millis(now.millis().saturating_sub(LEAD_MS));
    let expires = (!action.is_stop()).then(|| now.plus_millis(LIFETIME_MS));
    let window = Window { not_before, expires };
    Ok(Order { cluster, id, action, window }.render())
}

/// What to generate, with the root's nodes as roster where none is named.
pub(crate) fn generate_key(
    key: KeyId,
    scheme: Scheme,
    threshold: Threshold,
    roster: Option<ParticipantSet>,
    root: &TrustRoot,
) -> Result<OrderAction, Failure> {
    let roster = match roster {
        Some(roster) => roster,
        None => ParticipantSet::new(root.nodes.keys().copied())?,
    };
    Ok(OrderAction::GenerateKey(GenerateKey { key, scheme, threshold, roster }))
}

/// The officers' keys, each with the name that the trust root knows it by.
pub(crate) fn officers(
    files: &[PathBuf],
    root: &TrustRoot,
) -> Result<Vec<(PersonName, SigningKey)>, Failure> {
    let officer = |path: &PathBuf| {
        let key = read_key(path)?;
        let public = key.public_key();
        let person = root.persons.iter().find(|(_, entry)| entry.key == public);
        let (name, _) = person.ok_or_else(|| {
            let message = format!("{}: the trust root names nobody with this key", path.display());
            Failure::new(Exit::Error, message)
        })?;
        Ok((name.clone(), key))
    };
    files.iter().map(officer).collect()
}

/// Signs an order, and checks it as every node will.
pub(crate) fn sign(
    text: String,
    officers: &[(PersonName, SigningKey)],
    root: &TrustRoot,
) -> Result<SignedOrder, Failure> {
    let sign =
        |(name, key): &(PersonName, SigningKey)| OrderSignature::sign(&text, name.clone(), key);
    let signatures = officers.iter().map(sign).collect();
    let order = SignedOrder { text, signatures };
    order.verify(root)?;
    Ok(order)
}

/// Signs the text of an order's file, and puts the signature beside it.
pub(crate) fn sign_file(
    file: &Path,
    text: &str,
    key: SigningKey,
    root: &TrustRoot,
) -> Result<PathBuf, Failure> {
    let public = key.public_key();
    let person = root.persons.iter().find(|(_, entry)| entry.key == public);
    let stranger = || Failure::new(Exit::Error, "the trust root names nobody with this key");
    let (name, _) = person.ok_or_else(stranger)?;
    let signature = OrderSignature::sign(text, name.clone(), &key).signature;
    let mut path = file.as_os_str().to_owned();
    path.push(format!(".{name}.sig"));
    let path = PathBuf::from(path);
    files::create(&path, &format!("{}\n", hex::encode(signature.as_bytes())))?;
    Ok(path)
}

/// An order with the signatures that lie beside its file: `order.txt.alice.sig` and the like.
pub(crate) fn read_signed(file: &Path, root: &TrustRoot) -> Result<SignedOrder, Failure> {
    let text = files::read(file)?;
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let prefix = format!("{}.", name(file).unwrap_or_default());
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| name(path).is_some_and(|n| n.starts_with(&prefix) && n.ends_with(".sig")));
    paths.sort();
    let mut signatures = Vec::new();
    for path in &paths {
        signatures.push(signature_of(path, &text, root)?);
    }
    Ok(SignedOrder { text, signatures })
}

/// Whose signature a file has: the trust root knows who it can be.
fn signature_of(path: &Path, text: &str, root: &TrustRoot) -> Result<OrderSignature, Failure> {
    let nobody = || {
        let message = format!("{}: nobody's signature under this order", path.display());
        Failure::new(Exit::Error, message)
    };
    let bytes = hex::decode(files::read(path)?.trim()).map_err(|_| nobody())?;
    let signature = Signature::from_bytes(&bytes).map_err(|_| nobody())?;
    let of = |person: &PersonName| OrderSignature { person: person.clone(), signature };
    let mut candidates = root.persons.iter().map(|(name, entry)| (of(name), entry.key));
    let found = candidates.find(|(signature, key)| signature.verify(text, *key));
    found.map(|(signature, _)| signature).ok_or_else(nobody)
}
