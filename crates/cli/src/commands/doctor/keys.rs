//! How each key is.

use std::collections::BTreeSet;

use quorate_api::pb::custody::v1::Cluster;
use quorate_model::KeyState;
use quorate_trust::TrustRoot;

use super::fleet::is_ready;
use super::root::shared;
use super::{Finding, Level};
use crate::verified_key::VerifiedKey;

pub(super) fn look(key: &VerifiedKey, cluster: &Cluster, root: &TrustRoot) -> Vec<Finding> {
    let certified = key.certified();
    let what = format!("key {}", certified.key);
    let state = key.state();
    match state {
        KeyState::Destroyed => return vec![Finding::ok(&what, "is destroyed")],
        KeyState::Compromised => {
            let fix = "sweep it to its safe place, then destroy it";
            return vec![Finding::bad(Level::Warn, &what, "is compromised", fix)];
        }
        KeyState::PreActivation
        | KeyState::Active
        | KeyState::Suspended
        | KeyState::Deactivated => {}
    }
    let ready: BTreeSet<_> =
        cluster.nodes.iter().filter(|node| is_ready(node)).map(|node| node.id).collect();
    let holders = certified.roster.iter().filter(|id| ready.contains(&u32::from(id.get()))).count();
    let threshold = certified.threshold.as_usize();
    let mut findings = vec![match holders.checked_sub(threshold) {
        None => {
            let found = format!("{holders} of its holders are ready, {threshold} sign");
            Finding::bad(Level::Fail, &what, found, "start or mend the others")
        }
        Some(0) => {
            let found =
                format!("is {state}; as many of its holders are ready as sign: none may be lost");
            Finding::bad(Level::Warn, &what, found, "start the others, or reshare to more nodes")
        }
        Some(_) => Finding::ok(&what, format!("is {state}, epoch {}", certified.epoch)),
    }];
    let alike = shared(&what, certified.threshold, &certified.roster, root);
    // What all nodes share was said once.
    let has_all = certified.roster.len() == root.nodes.len();
    findings.extend(alike.into_iter().filter(|finding| finding.level > Level::Ok && !has_all));
    findings
}
