use super::*;
use crate::root::tests::root;
use crate::{Recipient, RootError};

fn name(text: &str) -> PersonName {
    text.parse().unwrap()
}

fn id(number: u16) -> ParticipantId {
    ParticipantId::new(number).unwrap()
}

fn recipient(byte: u8) -> Recipient {
    Recipient::from_bytes([byte; 32]).unwrap()
}

/// A root of so many nodes in which these people have recipients.
fn root_of(nodes: u16, people: &[&str]) -> TrustRoot {
    let mut root = root();
    let person = root.persons.values().next().unwrap().clone();
    for (number, person_name) in (2..).zip(people) {
        let mut person = person.clone();
        person.credentials = [crate::root::tests::key().into()].into();
        person.recovery = Some(recipient(number));
        root.persons.insert(name(person_name), person);
    }
    root.nodes = (1..=nodes)
        .map(|number| (id(number), crate::root::tests::node(u8::try_from(number).unwrap())))
        .collect();
    root
}

fn officers(root: &mut TrustRoot, node: u16, required: usize, people: &[&str]) {
    let members = people.iter().map(|person| name(person)).collect();
    let node = root.nodes.get_mut(&id(node)).unwrap();
    node.recovery = Some(Quorum { required, members });
}

fn refused(root: &TrustRoot) -> RecoveryError {
    match TrustRoot::parse(&root.render()) {
        Err(RootError::Recovery(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn recovery_officers_are_part_of_the_one_text() {
    let without = root_of(3, &[]);
    let mut root = root_of(3, &["ann", "ben", "cem"]);
    for (node, people) in [(1, ["ann", "ben"]), (2, ["ann", "cem"]), (3, ["ben", "cem"])] {
        officers(&mut root, node, 2, &people);
    }
    let text = root.render();
    assert!(text.contains("\nrecovery-required: 2\nrecovery-officers: ann,ben\n"), "{text}");
    assert_eq!(TrustRoot::parse(&text).unwrap(), root);
    assert!(!without.render().contains("recovery"), "a root without officers reads as before");
}

#[test]
fn nobody_opens_a_backup_alone_and_somebody_can() {
    let people: Vec<_> = (0..17).map(|number| format!("p{number}")).collect();
    let people: Vec<_> = people.iter().map(String::as_str).collect();
    let with = |required, count: usize| {
        let mut root = root_of(3, &people);
        officers(&mut root, 2, required, &people[..count]);
        root
    };
    assert_eq!(with(2, 2).check(), Ok(()));
    assert_eq!(with(16, 16).check(), Ok(()));
    for (required, count) in [(0, 2), (1, 2), (3, 2), (2, 17)] {
        assert_eq!(refused(&with(required, count)), RecoveryError::Required(id(2)));
    }
}

#[test]
fn recovery_officers_are_people_of_the_root_to_whom_one_can_encrypt() {
    let mut root = root_of(3, &["ann"]);
    officers(&mut root, 1, 2, &["ann", "eve"]);
    assert_eq!(refused(&root), RecoveryError::Unknown { node: id(1), person: name("eve") });
    officers(&mut root, 1, 2, &["ann", "bob"]);
    assert_eq!(refused(&root), RecoveryError::NoRecipient { node: id(1), person: name("bob") });
}

#[test]
fn one_age_key_is_one_person() {
    let mut root = root_of(3, &["ann", "ben"]);
    root.persons.get_mut(&name("ben")).unwrap().recovery = Some(recipient(2));
    assert_eq!(refused(&root), RecoveryError::SharedRecipient(name("ben")));
}

#[test]
fn no_few_people_open_as_many_backups_as_sign() {
    let mut root = root_of(5, &["ann", "ben", "cem", "dia", "eli"]);
    root.threshold_floor = quorate_model::Threshold::new(3).unwrap();
    officers(&mut root, 1, 2, &["ann", "ben"]);
    officers(&mut root, 2, 2, &["ann", "ben", "cem"]);
    assert_eq!(root.check(), Ok(()), "two of five are below the floor");
    officers(&mut root, 4, 2, &["ann", "ben", "eli"]);
    let people = [name("ann"), name("ben")].into();
    let nodes = BTreeSet::from([id(1), id(2), id(4)]);
    assert_eq!(refused(&root), RecoveryError::EnoughToSign { people, nodes: nodes.clone() });
    // Where one backup takes three people, three are looked at, who are two for each of the others.
    officers(&mut root, 1, 2, &["ann", "ben"]);
    officers(&mut root, 2, 2, &["ben", "cem"]);
    officers(&mut root, 4, 2, &["ann", "cem"]);
    assert_eq!(root.check(), Ok(()));
    officers(&mut root, 3, 3, &["cem", "dia", "eli"]);
    let people = [name("ann"), name("ben"), name("cem")].into();
    assert_eq!(refused(&root), RecoveryError::EnoughToSign { people, nodes });
}

#[test]
fn what_takes_too_long_to_check_is_refused() {
    let people: Vec<_> = (0..48).map(|number| format!("p{number}")).collect();
    let mut root = root_of(6, &people.iter().map(String::as_str).collect::<Vec<_>>());
    root.threshold_floor = quorate_model::Threshold::new(4).unwrap();
    let eight = |at: usize| people[8 * at..8 * (at + 1)].iter().map(String::as_str);
    for node in 1..=6_u16 {
        officers(&mut root, node, 3, &eight(usize::from(node) - 1).collect::<Vec<_>>());
    }
    assert_eq!(root.check(), Ok(()));
    officers(&mut root, 1, 5, &eight(0).collect::<Vec<_>>());
    assert_eq!(refused(&root), RecoveryError::TooManySets { officers: 48, most: 5 });
}

#[test]
fn every_choice_comes_once() {
    for (of, size, sets) in [(5, 2, 10), (6, 3, 20), (4, 4, 1), (3, 0, 1)] {
        let mut chosen: Vec<usize> = (0..size).collect();
        let mut seen = BTreeSet::from([chosen.clone()]);
        while advance(&mut chosen, of) {
            assert!(seen.insert(chosen.clone()) && chosen.iter().all(|at| *at < of));
        }
        assert_eq!((seen.len() as u64, count(of, size)), (sets, Some(sets)));
    }
    assert_eq!(count(1_000, 500), None);
}
