//! Backups of a node: what is given away, and what a node that begins from one does.

use quorate_audit::EventKind;
use quorate_backup::{Contents, Draft, Header, Sealing};
use quorate_model::Scheme;
use quorate_protocol::SecretShare;
use quorate_protocol::wire::{FromNode, NodeStatus, RefusalCode, Subject, ToNode, Words};
use quorate_signer::{BackupRefusal, Record, RestoreError, StartError, restored_records};
use quorate_testkit::{Lab, seeded};
use quorate_trust::{OrderAction, Readmission};

use crate::{FIRST, id, lab, refused, set};

const SCHEMES: [Scheme; 4] = [
    Scheme::FrostEd25519,
    Scheme::FrostSecp256k1Tr,
    Scheme::FrostSecp256k1,
    Scheme::EcdsaSecp256k1,
];

fn recoverable(scheme: Scheme) -> Lab {
    Lab::with_recovery(31, 3, 2, scheme)
}

/// What a node's backup has in it, once it was sealed and opened.
fn backed_up(lab: &mut Lab, node: u16) -> (Header, Contents) {
    let draft = lab.back_up(id(node)).unwrap();
    let (sealing, contents) = Sealing::begin(draft, &mut seeded(32)).unwrap();
    let header = sealing.header().clone();
    (header, contents)
}

fn records(lab: &Lab, header: &Header, contents: Contents) -> Result<Vec<Record>, RestoreError> {
    restored_records(header, contents, &lab.fixture.root, lab.now)
}

/// Node 1 begins from its backup. It is not readmitted yet.
fn put_back(lab: &mut Lab) {
    let (header, contents) = backed_up(lab, 1);
    let records = records(lab, &header, contents).unwrap();
    lab.put_back(id(1), &records).unwrap();
    lab.confirm_start(id(1));
}

/// Node 1 begins from its backup, and an order readmits it.
fn restore(lab: &mut Lab) {
    put_back(lab);
    let heads = status(lab, 1).heads;
    let (length, head) = (heads.audit_length, heads.audit);
    let readmission = Readmission { node: id(1), life: 2, length, head };
    let action = OrderAction::ReadmitNode(readmission);
    let order = lab.fixture.order_to("readmit", action, &["alice", "bob"], lab.now);
    for node in lab.ids() {
        let answer = lab.ask(node, ToNode::carry_out(order.clone()));
        assert!(matches!(answer, FromNode::Accepted(_)), "{answer:?}");
    }
    lab.confirm_start(id(1));
}

fn status(lab: &mut Lab, node: u16) -> NodeStatus {
    match lab.ask(id(node), ToNode::Status) {
        FromNode::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_says_in_its_log_what_it_gives_away_before_it_does() {
    let mut lab = recoverable(Scheme::FrostEd25519);
    let Draft { cluster, node, created, root, required, officers, contents } =
        lab.back_up(id(1)).unwrap();
    let names: Vec<_> = officers.keys().map(ToString::to_string).collect();
    assert_eq!((cluster, node, created), (lab.fixture.root.hash(), id(1), lab.now));
    assert_eq!((root, required, names.join(",")), (cluster, 2, "bob,carol".to_owned()));
    let [key] = &contents.keys[..] else { panic!("{contents:?}") };
    assert_eq!(key.certificate.certified.sharing(), Lab::sharing());
    let (entries, _) = lab.read_audit(id(1));
    let [.., entry, _read] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(entry.event.kind, EventKind::BackupCreated);
    let fact = |name| entry.event.values(name).collect::<Vec<_>>();
    assert_eq!(fact("root"), [root.to_string()]);
    assert_eq!((fact("required"), fact("officers")), (vec!["2"], vec!["bob,carol"]));
    assert_eq!(fact("sharing"), ["treasury/0"]);
    assert!(!format!("{entry:?}").contains(&format!("{:?}", key.share.secret_bytes())));
}

#[test]
fn without_recovery_officers_nothing_is_given_away() {
    let mut lab = lab();
    let before = lab.read_audit(id(1)).0.len();
    assert_eq!(lab.back_up(id(1)).unwrap_err(), BackupRefusal::NoOfficers(id(1)));
    assert_eq!(lab.read_audit(id(1)).0.len(), before + 1, "nothing but the reading itself");
}

#[test]
fn without_an_active_key_nothing_is_given_away() {
    let mut lab = recoverable(Scheme::FrostEd25519);
    lab.put_back(id(1), &[]).unwrap();
    assert_eq!(lab.back_up(id(1)).unwrap_err(), BackupRefusal::NoKeys);
    // A key that is certified and not confirmed is none yet.
    let mut lab = recoverable(Scheme::FrostEd25519);
    let mut records = lab.records(id(1));
    records.retain(|record| !matches!(record, Record::Active(_)));
    lab.put_back(id(1), &records).unwrap();
    assert_eq!(lab.back_up(id(1)).unwrap_err(), BackupRefusal::NoKeys);
}

#[test]
fn a_node_begins_from_a_backup_and_says_from_which() {
    for scheme in SCHEMES {
        let mut lab = recoverable(scheme);
        let (header, contents) = backed_up(&mut lab, 1);
        let records = records(&lab, &header, contents).unwrap();
        lab.put_back(id(1), &records).unwrap();
        let (entries, _) = lab.read_audit(id(1));
        let first = &entries[0].event;
        assert_eq!(first.kind, EventKind::NodeRestored);
        let digest = header.digest().to_string();
        assert_eq!(first.values("backup").collect::<Vec<_>>(), [digest]);
        assert_eq!(first.values("sharing").collect::<Vec<_>>(), ["treasury/0"]);
        assert_eq!(entries[1].event.kind, EventKind::NodeStarted);
        lab.restart(id(1)).unwrap();
    }
}

#[test]
fn a_restored_frost_share_can_reserve_once_the_node_is_readmitted() {
    let mut lab = recoverable(Scheme::FrostEd25519);
    put_back(&mut lab);
    let request = lab.payment(1, true);
    let answer = lab.reserve(id(1), &request, FIRST, &set([1, 2]));
    assert_eq!(refused(answer), RefusalCode::LogInDoubt);
    let mut lab = recoverable(Scheme::FrostEd25519);
    restore(&mut lab);
    let request = lab.payment(1, true);
    let answer = lab.reserve(id(1), &request, FIRST, &set([1, 2]));
    assert!(matches!(answer, FromNode::Reserved(_)), "{answer:?}");
    assert_eq!(status(&mut lab, 1).active_keys, 1);
}

#[test]
fn a_restored_ecdsa_share_signs_nothing_and_says_what_to_do() {
    let mut lab = recoverable(Scheme::EcdsaSecp256k1);
    restore(&mut lab);
    let request = lab.payment(1, true);
    let confirmation = Subject::Confirmation { sharing: Lab::sharing() };
    let reserve = ToNode::Reserve {
        subject: confirmation,
        words: Words::default(),
        attempt: FIRST,
        signing_set: set([1, 2]),
    };
    let before = lab.records(id(1)).len();
    for answer in [lab.reserve(id(1), &request, FIRST, &set([1, 2])), lab.ask(id(1), reserve)] {
        let FromNode::Refused(refusal) = &answer else { panic!("{answer:?}") };
        assert!(refusal.reason.contains("refresh the key first"), "{refusal:?}");
        assert_eq!(refused(answer), RefusalCode::NotFound);
    }
    assert_eq!(lab.records(id(1)).len(), before, "a refusal uses nothing up");
    let status = status(&mut lab, 1);
    assert_eq!((status.active_keys, status.ready), (0, false));
    assert!(status.stops.iter().any(|stop| stop.contains("was restored")), "{status:?}");
    // It is as good for the next backup as it was for this one.
    assert_eq!(lab.back_up(id(1)).unwrap().contents.keys.len(), 1);
}

#[test]
fn a_share_without_some_of_its_pairs_is_damaged_and_not_restored() {
    let mut lab = recoverable(Scheme::EcdsaSecp256k1);
    let mut records = lab.records(id(1));
    for record in &mut records {
        if let Record::Share(share) = record {
            share.pairs.pop_last();
        }
    }
    let started = lab.put_back(id(1), &records);
    assert!(matches!(started, Err(StartError::Share { .. })), "{started:?}");
}

#[test]
fn a_node_that_begins_from_a_backup_has_each_share_or_does_not_start() {
    let mut lab = recoverable(Scheme::FrostEd25519);
    let (header, contents) = backed_up(&mut lab, 1);
    let mut records = records(&lab, &header, contents).unwrap();
    records.retain(|record| matches!(record, Record::Audit(_)));
    assert_eq!(lab.put_back(id(1), &records), Err(StartError::State));
}

#[test]
fn what_is_no_share_of_the_node_makes_no_records() {
    let mut lab = recoverable(Scheme::FrostEd25519);
    let mut with = |change: fn(&mut Header, &mut Contents)| {
        let (mut header, mut contents) = backed_up(&mut lab, 1);
        change(&mut header, &mut contents);
        records(&lab, &header, contents).unwrap_err()
    };
    let wrong_node = with(|header, _| header.node = id(2));
    assert!(matches!(wrong_node, RestoreError::Contents(_)), "{wrong_node:?}");
    let changed_share = with(|_, contents| {
        let mut share = *contents.keys[0].share.secret_bytes();
        share[0] ^= 1;
        contents.keys[0].share = SecretShare::from_bytes(&share).unwrap();
    });
    assert!(matches!(changed_share, RestoreError::Contents(_)), "{changed_share:?}");
    let unconfirmed = with(|_, contents| drop(contents.keys[0].confirmations.pop()));
    assert!(matches!(unconfirmed, RestoreError::Unconfirmed { .. }), "{unconfirmed:?}");
}
