//! Generated gRPC types, and the conversions across the trust boundary.
//!
//! [`pb`] is what travels; everything else turns it into domain values and back. Whatever came from
//! outside is a domain value only once every length, count and set in it was checked against
//! [`limits`]; the error names message and field. Decoding says nothing about who sent it: that
//! follows from signatures, which the domain types verify.
//!
//! **Architecture invariant:** no conversion panics, whatever the bytes.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

pub mod backup;
mod convert;
pub mod custody;
mod decode_error;
mod field;
#[cfg(test)]
mod fixture;
pub mod frame;
#[cfg(test)]
mod garbage_tests;
pub mod limits;
pub mod name;
pub mod page;
pub mod pb;
mod proof;
pub mod statement;
pub mod status;
pub mod storage;

pub use decode_error::{DecodeError, Fault};
pub use proof::KeyProof;
