//! Secret values.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A signing share as it rests in a store: 32 bytes, in the scheme's scalar encoding.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretShare([u8; 32]);

impl SecretShare {
    /// Takes the bytes of a share; `None` unless there are 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn from_array(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The bytes. For sealing and for the machines, nothing else.
    pub fn secret_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretShare(<redacted>)")
    }
}
