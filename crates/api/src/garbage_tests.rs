//! Whatever bytes arrive: a value or a typed error, and no panic.

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use prost::Message;
use quorate_coordinator::{ClientRequest, ListFilter};
use quorate_protocol::wire::{CallId, ToNode};

use crate::custody::{CreateSignRequest, ListKeys};
use crate::frame::{Hello, NodeFrame, StreamKind};
use crate::name::Parent;
use crate::pb::{custody::v1 as custody, node::v1 as node};
use crate::statement::{decode_sign_request, encode_sign_request};
use crate::{DecodeError, fixture};

const ROUNDS: usize = 10_000;

/// Reads changed copies of `originals`; most are refused, none panics.
fn survives<T>(originals: &[Vec<u8>], read: impl Fn(&[u8]) -> Result<T, DecodeError>) {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut refused = 0;
    for original in originals {
        assert!(read(original).is_ok(), "an original is read");
    }
    for round in 0..ROUNDS {
        let mut bytes = originals[round % originals.len()].clone();
        change(&mut bytes, &mut rng);
        refused += usize::from(read(&bytes).is_err());
    }
    assert!(refused > 0, "some change matters");
}

fn change(bytes: &mut Vec<u8>, rng: &mut TestRng) {
    let mut below = |limit: usize| rng.next_u32() as usize % limit.max(1);
    for _ in 0..=below(4) {
        let at = below(bytes.len());
        match below(5) {
            0 => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] ^= 1 << below(8),
            2 if !bytes.is_empty() => bytes[at] = below(256) as u8,
            3 if !bytes.is_empty() => drop(bytes.remove(at)),
            _ => bytes.insert(at, below(256) as u8),
        }
    }
}

fn parse<M, T>(bytes: &[u8]) -> Result<T, DecodeError>
where
    M: Message + Default,
    T: TryFrom<M, Error = DecodeError>,
{
    M::decode(bytes).map_err(|e| DecodeError::encoding("message", &e))?.try_into()
}

#[test]
fn changed_statements() {
    survives(&[encode_sign_request(&fixture::sign_request())], decode_sign_request);
}

#[test]
fn changed_proofs() {
    let proof = crate::KeyProof {
        certificate: fixture::certificate("treasury"),
        confirmations: vec![fixture::confirmation()],
    };
    survives(&[proof.encode()], crate::KeyProof::decode);
}

#[test]
fn changed_questions() {
    let originals: Vec<_> = fixture::questions()
        .into_iter()
        .map(|question| node::CoordinatorFrame::from((CallId(9), question)).encode_to_vec())
        .collect();
    survives(&originals, parse::<node::CoordinatorFrame, (CallId, ToNode)>);
}

#[test]
fn changed_answers() {
    let hello = Hello { stream: StreamKind::Bulk, version: "0.1.0".to_owned() };
    let answers = fixture::answers().into_iter();
    let frames = answers.map(|answer| NodeFrame::Answer(CallId(9), answer));
    let originals: Vec<_> = frames
        .chain([NodeFrame::Hello(hello)])
        .map(|frame| node::NodeFrame::from(frame).encode_to_vec())
        .collect();
    survives(&originals, parse::<node::NodeFrame, NodeFrame>);
}

#[test]
fn changed_calls_of_clients() {
    let request = || Some(fixture::signed_request().into());
    let name = || "services/payments/signRequests/6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11".to_owned();
    let create = custody::CreateSignRequestRequest {
        request: request(),
        validate_only: true,
        wait_ms: 9,
        verdicts: vec![fixture::signed_verdict().into()],
    };
    survives(
        &[create.encode_to_vec()],
        parse::<custody::CreateSignRequestRequest, CreateSignRequest>,
    );
    let simulate = custody::SimulateSignRequestRequest {
        request: request(),
        verdicts: vec![fixture::signed_verdict().into()],
    };
    survives(
        &[simulate.encode_to_vec()],
        parse::<custody::SimulateSignRequestRequest, ClientRequest>,
    );
    let generate = custody::GenerateKeyRequest { order: Some(fixture::signed_order().into()) };
    survives(&[generate.encode_to_vec()], parse::<custody::GenerateKeyRequest, ClientRequest>);
    let get = custody::GetSignRequestRequest { name: name() };
    survives(&[get.encode_to_vec()], parse::<custody::GetSignRequestRequest, ClientRequest>);
    survives(&[get.encode_to_vec()], parse::<custody::CancelSignRequestRequest, ClientRequest>);
    let get = custody::GetKeyRequest { name: "keys/treasury".to_owned() };
    survives(&[get.encode_to_vec()], parse::<custody::GetKeyRequest, ClientRequest>);
    let get = custody::GetOperationRequest { name: "operations/o1".to_owned() };
    survives(&[get.encode_to_vec()], parse::<custody::GetOperationRequest, ClientRequest>);
    let decode = custody::DecodePayloadRequest {
        network: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".to_owned(),
        key: "keys/treasury".to_owned(),
        payload: Some(custody::decode_payload_request::Payload::SolanaMessage(vec![1; 40])),
        path: "m/0/7".to_owned(),
    };
    survives(&[decode.encode_to_vec()], parse::<custody::DecodePayloadRequest, ClientRequest>);
}

#[test]
fn changed_lists_of_clients() {
    let list = custody::ListSignRequestsRequest {
        parent: "services/-".to_owned(),
        state: Some(4),
        page_size: 7,
        page_token: crate::page::next_token(&fixture::sign_request().request_key()),
    };
    survives(&[list.encode_to_vec()], parse::<custody::ListSignRequestsRequest, ListFilter>);
    let keys =
        custody::ListKeysRequest { page_size: 7, page_token: crate::page::next_token("treasury") };
    survives(&[keys.encode_to_vec()], parse::<custody::ListKeysRequest, ListKeys>);
    let watch = custody::WatchSignRequestsRequest { parent: "services/payments".to_owned() };
    survives(&[watch.encode_to_vec()], parse::<custody::WatchSignRequestsRequest, Parent>);
}
