//! Keys that wrap data keys: what a keyring asks of whoever has them.

use std::collections::BTreeSet;
use std::fmt;

use rand_core::CryptoRngCore;

use crate::data_key::DataKey;
use crate::{DataKeyId, KekError};

/// Which wrapping of a data key. None is ever used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WrappingId {
    /// The data key's serial.
    pub(crate) serial: u64,
    /// The revision of the keyring that wrapped it: a later one than the serial where the keyring was
    /// wrapped anew.
    pub(crate) revision: u64,
}

/// Wraps the data keys of one keyring.
///
/// A passphrase gives one key for all of them. A token holds a key for each, which it can destroy, so
/// a keyring says what it does: it wraps, writes its file, and [settles](Self::settle); or it writes a
/// file without the data key, has its wrapping key [destroyed](Self::destroy), and settles. Whatever a
/// crash leaves between these steps, [`Self::tidy`] ends at the next start. Nothing is ever changed in
/// place, since not every token does that whole or not at all.
pub(crate) trait WrappingKeys: fmt::Debug + Send {
    /// What the keyring's header says of these keys, so that they are found again.
    fn description(&self) -> Vec<u8>;

    /// Whether each data key has a wrapping key of its own, which is destroyed with it.
    fn are_destroyed(&self) -> bool;

    /// Wraps a data key. `aad` is never empty.
    fn wrap(
        &mut self,
        id: WrappingId,
        data_key: (&DataKeyId, &DataKey),
        aad: &[u8],
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, KekError>;

    /// Unwraps a data key. `None` where the bytes are not those that were made.
    fn unwrap(
        &mut self,
        id: WrappingId,
        wrapped: &[u8],
        aad: &[u8],
    ) -> Result<Option<DataKey>, KekError>;

    /// Destroys the wrapping key of a data key that was erased from a keyring that is durable.
    fn destroy(&mut self, id: WrappingId) -> Result<(), KekError>;

    /// Notes that the keyring is durable at this revision, and never to be used at an earlier one again.
    fn settle(&mut self, revision: u64) -> Result<(), KekError>;

    /// Destroys what a durable keyring of this revision does not use, and settles it. Where that uses
    /// nothing, nothing is left. Refuses, and destroys nothing, where a later revision was settled: the
    /// keyring was put back, and another needs these keys.
    fn tidy(&mut self, used: &BTreeSet<WrappingId>, revision: u64) -> Result<(), KekError>;
}
