use rand_core::OsRng;

use super::SinglePoint::Operator;
use super::*;
use crate::SigningKey;

pub(super) fn key() -> PublicKey {
    SigningKey::generate(&mut OsRng).public_key()
}

pub(super) fn node(tls: u8) -> NodeEntry {
    let label = |text: &str| text.parse().unwrap();
    NodeEntry {
        identity: key(),
        tls: Digest::new([tls; 32]),
        operator: label("acme"),
        region: label("eu-1"),
        provider: label("own"),
        recovery: None,
    }
}

fn service() -> ServiceEntry {
    ServiceEntry { key: key(), owners: ["bob".parse().unwrap()].into() }
}

pub(super) fn root() -> TrustRoot {
    let nodes = (1..=3u8).map(|id| (ParticipantId::new(u16::from(id)).unwrap(), node(id)));
    let person = |officer| PersonEntry {
        officer,
        user_verification: UserVerification::NotRequired,
        credentials: [key().into()].into(),
        recovery: None,
    };
    let quorum = |required: usize| Quorum {
        required,
        members: ["alice", "bob"].map(|name| name.parse().unwrap()).into_iter().collect(),
    };
    TrustRoot {
        lineage: None,
        created: Timestamp::from_millis(1_000),
        policy: Digest::new([8; 32]),
        threshold_floor: Threshold::new(2).unwrap(),
        unfreeze_delay_s: 3_600,
        change_delay_s: 86_400,
        nodes: nodes.collect(),
        services: [("payments".parse().unwrap(), service())].into(),
        persons: [
            ("alice".parse().unwrap(), person(true)),
            ("bob".parse().unwrap(), person(false)),
        ]
        .into(),
        quorums: QUORUMS.map(|name| (name.parse().unwrap(), quorum(2))).into(),
    }
}

#[test]
fn a_root_has_one_text_and_one_hash() {
    let mut root = root();
    root.persons.values_mut().next().unwrap().user_verification = UserVerification::Required;
    let again = TrustRoot::parse(&root.render()).unwrap();
    assert_eq!(again, root);
    assert_eq!(again.hash(), root.hash());
}

#[test]
fn a_later_version_knows_its_cluster() {
    let first = root();
    assert_eq!((first.cluster(), first.version()), (first.hash(), 1));
    let lineage = Lineage { cluster: first.hash(), version: 2, previous: [first.hash()].into() };
    let second = TrustRoot { lineage: Some(lineage), ..first.clone() };
    assert_eq!(TrustRoot::parse(&second.render()).unwrap(), second);
    assert_eq!((second.cluster(), second.version()), (first.hash(), 2));
    assert_ne!(second.hash(), first.hash());
}

#[test]
fn any_changed_character_changes_the_hash_or_is_refused() {
    let root = root();
    let text = root.render();
    for index in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[index] ^= 1;
        if let Some(other) = String::from_utf8(bytes).ok().and_then(|t| TrustRoot::parse(&t).ok()) {
            assert_ne!(other.hash(), root.hash(), "byte {index}");
        }
    }
}

#[test]
fn every_rule_of_a_root_is_kept() {
    let change = |f: fn(&mut TrustRoot)| {
        let mut changed = root();
        f(&mut changed);
        TrustRoot::parse(&changed.render()).unwrap_err()
    };
    let shared_key = change(|r| {
        let key = r.services.values().next().unwrap().key;
        r.persons.values_mut().for_each(|p| p.credentials = [key.into()].into());
    });
    assert!(matches!(shared_key, RootError::SharedKey(_)));
    let owned = change(|r| {
        r.services.values_mut().for_each(|s| {
            s.owners.insert("eve".parse().unwrap());
        });
    });
    assert!(matches!(owned, RootError::UnknownOwner(_)));
    let bare = change(|r| r.persons.values_mut().for_each(|p| p.credentials.clear()));
    assert!(matches!(bare, RootError::Credentials(_)));
    let shared_tls = change(|r| r.nodes.values_mut().for_each(|n| n.tls = Digest::new([9; 32])));
    assert!(matches!(shared_tls, RootError::SharedTlsKey(_)));
    assert!(matches!(change(|r| r.nodes.clear()), RootError::Floor(_)));
    let no_officer = change(|r| r.persons.values_mut().for_each(|p| p.officer = false));
    assert_eq!(no_officer, RootError::NoOfficer);
    let patient = change(|r| r.unfreeze_delay_s = DELAY_MAX_S + 1);
    assert_eq!(patient, RootError::Delay("unfreeze-delay-seconds"));
    let patient = change(|r| r.change_delay_s = DELAY_MAX_S + 1);
    assert_eq!(patient, RootError::Delay("change-delay-seconds"));
    let lineage = |version, previous: &[u8]| Lineage {
        cluster: Digest::new([1; 32]),
        version,
        previous: previous.iter().map(|byte| Digest::new([*byte; 32])).collect(),
    };
    for unsound in [lineage(1, &[1]), lineage(2, &[1, 2, 3, 4, 5])] {
        let root = TrustRoot { lineage: Some(unsound), ..root() };
        let refused = TrustRoot::parse(&root.render()).unwrap_err();
        assert_eq!(refused, RootError::Lineage { most: 4 });
    }
    let no_quorum = change(|r| r.quorums.retain(|name, _| name.as_str() != "keys"));
    assert_eq!(no_quorum, RootError::MissingQuorum("keys"));
    let too_many = change(|r| r.quorums.values_mut().for_each(|q| q.required = 3));
    assert!(matches!(too_many, RootError::BadQuorum(_)));
    let none = change(|r| r.quorums.values_mut().for_each(|q| q.required = 0));
    assert!(matches!(none, RootError::BadQuorum(_)));
    let stranger = change(|r| {
        r.quorums.values_mut().for_each(|q| {
            q.members.insert("eve".parse().unwrap());
        });
    });
    assert!(matches!(stranger, RootError::BadQuorum(_)));
}

#[test]
fn text_that_is_not_canonical_is_refused() {
    let text = root().render();
    for bad in [format!("{text}extra: 1\n"), text.replace("required: 2", "required: 02")] {
        assert!(TrustRoot::parse(&bad).is_err());
    }
    assert!(TrustRoot::parse(text.trim_end()).is_err());
    assert!(TrustRoot::parse(&text.replace("quorate-root/1", "quorate-root/2")).is_err());
}

#[test]
fn whoever_could_do_harm_alone_is_named() {
    let mut root = root();
    let [Operator { operator, nodes }] = &root.single_points()[..] else { panic!("{root:?}") };
    assert_eq!((operator.to_string().as_str(), nodes.len()), ("acme", 3));
    for (node, operator) in root.nodes.values_mut().zip(["acme", "bolt", "core"]) {
        node.operator = operator.parse().unwrap();
    }
    assert_eq!(root.single_points(), []);
    for name in QUORUMS {
        let mut root = root.clone();
        root.quorums.get_mut(&name.parse().unwrap()).unwrap().required = 1;
        let words: Vec<_> = root.single_points().iter().map(ToString::to_string).collect();
        assert_eq!(words, [format!("each of alice, bob is quorum {name} alone")]);
    }
    // Two of three nodes sign: two nodes of one operator are one too many.
    root.nodes.values_mut().next().unwrap().operator = "core".parse().unwrap();
    assert!(matches!(&root.single_points()[..], [Operator { nodes, .. }] if nodes.len() == 2));
}

#[test]
fn limits_hold_to_the_last_unit() {
    let with = |change: &dyn Fn(&mut TrustRoot)| {
        let mut changed = root();
        change(&mut changed);
        changed.check()
    };
    assert_eq!(with(&|root| root.change_delay_s = 604_800), Ok(()), "seven days");
    let longer = Err(RootError::Delay("change-delay-seconds"));
    assert_eq!(with(&|root| root.change_delay_s = 604_801), longer);
    let credentials = |count: usize| {
        with(&|root| {
            let keys = (0..count).map(|_| key().into()).collect();
            root.persons.values_mut().next().unwrap().credentials = keys;
        })
    };
    assert_eq!(credentials(CREDENTIALS_MAX), Ok(()));
    assert!(matches!(credentials(CREDENTIALS_MAX + 1), Err(RootError::Credentials(_))));
}

#[test]
fn a_label_is_a_short_word() {
    let parsed = |text: &str| text.parse::<Label>();
    let longest = "x".repeat(64);
    assert_eq!(parsed(&longest).unwrap().to_string(), longest);
    assert_eq!(format!("{:?}", parsed("eu-1").unwrap()), "eu-1");
    for bad in ["", &"x".repeat(65), "two words", "caf\u{e9}", "tab\t"] {
        assert!(parsed(bad).is_err(), "{bad:?}");
    }
}
