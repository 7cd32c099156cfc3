//! What a cluster signs is judged by code that nobody here wrote: Bitcoin's consensus code and a
//! strict Ed25519 verifier. Coordinator and nodes are the real engines.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bitcoin;
mod demo;
#[path = "../judge.rs"]
mod judge;
mod key_hash;
#[path = "../lockstep.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod lockstep;
mod solana;

/// Nodes of a cluster and signers that a key needs.
const SIZES: [(u16, u16); 3] = [(3, 2), (5, 3), (7, 5)];
