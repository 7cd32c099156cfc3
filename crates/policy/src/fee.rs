//! Fee caps: bounds on what a network may take for one payload. A floor under the rules, so that a fee
//! that somebody mistyped or inflated is never signed, whatever a rule allows.

use std::fmt;

use quorate_intent::{Amount, Asset, Effect, EffectKind, Flag, Intent};
use quorate_model::Network;
use ruint::aliases::U256;

use crate::Denial;

/// Of [`FeeCap::per_mille`]: the whole.
const WHOLE: u64 = 1_000;

/// Bounds on the fee of one payload, in base units of the network's own asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeeCap {
    /// The most in any case.
    pub(crate) per_transaction: U256,
    /// The most as a part of what the payload moves.
    pub(crate) relative: Option<RelativeCap>,
}

/// A bound on the fee as a part of what the payload moves of the same asset. One that moves nothing of
/// it, such as a payment of tokens, has nothing to compare the fee with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RelativeCap {
    /// At most so many thousandths.
    pub(crate) per_mille: u64,
    /// A fee up to this is always small enough: small payments cost as much as large ones.
    pub(crate) at_least: U256,
}

/// Which bound a fee is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeBound {
    /// What any payload may pay.
    PerTransaction,
    /// The part of what this payload moves.
    PerMille(u64),
}

impl FeeCap {
    /// Of a network whose asset the bundle has no cap for: what the networks' own wallets refuse to pay
    /// unless they are told otherwise. Bitcoin Core's `maxtxfee` is 0.1 BTC, geth's `rpc.txfeecap` is
    /// 1 ether; of Solana, which has none, it is 0.1 SOL.
    pub(crate) fn built_in(network: Network) -> Self {
        let base_units: u64 = match network {
            Network::Bitcoin
            | Network::BitcoinTestnet
            | Network::BitcoinSignet
            | Network::BitcoinRegtest => 10_000_000,
            Network::Solana | Network::SolanaDevnet | Network::SolanaTestnet => 100_000_000,
            Network::Evm(_) => 1_000_000_000_000_000_000,
        };
        Self { per_transaction: U256::from(base_units), relative: None }
    }

    /// # Errors
    /// [`Denial::Fee`].
    pub(crate) fn check(&self, intent: &Intent) -> Result<(), Denial> {
        let fee = &intent.fee;
        let over = |most: U256, bound| Denial::Fee { fee: Box::new(fee.clone()), most, bound };
        if fee.base_units > self.per_transaction {
            return Err(over(self.per_transaction, FeeBound::PerTransaction));
        }
        let Some(RelativeCap { per_mille, at_least }) = self.relative else { return Ok(()) };
        let Some(moved) = moved(intent) else { return Ok(()) };
        let part = moved.saturating_mul(U256::from(per_mille)).wrapping_div(U256::from(WHOLE));
        let most = part.max(at_least);
        if fee.base_units > most { Err(over(most, FeeBound::PerMille(per_mille))) } else { Ok(()) }
    }
}

/// What the payload moves of the asset that its fee is paid in. What only goes round, or is another
/// account's, would make a fee look small.
fn moved(intent: &Intent) -> Option<U256> {
    let pays = |effect: &&Effect| {
        let inflates = |flag: &Flag| matches!(flag, Flag::SelfDestination | Flag::ForeignFunds);
        let Amount { asset, base_units } = &effect.amount;
        let of_fee = *asset == intent.fee.asset && !base_units.is_zero();
        of_fee && effect.kind != EffectKind::Allowance && !effect.flags.iter().any(inflates)
    };
    let paid = intent.effects.iter().filter(pays).map(|effect| effect.amount.base_units);
    paid.reduce(U256::saturating_add)
}

/// The network whose own asset this is.
pub(crate) fn network_of(asset: &Asset) -> Option<Network> {
    let (network, _) = asset.as_str().split_once('/')?;
    let network: Network = network.parse().ok()?;
    (Asset::native(network) == *asset).then_some(network)
}

impl fmt::Display for FeeBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerTransaction => f.write_str("the most that any payload may pay"),
            Self::PerMille(part) => write!(f, "{part} in 1000 of what this payload moves"),
        }
    }
}
