//! A coordinator carries what people say, and waits for them.

use quorate_coordinator::{
    ClientError, ClientReply, ClientRequest, ErrorCode, Limits, RequestState,
};
use quorate_model::Attempt;
use quorate_protocol::wire::FromNode;
use quorate_testkit::ClusterFixture;
use quorate_trust::{SignedApproval, SignedRequest, Verdict};

use super::{Cluster, view};
use crate::id;

/// A cluster whose nodes ask the treasury about payments over the limit.
fn asking() -> Cluster {
    asking_within(Limits::default())
}

fn asking_within(limits: Limits) -> Cluster {
    let mut cluster = Cluster::new(limits);
    for node in cluster.lab.ids() {
        cluster.lab.restart_with(node, ClusterFixture::asking_bundle(), |_| {}).unwrap();
    }
    cluster
}

fn word(
    cluster: &Cluster,
    request: &SignedRequest,
    person: &str,
    verdict: Verdict,
) -> SignedApproval {
    let (lab, bundle) = (&cluster.lab, ClusterFixture::asking_bundle());
    let certified = lab.certified();
    let mut said =
        lab.fixture.approval(request, &certified, bundle.hash(), (person, "treasury"), lab.now);
    said.verdict = verdict;
    lab.fixture.say(&said)
}

fn submit(
    cluster: &mut Cluster,
    approval: SignedApproval,
) -> Result<quorate_coordinator::SignRequestView, ClientError> {
    cluster.ask(ClientRequest::SubmitApproval(approval)).map(view)
}

fn approve(cluster: &mut Cluster, request: &SignedRequest, person: &str) -> RequestState {
    let approval = word(cluster, request, person, Verdict::Approve);
    submit(cluster, approval).unwrap();
    cluster.get(request).unwrap().record.state
}

#[test]
fn a_request_waits_for_its_quorum_and_is_signed_then() {
    let mut cluster = asking();
    cluster.attach(&[1, 2, 3]);
    let request = cluster.lab.payment(1, false);
    let waiting = cluster.create(&request).unwrap().record;
    assert_eq!(waiting.state, RequestState::PendingApproval);
    let missing = &waiting.deferrals[0].body.missing[0];
    assert_eq!((missing.name.as_str(), missing.required), ("treasury", 2));
    let attempts = waiting.attempt;
    assert_eq!(approve(&mut cluster, &request, "alice"), RequestState::PendingApproval);
    let record = cluster.get(&request).unwrap().record;
    assert_eq!(record.attempt, attempts, "one of two is not worth an attempt");
    let state = approve(&mut cluster, &request, "bob");
    assert!(matches!(state, RequestState::Signed { .. }), "{state:?}");
}

#[test]
fn waiting_and_approvals_survive_a_restart() {
    let mut cluster = asking();
    cluster.attach(&[1, 2, 3]);
    let request = cluster.lab.payment(1, false);
    cluster.create(&request).unwrap();
    approve(&mut cluster, &request, "alice");
    cluster.restart();
    cluster.attach(&[1, 2, 3]);
    let record = cluster.get(&request).unwrap().record;
    assert_eq!((&record.state, record.approvals.len()), (&RequestState::PendingApproval, 1));
    let state = approve(&mut cluster, &request, "carol");
    assert!(matches!(state, RequestState::Signed { .. }), "{state:?}");
}

#[test]
fn a_rejection_by_whoever_is_asked_ends_the_request_everywhere() {
    let mut cluster = asking();
    cluster.attach(&[1, 2, 3]);
    let request = cluster.lab.payment(1, false);
    cluster.create(&request).unwrap();
    approve(&mut cluster, &request, "alice");
    let rejection = word(&cluster, &request, "carol", Verdict::Reject);
    let ended = submit(&mut cluster, rejection).unwrap().record;
    assert_eq!((ended.state, ended.reason.as_str()), (RequestState::Rejected, "rejected by carol"));
    let late = word(&cluster, &request, "bob", Verdict::Approve);
    assert_eq!(submit(&mut cluster, late).unwrap_err().code, ErrorCode::Precondition);
    // Another coordinator that knows nothing of the rejection gets no signature either.
    let other = Cluster::new(Limits::default());
    let mut other = Cluster { lab: cluster.lab, ..other };
    other.attach(&[1, 2, 3]);
    let view = other.create(&request).unwrap();
    assert_eq!(view.record.state, RequestState::Denied);
}

#[test]
fn words_that_do_not_count_are_refused_and_change_nothing() {
    let mut cluster = asking();
    cluster.attach(&[1, 2, 3]);
    let (request, other) = (cluster.lab.payment(1, false), cluster.lab.payment(2, false));
    cluster.create(&request).unwrap();
    let unknown = word(&cluster, &other, "alice", Verdict::Approve);
    assert_eq!(submit(&mut cluster, unknown).unwrap_err().code, ErrorCode::NotFound);
    let mut forged = word(&cluster, &request, "alice", Verdict::Approve);
    forged.text = forged.text.replace("approver: alice", "approver: bob");
    assert_eq!(submit(&mut cluster, forged).unwrap_err().code, ErrorCode::Invalid);
    let mut late = word(&cluster, &request, "alice", Verdict::Approve);
    cluster.lab.now = cluster.lab.now.plus_millis(120_000);
    assert_eq!(submit(&mut cluster, late.clone()).unwrap_err().code, ErrorCode::Invalid);
    late.text.push(' ');
    assert_eq!(submit(&mut cluster, late).unwrap_err().code, ErrorCode::Invalid);
    let record = cluster.get(&request).unwrap().record;
    assert_eq!((record.state, record.approvals.len()), (RequestState::PendingApproval, 0));
}

#[test]
fn one_node_that_always_waits_does_not_hold_up_the_others() {
    let mut cluster = asking();
    cluster.attach(&[1, 2, 3]);
    let me = id(3);
    let waiting = {
        let request = cluster.lab.payment(9, false);
        cluster.create(&request).unwrap().record.deferrals[0].body.clone()
    };
    let pem = cluster.lab.fixture.signers.nodes[&me].to_pkcs8_pem().unwrap();
    let key = quorate_trust::SigningKey::from_pkcs8_pem(&pem).unwrap();
    let request = cluster.lab.payment(1, true);
    let digest = request.digest();
    cluster.between = Box::new(move |node, answer| match answer {
        FromNode::Reserved(_) if node == me => {
            let body = quorate_protocol::wire::Deferral { request: digest, ..waiting.clone() };
            FromNode::Deferred(quorate_trust::Signed::sign(me, body, &key))
        }
        answer => answer,
    });
    let signed = cluster.create(&request).unwrap().record;
    assert!(matches!(signed.state, RequestState::Signed { .. }), "{:?}", signed.state);
    assert!(signed.attempt <= Attempt(2));
}

#[test]
fn attempts_that_are_used_up_do_not_keep_a_request_from_waiting() {
    let mut cluster = asking_within(Limits { attempts_max: 2, ..Limits::default() });
    cluster.attach(&[1, 2, 3]);
    let request = cluster.lab.payment(1, false);
    let waiting = cluster.create(&request).unwrap().record;
    assert_eq!((waiting.state, waiting.attempt), (RequestState::PendingApproval, Attempt(2)));
}

#[test]
fn one_node_that_waits_for_nothing_does_not_use_up_the_attempts() {
    let mut cluster = asking();
    cluster.attach(&[1, 2, 3]);
    let me = id(3);
    let waiting = {
        let request = cluster.lab.payment(9, false);
        cluster.create(&request).unwrap().record.deferrals[0].body.clone()
    };
    let pem = cluster.lab.fixture.signers.nodes[&me].to_pkcs8_pem().unwrap();
    for number in 1..6 {
        let request = cluster.lab.payment(number, true);
        let key = quorate_trust::SigningKey::from_pkcs8_pem(&pem).unwrap();
        let nothing = quorate_protocol::wire::Deferral {
            request: request.digest(),
            missing: Vec::new(),
            until: None,
            ..waiting.clone()
        };
        cluster.between = Box::new(move |node, answer| match answer {
            FromNode::Reserved(_) if node == me => {
                FromNode::Deferred(quorate_trust::Signed::sign(me, nothing.clone(), &key))
            }
            answer => answer,
        });
        let signed = cluster.create(&request).unwrap().record;
        assert!(matches!(signed.state, RequestState::Signed { .. }), "{:?}", signed.state);
        assert!(signed.attempt <= Attempt(2), "{number}: {}", signed.attempt);
    }
}

#[test]
fn the_same_words_again_change_nothing() {
    let mut cluster = asking();
    cluster.attach(&[1, 2, 3]);
    let request = cluster.lab.payment(1, false);
    cluster.create(&request).unwrap();
    let approval = word(&cluster, &request, "alice", Verdict::Approve);
    for _ in 0..3 {
        let view = submit(&mut cluster, approval.clone()).unwrap();
        assert_eq!(view.record.approvals.len(), 1);
    }
    let reply = cluster.ask(ClientRequest::GetSignRequest(request.request.request_key()));
    assert!(matches!(reply, Ok(ClientReply::SignRequest(_))));
}
