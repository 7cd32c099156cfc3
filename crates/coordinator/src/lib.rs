//! The engine of a coordinator: a mailbox, a scheduler and a status store. It relays what nodes
//! sign, aggregates what they release and verifies the result; it decides nothing.
//!
//! **Architecture invariant:** this crate has no type that could hold a share or a nonce, and no
//! policy code path.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod activation;
mod answers;
mod approvals;
mod calls;
mod client;
mod config;
mod coordinator;
mod effect;
mod holders;
mod keygen;
mod nodes;
mod orders;
mod out;
mod pace;
mod plan;
mod queries;
mod record;
mod request;
mod requests;
mod session;
mod sharings;
mod signing;
mod simulation;
mod start;
mod testimonies;
mod verdicts;

pub use client::{
    ClientCall, ClientError, ClientReply, ClientRequest, ClusterView, ErrorCode, KeyView,
    ListFilter, NodeDecision, NodeView, OperationView, OrderView, SignRequestView,
};
pub use config::Limits;
pub use coordinator::{Action, Coordinator, Input};
pub use record::{
    AcceptanceRecord, KeyRecord, OperationRecord, OperationState, OrderRecord, Record,
};
pub use request::{RequestState, SignRequestRecord};
pub use requests::Hold;
pub use start::StartError;
