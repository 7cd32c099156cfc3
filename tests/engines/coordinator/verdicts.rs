//! A coordinator carries what risk providers say, and waits for it.

use quorate_coordinator::{
    ClientError, ClientReply, ClientRequest, ErrorCode, Input, Limits, RequestState,
    SignRequestView,
};
use quorate_model::Digest;
use quorate_policy::Bundle;
use quorate_testkit::ClusterFixture;
use quorate_trust::{RiskVerdict, SignedRequest, SignedRiskVerdict};

use super::{Cluster, view};

const FRESH_MS: u64 = 60_000;

fn cluster_with(bundle: fn() -> Bundle) -> Cluster {
    cluster_of(bundle, &[1, 2, 3])
}

fn cluster_of(bundle: fn() -> Bundle, nodes: &[u16]) -> Cluster {
    let mut cluster = Cluster::new(Limits::default());
    for node in cluster.lab.ids() {
        cluster.lab.restart_with(node, bundle(), |_| {}).unwrap();
    }
    cluster.attach(nodes);
    cluster
}

fn screening() -> Cluster {
    cluster_with(ClusterFixture::screened_bundle)
}

fn low(cluster: &Cluster, request: &SignedRequest) -> RiskVerdict {
    let lab = &cluster.lab;
    lab.fixture.verdict(request, &lab.certified(), lab.now)
}

fn low_signed(cluster: &Cluster, request: &SignedRequest) -> SignedRiskVerdict {
    ClusterFixture::rate(low(cluster, request))
}

/// Creates the request, or brings more verdicts to it.
fn bring(
    cluster: &mut Cluster,
    request: &SignedRequest,
    verdicts: Vec<SignedRiskVerdict>,
) -> Result<SignRequestView, ClientError> {
    let request = request.clone();
    let create = ClientRequest::CreateSignRequest {
        request: request.clone(),
        verdicts,
        validate_only: false,
    };
    cluster.ask(create).map(view)?;
    cluster.get(&request)
}

fn state(cluster: &mut Cluster, request: &SignedRequest) -> RequestState {
    cluster.get(request).unwrap().record.state
}

fn is_signed(state: &RequestState) -> bool {
    matches!(state, RequestState::Signed { .. })
}

#[test]
fn a_request_that_comes_with_its_verdict_is_signed() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    let verdict = low_signed(&cluster, &request);
    let record = bring(&mut cluster, &request, vec![verdict.clone()]).unwrap().record;
    assert!(is_signed(&record.state), "{:?}", record.state);
    assert_eq!(record.verdicts, [verdict]);
}

#[test]
fn a_request_waits_for_its_verdict_and_says_for_which() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    let waiting = bring(&mut cluster, &request, vec![]).unwrap().record;
    assert_eq!(waiting.state, RequestState::PendingApproval);
    assert!(waiting.reason.contains("low-risk of chainwatch"), "{}", waiting.reason);
    assert_eq!(waiting.deferrals[0].body.verdicts[0].name.as_str(), "low-risk");
    // Nothing new is not worth an attempt.
    cluster.tell(Input::Tick);
    bring(&mut cluster, &request, vec![]).unwrap();
    let record = cluster.get(&request).unwrap().record;
    assert_eq!(record.attempt, waiting.attempt);
    let create = ClientRequest::CreateSignRequest {
        request: request.clone(),
        verdicts: vec![low_signed(&cluster, &request)],
        validate_only: false,
    };
    // Whoever waits for the answer waits for the new one.
    let answer = cluster.ask(create).map(view).unwrap().record;
    assert_eq!(answer.state, RequestState::Queued);
    assert!(is_signed(&state(&mut cluster, &request)));
}

#[test]
fn a_verdict_that_became_old_while_people_decided_is_asked_for_again() {
    let bundle = ClusterFixture::screened_and_asking_bundle;
    let mut cluster = cluster_with(bundle);
    let request = cluster.lab.payment(1, false);
    let early = low_signed(&cluster, &request);
    let waiting = bring(&mut cluster, &request, vec![early]).unwrap().record;
    let deferral = &waiting.deferrals[0].body;
    assert_eq!((deferral.missing.len(), deferral.verdicts.len()), (1, 0));
    cluster.lab.now = cluster.lab.now.plus_millis(FRESH_MS + 1);
    let (lab, certified) = (&cluster.lab, cluster.lab.certified());
    let who = ("alice", "treasury");
    let said = lab.fixture.approval(&request, &certified, bundle().hash(), who, lab.now);
    let said = lab.fixture.say(&said);
    cluster.ask(ClientRequest::SubmitApproval(said)).unwrap();
    let waiting = cluster.get(&request).unwrap().record;
    assert_eq!(waiting.state, RequestState::PendingApproval);
    let deferral = &waiting.deferrals[0].body;
    assert_eq!((deferral.missing.len(), deferral.verdicts.len()), (0, 1), "{deferral:?}");
    let fresh = low_signed(&cluster, &request);
    let record = bring(&mut cluster, &request, vec![fresh.clone()]).unwrap().record;
    assert!(is_signed(&record.state), "{:?}", record.state);
    assert_eq!(record.verdicts, [fresh], "the newer one took the place of the older");
}

#[test]
fn verdicts_survive_a_restart() {
    let bundle = ClusterFixture::screened_and_asking_bundle;
    let mut cluster = cluster_with(bundle);
    let request = cluster.lab.payment(1, false);
    let verdict = low_signed(&cluster, &request);
    bring(&mut cluster, &request, vec![verdict]).unwrap();
    cluster.restart();
    cluster.attach(&[1, 2, 3]);
    let (lab, certified) = (&cluster.lab, cluster.lab.certified());
    let who = ("bob", "treasury");
    let said = lab.fixture.approval(&request, &certified, bundle().hash(), who, lab.now);
    let said = lab.fixture.say(&said);
    cluster.ask(ClientRequest::SubmitApproval(said)).unwrap();
    assert!(is_signed(&state(&mut cluster, &request)));
}

/// Nodes had named people: a verdict opens another way, also where nobody approves.
#[test]
fn a_verdict_is_used_where_nodes_waited_for_people() {
    for restarted in [false, true] {
        let mut cluster = cluster_with(ClusterFixture::screened_or_asking_bundle);
        let request = cluster.lab.payment(1, false);
        let waiting = bring(&mut cluster, &request, vec![]).unwrap().record;
        assert_eq!(waiting.state, RequestState::PendingApproval);
        assert_eq!(waiting.deferrals[0].body.missing[0].name.as_str(), "treasury");
        if restarted {
            cluster.restart();
            cluster.attach(&[1, 2, 3]);
        }
        let verdict = low_signed(&cluster, &request);
        bring(&mut cluster, &request, vec![verdict]).unwrap();
        assert!(is_signed(&state(&mut cluster, &request)), "restarted: {restarted}");
    }
}

/// What it brings after a restart opens the way, whatever nodes had said before.
#[test]
fn a_verdict_that_comes_after_a_restart_is_used() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    bring(&mut cluster, &request, vec![]).unwrap();
    cluster.restart();
    cluster.attach(&[1, 2, 3]);
    assert_eq!(state(&mut cluster, &request), RequestState::PendingApproval);
    let verdict = low_signed(&cluster, &request);
    bring(&mut cluster, &request, vec![verdict]).unwrap();
    assert!(is_signed(&state(&mut cluster, &request)));
}

#[test]
fn verdicts_that_no_node_could_count_are_refused() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    let good = low(&cluster, &request);
    let other = Digest::new([0xee; 32]);
    let later = RiskVerdict { issued: good.issued.plus_millis(1), ..good.clone() };
    for verdicts in [
        vec![RiskVerdict { cluster: other, ..good.clone() }],
        vec![RiskVerdict { effects: other, ..good.clone() }],
        vec![good.clone(), later],
    ] {
        let verdicts: Vec<_> = verdicts.into_iter().map(ClusterFixture::rate).collect();
        for validate_only in [false, true] {
            let create = ClientRequest::CreateSignRequest {
                request: request.clone(),
                verdicts: verdicts.clone(),
                validate_only,
            };
            assert_eq!(cluster.ask(create).unwrap_err().code, ErrorCode::Invalid);
        }
        let simulate = ClientRequest::Simulate { request: request.clone(), verdicts };
        assert_eq!(cluster.ask(simulate).unwrap_err().code, ErrorCode::Invalid);
    }
    assert_eq!(cluster.get(&request).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn no_more_providers_speak_than_a_node_reads() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    let of = |cluster: &Cluster, n: usize| {
        let provider = format!("p{n}").parse().unwrap();
        ClusterFixture::rate(RiskVerdict { provider, ..low(cluster, &request) })
    };
    let eight: Vec<_> = (0..8).map(|n| of(&cluster, n)).collect();
    bring(&mut cluster, &request, eight).unwrap();
    let ninth = of(&cluster, 8);
    let error = bring(&mut cluster, &request, vec![ninth]).unwrap_err();
    assert_eq!(error.code, ErrorCode::Exhausted);
    // Each of the eight may still say something newer.
    let again = of(&cluster, 7);
    bring(&mut cluster, &request, vec![again]).unwrap();
    assert_eq!(cluster.get(&request).unwrap().record.verdicts.len(), 8);
}

/// A node that answers after the verdict came had not seen it: its word must not hold it up.
#[test]
fn a_verdict_that_comes_while_nodes_answer_is_used() {
    // There is nobody else to ask.
    let mut cluster = cluster_of(ClusterFixture::screened_bundle, &[1, 2]);
    let request = cluster.lab.payment(1, false);
    let verdict = low_signed(&cluster, &request);
    // The questions of the first attempt stay open until the verdict is there.
    let create = ClientRequest::CreateSignRequest {
        request: request.clone(),
        verdicts: vec![],
        validate_only: false,
    };
    let open = cluster.hold(create);
    assert!(!open.is_empty());
    bring(&mut cluster, &request, vec![verdict]).unwrap();
    assert_eq!(state(&mut cluster, &request), RequestState::Signing);
    for answer in open {
        cluster.tell(answer);
    }
    assert!(is_signed(&state(&mut cluster, &request)));
}

#[test]
fn a_denial_by_verdict_is_told_with_what_was_said() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    let high = RiskVerdict { level: "high".parse().unwrap(), ..low(&cluster, &request) };
    let record = bring(&mut cluster, &request, vec![ClusterFixture::rate(high)]).unwrap().record;
    assert_eq!(record.state, RequestState::Denied);
    assert!(record.reason.contains("chainwatch said high"), "{}", record.reason);
    // What comes later changes nothing.
    let verdict = low_signed(&cluster, &request);
    let record = bring(&mut cluster, &request, vec![verdict]).unwrap().record;
    assert_eq!((record.state, record.verdicts.len()), (RequestState::Denied, 1));
}

#[test]
fn validating_and_simulating_take_verdicts_along() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    let verdicts = vec![low_signed(&cluster, &request)];
    let validate = ClientRequest::CreateSignRequest {
        request: request.clone(),
        verdicts: verdicts.clone(),
        validate_only: true,
    };
    assert!(matches!(cluster.ask(validate), Ok(ClientReply::Simulated(_))));
    let simulate = ClientRequest::Simulate { request: request.clone(), verdicts };
    let Ok(ClientReply::Simulated(decisions)) = cluster.ask(simulate) else { panic!() };
    assert!(decisions.iter().all(|node| node.decision.is_ok()), "{decisions:?}");
}

#[test]
fn a_node_that_waits_for_a_verdict_by_itself_does_not_hold_up_the_others() {
    let mut cluster = screening();
    let request = cluster.lab.payment(1, false);
    let elsewhere = ClusterFixture::otherwise_screened_bundle();
    cluster.lab.restart_with(crate::id(3), elsewhere, |_| {}).unwrap();
    let verdict = low_signed(&cluster, &request);
    bring(&mut cluster, &request, vec![verdict]).unwrap();
    cluster.lab.now = cluster.lab.now.plus_millis(10);
    cluster.tell(Input::Tick);
    assert!(is_signed(&state(&mut cluster, &request)));
}
