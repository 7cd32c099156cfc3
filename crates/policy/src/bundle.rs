//! The policy bundle: rules, and the tables that they refer to by name, in one TOML text.

mod directory;
mod document;
mod error;
mod lint;
mod nesting;
mod rules;
mod syntax;
mod vocabulary;

use std::collections::BTreeMap;
use std::fmt;

use quorate_intent::Asset;
use quorate_model::{Digest, Tag, Transcript};
use ruint::aliases::U256;

pub(crate) use self::directory::Directory;
use self::document::Document;
pub use self::error::{BundleError, Lint};
use self::lint::Names;
pub(crate) use self::rules::{Condition, PermitRule, Rules};
pub(crate) use self::vocabulary::Vocabulary;
use crate::amount::DECIMALS_MAX;
use crate::limit::Limit;

/// At most this many bytes in a bundle.
const BYTES_MAX: usize = 256 * 1024;

/// A policy bundle that was parsed, validated and linted. All signers of a session must hold the
/// same one: see [`Bundle::hash`].
///
/// ```toml
/// version = 1
/// policies = '''
/// @id("p01-hot") @title("The withdrawal service may send small amounts to counterparties")
/// permit (
///   principal in Custody::Group::"withdrawals",
///   action == Custody::Action::"transfer",
///   resource in Custody::Vault::"hot"
/// ) when {
///   context.limits.contains("small") &&
///   context.destination in Custody::AddressList::"counterparties"
/// };
/// '''
///
/// [groups.withdrawals]
/// services = ["payments"]
///
/// [keys.treasury]
/// tier = "hot"
/// vault = "hot"
///
/// [assets."bip122:000000000019d6689c085ae165831e93/slip44:0"]
/// symbol = "BTC"
/// decimals = 8
///
/// [lists.counterparties]
/// network = "bip122:000000000019d6689c085ae165831e93"
/// addresses = ["bc1p…"]
///
/// [limits.small]
/// asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
/// per_transaction = "10000000"
/// ```
///
/// An address is on a list for the list's own network only. A limit is in base units and holds for
/// a payload when everything it takes of the asset, fee included, is within; `context.limits` has,
/// for each effect, the limits on *its* asset that hold.
#[derive(Clone)]
pub struct Bundle {
    version: u64,
    hash: Digest,
    assets: BTreeMap<Asset, RegisteredAsset>,
    pub(crate) directory: Directory,
    pub(crate) limits: BTreeMap<String, Limit>,
    pub(crate) rules: Rules,
    pub(crate) vocabulary: Vocabulary,
}

/// What the bundle says about an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredAsset {
    /// What people call it, such as `BTC`.
    pub symbol: String,
    /// How many decimals its base units have: one token is 10^decimals of them.
    pub decimals: u8,
}

impl Bundle {
    /// Parses the text of a bundle, and refuses whatever could decide otherwise than it reads.
    ///
    /// # Errors
    /// [`BundleError`], with the rule or the entry that is at fault.
    pub fn parse(toml_text: &str) -> Result<Self, BundleError> {
        let bytes = toml_text.len();
        if bytes > BYTES_MAX {
            return Err(BundleError::TooLarge { bytes });
        }
        let document: Document =
            toml::from_str(toml_text).map_err(|error| BundleError::Document(error.to_string()))?;
        if document.version == 0 {
            return Err(BundleError::VersionZero);
        }
        let vocabulary = Vocabulary::new()?;
        let directory = Directory::new(&document, &vocabulary)?;
        let assets = parse_assets(document.assets)?;
        let limits = parse_limits(document.limits, &assets)?;
        let names = Names { assets: &assets, limits: &limits };
        let rules = Rules::parse(&document.policies, &vocabulary, &directory, names)?;
        Ok(Self {
            version: document.version,
            hash: Transcript::new(Tag::Bundle).text(toml_text).finish(),
            assets,
            directory,
            limits,
            rules,
            vocabulary,
        })
    }

    /// The number of this bundle among its successors, from 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The hash of the exact text.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// What the bundle says about an asset; `None` where it does not know it, which denies every
    /// payload that moves it.
    pub fn asset(&self, asset: &Asset) -> Option<&RegisteredAsset> {
        self.assets.get(asset)
    }

    /// The rules, as id and title, in the order of their ids.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.titles.iter().map(|(id, title)| (id.as_str(), title.as_str()))
    }
}

impl fmt::Debug for Bundle {
    /// The parsed rules and tables would fill pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("version", &self.version)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

fn parse_assets(
    assets: BTreeMap<String, document::Asset>,
) -> Result<BTreeMap<Asset, RegisteredAsset>, BundleError> {
    let register = |(id, asset): (String, document::Asset)| {
        let document::Asset { symbol, decimals } = asset;
        let refuse = |reason: &dyn fmt::Display| BundleError::entry("assets", &id, reason);
        if decimals > DECIMALS_MAX {
            return Err(refuse(&format!("decimals must be at most {DECIMALS_MAX}")));
        }
        let asset = Asset::parse(&id).map_err(|error| refuse(&error))?;
        Ok((asset, RegisteredAsset { symbol, decimals }))
    };
    assets.into_iter().map(register).collect()
}

fn parse_limits(
    limits: BTreeMap<String, document::Limit>,
    assets: &BTreeMap<Asset, RegisteredAsset>,
) -> Result<BTreeMap<String, Limit>, BundleError> {
    let parse = |(name, limit): (String, document::Limit)| {
        let refuse = |reason: &dyn fmt::Display| BundleError::entry("limits", &name, reason);
        let asset = Asset::parse(&limit.asset).map_err(|error| refuse(&error))?;
        if !assets.contains_key(&asset) {
            return Err(refuse(&"its asset is not in [assets]"));
        }
        let digits = limit.per_transaction.as_str();
        let canonical = |amount: &U256| amount.to_string() == digits;
        let per_transaction = U256::from_str_radix(digits, 10).ok().filter(canonical);
        match per_transaction {
            Some(per_transaction) => Ok((name, Limit { asset, per_transaction })),
            None => Err(refuse(
                &"per_transaction must be base units below 2^256, as text of plain decimal digits",
            )),
        }
    };
    limits.into_iter().map(parse).collect()
}

#[cfg(test)]
#[expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    reason = "a test says what failed by panicking"
)]
mod tests;
