//! What the clocks of a machine show, and which run of the machine they count.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;

/// What the clocks of a machine show at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the wall clock. Whoever may set it may set it wrong.
    pub time: Timestamp,
    /// Milliseconds since the machine was started, by a clock that nobody sets.
    pub uptime_ms: u64,
}

/// One run of a machine, from its start to its end: the operating system draws it at random. What
/// [`Moment::uptime_ms`] counts is comparable within one run only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BootId([u8; 16]);

/// The text named no run of a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a boot id is 32 hexadecimal digits, with or without hyphens")]
pub struct ParseBootId;

impl BootId {
    /// A run by its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for BootId {
    type Err = ParseBootId;

    fn from_str(text: &str) -> Result<Self, ParseBootId> {
        let digits: String = text.chars().filter(|letter| *letter != '-').collect();
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).map(|()| Self(bytes)).map_err(|_| ParseBootId)
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_id_is_read_as_the_kernel_and_as_systemd_write_it() {
        let kernel: BootId = "4f2a8f0e-93cf-4a4d-8f6b-0a2f7b1c9d3e".parse().unwrap();
        let systemd: BootId = "4f2a8f0e93cf4a4d8f6b0a2f7b1c9d3e".parse().unwrap();
        assert_eq!(kernel, systemd);
        assert_eq!(format!("{kernel:?}"), "4f2a8f0e93cf4a4d8f6b0a2f7b1c9d3e");
        for bad in
            ["", "4f2a", "4f2a8f0e93cf4a4d8f6b0a2f7b1c9d3g", "4f2a8f0e93cf4a4d8f6b0a2f7b1c9d3e0"]
        {
            assert_eq!(bad.parse::<BootId>(), Err(ParseBootId), "{bad}");
        }
    }
}
