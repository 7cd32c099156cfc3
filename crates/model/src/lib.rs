//! Nouns that every crate of quorate shares: ids, participant sets, thresholds, epochs, digests and
//! times. Validated values only, no behaviour beyond them.
//!
//! Everything that is hashed goes through [`Transcript`], whose encoding is injective and whose
//! domain tags all live in one list ([`Tag`]).
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod digest;
mod erasure;
mod heads;
mod key;
mod moment;
mod name;
mod network;
mod participant;
mod path;
mod request;
mod scheme;
mod threshold;
mod time;
mod transcript;

pub use digest::{ClusterId, Digest, ParseDigest, SessionId};
pub use erasure::Erasure;
pub use heads::Heads;
pub use key::{Activation, Attempt, Epoch, KeyState, ParseActivation, SharingId};
pub use moment::{BootId, Moment, ParseBootId};
pub use name::{
    KeyId, NameError, OrderId, PersonName, ProviderName, QuorumName, RiskLevel, ServiceName,
    VerdictName,
};
pub use network::{ChainId, Network, ParseNetwork, PayloadFormat};
pub use participant::{ParticipantError, ParticipantId, ParticipantSet};
pub use path::{DerivationPath, PathError};
pub use request::{ParseRequestId, RequestId, RequestKey};
pub use scheme::{ParseScheme, Scheme};
pub use threshold::{Threshold, ThresholdError};
pub use time::{ParseTimestamp, Timestamp};
pub use transcript::{Tag, Transcribe, Transcript};

/// Bytes of a policy bundle or of a version of the trust root, at most: it travels beside the order
/// that brings it.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
