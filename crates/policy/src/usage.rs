//! What this node released so far: what windows are counted against.

use std::collections::BTreeMap;

use quorate_intent::Asset;
use quorate_model::{Digest, KeyId, Timestamp};
use ruint::aliases::U256;

/// The ledger of what a node released shares for, by key and asset. Kept by the node's engine, which
/// makes each charge durable and builds the ledger again at its start; the gate only reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    ledgers: BTreeMap<KeyId, BTreeMap<Asset, Ledger>>,
}

impl Usage {
    /// No window is longer than this many milliseconds (31 days): what is older may be forgotten,
    /// whatever bundle comes next.
    pub const HORIZON_MILLIS: u64 = 31 * 24 * 60 * 60 * 1_000;

    /// A ledger without charges.
    pub const fn new() -> Self {
        Self { ledgers: BTreeMap::new() }
    }

    /// Charges what a payload takes of an asset, in base units. One request is charged once, however
    /// many attempts release shares for it, at the latest of their times: an earlier one would leave
    /// the windows too soon.
    pub fn charge(
        &mut self,
        key: &KeyId,
        asset: &Asset,
        amount: U256,
        time: Timestamp,
        request: Digest,
    ) {
        let assets = self.ledgers.entry(key.clone()).or_default();
        assets.entry(asset.clone()).or_default().charge(amount, time, request);
    }

    /// The sum (at most 2^256 - 1) and the number of the charges at or after a time. Charges from
    /// the future count: the clock may have been set back.
    pub fn totals(&self, key: &KeyId, asset: &Asset, since: Timestamp) -> (U256, u64) {
        self.ledger(key, asset)
            .flat_map(|ledger| ledger.since(since))
            .fold((U256::ZERO, 0), |(sum, count), (_, _, amount)| {
                (sum.saturating_add(amount), count + 1)
            })
    }

    /// Drops the charges before a time. They must be older than [`Self::HORIZON_MILLIS`].
    pub fn forget(&mut self, before: Timestamp) {
        for assets in self.ledgers.values_mut() {
            assets.values_mut().for_each(|ledger| ledger.forget(before));
            assets.retain(|_, ledger| !ledger.charges.is_empty());
        }
        self.ledgers.retain(|_, assets| !assets.is_empty());
    }

    /// The charges of other requests at or after a time, oldest first.
    pub(crate) fn others(
        &self,
        key: &KeyId,
        asset: &Asset,
        since: Timestamp,
        request: Digest,
    ) -> impl DoubleEndedIterator<Item = (Timestamp, U256)> {
        self.ledger(key, asset)
            .flat_map(move |ledger| ledger.since(since))
            .filter(move |(_, charged, _)| *charged != request)
            .map(|(time, _, amount)| (time, amount))
    }

    fn ledger(&self, key: &KeyId, asset: &Asset) -> impl DoubleEndedIterator<Item = &Ledger> {
        self.ledgers.get(key).and_then(|assets| assets.get(asset)).into_iter()
    }
}

/// The charges of one key in one asset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Ledger {
    charges: BTreeMap<(Timestamp, Digest), U256>,
    times: BTreeMap<Digest, Timestamp>,
}

impl Ledger {
    fn charge(&mut self, amount: U256, time: Timestamp, request: Digest) {
        let (mut amount, mut time) = (amount, time);
        if let Some(earlier) = self.times.get(&request).copied() {
            time = time.max(earlier);
            // The same request is the same payload; should it ever differ, the greater counts.
            amount = amount.max(self.charges.remove(&(earlier, request)).unwrap_or_default());
        }
        self.times.insert(request, time);
        self.charges.insert((time, request), amount);
    }

    fn since(
        &self,
        since: Timestamp,
    ) -> impl DoubleEndedIterator<Item = (Timestamp, Digest, U256)> {
        let first = (since, Digest::new([0; 32]));
        self.charges.range(first..).map(|((time, request), amount)| (*time, *request, *amount))
    }

    fn forget(&mut self, before: Timestamp) {
        self.charges = self.charges.split_off(&(before, Digest::new([0; 32])));
        self.times.retain(|_, time| *time >= before);
    }
}

#[cfg(test)]
mod tests {
    use quorate_model::Network;

    use super::*;

    fn key() -> KeyId {
        "treasury".parse().unwrap()
    }

    fn btc() -> Asset {
        Asset::native(Network::Bitcoin)
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn request(n: u8) -> Digest {
        Digest::new([n; 32])
    }

    fn charged(charges: &[(u64, u64, u8)]) -> Usage {
        let mut usage = Usage::new();
        for (amount, time, n) in charges {
            usage.charge(&key(), &btc(), U256::from(*amount), at(*time), request(*n));
        }
        usage
    }

    fn totals(usage: &Usage, since: u64) -> (U256, u64) {
        usage.totals(&key(), &btc(), at(since))
    }

    #[test]
    fn totals_are_of_one_key_and_asset_since_a_time() {
        let mut usage = charged(&[(5, 10, 1), (7, 20, 2)]);
        let other: KeyId = "other".parse().unwrap();
        usage.charge(&other, &btc(), U256::from(100), at(20), request(3));
        usage.charge(&key(), &Asset::native(Network::Solana), U256::from(100), at(20), request(4));
        assert_eq!(totals(&usage, 10), (U256::from(12), 2));
        assert_eq!(totals(&usage, 11), (U256::from(7), 1));
        assert_eq!(totals(&usage, 21), (U256::ZERO, 0));
        assert_eq!(totals(&Usage::new(), 0), (U256::ZERO, 0));
    }

    #[test]
    fn a_request_is_charged_once_at_its_latest_time() {
        for times in [[10, 30], [30, 10]] {
            let usage = charged(&[(5, times[0], 1), (5, times[1], 1)]);
            assert_eq!(totals(&usage, 0), (U256::from(5), 1));
            assert_eq!(totals(&usage, 30), (U256::from(5), 1), "a window must not end sooner");
        }
    }

    #[test]
    fn a_sum_beyond_256_bits_is_not_a_small_one() {
        let mut usage = charged(&[(5, 10, 1)]);
        usage.charge(&key(), &btc(), U256::MAX, at(10), request(2));
        assert_eq!(totals(&usage, 0), (U256::MAX, 2));
    }

    #[test]
    fn what_is_forgotten_is_gone_and_the_rest_stays() {
        let mut usage = charged(&[(5, 10, 1), (7, 20, 2)]);
        usage.forget(at(20));
        assert_eq!(usage, charged(&[(7, 20, 2)]));
        usage.forget(at(21));
        assert_eq!(usage, Usage::new());
    }

    #[test]
    fn the_charge_of_a_request_itself_is_left_out() {
        let usage = charged(&[(5, 10, 1), (7, 20, 2)]);
        let others: Vec<_> = usage.others(&key(), &btc(), at(0), request(2)).collect();
        assert_eq!(others, [(at(10), U256::from(5))]);
    }
}
