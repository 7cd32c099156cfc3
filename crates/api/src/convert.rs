//! Messages to domain values, and back.

mod answer;
mod ceremony;
mod certificate;
mod custody_key;
mod custody_sign_request;
mod denial;
mod intent;
mod order;
mod question;
pub(crate) mod request;
pub(crate) mod scheme;
mod signed;
mod signing;
mod status;

pub use custody_key::operation_to_pb;
pub use custody_sign_request::{RequestView, SignRequestState};
