//! Runs the engines on tokio: a signer node, a coordinator.
//!
//! An engine runs on a thread of its own. What it wants durable goes to the store's writer, what it
//! wants sent waits for that: the driver keeps the order. Nothing is decided here.

mod clock;
pub mod config;
mod coordinator;
mod driver;
mod error;
mod files;
mod node;
mod storage;

pub use coordinator::run_coordinator;
pub use error::DaemonError;
pub use node::run_node;
pub use storage::create_node_store;

/// The version that processes say they are.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
