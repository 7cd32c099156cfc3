//! What a node knows to be newest.

use crate::{Digest, Timestamp, Transcribe, Transcript};

/// The heads that every signed answer of a node carries, so that peers see who is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Hash of the trust root in force.
    pub root: Digest,
    /// Hash of the policy bundle in force.
    pub bundle: Digest,
    /// Hash of all orders that the node carried out, those to make keys aside.
    pub orders: Digest,
    /// Which life of the node it is: 1, and one more for each order that readmitted it.
    pub life: u64,
    /// Root of the tree of all entries of the node's audit log (RFC 6962, section 2.1).
    pub audit: Digest,
    /// How many entries the node's audit log has.
    pub audit_length: u64,
    /// The node's clock.
    pub clock: Timestamp,
}

impl Transcribe for Heads {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript
            .digest(&self.root)
            .digest(&self.bundle)
            .digest(&self.orders)
            .u64(self.life)
            .digest(&self.audit)
            .u64(self.audit_length)
            .u64(self.clock.millis());
    }
}
