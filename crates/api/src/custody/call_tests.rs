use super::*;
use crate::fixture;

const REQUEST: &str = "services/payments/signRequests/6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11";

#[test]
fn a_request_is_created_as_its_service_signed_it() {
    let signed = fixture::signed_request();
    let call = pb::CreateSignRequestRequest {
        request: Some(signed.clone().into()),
        validate_only: true,
        wait_ms: 60_000,
        verdicts: vec![fixture::signed_verdict().into()],
    };
    let create = CreateSignRequest::try_from(call.clone()).unwrap();
    assert_eq!(create.wait, Duration::from_secs(60));
    let expected = ClientRequest::CreateSignRequest {
        request: signed,
        verdicts: vec![fixture::signed_verdict()],
        validate_only: true,
    };
    assert_eq!(ClientRequest::from(create), expected);
    let more = vec![fixture::signed_verdict().into(); 9];
    let more = pb::CreateSignRequestRequest { verdicts: more, ..call.clone() };
    let error = CreateSignRequest::try_from(more).unwrap_err();
    assert_eq!(error.field, "CreateSignRequestRequest.verdicts");
    let longer = pb::CreateSignRequestRequest { wait_ms: 60_001, ..call };
    let error = CreateSignRequest::try_from(longer).unwrap_err();
    assert_eq!(error.field, "CreateSignRequestRequest.wait_ms");
}

#[test]
fn names_lead_to_what_they_name() {
    let key = pb::GetKeyRequest { name: "keys/treasury".to_owned() };
    let expected = ClientRequest::GetKey("treasury".parse().unwrap());
    assert_eq!(ClientRequest::try_from(key).unwrap(), expected);
    let operation = pb::GetOperationRequest { name: "operations/o1".to_owned() };
    let expected = ClientRequest::GetOperation("o1".parse().unwrap());
    assert_eq!(ClientRequest::try_from(operation).unwrap(), expected);
    let request = || name::parse_sign_request("a", REQUEST).unwrap();
    let get = pb::GetSignRequestRequest { name: REQUEST.to_owned() };
    assert_eq!(ClientRequest::try_from(get).unwrap(), ClientRequest::GetSignRequest(request()));
    let cancel = pb::CancelSignRequestRequest { name: REQUEST.to_owned() };
    let expected = ClientRequest::CancelSignRequest(request());
    assert_eq!(ClientRequest::try_from(cancel).unwrap(), expected);
    let watch = pb::WatchSignRequestsRequest { parent: "services/-".to_owned() };
    assert_eq!(Parent::try_from(watch).unwrap(), Parent::Any);
}

#[test]
fn a_list_is_filtered_by_service_and_state() {
    let list = |parent: &str, state| pb::ListSignRequestsRequest {
        parent: parent.to_owned(),
        state,
        page_size: 0,
        page_token: String::new(),
    };
    let filter = ListFilter::try_from(list("services/payments", Some(2))).unwrap();
    assert_eq!(filter.service, Some("payments".parse().unwrap()));
    assert_eq!(filter.state, Some("QUEUED".to_owned()));
    assert_eq!((filter.after, filter.limit), (None, limits::PAGE_SIZE_DEFAULT));
    let filter = ListFilter::try_from(list("services/-", None)).unwrap();
    assert_eq!((filter.service, filter.state), (None, None));
    for unknown in [0, 10] {
        let error = ListFilter::try_from(list("services/-", Some(unknown))).unwrap_err();
        let field = "ListSignRequestsRequest.state";
        assert_eq!(error, DecodeError::new(field, Fault::Unknown(unknown)));
    }
}

#[test]
fn states_are_filtered_by_the_names_that_they_have() {
    for state in fixture::request_states() {
        let number = pb::SignRequestState::from(&state).into();
        assert_eq!(state_name(number).unwrap(), state.as_str());
    }
}

#[test]
fn a_payload_is_bounded() {
    let call = |bytes| pb::DecodePayloadRequest {
        network: "bip122:000000000019d6689c085ae165831e93".to_owned(),
        key: "keys/treasury".to_owned(),
        payload: Some(Payload::BitcoinPsbt(vec![1; bytes])),
        path: String::new(),
    };
    assert!(ClientRequest::try_from(call(limits::PAYLOAD_BYTES_MAX)).is_ok());
    let error = ClientRequest::try_from(call(limits::PAYLOAD_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(error.field, "DecodePayloadRequest.payload");
    let none = pb::DecodePayloadRequest { payload: None, ..call(1) };
    let error = ClientRequest::try_from(none).unwrap_err();
    assert_eq!(error, DecodeError::missing("DecodePayloadRequest.payload"));
}

#[test]
fn a_payload_is_decoded_for_the_key_itself_or_a_child() {
    let path_of = |path: &str| {
        let call = pb::DecodePayloadRequest {
            network: "bip122:000000000019d6689c085ae165831e93".to_owned(),
            key: "keys/treasury".to_owned(),
            payload: Some(Payload::BitcoinPsbt(vec![1])),
            path: path.to_owned(),
        };
        let request = ClientRequest::try_from(call)?;
        let ClientRequest::DecodePayload { path, .. } = request else { panic!("{request:?}") };
        Ok(path.to_string())
    };
    for (given, meant) in [("", "m"), ("m", "m"), ("m/0/7", "m/0/7")] {
        assert_eq!(path_of(given).as_deref(), Ok(meant));
    }
    let refused: DecodeError = path_of("m/2147483648").unwrap_err();
    assert_eq!(refused.field, "DecodePayloadRequest.path");
}

#[test]
fn a_call_without_its_statement_is_refused() {
    let error = ClientRequest::try_from(pb::GenerateKeyRequest { order: None }).unwrap_err();
    assert_eq!(error, DecodeError::missing("GenerateKeyRequest.order"));
    let simulate = pb::SimulateSignRequestRequest { request: None, verdicts: Vec::new() };
    let error = ClientRequest::try_from(simulate).unwrap_err();
    assert_eq!(error, DecodeError::missing("SimulateSignRequestRequest.request"));
    let error = CreateSignRequest::try_from(pb::CreateSignRequestRequest::default()).unwrap_err();
    assert_eq!(error, DecodeError::missing("CreateSignRequestRequest.request"));
}
