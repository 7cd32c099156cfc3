//! What the trust root lets somebody do alone, and what nodes have in common.

use quorate_model::{ParticipantSet, Threshold};
use quorate_trust::{Quorum, TrustRoot};

use super::{Finding, Level};

pub(super) fn look(root: &TrustRoot) -> Vec<Finding> {
    let mut findings: Vec<_> = root
        .single_points()
        .iter()
        .map(|point| {
            let fix = "a cluster for funds has no such point: change the trust root";
            Finding::bad(Level::Fail, "trust root", point.to_string(), fix)
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok("trust root", "nobody decides or signs alone"));
    }
    findings.extend(root.quorums.iter().filter(|(_, quorum)| has_no_slack(quorum)).map(
        |(name, quorum)| {
            let found = format!("quorum {name} takes all of its {} members", quorum.required);
            let fix = "one who is ill or lost stops it: add a member";
            Finding::bad(Level::Warn, "people", found, fix)
        },
    ));
    if let Ok(all) = ParticipantSet::new(root.nodes.keys().copied()) {
        findings.extend(shared("nodes", root.threshold_floor, &all, root));
    }
    findings
}

fn has_no_slack(quorum: &Quorum) -> bool {
    quorum.required == quorum.members.len()
}

/// What holders have in common: of one cause that could sign or stop signing, there is none to be.
pub(super) fn shared(
    what: &str,
    threshold: Threshold,
    roster: &ParticipantSet,
    root: &TrustRoot,
) -> Vec<Finding> {
    let shared = root.shared(roster);
    if shared.is_empty() {
        return vec![Finding::ok(what, "share no operator, provider or region")];
    }
    let finding = |shared: &quorate_trust::Shared| {
        if shared.could_sign(threshold) {
            let found = format!("{shared}, as many as sign");
            let fix = "whoever has that in hand has the keys: give nodes to others, and reshare";
            Finding::bad(Level::Fail, what, found, fix)
        } else if shared.could_stop(threshold, roster) {
            let found = format!("{shared}: without it nothing is signed");
            Finding::bad(Level::Warn, what, found, "move one of them elsewhere")
        } else {
            let fix = "fewer than it takes to sign or to stop: know that it is so";
            Finding::bad(Level::Warn, what, shared.to_string(), fix)
        }
    };
    shared.iter().map(finding).collect()
}
