//! The policy bundle: rules, and the tables that they refer to by name, in one TOML text.

mod case;
mod change;
mod directory;
mod document;
mod entry;
mod error;
mod lint;
mod nesting;
mod optional;
mod polarity;
mod rehearsal;
mod rules;
mod syntax;
mod tables;
mod truth;
mod vocabulary;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use quorate_intent::Asset;
use quorate_model::{Digest, ProviderName, Tag, Timestamp, Transcript};
use quorate_trust::PublicKey;

use self::case::Case;
pub use self::change::Change;
pub(crate) use self::directory::Directory;
use self::document::{Document, Previous};
pub use self::entry::{Entry, Value};
pub use self::error::{BundleError, Lint};
pub use self::rehearsal::{Changed, Explanation};
pub(crate) use self::rules::{Condition, PermitRule, Rules};
pub(crate) use self::tables::Tables;
pub(crate) use self::vocabulary::Vocabulary;

/// At most this many bytes in a bundle: it has to travel with an order.
const BYTES_MAX: usize = quorate_model::DOCUMENT_BYTES_MAX;

/// Branches of a fork that one bundle can follow, at most.
const BRANCHES_MAX: usize = 4;

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
/// [nonce_accounts.withdrawals]
/// network = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
/// addresses = ["586Z…"]
///
/// [fees."bip122:000000000019d6689c085ae165831e93/slip44:0"]
/// per_transaction = "200000"                  # what the network may take for one payload, at most
/// per_mille = 20                              # and so many thousandths of what it moves,
/// at_least = "5000"                           # but so much in any case. Optional, both or none
///
/// [limits.small]
/// asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
/// per_transaction = "10000000"
/// ```
///
/// An address is on a list for the list's own network only, a nonce account likewise: payloads on
/// durable nonce accounts that no table names are denied, whatever the rules say. So are payloads with
/// a fee over its cap; for a network that `[fees]` does not name the cap is 0.1 BTC, 0.1 SOL, or 1 of an
/// EVM chain's own. A limit is in base units and holds for a payload when everything it takes of the
/// asset, fee included, is within; `context.limits` has, for each effect, the limits on *its* asset that
/// hold.
///
/// Persons, spans of time and hours are tables, too:
///
/// ```toml
/// previous = "1d6c…"                          # hash of the bundle before; version 1 has none.
///                                             # A list of all branches, to end a fork.
/// not_before = "2026-12-01T00:00:00.000Z"     # optional: when the bundle may come into force
///
/// [quorums.treasury]                          # context.quorums: enough of them approved
/// required = 2
/// members = ["alice", "bob", "carol"]         # at most 32
///
/// [windows.daily]                             # context.windows: the payload, fee included, fits
/// asset = "bip122:000000000019d6689c085ae165831e93/slip44:0"
/// seconds = 86400                             # any span of this length, at most 31 days
/// amount = "500000000"                        # at most so much by one key, in base units
/// count = 100                                 # at most so many payloads by one key
///
/// [calendars.office]                          # context.calendars: the node's time is within
/// utc_offset = "+01:00"                       # fixed: no daylight saving
/// days = ["mon", "tue", "wed", "thu", "fri"]
/// from = "08:00"
/// to = "18:00"
///
/// [providers.chainwatch]                      # a program that rates payloads: at most 8
/// key = "3b6a…"                               # its Ed25519 public key, in hexadecimal digits
///
/// [verdicts.low-risk]                         # context.verdicts: the provider said so, lately
/// provider = "chainwatch"
/// levels = ["low"]                            # any of these, in the provider's words
/// fresh_seconds = 600                         # at most so old, at most a day
///
/// [[tests]]                                   # run by Bundle::run_tests
/// name = "a small payment to a counterparty"  # of this test only
/// service = "payments"
/// key = "treasury"
/// network = "bip122:000000000019d6689c085ae165831e93"
/// effects = [{ to = "bc1p…", amount = "1000000" }]    # asset and flags are optional
/// fee = "1000"
/// nonce_account = "586Z…"                     # optional: on this durable nonce account
/// raw_ok = true                                # optional: the key was made to sign raw digests
/// approvers = ["alice"]
/// verdicts = [{ provider = "chainwatch", level = "low" }]   # `at` is optional: now
/// usage = [{ amount = "5000000", at = "2026-11-22T09:00:00.000Z" }]
/// now = "2026-11-22T10:00:00.000Z"
/// expect = "allow"                            # or "pending", "later", "deny"
/// rules = ["p01-hot"]                         # optional: exactly these decide
/// missing = []                                # optional: exactly these quorums and verdicts are missing
/// ```
#[derive(Clone)]
pub struct Bundle {
    version: u64,
    hash: Digest,
    previous: BTreeSet<Digest>,
    not_before: Option<Timestamp>,
    cases: Vec<Case>,
    pub(crate) directory: Directory,
    pub(crate) tables: Tables,
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
        let version = document.version;
        let previous = parse_previous(document.previous.as_ref())?;
        if previous.is_empty() != (version == 1) {
            return Err(BundleError::Previous { version });
        }
        let vocabulary = Vocabulary::new()?;
        let directory = Directory::new(&document, &vocabulary)?;
        let tables = Tables::parse(&document)?;
        let rules = Rules::parse(&document.policies, &vocabulary, &directory, &tables)?;
        Ok(Self {
            version,
            hash: Transcript::new(Tag::Bundle).text(toml_text).finish(),
            previous,
            not_before: parse_field("not_before", document.not_before.as_deref())?,
            cases: parse_cases(&document, &tables)?,
            directory,
            tables,
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
        self.tables.assets.get(asset)
    }

    /// The key of a risk provider: whom the bundle believes.
    pub fn provider_key(&self, provider: &ProviderName) -> Option<&PublicKey> {
        self.tables.providers.get(provider.as_str())
    }

    /// The hash of the bundle that this one follows; of every branch, where it ends a fork. Only the
    /// first follows none.
    pub fn previous(&self) -> &BTreeSet<Digest> {
        &self.previous
    }

    /// When the bundle may come into force, if it says so.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
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

fn parse_cases(document: &Document, tables: &Tables) -> Result<Vec<Case>, BundleError> {
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for test in &document.tests {
        if !names.insert(&test.name) {
            return Err(BundleError::DuplicateTest { name: test.name.clone() });
        }
        let case = Case::parse(test, tables);
        cases.push(case.map_err(|reason| BundleError::entry("tests", &test.name, reason))?);
    }
    Ok(cases)
}

fn parse_previous(previous: Option<&Previous>) -> Result<BTreeSet<Digest>, BundleError> {
    let hashes = match previous {
        None => Vec::new(),
        Some(Previous::One(hash)) => vec![hash],
        Some(Previous::Branches(hashes)) => hashes.iter().collect(),
    };
    if hashes.len() > BRANCHES_MAX {
        let reason = format!("at most {BRANCHES_MAX} branches");
        return Err(BundleError::Field { field: "previous", reason });
    }
    let parsed = hashes.into_iter().map(|hash| parse_field("previous", Some(hash)));
    Ok(parsed.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn parse_field<T>(field: &'static str, text: Option<&str>) -> Result<Option<T>, BundleError>
where
    T: FromStr<Err: fmt::Display>,
{
    let parse = |text: &str| {
        text.parse()
            .map_err(|error: T::Err| BundleError::Field { field, reason: error.to_string() })
    };
    text.map(parse).transpose()
}

#[cfg(test)]
#[expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    reason = "a test says what failed by panicking"
)]
mod tests;
