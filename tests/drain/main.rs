//! Drains: payloads that move more, or to somebody else, or for longer, than they seem to. Each is
//! asked of real nodes whose policy permits every transfer, so that only what a node decodes itself,
//! and the floors under every policy, stand between the payload and a signature. Each must be denied
//! by every node with the reason that the table says, for good, and without a share.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bitcoin;
mod cluster;
#[path = "../judge.rs"]
mod judge;
mod paths;
mod shown;
mod solana;
