//! Exports as files, believed only once they are verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quorate_audit::{Export, Origin, Verified};
use quorate_model::{ClusterId, ParticipantId};
use quorate_trust::TrustRoot;

use crate::exit::{Exit, Failure};
use crate::files;

/// The longest export that is read, in bytes: about two million entries.
pub(super) const EXPORT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// The verified log of one node.
#[derive(Debug)]
pub(super) struct NodeLog {
    pub(super) file: PathBuf,
    pub(super) cluster: ClusterId,
    pub(super) node: ParticipantId,
    pub(super) verified: Verified,
}

/// Reads an export and verifies it by the key that the trust root has for this node. Where no node is
/// named, it is the one that the export names: that is believed only as far as its key signed it.
pub(super) fn read(
    file: &Path,
    node: Option<ParticipantId>,
    root: &TrustRoot,
) -> Result<NodeLog, Failure> {
    let bytes = files::read_long(file, EXPORT_BYTES_MAX)?;
    verify(file, &bytes, node, root)
}

/// Reads the exports of several nodes.
pub(super) fn read_all(files: &[PathBuf], root: &TrustRoot) -> Result<Vec<NodeLog>, Failure> {
    let mut logs: BTreeMap<ParticipantId, NodeLog> = BTreeMap::new();
    for file in files {
        let log = read(file, None, root)?;
        if let Some(other) = logs.get(&log.node) {
            let (one, other, node) = (file.display(), other.file.display(), log.node);
            let message = format!("{other} and {one} are both of node {node}: name one of them");
            return Err(Failure::usage(message));
        }
        logs.insert(log.node, log);
    }
    Ok(logs.into_values().collect())
}

fn verify(
    file: &Path,
    bytes: &[u8],
    node: Option<ParticipantId>,
    root: &TrustRoot,
) -> Result<NodeLog, Failure> {
    let refused = |reason: String| {
        let message = format!("{}: {reason}", file.display());
        Failure::new(Exit::Error, message).hint(
            "do not rely on this file: it was cut or changed, or is not the log that was named",
        )
    };
    let cluster = root.cluster();
    let node = match (node, Export::claimed_origin(bytes)) {
        (Some(node), _) => node,
        (None, Some(origin)) if origin.cluster == cluster => origin.node,
        (None, Some(origin)) => {
            return Err(refused(format!("it is of cluster {}, not of {cluster}", origin.cluster)));
        }
        (None, None) => {
            let name = "quorate/CLUSTER/node-ID";
            return Err(refused(format!("it has no checkpoint that begins with {name}")));
        }
    };
    let entry = root.nodes.get(&node).ok_or_else(|| {
        let file = file.display();
        Failure::usage(format!("{file}: the trust root of cluster {cluster} has no node {node}"))
    })?;
    let origin = Origin { cluster, node };
    let verified = Export::verify(bytes, origin, &entry.identity)
        .map_err(|error| refused(error.to_string()))?;
    Ok(NodeLog { file: file.to_owned(), cluster, node, verified })
}
