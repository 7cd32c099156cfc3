//! Nothing secret leaks: a seeded cluster makes keys and signs, with everything traced, sent and
//! stored; then all of it is searched for every secret that was made.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod capture;
#[path = "../lockstep.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod lockstep;
mod needles;
mod secrets;
mod stores;

use prost::Message as _;
use quorate_api::frame::NodeFrame;
use quorate_api::pb::node::v1 as pb;
use quorate_api::statement::encode_sign_request;
use quorate_coordinator::RequestState;
use quorate_model::{DerivationPath, KeyId, ParticipantId, Scheme};
use quorate_testkit::{Frame, PaymentRequest, PaymentSize, network_of};
use quorate_trust::{SignRequest, SignedRequest};

use crate::lockstep::Lockstep;
use crate::needles::Needles;
use crate::secrets::Secrets;
use crate::stores::Stores;

const NODES: u16 = 3;
const SIGNERS: u16 = 2;

/// Everything that was made in a cluster which made a key and used it.
struct Run {
    cluster: Lockstep,
    secrets: Secrets,
}

fn run(scheme: Scheme) -> Run {
    let mut cluster = Lockstep::new(scheme as u64 + 1, NODES);
    let key: KeyId = "treasury".parse().unwrap();
    let certified = cluster.generate_key(&key, scheme, SIGNERS);
    if let Some(network) = network_of(scheme) {
        for (number, permitted) in [(1, true), (2, true), (3, false)] {
            let expires = cluster.now.plus_millis(60_000);
            let size = if permitted { PaymentSize::Small } else { PaymentSize::Large };
            let payment = PaymentRequest { network, number, size, expires };
            // One payment of a child, where the key has any.
            let paths = secrets::paths(scheme);
            let path = if number == 2 { paths.last() } else { paths.first() }.unwrap();
            let child = certified.child(path).unwrap().verifying_key;
            let request = cluster.fixture.payment(&key, &child, payment);
            let request = at(path, request, &cluster);
            let state = cluster.sign(&request).record.state;
            assert_eq!(matches!(state, RequestState::Signed { .. }), permitted, "{state:?}");
        }
    }
    let secrets = Secrets::of(&cluster, &certified);
    Run { cluster, secrets }
}

fn at(path: &DerivationPath, signed: SignedRequest, cluster: &Lockstep) -> SignedRequest {
    let request = SignRequest { path: path.clone(), ..signed.request };
    let statement = encode_sign_request(&request);
    SignedRequest::sign(statement, request, &cluster.fixture.signers.service)
}

fn encoded(frame: &Frame) -> Vec<u8> {
    match frame {
        Frame::Question(_, call, question) => {
            pb::CoordinatorFrame::from((*call, question.clone())).encode_to_vec()
        }
        Frame::Answer(_, call, answer) => {
            pb::NodeFrame::from(NodeFrame::Answer(*call, answer.clone())).encode_to_vec()
        }
    }
}

/// Searches everything that left a process or reached a disk.
fn search(run: &Run, logged: &[u8]) {
    let Run { cluster, secrets } = run;
    let needles = Needles::new(&secrets.named);

    assert!(logged.len() > 100_000, "only {} bytes were logged", logged.len());
    assert_eq!(needles.find(logged), None, "in what was logged");

    assert!(cluster.frames.len() > 50, "only {} frames", cluster.frames.len());
    for frame in &cluster.frames {
        assert_eq!(needles.find(&encoded(frame)), None, "in {frame:?}");
    }

    // The shares are in the nodes' records, or the search would prove nothing; the coordinator's
    // records hold none even before they are sealed.
    let stores = Stores::write(cluster);
    for id in cluster.nodes.keys() {
        let opened = stores.opened_node(*id);
        assert_eq!(needles.find(&opened), Some(format!("share of node {id}")));
    }
    let opened = stores.opened_coordinator();
    assert!(opened.len() > 1_000, "only {} bytes", opened.len());
    assert_eq!(needles.find(&opened), None, "in the coordinator's records");

    for (name, bytes) in stores.files() {
        assert_eq!(needles.find(&bytes), None, "in {name}");
    }
}

#[test]
fn no_secret_is_logged_sent_or_stored_in_the_clear() {
    let log = capture::everything();
    for scheme in Scheme::ALL {
        log.clear();
        let run = run(scheme);
        search(&run, &log.bytes());
    }
    // The stores log too, through another interface: it is captured as well.
    let log = String::from_utf8(log.bytes()).unwrap();
    assert!(log.contains("sled::"), "what sled says is captured");
}

#[test]
fn every_nonce_that_was_committed_to_is_among_the_secrets() {
    for scheme in Scheme::ALL.into_iter().filter(|scheme| *scheme != Scheme::EcdsaSecp256k1) {
        let Run { cluster, secrets } = run(scheme);
        let mut commitments = 0;
        for frame in &cluster.frames {
            let Frame::Answer(node, _, quorate_protocol::wire::FromNode::Reserved(answer)) = frame
            else {
                continue;
            };
            for commitment in answer.body.commitments.iter().flatten() {
                let known = secrets.commitments.get(node).is_some_and(|c| c.contains(commitment));
                assert!(known, "{scheme}: a commitment of node {node}");
                commitments += 1;
            }
        }
        // Two of each signer: for each set that confirms the key, and for each payment.
        let payments = if network_of(scheme).is_some() { 2 } else { 0 };
        assert_eq!(commitments, (2 + payments) * 2 * usize::from(SIGNERS), "{scheme}");
    }
}

#[test]
fn every_kind_of_secret_is_searched_for() {
    for scheme in Scheme::ALL {
        let Run { secrets, .. } = run(scheme);
        for id in (1..=NODES).map(|number| ParticipantId::new(number).unwrap()) {
            let kinds = match scheme {
                Scheme::EcdsaSecp256k1 => {
                    ["identity key", "share", "pair state", "draw"].as_slice()
                }
                Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
                    &["identity key", "share", "output share", "nonce", "draw", "scalar"]
                }
            };
            let of_child = ["child's share", "child's output share"].iter();
            let of_child =
                of_child.filter(|_| scheme.has_children() && scheme != Scheme::EcdsaSecp256k1);
            for kind in kinds.iter().chain(of_child) {
                let name = format!("{kind} of node {id}");
                assert!(secrets.named.iter().any(|(found, _)| *found == name), "{scheme}: {name}");
            }
        }
    }
}
