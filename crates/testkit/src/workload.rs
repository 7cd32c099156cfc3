//! What a run is asked to do.

use quorate_model::Scheme;

/// One key, and payments with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Nodes of the cluster.
    pub nodes: u16,
    /// Signers required.
    pub threshold: u16,
    /// The key's scheme.
    pub scheme: Scheme,
    /// Payments that the policy permits.
    pub permitted: u64,
    /// Payments that it does not.
    pub denied: u64,
    /// Payments that wait for people: every second one is approved, the others are rejected. Where
    /// there are any, somebody freezes the key once as well, and it is lifted again.
    pub asking: u64,
    /// Whether people bring another policy bundle into force, which lets people approve what the first
    /// one denies, and another version of the trust root.
    pub changes: bool,
    /// New sharings of the key that people order, one after the other, while payments are made.
    pub rotations: u64,
}
