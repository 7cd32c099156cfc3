use std::fs;

use quorate_model::{Threshold, Timestamp};
use quorate_net::pki::{CertificateAuthority, Role, Validity};

use super::*;
use crate::setup::init::{Made, Policy, Rules, init};
use crate::setup::member::Standing;

/// A cluster of three nodes in one folder: `1` to `3`, `main`, `payments`, `alice`.
struct Fixture {
    dir: tempfile::TempDir,
    made: Made,
}

fn member(name: &str) -> Member {
    let label = || "test".parse::<quorate_trust::Label>().unwrap();
    match name {
        "main" => Member::Coordinator {
            name: name.parse().unwrap(),
            address: "127.0.0.1:7443".parse().unwrap(),
        },
        "payments" => Member::Service { name: name.parse().unwrap(), owners: Vec::new() },
        "alice" => Member::Person { name: name.parse().unwrap(), standing: Standing::OFFICER },
        id => Member::Node {
            id: id.parse().unwrap(),
            operator: label(),
            region: label(),
            provider: label(),
        },
    }
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let requests = ["1", "2", "3", "main", "payments", "alice"]
            .map(|name| join::join(&dir.path().join(name), member(name), None).unwrap());
        let threshold_floor = Threshold::new(2).unwrap();
        let rules = Rules {
            threshold_floor,
            unfreeze_delay_s: 0,
            change_delay_s: 0,
            policy: Policy::parse(template::STARTER_POLICY.to_owned()).unwrap(),
            quorums: Vec::new(),
            recovery: Vec::new(),
            purpose: Purpose::Dev,
        };
        let now = crate::clock::now();
        let made = init(&dir.path().join("cluster"), &requests, rules, now).unwrap();
        Self { dir, made }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn welcome(&self, name: &str) -> Welcome {
        let path = &self.made.welcomes[&member(name).role()];
        Welcome::parse(&files::read(path).unwrap()).unwrap()
    }

    fn accept(&self, name: &str, welcome: &Welcome) -> Result<Accepted, SetupError> {
        accept(&self.path(name), &welcome.render().unwrap(), self.made.cluster, Purpose::Dev)
    }
}

#[test]
fn every_member_accepts_its_welcome() {
    let fixture = Fixture::new();
    for name in ["1", "2", "3", "main", "payments", "alice"] {
        let accepted = fixture.accept(name, &fixture.welcome(name)).unwrap();
        let config = configure(&fixture.path(name), &accepted, &[]).unwrap();
        assert!(config.exists(), "{name}");
        // A second time changes nothing.
        fixture.accept(name, &fixture.welcome(name)).unwrap();
    }
    assert!(fixture.path("1/policy.toml").exists() && fixture.path("main/passphrase").exists());
    assert!(!fixture.path("payments/passphrase").exists());
}

#[test]
fn a_root_that_is_not_the_pinned_one_is_refused() {
    let fixture = Fixture::new();
    let welcome = fixture.welcome("1").render().unwrap();
    let error =
        accept(&fixture.path("1"), &welcome, Digest::new([9; 32]), Purpose::Dev).unwrap_err();
    assert!(matches!(error, SetupError::OtherRoot { .. }), "{error}");
    assert!(!fixture.path("1/root.txt").exists());
}

#[test]
fn a_changed_root_is_refused() {
    let fixture = Fixture::new();
    let mut welcome = fixture.welcome("1");
    welcome.root = welcome.root.replace("threshold-floor: 2", "threshold-floor: 3");
    let error = fixture.accept("1", &welcome).unwrap_err();
    assert!(matches!(error, SetupError::OtherRoot { .. }), "{error}");
}

#[test]
fn a_folder_does_not_change_its_cluster() {
    let (one, other) = (Fixture::new(), Fixture::new());
    one.accept("1", &one.welcome("1")).unwrap();
    let welcome = other.welcome("1").render().unwrap();
    let error = accept(&one.path("1"), &welcome, other.made.cluster, Purpose::Dev).unwrap_err();
    assert!(matches!(error, SetupError::RootChanged { .. }), "{error}");
}

#[test]
fn the_welcome_of_another_member_is_refused() {
    let fixture = Fixture::new();
    let error = fixture.accept("1", &fixture.welcome("2")).unwrap_err();
    assert!(matches!(error, SetupError::OtherRole { .. }), "{error}");
}

#[test]
fn a_root_that_names_other_keys_is_refused() {
    let (one, other) = (Fixture::new(), Fixture::new());
    for name in ["1", "payments", "alice"] {
        let welcome = other.welcome(name).render().unwrap();
        let error =
            accept(&one.path(name), &welcome, other.made.cluster, Purpose::Dev).unwrap_err();
        assert!(matches!(error, SetupError::NotOurKey { .. }), "{name}: {error}");
    }
    // The identity key is right and the TLS key is not.
    let tls_key = files::read_secret(&other.path("1/tls.key")).unwrap();
    fs::remove_file(one.path("1/tls.key")).unwrap();
    files::create_secret(&one.path("1/tls.key"), &tls_key).unwrap();
    let error = one.accept("1", &one.welcome("1")).unwrap_err();
    assert!(matches!(error, SetupError::NotOurKey { what: "TLS key", .. }), "{error}");
}

#[test]
fn a_foreign_certificate_is_refused() {
    let fixture = Fixture::new();
    let foreign = |name: &str, role: &str| {
        let validity =
            Validity::new(Timestamp::ZERO, Timestamp::from_millis(4_000_000_000_000)).unwrap();
        let ca = CertificateAuthority::generate("foreign", validity).unwrap();
        let request = join::read(&fixture.path(name).join(JOIN_FILE)).unwrap();
        let role: Role = role.parse().unwrap();
        let names = ["127.0.0.1".try_into().unwrap()];
        ca.issue(&request.signing_request, &role, &names, validity).unwrap()
    };
    for (name, role) in [("1", "quorate:node:1"), ("main", "quorate:coordinator:main")] {
        // For the right role and key, but under another authority.
        let mut welcome = fixture.welcome(name);
        welcome.certificate = foreign(name, role);
        let error = fixture.accept(name, &welcome).unwrap_err();
        assert!(matches!(error, SetupError::Chain(_)), "{name}: {error}");
    }
    // Under the right authority and for another role.
    let mut welcome = fixture.welcome("1");
    welcome.certificate = fixture.welcome("2").certificate;
    let error = fixture.accept("1", &welcome).unwrap_err();
    assert!(matches!(error, SetupError::CertificateRole { .. }), "{error}");
}

#[test]
fn the_certificate_of_another_key_is_refused() {
    let fixture = Fixture::new();
    // A coordinator's keys are not in the root, so only its certificate can tell.
    let key = TlsKey::generate().unwrap();
    fs::remove_file(fixture.path("main/tls.key")).unwrap();
    files::create_secret(&fixture.path("main/tls.key"), &key.to_pem()).unwrap();
    let error = fixture.accept("main", &fixture.welcome("main")).unwrap_err();
    assert!(matches!(error, SetupError::CertificateKey), "{error}");
}

#[test]
fn a_passphrase_that_exists_is_kept() {
    let fixture = Fixture::new();
    files::create_secret(&fixture.path("1/passphrase"), "mine").unwrap();
    fixture.accept("1", &fixture.welcome("1")).unwrap();
    assert_eq!(*files::read_secret(&fixture.path("1/passphrase")).unwrap(), "mine");
}

#[test]
fn a_node_gets_the_policy_that_the_root_pins_and_no_other() {
    let fixture = Fixture::new();
    let mut welcome = fixture.welcome("1");
    let text = welcome.policy.clone().unwrap();
    assert!(fixture.welcome("alice").policy.is_none());
    welcome.policy = Some(format!("{text}# looks the same\n"));
    let error = fixture.accept("1", &welcome).unwrap_err();
    assert!(matches!(error, SetupError::OtherPolicy { .. }), "{error}");
    welcome.policy = None;
    let error = fixture.accept("1", &welcome).unwrap_err();
    assert!(matches!(error, SetupError::Policy(_)), "{error}");
    assert!(!fixture.path("1/policy.toml").exists());
    fs::write(fixture.path("1/policy.toml"), "mine").unwrap();
    fixture.accept("1", &fixture.welcome("1")).unwrap();
    assert_eq!(files::read(&fixture.path("1/policy.toml")).unwrap(), text);
}

#[test]
fn a_root_that_encrypts_a_persons_pieces_to_somebody_else_is_refused() {
    let fixture = Fixture::new();
    let path = fixture.path("alice").join(JOIN_FILE);
    let recipient = quorate_trust::Recipient::from_bytes([2; 32]).unwrap();
    let text = files::read(&path).unwrap();
    let own =
        text.replacen("officer = true", &format!("officer = true\nrecovery = \"{recipient}\""), 1);
    assert_ne!(own, text);
    files::replace(&path, own.as_bytes()).unwrap();
    let error = fixture.accept("alice", &fixture.welcome("alice")).unwrap_err();
    let refused = matches!(error, SetupError::NotOurKey { what: "recovery recipient", .. });
    assert!(refused, "{error}");
}
