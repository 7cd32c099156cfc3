//! Every RPC, and a good message for it.

use prost::Message;
use prost_types::FileDescriptorSet;
use quorate_api::name;
use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::decode_payload_request::Payload as DecodedPayload;
use quorate_api::pb::custody::v1::signing_service_client::SigningServiceClient;
use quorate_api::pb::node::v1 as node;
use quorate_model::{Network, OrderId};
use quorate_trust::{OrderAction, Scope, SignedOrder, SignedRequest};

use super::caller::{Caller, call};
use super::people::{OFFICERS, People, distinct, key_id};
use super::{FILE_DESCRIPTOR_SET, markdown};

/// Satoshis that the policy allows, and that it asks the treasury about.
const LITTLE: u64 = 50_000;
const MUCH: u64 = 500_000;

/// The table of every RPC by every caller.
pub(super) async fn table(messages: &[(&str, Vec<u8>)], callers: &[Caller]) -> String {
    let mut rows = Vec::new();
    for rpc in rpcs() {
        let found = messages.iter().find(|(name, _)| *name == rpc);
        let (_, message) = found.unwrap_or_else(|| panic!("no message for {rpc}: add one below"));
        let mut row = vec![format!("`{rpc}`")];
        for caller in callers {
            row.push(caller.call(&path_of(&rpc), message.clone()).await);
        }
        rows.push(row.try_into().unwrap());
    }
    let mut head = vec!["RPC"];
    head.extend(callers.iter().map(|caller| caller.role));
    let head: [&str; 10] = head.try_into().unwrap();
    markdown(head, rows)
}

/// Every RPC of quorate's own packages, and what a gRPC server brings by itself.
fn rpcs() -> Vec<String> {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap().file;
    let own = files.iter().filter(|file| file.package().starts_with("quorate."));
    let mut rpcs: Vec<_> = own
        .flat_map(|file| {
            let package = file.package().trim_start_matches("quorate.").to_owned();
            file.service.iter().map(move |service| (package.clone(), service))
        })
        .flat_map(|(package, service)| {
            let name = service.name();
            service.method.iter().map(move |rpc| format!("{package}.{name}/{}", rpc.name()))
        })
        .collect();
    rpcs.push("grpc.health.v1.Health/Check".to_owned());
    assert!(rpcs.len() > 20 && distinct(&rpcs), "{rpcs:?}");
    rpcs
}

fn path_of(rpc: &str) -> String {
    if rpc.starts_with("grpc.") { format!("/{rpc}") } else { format!("/quorate.{rpc}") }
}

/// A good message for every RPC, after what it is about was made.
pub(super) async fn messages(people: &People) -> Vec<(&'static str, Vec<u8>)> {
    let freeze = OrderAction::Freeze(Scope::Key("nobody".parse().unwrap()));
    let freeze = people.order("freeze-nobody", freeze, &OFFICERS[..1]);
    let mut messages = about_requests(people).await;
    messages.extend(about_keys_and_orders(people, &freeze));
    messages.extend(about_nodes(freeze));
    messages
}

async fn about_requests(people: &People) -> Vec<(&'static str, Vec<u8>)> {
    let (signed, approved, canceled) =
        (people.request(1, LITTLE), people.request(2, MUCH), people.request(3, MUCH));
    for request in [&signed, &approved, &canceled] {
        let path = "/quorate.custody.v1.SigningService/CreateSignRequest";
        call(people.channel().await, path, create(request, 10_000).encode_to_vec()).await.unwrap();
    }
    waits_for_people(people, &approved).await;
    let named = |request: &SignedRequest| name::sign_request(&request.request.request_key());
    let parent = "services/payments".to_owned();
    let decode = pb::DecodePayloadRequest {
        key: name::key(&key_id()),
        network: Network::BitcoinRegtest.to_string(),
        payload: Some(DecodedPayload::BitcoinPsbt(people.payload(4, LITTLE))),
        path: String::new(),
    };
    vec![
        ("custody.v1.ApprovalService/SubmitApproval", {
            let approval = Some(people.approval(&approved).into());
            pb::SubmitApprovalRequest { approval }.encode_to_vec()
        }),
        ("custody.v1.SigningService/CreateSignRequest", create(&signed, 0).encode_to_vec()),
        ("custody.v1.SigningService/GetSignRequest", {
            pb::GetSignRequestRequest { name: named(&signed) }.encode_to_vec()
        }),
        ("custody.v1.SigningService/ListSignRequests", {
            let parent = parent.clone();
            pb::ListSignRequestsRequest { parent, ..Default::default() }.encode_to_vec()
        }),
        ("custody.v1.SigningService/WatchSignRequests", {
            pb::WatchSignRequestsRequest { parent }.encode_to_vec()
        }),
        ("custody.v1.SigningService/CancelSignRequest", {
            pb::CancelSignRequestRequest { name: named(&canceled) }.encode_to_vec()
        }),
        ("custody.v1.SigningService/SimulateSignRequest", {
            let request = Some(people.request(5, LITTLE).into());
            pb::SimulateSignRequestRequest { request, verdicts: Vec::new() }.encode_to_vec()
        }),
        ("custody.v1.SigningService/DecodePayload", decode.encode_to_vec()),
    ]
}

fn about_keys_and_orders(people: &People, freeze: &SignedOrder) -> [(&'static str, Vec<u8>); 9] {
    let make: OrderId = "make-btc".parse().unwrap();
    let frozen: OrderId = "freeze-nobody".parse().unwrap();
    [
        ("custody.v1.FleetService/GetCluster", pb::GetClusterRequest {}.encode_to_vec()),
        ("custody.v1.KeyService/GenerateKey", {
            let order = Some(people.make_key.clone().into());
            pb::GenerateKeyRequest { order }.encode_to_vec()
        }),
        ("custody.v1.KeyService/ReshareKey", {
            // Made already: the same order again is its operation.
            let order = Some(people.make_key.clone().into());
            pb::ReshareKeyRequest { order }.encode_to_vec()
        }),
        ("custody.v1.KeyService/GetOperation", {
            pb::GetOperationRequest { name: name::operation(&make) }.encode_to_vec()
        }),
        ("custody.v1.KeyService/GetKey", {
            pb::GetKeyRequest { name: name::key(&key_id()) }.encode_to_vec()
        }),
        ("custody.v1.KeyService/ListKeys", pb::ListKeysRequest::default().encode_to_vec()),
        ("custody.v1.OrderService/SubmitOrder", {
            pb::SubmitOrderRequest { order: Some(freeze.clone().into()) }.encode_to_vec()
        }),
        ("custody.v1.OrderService/GetOrder", {
            pb::GetOrderRequest { name: name::order(&frozen) }.encode_to_vec()
        }),
        ("custody.v1.OrderService/ListOrders", pb::ListOrdersRequest {}.encode_to_vec()),
    ]
}

fn about_nodes(freeze: SignedOrder) -> [(&'static str, Vec<u8>); 10] {
    let (stream, version) = (node::StreamKind::Control.into(), "0.1.0".to_owned());
    let hello = node::node_frame::Answer::Hello(node::Hello { stream, version });
    [
        ("node.v1.NodeAdmin/GetStatus", node::GetStatusRequest {}.encode_to_vec()),
        ("node.v1.NodeAdmin/GetMetrics", node::GetMetricsRequest {}.encode_to_vec()),
        ("node.v1.NodeAdmin/SubmitOrder", {
            node::SubmitOrderRequest { order: Some(freeze.into()) }.encode_to_vec()
        }),
        ("node.v1.NodeAdmin/ExportAudit", node::ExportAuditRequest {}.encode_to_vec()),
        // The root of this cluster names no recovery officers.
        ("node.v1.NodeAdmin/CreateBackup", node::CreateBackupRequest {}.encode_to_vec()),
        ("node.v1.NodeAdmin/Seal", node::SealRequest {}.encode_to_vec()),
        ("node.v1.NodeAdmin/Unseal", node::UnsealRequest::default().encode_to_vec()),
        ("node.v1.NodeAdmin/RotateKek", node::RotateKekRequest::default().encode_to_vec()),
        ("node.v1.NodeGateway/Attach", {
            node::NodeFrame { call: 0, answer: Some(hello) }.encode_to_vec()
        }),
        ("grpc.health.v1.Health/Check", Vec::new()),
    ]
}

fn create(request: &SignedRequest, wait_ms: u32) -> pb::CreateSignRequestRequest {
    let request = Some(request.clone().into());
    pb::CreateSignRequestRequest { request, verdicts: Vec::new(), validate_only: false, wait_ms }
}

async fn waits_for_people(people: &People, request: &SignedRequest) {
    let name = name::sign_request(&request.request.request_key());
    let mut client = SigningServiceClient::new(people.channel().await);
    let asked = client.get_sign_request(pb::GetSignRequestRequest { name }).await.unwrap();
    let asked = asked.into_inner();
    assert_eq!(asked.state(), pb::SignRequestState::PendingApproval, "{asked:?}");
}
