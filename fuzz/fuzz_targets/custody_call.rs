//! What a client asks a coordinator. The first byte says which call.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use quorate_api::custody::{CreateSignRequest, ListKeys};
use quorate_api::name::Parent;
use quorate_api::pb::custody::v1 as pb;
use quorate_coordinator::{ClientRequest, ListFilter};

fn read<M: Message + Default, T: TryFrom<M>>(bytes: &[u8]) {
    let _ = M::decode(bytes).map(T::try_from);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((call, bytes)) = bytes.split_first() else { return };
    match call % 11 {
        0 => read::<pb::CreateSignRequestRequest, CreateSignRequest>(bytes),
        1 => read::<pb::GetSignRequestRequest, ClientRequest>(bytes),
        2 => read::<pb::CancelSignRequestRequest, ClientRequest>(bytes),
        3 => read::<pb::ListSignRequestsRequest, ListFilter>(bytes),
        4 => read::<pb::WatchSignRequestsRequest, Parent>(bytes),
        5 => read::<pb::SimulateSignRequestRequest, ClientRequest>(bytes),
        6 => read::<pb::DecodePayloadRequest, ClientRequest>(bytes),
        7 => read::<pb::GenerateKeyRequest, ClientRequest>(bytes),
        8 => read::<pb::GetKeyRequest, ClientRequest>(bytes),
        9 => read::<pb::ListKeysRequest, ListKeys>(bytes),
        _ => read::<pb::GetOperationRequest, ClientRequest>(bytes),
    }
});
