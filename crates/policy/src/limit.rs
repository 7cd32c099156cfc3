//! Limits that need more than 64 bits, or a sum over effects: computed here, named in rules.

use std::iter;

use quorate_intent::{Asset, Intent};
use ruint::aliases::U256;

/// A bound on what one payload may take of one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The asset.
    pub(crate) asset: Asset,
    /// The most that one payload may take, in base units.
    pub(crate) per_transaction: U256,
}

impl Limit {
    /// Whether everything that the intent takes of the asset is within the limit. A sum beyond 256
    /// bits is beyond any limit.
    pub(crate) fn holds(&self, intent: &Intent) -> bool {
        taken(intent, &self.asset).is_some_and(|sum| sum <= self.per_transaction)
    }
}

/// Everything that the intent takes of an asset: the sum of all effects, and the fee where it is paid
/// in the asset. `None` beyond 256 bits.
pub(crate) fn taken(intent: &Intent, asset: &Asset) -> Option<U256> {
    intent
        .effects
        .iter()
        .map(|effect| &effect.amount)
        .chain(iter::once(&intent.fee))
        .filter(|amount| amount.asset == *asset)
        .try_fold(U256::ZERO, |sum, amount| sum.checked_add(amount.base_units))
}
