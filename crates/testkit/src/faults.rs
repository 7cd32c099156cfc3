//! What goes wrong in a run, and how often.

/// Odds per mille, and times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// A message is lost.
    pub drop: u64,
    /// A message arrives twice.
    pub duplicate: u64,
    /// The longest delay of a message: delays differ, so messages overtake each other.
    pub delay_ms_max: u64,
    /// The longest sync of a disk.
    pub sync_ms_max: u64,
    /// How many crashes happen, at random times, of nodes or of the coordinator.
    pub crashes: u64,
    /// How many times a node's link is cut for a while.
    pub cuts: u64,
    /// How far the nodes' clocks differ at most.
    pub skew_ms_max: u64,
    /// How many times a node's clock is set wrong for a while, ahead or back, by more than a day.
    pub jumps: u64,
    /// Whether a node's disk is put back to an earlier state, once, while the key is in use.
    pub put_back: bool,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            drop: 0,
            duplicate: 0,
            delay_ms_max: 5,
            sync_ms_max: 4,
            crashes: 0,
            cuts: 0,
            skew_ms_max: 0,
            jumps: 0,
            put_back: false,
        }
    }

    /// Everything goes wrong now and then.
    pub fn some() -> Self {
        Self {
            drop: 15,
            duplicate: 30,
            delay_ms_max: 40,
            sync_ms_max: 20,
            crashes: 4,
            cuts: 3,
            skew_ms_max: 2_000,
            jumps: 2,
            put_back: false,
        }
    }
}
