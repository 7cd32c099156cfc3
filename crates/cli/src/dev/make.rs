//! Makes a cluster in one folder: what its members would do on many machines.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};

use quorate_model::{ParticipantId, Threshold};
use quorate_trust::QUORUMS;

use rand_core::{OsRng, RngCore as _};

use super::sample;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::setup::Purpose;
use crate::setup::accept::{accept, configure};
use crate::setup::init::{Policy, Rules, init};
use crate::setup::join::join;
use crate::setup::member::{Member, Standing};

/// The folder of the authority and the trust root.
pub(super) const AUTHORITY: &str = "authority";
/// The folder of the coordinator.
pub(super) const COORDINATOR: &str = "coordinator";
/// The one service.
pub(super) const SERVICE: &str = "payments";
/// The officers; two of them make a quorum.
pub(super) const OFFICERS: [&str; 3] = ["alice", "bob", "carol"];

/// Short, to try it out.
const UNFREEZE_DELAY_S: u64 = 3;
const CHANGE_DELAY_S: u64 = 3;
/// Where the coordinator's port is looked for.
const PORTS: Range<u16> = 20_000..32_000;
const PORT_TRIES: usize = 64;

/// Makes a cluster. Where this is interrupted, the folder is no cluster, and is not taken for one.
pub(super) fn make(dir: &Path, nodes: u16, threshold: Threshold) -> Result<(), Failure> {
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} is not empty, and holds no cluster", dir.display());
        return Err(Failure::new(Exit::Error, message).hint("name another folder, or remove it"));
    }
    let mut requests = Vec::new();
    for (folder, member) in members(nodes)? {
        requests.push((folder.clone(), join(&dir.join(&folder), member, None)?));
    }
    let quorum = format!("=2:{}", OFFICERS.join(","));
    let quorums = QUORUMS.map(|name| format!("{name}{quorum}").parse());
    let quorums = quorums.into_iter().collect::<Result<_, _>>().map_err(Failure::usage)?;
    let rules = Rules {
        threshold_floor: threshold,
        unfreeze_delay_s: UNFREEZE_DELAY_S,
        change_delay_s: CHANGE_DELAY_S,
        policy: Policy::parse(sample::POLICY.to_owned())
            .map_err(|error| Failure::usage(error.to_string()))?,
        quorums,
        recovery: Vec::new(),
        purpose: Purpose::Dev,
    };
    let all: Vec<_> = requests.iter().map(|(_, request)| request.clone()).collect();
    let unfinished = dir.join("unfinished");
    let made = init(&unfinished, &all, rules, clock::now())?;
    for (folder, request) in requests {
        let dir = dir.join(folder);
        let welcome = made.welcomes.get(&request.member.role());
        let welcome = files::read(welcome.map_or(Path::new(""), PathBuf::as_path))?;
        let accepted = accept(&dir, &welcome, made.cluster, Purpose::Dev)?;
        configure(&dir, &accepted, &sample::NETWORKS)?;
    }
    // Last: without it, there is no cluster to take up.
    std::fs::rename(unfinished, dir.join(AUTHORITY))?;
    Ok(())
}

/// Everybody, by folder.
fn members(nodes: u16) -> Result<Vec<(String, Member)>, Failure> {
    let address = format!("127.0.0.1:{}", free_port()?).parse()?;
    let coordinator = Member::Coordinator { name: "main".parse()?, address };
    let mut members = vec![(COORDINATOR.to_owned(), coordinator)];
    for number in 1..=nodes {
        let id = ParticipantId::new(number)?;
        let (operator, region, provider) = ("dev".parse()?, "local".parse()?, "local".parse()?);
        members.push((node_folder(id), Member::Node { id, operator, region, provider }));
    }
    members
        .push((SERVICE.to_owned(), Member::Service { name: SERVICE.parse()?, owners: Vec::new() }));
    for name in OFFICERS {
        members.push((
            name.to_owned(),
            Member::Person { name: name.parse()?, standing: Standing::OFFICER },
        ));
    }
    Ok(members)
}

/// A free port for the coordinator to keep. None of those that systems hand to outgoing connections
/// (from 32 768 up): any of these may be taken while the coordinator is down.
fn free_port() -> Result<u16, Failure> {
    let span = u32::from(PORTS.end - PORTS.start);
    let ports = (0..PORT_TRIES).filter_map(|_| u16::try_from(OsRng.next_u32() % span).ok());
    let mut ports = ports.map(|offset| PORTS.start + offset);
    let free = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.ok_or_else(|| Failure::new(Exit::Error, "found no free port on 127.0.0.1"))
}

/// The folder of a node.
pub(super) fn node_folder(id: ParticipantId) -> String {
    format!("node-{id}")
}
