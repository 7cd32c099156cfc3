//! The bundle's TOML, as written.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) version: u64,
    pub(super) previous: Option<Previous>,
    pub(super) not_before: Option<String>,
    pub(super) policies: String,
    #[serde(default)]
    pub(super) groups: BTreeMap<String, Group>,
    #[serde(default)]
    pub(super) keys: BTreeMap<String, Key>,
    #[serde(default)]
    pub(super) assets: BTreeMap<String, Asset>,
    #[serde(default)]
    pub(super) lists: BTreeMap<String, List>,
    #[serde(default)]
    pub(super) nonce_accounts: BTreeMap<String, List>,
    #[serde(default)]
    pub(super) fees: BTreeMap<String, Fee>,
    #[serde(default)]
    pub(super) limits: BTreeMap<String, Limit>,
    #[serde(default)]
    pub(super) quorums: BTreeMap<String, Quorum>,
    #[serde(default)]
    pub(super) windows: BTreeMap<String, Window>,
    #[serde(default)]
    pub(super) calendars: BTreeMap<String, Calendar>,
    #[serde(default)]
    pub(super) providers: BTreeMap<String, Provider>,
    #[serde(default)]
    pub(super) verdicts: BTreeMap<String, Verdict>,
    #[serde(default)]
    pub(super) tests: Vec<Test>,
}

/// The bundle before, or every branch of a fork.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Previous {
    One(String),
    Branches(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) services: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) tier: String,
    pub(super) vault: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asset {
    pub(super) symbol: String,
    pub(super) decimals: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    pub(super) network: String,
    pub(super) addresses: BTreeSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fee {
    pub(super) per_transaction: String,
    pub(super) per_mille: Option<u64>,
    pub(super) at_least: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub(super) asset: String,
    pub(super) per_transaction: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quorum {
    pub(super) required: usize,
    pub(super) members: BTreeSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    pub(super) asset: String,
    pub(super) seconds: u64,
    pub(super) amount: Option<String>,
    pub(super) count: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calendar {
    pub(super) utc_offset: String,
    pub(super) days: BTreeSet<String>,
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub(super) key: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verdict {
    pub(super) provider: String,
    pub(super) levels: BTreeSet<String>,
    pub(super) fresh_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) key: String,
    pub(super) network: String,
    pub(super) action: Option<String>,
    pub(super) effects: Vec<TestEffect>,
    pub(super) fee: Option<String>,
    pub(super) nonce_account: Option<String>,
    #[serde(default)]
    pub(super) raw_ok: bool,
    #[serde(default)]
    pub(super) approvers: BTreeSet<String>,
    #[serde(default)]
    pub(super) verdicts: Vec<TestVerdict>,
    #[serde(default)]
    pub(super) usage: Vec<TestCharge>,
    pub(super) now: String,
    pub(super) expect: Expectation,
    pub(super) rules: Option<BTreeSet<String>>,
    pub(super) missing: Option<BTreeSet<String>>,
    pub(super) until: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestEffect {
    pub(super) action: Option<String>,
    pub(super) to: String,
    pub(super) amount: String,
    pub(super) asset: Option<String>,
    #[serde(default)]
    pub(super) flags: BTreeSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestCharge {
    pub(super) asset: Option<String>,
    pub(super) amount: String,
    pub(super) at: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestVerdict {
    pub(super) provider: String,
    pub(super) level: String,
    pub(super) at: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Expectation {
    Allow,
    Pending,
    Later,
    Deny,
}

impl Expectation {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Pending => "pending",
            Self::Later => "later",
            Self::Deny => "deny",
        }
    }
}
