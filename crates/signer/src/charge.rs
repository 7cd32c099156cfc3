//! What windows were charged, read back from the audit log. The log is the ledger: one beside it could
//! only contradict it.

use quorate_audit::{Entry, EventKind};
use quorate_intent::Asset;
use quorate_model::{Digest, KeyId};
use quorate_policy::{U256, Usage};

/// The fact of a release that names an amount and its asset; one for each asset.
pub(crate) const FACT: &str = "charge";

/// The fact's value.
pub(crate) fn write(asset: &Asset, amount: U256) -> String {
    format!("{amount} {}", asset.as_str())
}

fn read(value: &str) -> Option<(Asset, U256)> {
    let (amount, asset) = value.split_once(' ')?;
    Some((Asset::parse(asset).ok()?, amount.parse().ok()?))
}

/// Charges what a node has released.
pub(crate) fn usage(entries: &[Entry]) -> Usage {
    let mut usage = Usage::new();
    let released = entries.iter().filter(|entry| entry.event.kind == EventKind::SharesReleased);
    for entry in released {
        let fact = |name| entry.event.values(name).next();
        let key = fact("key").and_then(|key| key.parse::<KeyId>().ok());
        let subject = fact("subject").and_then(|subject| subject.parse::<Digest>().ok());
        let (Some(key), Some(subject)) = (key, subject) else { continue };
        for (asset, amount) in entry.event.values(FACT).filter_map(read) {
            usage.charge(&key, &asset, amount, entry.time, subject);
        }
    }
    usage
}
