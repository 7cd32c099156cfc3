//! The versions of the trust root that a folder knows, beside the pinned genesis: `root-2.txt`,
//! `root-3.txt`, … with their orders and signatures. Each is verified under the one before it, so that
//! nobody who changes a file changes what is trusted.

use std::path::{Path, PathBuf};

use quorate_trust::{OrderAction, SignedOrder, TrustRoot};

use crate::exit::{Exit, Failure};
use crate::files;
use crate::signing::{document, signature};

/// The newest version of the trust root that lies beside the genesis.
pub(crate) fn newest(genesis: &Path, mut root: TrustRoot) -> Result<TrustRoot, Failure> {
    loop {
        let file = version_file(genesis, &root);
        if !file.exists() {
            return Ok(root);
        }
        let next = document::read_order(&document::order_file(&file), &root)
            .and_then(|order| successor(&order, &root));
        root = next.map_err(|failure| {
            failure.while_trying(format!("{} is no version of the trust root", file.display()))
        })?;
    }
}

/// The version of the trust root that an order brings after this one.
pub(crate) fn successor(order: &SignedOrder, root: &TrustRoot) -> Result<TrustRoot, Failure> {
    let verified = order.verify(root)?;
    let refused = |reason: &str| Failure::new(Exit::Error, reason);
    let OrderAction::UpdateRoot(named) = &verified.order().action else {
        return Err(refused("the order brings no trust root"));
    };
    let next = TrustRoot::parse(order.document.as_deref().unwrap_or_default())?;
    let follows = named.previous.contains(&root.hash()) && next.cluster() == root.cluster();
    if follows && next.version() == named.version && next.version() > root.version() {
        return Ok(next);
    }
    Err(refused("the trust root does not follow the one that is known here"))
}

/// Puts the next version of the trust root beside the genesis.
pub(crate) fn keep(
    genesis: &Path,
    order: &SignedOrder,
    root: &TrustRoot,
) -> Result<PathBuf, Failure> {
    let next = successor(order, root)?;
    let file = version_file(genesis, root);
    let order_file = document::order_file(&file);
    for (signed, number) in order.signatures.iter().zip(1..) {
        let mut path = order_file.as_os_str().to_owned();
        path.push(format!(".{number}.sig"));
        files::replace(Path::new(&path), signature::render(&signed.signature).as_bytes())?;
    }
    files::replace(&order_file, order.text.as_bytes())?;
    // Last: without it there is no such version.
    files::replace(&file, next.render().as_bytes())?;
    Ok(file)
}

/// Where the version after `root` lies.
fn version_file(genesis: &Path, root: &TrustRoot) -> PathBuf {
    genesis.with_file_name(format!("root-{}.txt", root.version() + 1))
}

#[cfg(test)]
mod tests;
