//! What orders say is to become of a key that exists: its states are in [`KeyStates`](crate::KeyStates).

use quorate_model::{Digest, KeyId, QuorumName, Timestamp};

use super::NEVER;
use crate::Sweep;
use crate::text::{Reader, TextError, Writer, value};

/// A change of the state of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateChange {
    /// Let a key sign that was made to be activated by order.
    Activate {
        /// The key.
        key: KeyId,
        /// From when on it is suspended again, by itself; `None` where it stays active.
        until: Option<Timestamp>,
    },
    /// Put a key into the state *deactivated*: from now on it pays to preset destinations, and no more. For ever.
    Deactivate(Sweep),
    /// Put a key into the state *compromised*: from now on it pays to preset destinations, and each payment takes
    /// the approval of a quorum. For ever.
    Compromise {
        /// The key, and where to.
        sweep: Sweep,
        /// The quorum of the policy bundle whose approval each payment takes.
        quorum: QuorumName,
    },
    /// Erase every share of a key, after the root's delay and not while it is frozen: it is *destroyed*.
    Destroy(KeyId),
    /// Take back an order to destroy a key that was not carried out yet, named by its digest.
    Keep(Digest),
}

impl StateChange {
    /// The name of the action.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Activate { .. } => "activate-key",
            Self::Deactivate(_) => "deactivate-key",
            Self::Compromise { .. } => "compromise-key",
            Self::Destroy(_) => "destroy-key",
            Self::Keep(_) => "keep-key",
        }
    }

    /// Whether it takes a key out of use. Such orders never expire: a delayed stop is still a stop.
    pub const fn is_stop(&self) -> bool {
        matches!(self, Self::Deactivate(_) | Self::Compromise { .. })
    }

    /// Whether it takes effect after the root's delay for changes, whatever it changes: it cannot be undone.
    pub const fn waits(&self) -> bool {
        matches!(self, Self::Destroy(_))
    }

    /// The key, where it is named by its id.
    pub const fn key(&self) -> Option<&KeyId> {
        match self {
            Self::Activate { key, .. }
            | Self::Deactivate(Sweep { key, .. })
            | Self::Compromise { sweep: Sweep { key, .. }, .. }
            | Self::Destroy(key) => Some(key),
            Self::Keep(_) => None,
        }
    }

    pub(super) fn write(&self, text: &mut Writer) {
        match self {
            Self::Activate { key, until } => {
                text.field("key", key);
                match until {
                    Some(until) => text.field("until", until),
                    None => text.field("until", NEVER),
                };
            }
            Self::Deactivate(sweep) => sweep.write(text),
            Self::Compromise { sweep, quorum } => {
                sweep.write(text);
                text.field("approved-by", quorum);
            }
            Self::Destroy(key) => {
                text.field("key", key);
            }
            Self::Keep(order) => {
                text.field("keeps", order);
            }
        }
    }

    /// The change of this name; nothing where there is none.
    pub(super) fn read(name: &str, reader: &mut Reader<'_>) -> Option<Result<Self, TextError>> {
        let read: fn(&mut Reader<'_>) -> Result<Self, TextError> = match name {
            "activate-key" => |reader| {
                let key = reader.parse("key")?;
                let until = match reader.text("until")? {
                    NEVER => None,
                    time => Some(value("until", time)?),
                };
                Ok(Self::Activate { key, until })
            },
            "deactivate-key" => |reader| Sweep::read(reader).map(Self::Deactivate),
            "compromise-key" => |reader| {
                let sweep = Sweep::read(reader)?;
                Ok(Self::Compromise { sweep, quorum: reader.parse("approved-by")? })
            },
            "destroy-key" => |reader| Ok(Self::Destroy(reader.parse("key")?)),
            "keep-key" => |reader| Ok(Self::Keep(reader.parse("keeps")?)),
            _ => return None,
        };
        Some(read(reader))
    }
}
