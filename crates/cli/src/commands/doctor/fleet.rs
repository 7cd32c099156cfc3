//! How the nodes are.

use std::collections::BTreeSet;

use quorate_api::pb::custody::v1::{Cluster, Node};
use quorate_model::Heads;
use quorate_trust::TrustRoot;

use super::{Finding, Level};

pub(super) fn look(cluster: &Cluster, root: &TrustRoot) -> Vec<Finding> {
    let mut findings: Vec<_> = cluster.nodes.iter().flat_map(node).collect();
    let heads: Vec<_> = cluster.nodes.iter().filter_map(heads).collect();
    let roots: BTreeSet<_> = heads.iter().map(|heads| heads.root).collect();
    let bundles: BTreeSet<_> = heads.iter().map(|heads| heads.bundle).collect();
    for (what, differ) in [("trust roots", roots.len() > 1), ("policies", bundles.len() > 1)] {
        if differ {
            let found = format!("nodes hold different {what}: they do not sign together");
            let fix = "quorate order show tells which node lacks which order";
            findings.push(Finding::bad(Level::Fail, "fleet", found, fix));
        }
    }
    let ready = cluster.nodes.iter().filter(|node| is_ready(node)).count();
    let floor = root.threshold_floor.as_usize();
    let spare = ready.checked_sub(floor);
    findings.push(match spare {
        None => {
            let found = format!("{ready} nodes are ready, {floor} sign");
            Finding::bad(Level::Fail, "fleet", found, "start or mend the others")
        }
        Some(0) => {
            let found = format!("{ready} nodes are ready, as many as sign: none may be lost");
            Finding::bad(Level::Warn, "fleet", found, "start or mend the others")
        }
        Some(spare) => {
            Finding::ok("fleet", format!("{ready} nodes are ready, {spare} more than sign"))
        }
    });
    findings
}

pub(super) fn is_ready(node: &Node) -> bool {
    node.attached && node.status.as_ref().is_some_and(|status| status.ready)
}

fn heads(node: &Node) -> Option<Heads> {
    let heads = node.status.as_ref().filter(|_| node.attached)?.heads.clone()?;
    Heads::try_from(heads).ok()
}

fn node(node: &Node) -> Vec<Finding> {
    let what = format!("node {}", node.id);
    if !node.attached {
        let fix = "start it; quorate node status on its machine tells whether it is sealed";
        return vec![Finding::bad(Level::Warn, &what, "is not attached", fix)];
    }
    let Some(status) = &node.status else {
        let fix = "look again in a moment";
        return vec![Finding::bad(Level::Warn, &what, "has said nothing yet", fix)];
    };
    let reasons = status.reasons.iter().map(|reason| {
        Finding::bad(Level::Warn, &what, reason.clone(), "mend that; other nodes sign meanwhile")
    });
    let stops = status.stops.iter().map(|stop| {
        Finding::bad(Level::Warn, &what, stop.clone(), "lift it when its cause is gone")
    });
    let mut findings: Vec<_> = reasons.chain(stops).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(&what, format!("is ready, version {}", status.version)));
    }
    findings
}
