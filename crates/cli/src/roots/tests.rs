use std::fs;

use quorate_trust::Lineage;

use super::*;
use crate::dev::Cluster;
use crate::profile::Profile;
use crate::setup::join::read_key;

/// A folder with the profile of a service, and the officers' keys.
struct Folder {
    dir: tempfile::TempDir,
    profile: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let threshold = quorate_model::Threshold::new(2).unwrap();
        let (cluster, _) = Cluster::open(PathBuf::new(), dir.path(), 3, threshold).unwrap();
        let profile = cluster.profile_dir();
        Self { dir, profile }
    }

    fn load(&self) -> Result<Profile, Failure> {
        Profile::load(Some(&self.profile))
    }

    /// The next version, which removes an officer, signed by these.
    fn next(&self, root: &TrustRoot, by: &[&str]) -> SignedOrder {
        let mut next = root.next_version();
        next.persons.retain(|name, _| name.as_str() != "carol");
        for quorum in next.quorums.values_mut() {
            quorum.members.retain(|name| name.as_str() != "carol");
        }
        let file = self.dir.path().join(format!("next-{}.txt", by.join("-")));
        fs::write(&file, next.render()).unwrap();
        let Lineage { version, previous, .. } = next.lineage.clone().unwrap();
        let named = quorate_trust::Successor { version, hash: next.hash(), previous };
        for person in by {
            let key = read_key(&self.dir.path().join(person).join("person.pem")).unwrap();
            let action = OrderAction::UpdateRoot(named.clone());
            let day = std::time::Duration::from_secs(86_400);
            document::sign(&file, action, &key, day, root).unwrap();
        }
        let order = document::order_file(&file);
        let text = fs::read_to_string(&order).unwrap();
        let namespace = quorate_trust::Namespace::Order;
        let signatures = signature::beside(&order, &text, namespace, root).unwrap();
        SignedOrder { text, signatures, document: Some(next.render()) }
    }
}

#[test]
fn versions_are_verified_under_the_one_before_each_time() {
    let folder = Folder::new();
    let profile = folder.load().unwrap();
    let order = folder.next(&profile.root, &["alice", "bob"]);
    let file = keep(&profile.genesis, &order, &profile.root).unwrap();
    let updated = folder.load().unwrap();
    assert_eq!((updated.root.version(), updated.root.persons.len()), (2, 2));
    assert_eq!(updated.root.cluster(), profile.cluster);
    // Whoever changes the file changes nothing that is trusted.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("threshold-floor: 2", "threshold-floor: 3")).unwrap();
    let refused = folder.load().unwrap_err();
    assert!(refused.to_string().contains("is no version of the trust root"), "{refused}");
}

#[test]
fn a_version_that_too_few_signed_is_not_kept() {
    let folder = Folder::new();
    let profile = folder.load().unwrap();
    let order = folder.next(&profile.root, &["alice"]);
    assert!(keep(&profile.genesis, &order, &profile.root).is_err());
    assert_eq!(folder.load().unwrap().root.version(), 1);
}
