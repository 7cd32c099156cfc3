//! The tables of numbers, persons and hours that rules refer to by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quorate_intent::{Address, Asset};
use quorate_model::{Network, PersonName, ProviderName, QuorumName, RiskLevel, VerdictName};
use quorate_trust::{PublicKey, RISK_VERDICTS_MAX};
use ruint::aliases::U256;

use super::document::{self, Document};
use super::{BundleError, RegisteredAsset};
use crate::Usage;
use crate::amount::DECIMALS_MAX;
use crate::calendar::Calendar;
use crate::fee::{self, FeeCap, RelativeCap};
use crate::limit::Limit;
use crate::quorum::Quorum;
use crate::verdict::Verdict;
use crate::window::Window;

/// The gate looks for the smallest set of missing quorums.
const QUORUMS_MAX: usize = 16;
pub(super) const QUORUM_MEMBERS_MAX: usize = 32;
const WINDOWS_MAX: usize = 64;
const CALENDARS_MAX: usize = 16;
const VERDICTS_MAX: usize = 16;
const LEVELS_MAX: usize = 16;
/// A verdict is about the payload as the world was when it was given: a day is long.
const FRESH_SECONDS_MAX: u64 = 24 * 3_600;
const WINDOW_SECONDS_MAX: u64 = Usage::HORIZON_MILLIS / 1_000;

#[derive(Debug, Clone)]
pub(crate) struct Tables {
    pub(crate) assets: BTreeMap<Asset, RegisteredAsset>,
    /// By the network's own asset.
    pub(crate) fees: BTreeMap<Asset, FeeCap>,
    pub(crate) limits: BTreeMap<String, Limit>,
    pub(crate) quorums: BTreeMap<String, Quorum>,
    pub(crate) windows: BTreeMap<String, Window>,
    pub(crate) calendars: BTreeMap<String, Calendar>,
    pub(crate) providers: BTreeMap<String, PublicKey>,
    pub(crate) verdicts: BTreeMap<String, Verdict>,
    /// As written, to compare bundles by; the directory has the parsed ones.
    pub(super) keys: BTreeMap<String, document::Key>,
    pub(super) groups: BTreeMap<String, BTreeSet<String>>,
    pub(super) lists: BTreeMap<String, BTreeSet<String>>,
    /// Our durable nonce accounts, each after its network and a colon.
    pub(super) nonce_accounts: BTreeMap<String, BTreeSet<String>>,
}

impl Tables {
    pub(super) fn parse(document: &Document) -> Result<Self, BundleError> {
        at_most(QUORUMS_MAX, document.quorums.len(), "quorums")?;
        at_most(WINDOWS_MAX, document.windows.len(), "windows")?;
        at_most(CALENDARS_MAX, document.calendars.len(), "calendars")?;
        // As many as can speak about one request.
        at_most(RISK_VERDICTS_MAX, document.providers.len(), "providers")?;
        at_most(VERDICTS_MAX, document.verdicts.len(), "verdicts")?;
        let providers = parse_providers(&document.providers)?;
        let verdict = |entry| parse_verdict(entry, &providers);
        let assets = document.assets.iter().map(parse_asset).collect::<Result<_, _>>()?;
        let fee = |entry| parse_fee(entry, &assets);
        let limit = |entry| parse_limit(entry, &assets);
        let window = |entry| parse_window(entry, &assets);
        let nonce_accounts = document.nonce_accounts.iter().map(parse_nonce_accounts);
        Ok(Self {
            fees: document.fees.iter().map(fee).collect::<Result<_, _>>()?,
            limits: document.limits.iter().map(limit).collect::<Result<_, _>>()?,
            quorums: document.quorums.iter().map(parse_quorum).collect::<Result<_, _>>()?,
            windows: document.windows.iter().map(window).collect::<Result<_, _>>()?,
            calendars: document.calendars.iter().map(parse_calendar).collect::<Result<_, _>>()?,
            verdicts: document.verdicts.iter().map(verdict).collect::<Result<_, _>>()?,
            providers,
            assets,
            keys: document.keys.clone(),
            groups: document.groups.iter().map(services).collect(),
            lists: document.lists.iter().map(accounts).collect(),
            nonce_accounts: nonce_accounts.collect::<Result<_, _>>()?,
        })
    }

    /// Networks with a cap of the bundle's own.
    pub(super) fn fee_networks(&self) -> impl Iterator<Item = Network> {
        self.fees.keys().filter_map(fee::network_of)
    }

    /// What a network may take for one payload.
    pub(crate) fn fee_cap(&self, network: Network) -> FeeCap {
        let named = self.fees.get(&Asset::native(network)).copied();
        named.unwrap_or_else(|| FeeCap::built_in(network))
    }

    /// Whether the bundle names a durable nonce account as ours.
    pub(crate) fn has_nonce_account(&self, network: Network, account: &Address) -> bool {
        let account = format!("{network}:{account}");
        self.nonce_accounts.values().any(|accounts| accounts.contains(&account))
    }
}

fn services((name, group): Entry<'_, document::Group>) -> (String, BTreeSet<String>) {
    (name.clone(), group.services.clone())
}

fn accounts((name, list): Entry<'_, document::List>) -> (String, BTreeSet<String>) {
    let addresses = list.addresses.iter();
    (name.clone(), addresses.map(|address| format!("{}:{address}", list.network)).collect())
}

fn at_most(max: usize, count: usize, table: &'static str) -> Result<(), BundleError> {
    if count > max { Err(BundleError::TooManyEntries { table, count, max }) } else { Ok(()) }
}

type Entry<'a, T> = (&'a String, &'a T);

fn parse_asset(
    (id, asset): Entry<'_, document::Asset>,
) -> Result<(Asset, RegisteredAsset), BundleError> {
    let document::Asset { symbol, decimals } = asset;
    let refuse = |reason: &dyn fmt::Display| BundleError::entry("assets", id, reason);
    if *decimals > DECIMALS_MAX {
        return Err(refuse(&format!("decimals must be at most {DECIMALS_MAX}")));
    }
    let asset = Asset::parse(id).map_err(|error| refuse(&error))?;
    Ok((asset, RegisteredAsset { symbol: symbol.clone(), decimals: *decimals }))
}

fn parse_fee(
    (id, fee): Entry<'_, document::Fee>,
    assets: &BTreeMap<Asset, RegisteredAsset>,
) -> Result<(Asset, FeeCap), BundleError> {
    let document::Fee { per_transaction, per_mille, at_least } = fee;
    let refuse = |reason: String| BundleError::entry("fees", id, reason);
    let asset = registered(id, assets).map_err(refuse)?;
    if fee::network_of(&asset).is_none() {
        return Err(refuse("no network takes fees in it: name a network's own asset".to_owned()));
    }
    let per_transaction = base_units("per_transaction", per_transaction).map_err(refuse)?;
    let at_least = at_least.as_ref().map(|digits| base_units("at_least", digits));
    let relative = match (*per_mille, at_least.transpose().map_err(refuse)?) {
        (None, None) => None,
        (Some(per_mille), Some(at_least)) => Some(RelativeCap { per_mille, at_least }),
        (Some(_), None) | (None, Some(_)) => {
            return Err(refuse("per_mille and at_least go together".to_owned()));
        }
    };
    Ok((asset, FeeCap { per_transaction, relative }))
}

fn parse_limit(
    (name, limit): Entry<'_, document::Limit>,
    assets: &BTreeMap<Asset, RegisteredAsset>,
) -> Result<(String, Limit), BundleError> {
    let refuse = |reason| BundleError::entry("limits", name, reason);
    let asset = registered(&limit.asset, assets).map_err(refuse)?;
    let per_transaction = base_units("per_transaction", &limit.per_transaction).map_err(refuse)?;
    Ok((name.clone(), Limit { asset, per_transaction }))
}

fn parse_quorum(
    (name, quorum): Entry<'_, document::Quorum>,
) -> Result<(String, Quorum), BundleError> {
    let refuse = |reason: &dyn fmt::Display| BundleError::entry("quorums", name, reason);
    check_name("quorums", name)?;
    let count = quorum.members.len();
    if count > QUORUM_MEMBERS_MAX {
        return Err(BundleError::TooManyMembers { quorum: name.clone(), count });
    }
    let members = quorum.members.iter().map(|member| member.parse::<PersonName>());
    let members: BTreeSet<_> = members.collect::<Result<_, _>>().map_err(|e| refuse(&e))?;
    let required = quorum.required;
    if required == 0 || required > members.len() {
        return Err(refuse(&"required must be from 1 to the number of members"));
    }
    Ok((name.clone(), Quorum { required, members }))
}

fn parse_window(
    (name, window): Entry<'_, document::Window>,
    assets: &BTreeMap<Asset, RegisteredAsset>,
) -> Result<(String, Window), BundleError> {
    let refuse = |reason: String| BundleError::entry("windows", name, reason);
    check_name("windows", name)?;
    let asset = registered(&window.asset, assets).map_err(refuse)?;
    if window.seconds == 0 || window.seconds > WINDOW_SECONDS_MAX {
        return Err(refuse(format!("seconds must be from 1 to {WINDOW_SECONDS_MAX}")));
    }
    if window.amount.is_none() && window.count.is_none() {
        return Err(refuse("needs an amount, a count, or both".to_owned()));
    }
    if window.count == Some(0) {
        return Err(refuse("count must be at least 1".to_owned()));
    }
    let amount = window.amount.as_ref().map(|digits| base_units("amount", digits));
    let amount = amount.transpose().map_err(refuse)?;
    let millis = window.seconds.saturating_mul(1_000);
    Ok((name.clone(), Window { asset, millis, amount, count: window.count }))
}

fn parse_calendar(
    (name, calendar): Entry<'_, document::Calendar>,
) -> Result<(String, Calendar), BundleError> {
    let document::Calendar { utc_offset, days, from, to } = calendar;
    check_name("calendars", name)?;
    let calendar = Calendar::parse(utc_offset, days, from, to)
        .map_err(|reason| BundleError::entry("calendars", name, reason))?;
    Ok((name.clone(), calendar))
}

fn parse_nonce_accounts(
    (name, list): Entry<'_, document::List>,
) -> Result<(String, BTreeSet<String>), BundleError> {
    let refuse = |reason: &dyn fmt::Display| BundleError::entry("nonce_accounts", name, reason);
    let network: Network = list.network.parse().map_err(|error| refuse(&error))?;
    match network {
        Network::Solana | Network::SolanaDevnet | Network::SolanaTestnet => {}
        Network::Bitcoin
        | Network::BitcoinTestnet
        | Network::BitcoinSignet
        | Network::BitcoinRegtest
        | Network::Evm(_) => return Err(refuse(&"its network has no durable nonces")),
    }
    let account = |text: &String| match Address::parse(text, network) {
        Ok(account) => Ok(format!("{network}:{account}")),
        Err(error) => Err(refuse(&error)),
    };
    Ok((name.clone(), list.addresses.iter().map(account).collect::<Result<_, _>>()?))
}

/// Two providers with one key would be one that speaks twice.
fn parse_providers(
    providers: &BTreeMap<String, document::Provider>,
) -> Result<BTreeMap<String, PublicKey>, BundleError> {
    let mut parsed = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for (name, provider) in providers {
        let refuse = |reason: &dyn fmt::Display| BundleError::entry("providers", name, reason);
        name.parse::<ProviderName>().map_err(|error| refuse(&error))?;
        let key: PublicKey = provider.key.parse().map_err(|error| refuse(&error))?;
        if !keys.insert(key) {
            return Err(refuse(&"another provider has the same key"));
        }
        parsed.insert(name.clone(), key);
    }
    Ok(parsed)
}

fn parse_verdict(
    (name, verdict): Entry<'_, document::Verdict>,
    providers: &BTreeMap<String, PublicKey>,
) -> Result<(String, Verdict), BundleError> {
    let refuse = |reason: &dyn fmt::Display| BundleError::entry("verdicts", name, reason);
    name.parse::<VerdictName>().map_err(|error| refuse(&error))?;
    let document::Verdict { provider, levels, fresh_seconds } = verdict;
    if !providers.contains_key(provider) {
        return Err(refuse(&"its provider is not in [providers]"));
    }
    if levels.is_empty() || levels.len() > LEVELS_MAX {
        return Err(refuse(&format!("needs 1 to {LEVELS_MAX} levels")));
    }
    if *fresh_seconds == 0 || *fresh_seconds > FRESH_SECONDS_MAX {
        return Err(refuse(&format!("fresh_seconds must be from 1 to {FRESH_SECONDS_MAX}")));
    }
    let levels = levels.iter().map(|level| level.parse::<RiskLevel>());
    let verdict = Verdict {
        provider: provider.parse().map_err(|error| refuse(&error))?,
        levels: levels.collect::<Result<_, _>>().map_err(|error| refuse(&error))?,
        millis: fresh_seconds.saturating_mul(1_000),
    };
    Ok((name.clone(), verdict))
}

fn registered(id: &str, assets: &BTreeMap<Asset, RegisteredAsset>) -> Result<Asset, String> {
    let asset = Asset::parse(id).map_err(|error| error.to_string())?;
    let known = assets.contains_key(&asset);
    known.then_some(asset).ok_or_else(|| "its asset is not in [assets]".to_owned())
}

/// These names stand in what persons read and sign, so they follow the grammar of names.
fn check_name(table: &'static str, name: &str) -> Result<(), BundleError> {
    let checked = name.parse::<QuorumName>();
    checked.map(drop).map_err(|error| BundleError::entry(table, name, error))
}

/// An amount has one spelling.
pub(super) fn base_units(field: &str, digits: &str) -> Result<U256, String> {
    let canonical = |amount: &U256| amount.to_string() == digits;
    U256::from_str_radix(digits, 10).ok().filter(canonical).ok_or_else(|| {
        format!("{field} must be base units below 2^256, as text of plain decimal digits")
    })
}
