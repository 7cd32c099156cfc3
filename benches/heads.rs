//! Heads of a node, which the protocol's machines only carry.

use quorate_model::{Digest, Heads, Timestamp};

pub(crate) fn heads() -> Heads {
    let digest = Digest::new([3; 32]);
    let clock = Timestamp::from_millis(1);
    Heads {
        root: digest,
        bundle: digest,
        orders: digest,
        life: 1,
        audit: digest,
        audit_length: 1,
        clock,
    }
}
