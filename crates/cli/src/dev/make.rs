//! Makes a cluster in one folder: what its members would do on many machines.

use std::path::{Path, PathBuf};

use quorate_model::{ParticipantId, Threshold};
use quorate_trust::TrustRoot;

use super::sample;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::setup::accept::{Accepted, accept, configure};
use crate::setup::address::CoordinatorAddress;
use crate::setup::init::{Rules, init};
use crate::setup::join::{self, join};
use crate::setup::member::Member;
use crate::setup::{JOIN_FILE, POLICY_FILE};

/// The folder of the authority and the trust root.
pub(super) const AUTHORITY: &str = "authority";
/// The folder of the coordinator.
pub(super) const COORDINATOR: &str = "coordinator";
/// The one service.
pub(super) const SERVICE: &str = "payments";
/// The officers; two of them make a quorum.
pub(super) const OFFICERS: [&str; 3] = ["alice", "bob", "carol"];

/// Makes a cluster. Where this is interrupted, the folder is no cluster, and is not taken for one.
pub(super) fn make(dir: &Path, nodes: u16, threshold: Threshold) -> Result<(), Failure> {
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} is not empty, and holds no cluster", dir.display());
        return Err(Failure::new(Exit::Error, message).hint("name another folder, or remove it"));
    }
    let mut requests = Vec::new();
    for (folder, member) in members(nodes)? {
        requests.push((folder.clone(), join(&dir.join(&folder), member)?));
    }
    let quorum = format!("=2:{}", OFFICERS.join(","));
    let quorums = ["keys", "root"].map(|name| format!("{name}{quorum}").parse());
    let quorums = quorums.into_iter().collect::<Result<_, _>>().map_err(Failure::usage)?;
    let rules = Rules { threshold_floor: threshold, quorums };
    let all: Vec<_> = requests.iter().map(|(_, request)| request.clone()).collect();
    let unfinished = dir.join("unfinished");
    let made = init(&unfinished, &all, rules, clock::now())?;
    for (folder, request) in requests {
        let dir = dir.join(folder);
        if let Member::Node { .. } = request.member {
            files::create(&dir.join(POLICY_FILE), sample::POLICY)?;
        }
        let welcome = made.welcomes.get(&request.member.role());
        let welcome = files::read(welcome.map_or(Path::new(""), PathBuf::as_path))?;
        let accepted = accept(&dir, &welcome, made.cluster)?;
        configure(&dir, &accepted, &sample::NETWORKS)?;
    }
    // Last: without it, there is no cluster to take up.
    std::fs::rename(unfinished, dir.join(AUTHORITY))?;
    Ok(())
}

/// Everybody, by folder.
fn members(nodes: u16) -> Result<Vec<(String, Member)>, Failure> {
    let address = "127.0.0.1:0".parse()?;
    let coordinator = Member::Coordinator { name: "main".parse()?, address };
    let mut members = vec![(COORDINATOR.to_owned(), coordinator)];
    for number in 1..=nodes {
        let id = ParticipantId::new(number)?;
        let (operator, region, provider) = ("dev".parse()?, "local".parse()?, "local".parse()?);
        members.push((node_folder(id), Member::Node { id, operator, region, provider }));
    }
    members.push((SERVICE.to_owned(), Member::Service { name: SERVICE.parse()? }));
    for name in OFFICERS {
        members.push((name.to_owned(), Member::Officer { name: name.parse()? }));
    }
    Ok(members)
}

/// Writes the address that the coordinator took into everybody's configuration.
pub(super) fn reconfigure(
    dir: &Path,
    root: &TrustRoot,
    address: &CoordinatorAddress,
) -> Result<(), Failure> {
    let nodes = root.nodes.keys().map(|id| node_folder(*id));
    let others = [COORDINATOR, SERVICE].into_iter().chain(OFFICERS).map(str::to_owned);
    // The coordinator comes last: a port that is not in its file is not everybody's yet.
    for folder in nodes.chain(others.rev()) {
        let dir = dir.join(folder);
        let mut member = join::read(&dir.join(JOIN_FILE))?.member;
        if let Member::Coordinator { address: own, .. } = &mut member {
            *own = address.clone();
        }
        let coordinators = vec![address.clone()];
        let accepted = Accepted { member, cluster: root.hash(), coordinators };
        configure(&dir, &accepted, &sample::NETWORKS)?;
    }
    Ok(())
}

/// The folder of a node.
pub(super) fn node_folder(id: ParticipantId) -> String {
    format!("node-{id}")
}
