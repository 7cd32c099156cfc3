//! The engine of a signer node: a pure state machine that verifies every statement itself, asks its
//! gate before it makes a nonce and again before it releases a share, and says what must be durable
//! before what is sent.
//!
//! **Architecture invariant:** a share is loaded for signing only with a [`quorate_policy::Permit`],
//! and only the gate makes one.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod administer;
mod backup;
mod case;
mod charge;
mod claims;
mod clock;
mod config;
mod confirm;
mod exchange;
mod history;
mod key_states;
mod keygen;
mod keys;
mod ledger;
mod lives;
mod node;
mod orders;
mod pairs;
mod peers;
mod record;
mod refusal;
mod reserve;
mod reshare;
mod restore;
mod session;
mod share;
mod start;
mod state;
mod status;
mod successors;
mod time;
mod turn;
mod vault;
mod verdict;
mod work;

pub use administer::Administration;
pub use backup::BackupRefusal;
pub use config::{Identity, Limits, NodeConfig};
pub use node::{Action, Input, LinkId, Node};
pub use pairs::PairFreezeRecord;
pub use peers::PeerRecord;
pub use record::{
    ActiveRecord, CeremonyRecord, ClockRecord, ConfirmationAttempt, OrderRecord, Record,
    RequestRecord, ShareRecord,
};
pub use restore::{RestoreError, restored_records};
pub use start::StartError;
pub use work::{Outcome, Work};
