use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use quorate_model::Digest;

use super::super::tests::{key, node, root};
use super::*;
use crate::{Lineage, Quorum};

/// A root without single points, and the version after it with one thing changed.
fn amended(change: impl FnOnce(&mut TrustRoot)) -> Result<Amendment, AmendmentError> {
    let old = base();
    let mut new = next(&old);
    change(&mut new);
    new.check().unwrap();
    Amendment::between(&old, &new)
}

fn base() -> TrustRoot {
    let mut root = root();
    for (node, operator) in root.nodes.values_mut().zip(["acme", "bolt", "core"]) {
        node.operator = operator.parse().unwrap();
    }
    let carol = root.persons.values().next().unwrap().clone();
    let carol = PersonEntry { credentials: [key().into()].into(), ..carol };
    root.persons.insert("carol".parse().unwrap(), carol);
    let spare = Quorum { required: 2, members: names(&["alice", "bob", "carol"]) };
    root.quorums.insert("spare".parse().unwrap(), spare);
    root.check().unwrap();
    root
}

fn next(old: &TrustRoot) -> TrustRoot {
    let lineage = Lineage { cluster: old.hash(), version: 2, previous: [old.hash()].into() };
    TrustRoot { lineage: Some(lineage), ..old.clone() }
}

fn names(names: &[&str]) -> BTreeSet<quorate_model::PersonName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn name<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn at<'a, K: FromStr<Err: std::fmt::Debug> + Ord, V>(
    map: &'a mut BTreeMap<K, V>,
    key: &str,
) -> &'a mut V {
    map.get_mut(&name(key)).unwrap()
}

fn tightens(change: impl FnOnce(&mut TrustRoot)) {
    assert_eq!(amended(change), Ok(Amendment::Tightening));
}

fn loosens(why: &str, change: impl FnOnce(&mut TrustRoot)) {
    let why = vec![why.to_owned()];
    assert_eq!(amended(change), Ok(Amendment::Loosening { why }));
}

#[test]
fn whoever_is_removed_is_gone_at_once() {
    tightens(|_| {});
    tightens(|root| {
        root.persons.remove(&name("carol"));
        at(&mut root.quorums, "spare").members = names(&["alice", "bob"]);
    });
    tightens(|root| root.services.clear());
    tightens(|root| at(&mut root.quorums, "spare").required = 3);
    tightens(|root| root.threshold_floor = quorate_model::Threshold::new(3).unwrap());
    tightens(|root| (root.unfreeze_delay_s, root.change_delay_s) = (3_601, 86_401));
    tightens(|root| {
        at(&mut root.persons, "alice").user_verification = UserVerification::Required;
    });
    tightens(|root| {
        at(&mut root.services, "payments").owners = names(&["alice", "bob"]);
    });
}

#[test]
fn whatever_lets_somebody_do_more_waits() {
    loosens("a freeze ends sooner after it is lifted", |root| root.unfreeze_delay_s -= 1);
    loosens("what may allow more begins sooner", |root| root.change_delay_s -= 1);
    loosens("person dan is new", |root| {
        let dan = at(&mut root.persons, "carol").clone();
        let dan = PersonEntry { credentials: [key().into()].into(), ..dan };
        root.persons.insert("dan".parse().unwrap(), dan);
    });
    loosens("person alice has a new credential", |root| {
        at(&mut root.persons, "alice").credentials.insert(key().into());
    });
    loosens("person bob has another role", |root| {
        at(&mut root.persons, "bob").officer = true;
    });
    loosens("service payments has another key", |root| {
        at(&mut root.services, "payments").key = key();
    });
    loosens("service payments has fewer owners", |root| {
        at(&mut root.services, "payments").owners.clear();
    });
    loosens("service refunds is new", |root| {
        let service = ServiceEntry { key: key(), owners: BTreeSet::new() };
        root.services.insert("refunds".parse().unwrap(), service);
    });
    loosens("node 1 has changed", |root| {
        root.nodes.values_mut().next().unwrap().tls = Digest::new([77; 32]);
    });
    loosens("quorum keys has new members", |root| {
        at(&mut root.quorums, "keys").members.insert("carol".parse().unwrap());
    });
    loosens("quorum spare is gone", |root| {
        root.quorums.remove(&name("spare"));
    });
    loosens("quorum more is new", |root| {
        let more = at(&mut root.quorums, "spare").clone();
        root.quorums.insert("more".parse().unwrap(), more);
    });
}

#[test]
fn a_lower_number_waits() {
    let old = TrustRoot { threshold_floor: quorate_model::Threshold::new(3).unwrap(), ..base() };
    let new =
        TrustRoot { threshold_floor: quorate_model::Threshold::new(2).unwrap(), ..next(&old) };
    let why = vec!["the threshold floor is lower".to_owned()];
    assert_eq!(Amendment::between(&old, &new), Ok(Amendment::Loosening { why }));
    let mut old = base();
    at(&mut old.quorums, "spare").required = 3;
    let mut new = next(&old);
    at(&mut new.quorums, "spare").required = 2;
    let why = vec!["quorum spare takes fewer".to_owned()];
    assert_eq!(Amendment::between(&old, &new), Ok(Amendment::Loosening { why }));
    let mut old = base();
    at(&mut old.persons, "alice").user_verification = UserVerification::Required;
    let mut new = next(&old);
    at(&mut new.persons, "alice").user_verification = UserVerification::NotRequired;
    let why = vec!["person alice need not be verified any more".to_owned()];
    assert_eq!(Amendment::between(&old, &new), Ok(Amendment::Loosening { why }));
}

#[test]
fn some_things_no_quorum_changes() {
    let one = ParticipantId::new(1).unwrap();
    assert_eq!(
        amended(|root| {
            root.nodes.remove(&one);
        }),
        Err(AmendmentError::Node(one))
    );
    assert_eq!(
        amended(|root| root.nodes.get_mut(&one).unwrap().identity = key()),
        Err(AmendmentError::Node(one))
    );
    let four = ParticipantId::new(4).unwrap();
    let joined = amended(|root| {
        let mut node = node(4);
        node.operator = "dune".parse().unwrap();
        root.nodes.insert(four, node);
        // A majority of four.
        root.threshold_floor = quorate_model::Threshold::new(3).unwrap();
    });
    assert_eq!(joined, Err(AmendmentError::Node(four)));
    assert_eq!(amended(|root| root.policy = Digest::new([99; 32])), Err(AmendmentError::Policy));
    assert_eq!(
        amended(|root| root.lineage.as_mut().unwrap().cluster = Digest::new([99; 32])),
        Err(AmendmentError::OtherCluster)
    );
    let alone = amended(|root| at(&mut root.quorums, "unfreeze").required = 1);
    assert!(matches!(alone, Err(AmendmentError::SinglePoint(SinglePoint::Quorum { .. }))));
    let bought = amended(|root| {
        root.nodes.values_mut().for_each(|node| node.operator = "acme".parse().unwrap());
    });
    assert!(matches!(bought, Err(AmendmentError::SinglePoint(SinglePoint::Operator { .. }))));
}

#[test]
fn whoever_can_open_backups_from_now_on_is_named() {
    let recipient = |byte| Some(crate::Recipient::from_bytes([byte; 32]).unwrap());
    loosens("person bob has another recovery recipient", |root| {
        at(&mut root.persons, "bob").recovery = recipient(2);
    });
    let mut old = base();
    at(&mut old.persons, "alice").recovery = recipient(2);
    let mut new = next(&old);
    at(&mut new.persons, "alice").recovery = None;
    assert_eq!(Amendment::between(&old, &new), Ok(Amendment::Tightening));
    at(&mut old.persons, "bob").recovery = recipient(3);
    let mut new = next(&old);
    let members = names(&["alice", "bob"]);
    at(&mut new.nodes, "2").recovery = Some(Quorum { required: 2, members });
    new.check().unwrap();
    let why = vec!["node 2 has other recovery officers".to_owned()];
    assert_eq!(Amendment::between(&old, &new), Ok(Amendment::Loosening { why }));
}

#[test]
fn whoever_leaves_the_recovery_officers_opens_nothing_made_from_now_on() {
    let mut old = base();
    for (byte, person) in (2..).zip(["alice", "bob", "carol"]) {
        let recipient = crate::Recipient::from_bytes([byte; 32]).unwrap();
        at(&mut old.persons, person).recovery = Some(recipient);
    }
    let officers = |required, people: &[&str]| Some(Quorum { required, members: names(people) });
    at(&mut old.nodes, "2").recovery = officers(2, &["alice", "bob", "carol"]);
    old.check().unwrap();
    let amended = |recovery| {
        let mut new = next(&old);
        at(&mut new.nodes, "2").recovery = recovery;
        Amendment::between(&old, &new)
    };
    let tighter = [None, officers(2, &["alice", "bob"]), officers(3, &["alice", "bob", "carol"])];
    for recovery in tighter {
        assert_eq!(amended(recovery), Ok(Amendment::Tightening));
    }
    at(&mut old.nodes, "2").recovery = officers(3, &["alice", "bob", "carol"]);
    let mut new = next(&old);
    at(&mut new.nodes, "2").recovery = officers(2, &["alice", "bob", "carol"]);
    let why = vec!["node 2 has other recovery officers".to_owned()];
    assert_eq!(Amendment::between(&old, &new), Ok(Amendment::Loosening { why }));
}
