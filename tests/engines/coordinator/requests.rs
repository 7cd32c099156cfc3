//! The life of a request at a coordinator.

use super::*;

#[test]
fn the_same_request_again_is_the_same_result_also_after_a_restart() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    let request = cluster.lab.payment(1, true);
    let first = cluster.create(&request).unwrap();
    assert!(matches!(first.record.state, RequestState::Signed { .. }));
    assert_eq!(cluster.create(&request).unwrap().record, first.record);
    cluster.restart();
    assert_eq!(cluster.create(&request).unwrap().record, first.record);
}

#[test]
fn the_same_id_for_another_request_is_a_conflict() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2]);
    let first = cluster.lab.payment(1, true);
    cluster.create(&first).unwrap();
    cluster.lab.now = cluster.lab.now.plus_millis(1);
    let other = cluster.lab.payment(1, true);
    assert_eq!(cluster.create(&other).unwrap_err().code, ErrorCode::Conflict);
}

#[test]
fn below_the_threshold_a_request_waits_and_is_signed_when_a_node_returns() {
    let mut cluster = cluster();
    cluster.attach(&[1]);
    let request = cluster.lab.payment(1, true);
    let waiting = cluster.create(&request).unwrap();
    assert_eq!(waiting.record.state, RequestState::Queued);
    assert_eq!(waiting.hold, Some(Hold::BelowThreshold));
    cluster.attach(&[3]);
    let signed = cluster.get(&request).unwrap();
    assert!(matches!(signed.record.state, RequestState::Signed { .. }));
    assert_eq!(signed.hold, None);
}

#[test]
fn a_waiting_request_survives_a_restart() {
    let mut cluster = cluster();
    let request = cluster.lab.payment(1, true);
    cluster.create(&request).unwrap();
    cluster.restart();
    cluster.attach(&[2, 3]);
    assert!(matches!(cluster.get(&request).unwrap().record.state, RequestState::Signed { .. }));
}

#[test]
fn one_denial_is_no_veto_and_two_of_three_are() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    let denied = cluster.lab.payment(2, false);
    let view = cluster.create(&denied).unwrap();
    assert_eq!(view.record.state, RequestState::Denied);
    assert_eq!(view.record.denials.len(), 2);
    // Node 1 denies what it would allow, in words that it did not sign: nobody counts that.
    let lying = cluster.lab.payment(3, true);
    let words = view.record.denials[0].clone();
    cluster.between = Box::new(move |node, answer| match answer {
        FromNode::Reserved(_) if node == id(1) => {
            let mut lie = words.clone();
            lie.from = id(1);
            FromNode::Denied(lie)
        }
        answer => answer,
    });
    let view = cluster.create(&lying).unwrap();
    assert!(matches!(view.record.state, RequestState::Signed { .. }), "{:?}", view.record);
    assert!(view.record.denials.is_empty());
}

#[test]
fn a_bad_share_names_its_signer_and_another_set_signs() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    cluster.between = Box::new(move |node, answer| match answer {
        FromNode::Shares(mut shares) if node == id(2) => {
            shares.body.shares[0][0] ^= 1;
            FromNode::Shares(shares)
        }
        answer => answer,
    });
    for number in 0..6 {
        let request = cluster.lab.payment(number, true);
        let view = cluster.create(&request).unwrap();
        let RequestState::Signed { signers, .. } = view.record.state else {
            panic!("{:?}", view.record)
        };
        assert!(!signers.contains(id(2)));
    }
}

#[test]
fn attempts_end_and_the_request_says_why() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    cluster.between = Box::new(|_, answer| match answer {
        FromNode::Reserved(_) => FromNode::Certified,
        answer => answer,
    });
    let request = cluster.lab.payment(1, true);
    let first = cluster.create(&request).unwrap();
    // With everybody at fault the tries come later and later.
    assert_eq!(first.record.state, RequestState::Queued);
    for _ in 0..8 {
        cluster.lab.now = cluster.lab.now.plus_millis(32_000);
        cluster.tell(Input::Tick);
    }
    let view = cluster.get(&request).unwrap();
    assert_eq!(view.record.state, RequestState::Failed);
    assert_eq!(view.record.attempt, Attempt(8));
    assert!(view.record.reason.contains("something else"), "{}", view.record.reason);
}

#[test]
fn a_request_expires() {
    let mut cluster = cluster();
    let request = cluster.lab.payment(1, true);
    cluster.create(&request).unwrap();
    cluster.lab.now = request.request.expires;
    cluster.tell(Input::Tick);
    assert_eq!(cluster.get(&request).unwrap().record.state, RequestState::Expired);
}

#[test]
fn a_queued_request_can_be_cancelled_and_a_signed_one_cannot() {
    let mut cluster = cluster();
    let request = cluster.lab.payment(1, true);
    cluster.create(&request).unwrap();
    let name = request.request.request_key();
    let canceled = cluster.ask(ClientRequest::CancelSignRequest(name)).map(view).unwrap();
    assert_eq!(canceled.record.state, RequestState::Canceled);
    cluster.attach(&[1, 2]);
    assert_eq!(cluster.get(&request).unwrap().record.state, RequestState::Canceled);
    let signed = cluster.lab.payment(2, true);
    cluster.create(&signed).unwrap();
    let name = signed.request.request_key();
    let late = cluster.ask(ClientRequest::CancelSignRequest(name)).unwrap_err();
    assert_eq!(late.code, ErrorCode::Precondition);
}

#[test]
fn bad_requests_change_nothing() {
    let mut cluster = cluster();
    let before = cluster.records.len();
    let mut forged = cluster.lab.payment(1, true);
    forged.statement.push(0);
    assert_eq!(cluster.create(&forged).unwrap_err().code, ErrorCode::Invalid);
    let late = cluster.lab.payment(2, true);
    cluster.lab.now = late.request.expires;
    assert_eq!(cluster.create(&late).unwrap_err().code, ErrorCode::Invalid);
    cluster.lab.now = Timestamp::from_millis(cluster.lab.now.millis() - 300_000);
    let mut unknown = cluster.lab.payment(3, true).request;
    unknown.key = "nobody".parse().unwrap();
    let statement = format!("{unknown:?}").into_bytes();
    let unknown = SignedRequest::sign(statement, unknown, &cluster.lab.fixture.signers.service);
    assert_eq!(cluster.create(&unknown).unwrap_err().code, ErrorCode::NotFound);
    let mut undecodable = cluster.lab.payment(4, true).request;
    undecodable.payload.push(0);
    let statement = format!("{undecodable:?}").into_bytes();
    let service = &cluster.lab.fixture.signers.service;
    let undecodable = SignedRequest::sign(statement, undecodable, service);
    assert_eq!(cluster.create(&undecodable).unwrap_err().code, ErrorCode::Invalid);
    assert_eq!(cluster.records.len(), before);
}

#[test]
fn open_requests_of_a_service_are_limited() {
    let mut cluster = Cluster::new(Limits { open_requests_max: 2, ..Limits::default() });
    for number in 0..2 {
        let request = cluster.lab.payment(number, true);
        cluster.create(&request).unwrap();
    }
    let third = cluster.lab.payment(3, true);
    assert_eq!(cluster.create(&third).unwrap_err().code, ErrorCode::Exhausted);
    cluster.attach(&[1, 2]);
    cluster.create(&third).unwrap();
}

#[test]
fn validating_fails_where_creating_would_and_stores_nothing() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    let before = cluster.records.len();
    let validate = |request: SignedRequest| ClientRequest::CreateSignRequest {
        request,
        verdicts: vec![],
        validate_only: true,
    };
    let good = cluster.lab.payment(1, true);
    assert!(matches!(cluster.ask(validate(good)), Ok(ClientReply::Simulated(_))));
    let bad = cluster.lab.payment(2, false);
    assert_eq!(cluster.ask(validate(bad)).unwrap_err().code, ErrorCode::Denied);
    assert_eq!(cluster.records.len(), before);
}

#[test]
fn requests_are_listed_by_name_page_by_page() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2]);
    for number in 0..5 {
        let request = cluster.lab.payment(number, number % 2 == 0);
        cluster.create(&request).unwrap();
    }
    let list = |state: Option<&str>, after, limit| {
        let state = state.map(str::to_owned);
        ClientRequest::ListSignRequests(ListFilter { service: None, state, after, limit })
    };
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let Ok(ClientReply::SignRequests(page)) = cluster.ask(list(None, after.clone(), 2)) else {
            panic!("no list")
        };
        let Some(last) = page.last() else { break };
        after = Some(last.record.signed.request.request_key());
        names.extend(page.iter().map(|view| view.record.signed.request.request_key()));
    }
    assert_eq!(names.len(), 5);
    assert!(names.is_sorted());
    let Ok(ClientReply::SignRequests(signed)) = cluster.ask(list(Some("SIGNED"), None, 10)) else {
        panic!("no list")
    };
    assert_eq!(signed.len(), 3);
}

#[test]
fn what_waits_for_a_session_does_not_ask_for_time() {
    let mut cluster = Cluster::new(Limits { sessions_max: 0, ..Limits::default() });
    cluster.attach(&[1, 2, 3]);
    cluster.tell(Input::Tick);
    let request = cluster.lab.payment(1, true);
    cluster.create(&request).unwrap();
    // Otherwise the driver would turn in circles until a session ends.
    assert!(cluster.coordinator.wake_at().is_none_or(|time| time > cluster.lab.now));
}

#[test]
fn ended_requests_are_forgotten_long_after_they_expired_and_open_ones_never() {
    let mut cluster = Cluster::new(Limits { keep_ms: 1_000, ..Limits::default() });
    cluster.attach(&[1, 2]);
    let request = cluster.lab.payment(1, true);
    cluster.create(&request).unwrap();
    cluster.lab.now = request.request.expires.plus_millis(1_000);
    cluster.tell(Input::Tick);
    assert!(cluster.get(&request).is_ok());
    cluster.lab.now = cluster.lab.now.plus_millis(1);
    cluster.tell(Input::Tick);
    assert_eq!(cluster.get(&request).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(cluster.create(&request).unwrap_err().code, ErrorCode::Invalid);
    let forgotten = |record: &Record| matches!(record, Record::ForgetRequest(_));
    assert_eq!(cluster.records.iter().filter(|record| forgotten(record)).count(), 1);
}

#[test]
fn large_requests_that_fail_together_fit_into_the_store_batch_by_batch() {
    // `Disk::apply` panics at a batch that the real store would refuse.
    let mut cluster = cluster();
    let mut disk = quorate_testkit::Disk::default();
    for number in 0..8 {
        let mut request = cluster.lab.payment(number, true).request;
        request.client_reference = "x".repeat(256);
        let statement = vec![u8::try_from(number).unwrap(); 250 * 1024];
        let service = &cluster.lab.fixture.signers.service;
        let signed = SignedRequest::sign(statement, request, service);
        cluster.create(&signed).unwrap();
    }
    cluster.attach(&[1]);
    let outputs = cluster.coordinator.handle(
        Input::Detached(id(1)),
        moment(cluster.lab.now.plus_millis(60_000)),
        &mut cluster.rng,
    );
    let mut batches = 0;
    for output in outputs {
        if let Output::Persist(records) = output {
            disk.apply(&records);
            batches += 1;
        }
    }
    assert!(batches >= 8, "{batches}");
}
