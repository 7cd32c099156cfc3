//! `quorate init`: makes the authority, the trust root and the certificates, from join files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use quorate_model::{Digest, ParticipantId, PersonName, QuorumName, Threshold, Timestamp};
use quorate_net::pki::{CertificateAuthority, Role, Validity};
use quorate_policy::{Bundle, BundleError};
use quorate_trust::{NodeEntry, PersonEntry, QUORUMS, Quorum, ServiceEntry, TrustRoot};

use super::address::CoordinatorAddress;
use super::member::{JoinRequest, Member, Standing, file_stem};
use super::welcome::Welcome;
use super::{CA_FILE, Purpose, ROOT_FILE, SetupError};
use crate::files;

const HOUR_MS: u64 = 3_600_000;
const YEAR_MS: u64 = 365 * 24 * HOUR_MS;
const AUTHORITY_YEARS: u64 = 10;
const CERTIFICATE_YEARS: u64 = 5;

/// A quorum as an argument: `keys=2:alice,bob,carol`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuorum {
    name: QuorumName,
    quorum: Quorum,
}

/// Who opens the backups of a node, as an argument: `1=2:alice,bob,carol`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRecovery {
    node: ParticipantId,
    officers: Quorum,
}

/// The text of a policy bundle, which was accepted as a node accepts it.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    text: String,
    hash: Digest,
}

impl Policy {
    pub(crate) fn parse(text: String) -> Result<Self, BundleError> {
        let hash = Bundle::parse(&text)?.hash();
        Ok(Self { text, hash })
    }
}

/// What is decided at the beginning.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// No key may have a lower threshold.
    pub(crate) threshold_floor: Threshold,
    /// How long a freeze holds on after the order that lifts it, in seconds.
    pub(crate) unfreeze_delay_s: u64,
    /// How long what may allow more waits after the order that brings it, in seconds.
    pub(crate) change_delay_s: u64,
    /// The policy bundle that every node begins with.
    pub(crate) policy: Policy,
    /// Quorums of officers; those that must exist and are not here take more than half of the
    /// officers.
    pub(crate) quorums: Vec<NamedQuorum>,
    /// Who opens the backups of nodes.
    pub(crate) recovery: Vec<NodeRecovery>,
    /// What the cluster is for.
    pub(crate) purpose: Purpose,
}

/// A cluster that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) cluster: Digest,
    pub(crate) root: TrustRoot,
    /// The welcome file of each member.
    pub(crate) welcomes: BTreeMap<Role, PathBuf>,
    pub(crate) certificates_until: Timestamp,
}

/// Makes the cluster in `dir`: the authority with its key, the trust root, and a welcome file for
/// every member.
pub(crate) fn init(
    dir: &Path,
    requests: &[JoinRequest],
    rules: Rules,
    now: Timestamp,
) -> Result<Made, SetupError> {
    if dir.join(ROOT_FILE).exists() {
        return Err(SetupError::ClusterExists(dir.to_owned()));
    }
    let coordinators = coordinators(requests)?;
    let (purpose, policy) = (rules.purpose, rules.policy.text.clone());
    let root = trust_root(requests, rules, now)?;
    purpose.check(&root)?;
    let cluster = root.hash();
    let authority = authority(now)?;
    let until = now.plus_millis(CERTIFICATE_YEARS * YEAR_MS);
    let validity = Validity::new(not_before(now), until)?;
    let text = root.render();
    // Everything is made before anything is written.
    let mut files = Vec::new();
    for request in requests {
        let (role, names) = (request.member.role(), server_names(&request.member));
        let certificate = authority.issue(&request.signing_request, &role, &names, validity)?;
        let ca = authority.certificate_pem();
        let mut welcome = Welcome::new(&role, &coordinators, &text, ca, certificate);
        if let Member::Node { .. } = request.member {
            welcome.policy = Some(policy.clone());
        }
        let welcome = welcome.render()?;
        let path = dir.join("welcome").join(format!("{}.txt", file_stem(&role)));
        files.push((role, path, welcome));
    }
    files::make_dir(&dir.join("welcome"))?;
    files::create_secret(&dir.join("ca.key"), &authority.key_pem())?;
    files::create(&dir.join(CA_FILE), authority.certificate_pem())?;
    let mut welcomes = BTreeMap::new();
    for (role, path, welcome) in files {
        files::create(&path, &welcome)?;
        welcomes.insert(role, path);
    }
    // Last: without it, there is no cluster.
    files::create(&dir.join(ROOT_FILE), &text)?;
    Ok(Made { cluster, root, welcomes, certificates_until: until })
}

fn trust_root(
    requests: &[JoinRequest],
    rules: Rules,
    now: Timestamp,
) -> Result<TrustRoot, SetupError> {
    let mut root = TrustRoot {
        lineage: None,
        created: now,
        policy: rules.policy.hash,
        threshold_floor: rules.threshold_floor,
        unfreeze_delay_s: rules.unfreeze_delay_s,
        change_delay_s: rules.change_delay_s,
        nodes: BTreeMap::new(),
        services: BTreeMap::new(),
        persons: BTreeMap::new(),
        quorums: BTreeMap::new(),
    };
    let mut seen = BTreeSet::new();
    for request in requests {
        let role = request.member.role();
        if !seen.insert(role.clone()) {
            return Err(SetupError::Twice(role));
        }
        add(&mut root, request);
    }
    for NamedQuorum { name, quorum } in rules.quorums {
        let text = name.to_string();
        if root.quorums.insert(name, quorum).is_some() {
            return Err(SetupError::QuorumTwice(text));
        }
    }
    for NodeRecovery { node, officers } in rules.recovery {
        let entry = root.nodes.get_mut(&node).ok_or(SetupError::RecoveryOf(node))?;
        if entry.recovery.replace(officers).is_some() {
            return Err(SetupError::RecoveryOf(node));
        }
    }
    let officers = root.persons.iter().filter(|(_, person)| person.officer);
    let members: BTreeSet<_> = officers.map(|(name, _)| name.clone()).collect();
    let majority = Quorum { required: members.len() / 2 + 1, members };
    for name in QUORUMS.into_iter().filter_map(|name| name.parse::<QuorumName>().ok()) {
        root.quorums.entry(name).or_insert_with(|| majority.clone());
    }
    root.check()?;
    Ok(root)
}

fn add(root: &mut TrustRoot, request: &JoinRequest) {
    // Whoever needs a key has one: the join file was refused otherwise.
    let key = request.public_key();
    match (&request.member, key) {
        (Member::Node { id, operator, region, provider }, Some(identity)) => {
            let (operator, region, provider) = (operator.clone(), region.clone(), provider.clone());
            let (tls, recovery) = (request.tls, None);
            let entry = NodeEntry { identity, tls, operator, region, provider, recovery };
            root.nodes.insert(*id, entry);
        }
        (Member::Service { name, owners }, Some(key)) => {
            let owners = owners.iter().cloned().collect();
            root.services.insert(name.clone(), ServiceEntry { key, owners });
        }
        (Member::Person { name, standing }, _) => {
            let Standing { officer, user_verification, recovery } = standing.clone();
            let credentials = request.key.iter().cloned().collect();
            let entry = PersonEntry { officer, user_verification, credentials, recovery };
            root.persons.insert(name.clone(), entry);
        }
        (Member::Coordinator { .. } | Member::Node { .. } | Member::Service { .. }, _) => {}
    }
}

fn coordinators(requests: &[JoinRequest]) -> Result<Vec<CoordinatorAddress>, SetupError> {
    let address = |request: &JoinRequest| match &request.member {
        Member::Coordinator { address, .. } => Some(address.clone()),
        Member::Node { .. } | Member::Service { .. } | Member::Person { .. } => None,
    };
    let all: Vec<_> = requests.iter().filter_map(address).collect();
    if all.is_empty() { Err(SetupError::NoCoordinator) } else { Ok(all) }
}

fn authority(now: Timestamp) -> Result<CertificateAuthority, SetupError> {
    let until = now.plus_millis(AUTHORITY_YEARS * YEAR_MS);
    let validity = Validity::new(not_before(now), until)?;
    Ok(CertificateAuthority::generate("quorate cluster authority", validity)?)
}

/// A machine whose clock is behind must not refuse a new certificate.
const fn not_before(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_sub(HOUR_MS))
}

fn server_names(member: &Member) -> Vec<rustls_pki_types::ServerName<'static>> {
    match member {
        Member::Coordinator { address, .. } => vec![address.server_name().clone()],
        Member::Node { .. } | Member::Service { .. } | Member::Person { .. } => Vec::new(),
    }
}

impl FromStr for NamedQuorum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, quorum) = named(text)?;
        Ok(Self { name: name.parse::<QuorumName>().map_err(|error| error.to_string())?, quorum })
    }
}

impl FromStr for NodeRecovery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, officers) = named(text)?;
        Ok(Self {
            node: node
                .parse()
                .map_err(|error: quorate_model::ParticipantError| format!("{node:?}: {error}"))?,
            officers,
        })
    }
}

/// What stands before the equals sign, and so many of the people after it.
fn named(text: &str) -> Result<(&str, Quorum), String> {
    let expected = || format!("{text:?}: expected NAME=REQUIRED:PERSON,PERSON,…");
    let (name, rest) = text.split_once('=').ok_or_else(expected)?;
    let (required, members) = rest.split_once(':').ok_or_else(expected)?;
    let required = required.parse().map_err(|_| expected())?;
    let members = members.split(',').map(str::parse::<PersonName>).collect::<Result<_, _>>();
    let members = members.map_err(|error| error.to_string())?;
    Ok((name, Quorum { required, members }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::join::join;
    use crate::setup::template::STARTER_POLICY;

    fn now() -> Timestamp {
        crate::clock::now()
    }

    fn rules() -> Rules {
        let threshold_floor = Threshold::new(2).unwrap();
        Rules {
            threshold_floor,
            unfreeze_delay_s: 3_600,
            change_delay_s: 86_400,
            policy: Policy::parse(STARTER_POLICY.to_owned()).unwrap(),
            quorums: Vec::new(),
            recovery: Vec::new(),
            purpose: Purpose::Dev,
        }
    }

    fn member(text: &str) -> Member {
        let label = || "test".parse::<quorate_trust::Label>().unwrap();
        match text.parse::<Role>().unwrap() {
            Role::Node(id) => {
                Member::Node { id, operator: label(), region: label(), provider: label() }
            }
            Role::Coordinator(name) => {
                Member::Coordinator { name, address: "127.0.0.1:7443".parse().unwrap() }
            }
            Role::Service(name) => Member::Service { name, owners: Vec::new() },
            Role::Person(name) => Member::Person { name, standing: Standing::OFFICER },
        }
    }

    fn requests(dir: &Path, roles: &[&str]) -> Vec<JoinRequest> {
        roles
            .iter()
            .enumerate()
            .map(|(at, role)| join(&dir.join(at.to_string()), member(role), None).unwrap())
            .collect()
    }

    const ALL: [&str; 6] = [
        "quorate:node:1",
        "quorate:node:2",
        "quorate:node:3",
        "quorate:coordinator:main",
        "quorate:service:payments",
        "quorate:person:alice",
    ];

    #[test]
    fn a_cluster_names_everybody_who_joined() {
        let dir = tempfile::tempdir().unwrap();
        let requests = requests(dir.path(), &ALL);
        let made = init(&dir.path().join("c"), &requests, rules(), now()).unwrap();
        assert_eq!((made.root.nodes.len(), made.root.services.len()), (3, 1));
        assert_eq!(made.root.quorum("keys").unwrap().required, 1);
        assert_eq!(made.welcomes.len(), 6);
        let text = files::read(&dir.path().join("c/root.txt")).unwrap();
        assert_eq!(TrustRoot::parse(&text).unwrap().hash(), made.cluster);
    }

    #[test]
    fn a_folder_with_a_cluster_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let requests = requests(dir.path(), &ALL);
        let cluster = dir.path().join("c");
        init(&cluster, &requests, rules(), now()).unwrap();
        let again = init(&cluster, &requests, rules(), now());
        assert!(matches!(again, Err(SetupError::ClusterExists(_))));
    }

    #[test]
    fn a_member_joins_once_and_somebody_coordinates() {
        let dir = tempfile::tempdir().unwrap();
        let twice = requests(dir.path(), &[ALL.as_slice(), &["quorate:node:1"]].concat());
        let cluster = dir.path().join("c");
        let error = init(&cluster, &twice, rules(), now()).unwrap_err();
        assert!(matches!(error, SetupError::Twice(_)), "{error}");
        let without: Vec<_> = twice[..3].to_vec();
        let error = init(&cluster, &without, rules(), now()).unwrap_err();
        assert!(matches!(error, SetupError::NoCoordinator), "{error}");
        assert!(!cluster.exists(), "nothing is written before everything is made");
    }

    #[test]
    fn a_floor_that_the_nodes_cannot_reach_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let requests = requests(dir.path(), &ALL);
        let rules = Rules { threshold_floor: Threshold::new(4).unwrap(), ..rules() };
        let error = init(&dir.path().join("c"), &requests, rules, now()).unwrap_err();
        assert!(matches!(error, SetupError::Root(_)), "{error}");
    }

    #[test]
    fn quorums_are_read_and_used_once() {
        let quorum: NamedQuorum = "keys=2:alice,bob".parse().unwrap();
        assert_eq!((quorum.quorum.required, quorum.quorum.members.len()), (2, 2));
        for text in ["keys", "keys=2", "keys=x:alice", "keys=1:Alice", "=1:alice", "keys=1:"] {
            assert!(text.parse::<NamedQuorum>().is_err(), "{text}");
        }
        let dir = tempfile::tempdir().unwrap();
        let requests = requests(dir.path(), &ALL);
        let keys: NamedQuorum = "keys=1:alice".parse().unwrap();
        let rules = Rules { quorums: vec![keys.clone(), keys], ..rules() };
        let error = init(&dir.path().join("c"), &requests, rules, now()).unwrap_err();
        assert!(matches!(error, SetupError::QuorumTwice(_)), "{error}");
    }

    #[test]
    fn recovery_officers_are_named_once_for_nodes_that_join() {
        let officers: NodeRecovery = "1=2:alice,bob".parse().unwrap();
        assert_eq!((officers.node.get(), officers.officers.required), (1, 2));
        for text in ["1", "0=2:alice,bob", "x=2:alice,bob", "1=alice,bob"] {
            assert!(text.parse::<NodeRecovery>().is_err(), "{text}");
        }
        let dir = tempfile::tempdir().unwrap();
        let requests = requests(dir.path(), &ALL);
        let refused = |recovery: &[&str]| {
            let recovery = recovery.iter().map(|text| text.parse().unwrap()).collect();
            init(&dir.path().join("c"), &requests, Rules { recovery, ..rules() }, now())
                .unwrap_err()
        };
        let error = refused(&["4=2:alice,bob"]);
        assert!(matches!(error, SetupError::RecoveryOf(_)), "{error}");
        let error = refused(&["1=2:alice,bob", "1=2:alice,bob"]);
        assert!(matches!(error, SetupError::RecoveryOf(_)), "{error}");
        // Alice brought no recipient.
        let error = refused(&["1=2:alice,bob"]);
        assert!(matches!(error, SetupError::Root(_)), "{error}");
    }
}
