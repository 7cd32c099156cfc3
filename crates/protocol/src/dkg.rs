//! Distributed key generation: Pedersen's protocol with proofs of knowledge (FROST, figure 1), with
//! the session binding, echo and certificate that a hostile relay makes necessary.
//!
//! [`AwaitAnnouncements`] → [`AwaitRound1`] → [`AwaitRound2`] → [`NewShare`]. Each state is consumed
//! by the step that leaves it.

mod announce;
mod any;
mod finish;
mod round1;
mod round2;
#[cfg(test)]
mod tests;

pub use announce::AwaitAnnouncements;
pub use any::{Announced, Committed, Dealt, begin};
pub use finish::NewShare;
pub use round1::AwaitRound1;
pub use round2::AwaitRound2;
