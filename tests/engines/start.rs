use quorate_audit::{ChainError, EventKind, Export, Origin};
use quorate_model::Moment;
use quorate_protocol::SecretShare;
use quorate_protocol::wire::FromNode;
use quorate_signer::{Node, Record, StartError};
use quorate_testkit::ClusterFixture;

use crate::{FIRST, id, lab, set};

#[test]
fn a_node_resumes_from_its_records_and_says_so_in_its_log() {
    let mut lab = lab();
    let before = lab.records(id(1)).len();
    lab.restart(id(1)).unwrap();
    assert_eq!(lab.records(id(1)).len(), before + 2, "that it started, and that its log is whole");
}

#[test]
fn a_reader_of_the_audit_log_gets_all_of_it_and_is_in_it() {
    let mut lab = lab();
    let (entries, signed) = lab.read_audit(id(1));
    let last = &entries.last().unwrap().event;
    assert_eq!(last.kind, EventKind::AdminAccess);
    assert_eq!(last.facts, [("call".to_owned(), "ExportAudit".to_owned())]);
    let text = Export::write(&entries, &signed).unwrap();
    let origin = Origin { cluster: lab.fixture.root.hash(), node: id(1) };
    let key = lab.fixture.root.nodes[&id(1)].identity;
    assert_eq!(Export::verify(text.as_bytes(), origin, &key).unwrap().entries(), entries);
    // The next reader's log goes on from there, also after a restart.
    lab.restart(id(1)).unwrap();
    let (later, _) = lab.read_audit(id(1));
    assert_eq!((&later[..entries.len()], later.len()), (&*entries, entries.len() + 3));
}

#[test]
fn a_node_with_another_identity_key_does_not_start() {
    let lab = lab();
    let mut config = lab.config(id(1));
    config.identity.participant = id(2);
    let now = Moment { time: lab.now, uptime_ms: 0 };
    let error = Node::start(config, lab.records(id(1)), now).err().unwrap();
    assert_eq!(error, StartError::Identity(id(2)));
}

#[test]
fn a_damaged_audit_log_stops_the_start() {
    let mut lab = lab();
    let bundle = ClusterFixture::bundle;
    let cut = lab.restart_with(id(1), bundle(), |records| {
        let first = records.iter().position(|r| matches!(r, Record::Audit(e) if e.index == 1));
        records.remove(first.unwrap());
    });
    assert!(matches!(cut, Err(StartError::Audit(ChainError::Gap { .. }))), "{cut:?}");
    let changed = lab.restart_with(id(1), bundle(), |records| {
        for record in records {
            if let Record::Audit(entry) = record
                && entry.index == 1
            {
                entry.event.facts[0].1.push('!');
            }
        }
    });
    assert!(matches!(changed, Err(StartError::Audit(ChainError::Broken(2)))), "{changed:?}");
}

#[test]
fn a_share_that_is_not_the_certified_one_stops_the_start() {
    let mut lab = lab();
    let result = lab.restart_with(id(1), ClusterFixture::bundle(), |records| {
        for record in records {
            if let Record::Share(share) = record {
                let mut bytes = *share.share.secret_bytes();
                bytes[0] ^= 1;
                share.share = SecretShare::from_bytes(&bytes).unwrap();
            }
        }
    });
    assert!(matches!(result, Err(StartError::Share { .. })), "{result:?}");
}

#[test]
fn a_share_of_another_node_stops_the_start() {
    let mut lab = lab();
    let mut theirs = lab.records(id(2));
    let theirs = theirs.remove(theirs.iter().position(|r| matches!(r, Record::Share(_))).unwrap());
    let result = lab.restart_with(id(1), ClusterFixture::bundle(), |records| {
        let own = records.iter().position(|r| matches!(r, Record::Share(_))).unwrap();
        records[own] = theirs;
    });
    assert!(matches!(result, Err(StartError::Share { .. })), "{result:?}");
}

#[test]
fn a_certificate_without_its_share_stops_the_start() {
    let mut lab = lab();
    let result = lab.restart_with(id(1), ClusterFixture::bundle(), |records| {
        records.retain(|record| !matches!(record, Record::Share(_)));
    });
    assert!(matches!(result, Err(StartError::Orphan { .. })), "{result:?}");
}

#[test]
fn a_request_that_was_deleted_from_the_disk_stops_the_start() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    assert!(matches!(lab.reserve(id(1), &request, FIRST, &set([1, 2])), FromNode::Reserved(_)));
    let forget = |records: &mut Vec<Record>| {
        records.retain(|record| !matches!(record, Record::Request(_)));
    };
    let started = lab.restart_with(id(1), ClusterFixture::bundle(), forget);
    assert_eq!(started, Err(StartError::Request(request.request.request_key())));
}

#[test]
fn an_earlier_record_of_a_request_stops_the_start() {
    let mut lab = lab();
    let request = lab.payment(1, true);
    assert!(matches!(lab.reserve(id(1), &request, FIRST, &set([1, 2])), FromNode::Reserved(_)));
    let earlier = lab.records(id(1));
    let second = quorate_model::Attempt(2);
    assert!(matches!(lab.reserve(id(1), &request, second, &set([1, 2])), FromNode::Reserved(_)));
    let roll_back = |records: &mut Vec<Record>| {
        records.retain(|record| !matches!(record, Record::Request(_)));
        records.extend(earlier.into_iter().filter(|r| matches!(r, Record::Request(_))));
    };
    let started = lab.restart_with(id(1), ClusterFixture::bundle(), roll_back);
    assert_eq!(started, Err(StartError::Request(request.request.request_key())));
}

#[test]
fn an_attempt_at_a_key_generation_that_was_deleted_stops_the_start() {
    let mut lab = lab();
    let forget = |records: &mut Vec<Record>| {
        records.retain(|record| !matches!(record, Record::Ceremony(_)));
    };
    let started = lab.restart_with(id(1), ClusterFixture::bundle(), forget);
    assert_eq!(started, Err(StartError::State));
}
