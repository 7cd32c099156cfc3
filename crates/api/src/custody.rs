//! The custody API: what clients ask of a coordinator, checked, and what they hear.

mod call;
mod cluster;
mod intent;
mod key;
mod order;
mod sign_request;

pub use call::{CreateSignRequest, ListKeys};
pub use cluster::cluster_to_pb;
pub use key::{keys_to_pb, operation_to_pb};
pub use order::orders_to_pb;
pub use sign_request::{created_to_pb, found_to_pb, preview_to_pb, sign_requests_to_pb};
