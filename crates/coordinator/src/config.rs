//! What a coordinator refuses to exceed, and how long it waits.

/// Limits of a coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one service that are not final.
    pub open_requests_max: usize,
    /// Signing sessions at one time.
    pub sessions_max: usize,
    /// Attempts at one request, confirmation or order.
    pub attempts_max: u32,
    /// How long one phase of signing may take, in milliseconds.
    pub phase_ms: u64,
    /// How long one round of a ceremony may take, in milliseconds.
    pub round_ms: u64,
    /// How long to wait before trying again where nothing has changed, in milliseconds.
    pub retry_ms: u64,
    /// How often nodes are asked how they are, in milliseconds.
    pub status_ms: u64,
    /// Simulations at one time.
    pub simulations_max: usize,
    /// Bytes of all requests that are kept.
    pub kept_bytes_max: usize,
    /// How far a node's clock may be off, in milliseconds, before its answers are not relayed.
    pub clock_skew_ms: u64,
    /// How long a request that ended is kept after its expiry, in milliseconds.
    pub keep_ms: u64,
    /// How many times as long as a new sharing took nothing is made of the next one: so that a fleet of keys
    /// is refreshed while nodes sign. With 4, nodes spend a fifth of the time on it at most.
    pub reshare_rests: u64,
    /// How long a node that failed an attempt is the last choice, in milliseconds.
    pub suspect_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_requests_max: 1024,
            sessions_max: 256,
            attempts_max: 8,
            phase_ms: 5_000,
            round_ms: 20_000,
            retry_ms: 500,
            status_ms: 5_000,
            simulations_max: 32,
            kept_bytes_max: 1 << 30,
            clock_skew_ms: 10_000,
            keep_ms: 30 * 24 * 3_600_000,
            reshare_rests: 4,
            suspect_ms: 30_000,
        }
    }
}
