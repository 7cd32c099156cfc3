//! Records at rest: what a store is given, and what it gives back at a start.
//!
//! One record may be several entries, and an entry never says more than a record: whoever reads a
//! store hands all its entries over at once.

pub mod coordinator;
pub mod node;
mod pieces;

use quorate_model::{Epoch, KeyId};
use zeroize::Zeroizing;

/// One change of one entry. All writes of a record go into one batch.
#[derive(Debug)]
#[cfg_attr(test, derive(PartialEq, Eq))]
pub enum Write {
    /// Makes an entry have this value.
    Put {
        /// Where the entry is.
        tree: &'static str,
        /// Its key there.
        key: Vec<u8>,
        /// Its value.
        value: Value,
        /// What seals it.
        seal: Seal,
    },
    /// Makes an entry not exist.
    Delete {
        /// Where the entry is.
        tree: &'static str,
        /// Its key there.
        key: Vec<u8>,
    },
}

/// Which data key seals an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal {
    /// The one for everything but shares.
    Root,
    /// The one for the shares of one sharing, so that they can be erased.
    Share {
        /// The key that is shared.
        key: KeyId,
        /// The generation of the sharing.
        epoch: Epoch,
    },
}

/// The bytes of an entry. Not shown, and erased when dropped: they may be a share.
#[cfg_attr(test, derive(Clone, PartialEq, Eq))]
pub struct Value(pub Zeroizing<Vec<u8>>);

/// An entry of a store.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq))]
pub struct Stored {
    /// Where it is.
    pub tree: &'static str,
    /// Its key there.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Value,
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} bytes redacted>", self.0.len())
    }
}

/// Puts a message that holds no secret.
fn put(tree: &'static str, key: impl Into<Vec<u8>>, message: &impl prost::Message) -> Write {
    let value = Value(Zeroizing::new(message.encode_to_vec()));
    Write::Put { tree, key: key.into(), value, seal: Seal::Root }
}
