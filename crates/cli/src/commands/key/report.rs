//! Keys, as shown.

use std::collections::BTreeMap;

use quorate_model::Activation;
use quorate_protocol::Confirmation;
use serde::Serialize;

use crate::exit::Failure;
use crate::network_name;
use crate::output::{Paint, Report, fields, table};
use crate::verified_key::VerifiedKey;

/// A key that was verified here. Bytes are in hexadecimal digits.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KeyReport {
    pub(crate) key: String,
    pub(crate) scheme: &'static str,
    pub(crate) threshold: u16,
    /// Whether it may sign raw digests.
    pub(crate) raw_ok: bool,
    pub(crate) nodes: Vec<u16>,
    pub(crate) state: &'static str,
    /// `at-once`, or `by-order`.
    pub(crate) activation: &'static str,
    /// Until when an order has it active.
    pub(crate) active_until: Option<String>,
    /// For how long orders had it activated so far, in seconds.
    pub(crate) activated_s: u64,
    pub(crate) epoch: u64,
    /// The group verifying key. For Taproot this is the internal key, before its BIP-341 tweak.
    pub(crate) public_key: String,
    pub(crate) addresses: BTreeMap<String, String>,
    /// Digest of what all holders voted for.
    pub(crate) certified: String,
    pub(crate) confirmations: Vec<ConfirmationReport>,
    pub(crate) created: String,
}

/// A signature of the key itself, made before it was announced.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ConfirmationReport {
    signing_set: Vec<u16>,
    message: String,
    signature: String,
}

impl KeyReport {
    pub(crate) fn new(key: &VerifiedKey) -> Result<Self, Failure> {
        let certified = key.certified();
        let addresses = key.addresses()?.into_iter();
        let confirmation = |confirmation: &Confirmation| {
            let set = &confirmation.signing_set;
            ConfirmationReport {
                signing_set: set.iter().map(|id| id.get()).collect(),
                message: Confirmation::statement(certified, set).to_string(),
                signature: hex::encode(&confirmation.signature),
            }
        };
        Ok(Self {
            key: certified.key.to_string(),
            scheme: certified.scheme.as_str(),
            threshold: certified.threshold.get(),
            raw_ok: certified.raw_ok,
            nodes: certified.roster.iter().map(|id| id.get()).collect(),
            state: key.state().as_str(),
            activation: certified.activation.as_str(),
            active_until: key.active_until().map(|time| time.to_string()),
            activated_s: key.activated_ms() / 1_000,
            epoch: certified.epoch.0,
            public_key: hex::encode(&certified.group_verifying_key),
            addresses: addresses
                .map(|(network, address)| (network_name::short(network), address.to_string()))
                .collect(),
            certified: certified.digest().to_string(),
            confirmations: key.confirmations().iter().map(confirmation).collect(),
            created: key.created().to_string(),
        })
    }

    fn signers(&self) -> String {
        format!("{} of {}", self.threshold, self.nodes.len())
    }
}

impl Report for KeyReport {
    const SCHEMA: &'static str = "quorate.key/v1";

    fn text(&self, paint: Paint) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(ToString::to_string).collect();
        let mut rows = vec![
            ("key", paint.strong(&self.key)),
            ("state", self.state.to_owned()),
            ("scheme", self.scheme.to_owned()),
            ("signers", format!("{} (nodes {})", self.signers(), nodes.join(", "))),
            ("epoch", self.epoch.to_string()),
            (
                "raw digests",
                if self.raw_ok { "where policy allows them" } else { "never" }.to_owned(),
            ),
            ("public key", self.public_key.clone()),
        ];
        if self.activation == Activation::ByOrder.as_str() {
            let until = self.active_until.as_ref().map(|time| format!(", now until {time}"));
            let until = until.unwrap_or_default();
            rows.push(("activation", format!("by order, {} s so far{until}", self.activated_s)));
        }
        rows.extend(
            self.addresses.iter().map(|(network, address)| (network.as_str(), address.clone())),
        );
        rows.push(("certificate", format!("verified: {}", self.certified)));
        let confirmed = format!("{} signatures, which cover every node", self.confirmations.len());
        rows.push(("confirmed", confirmed));
        fields(rows)
    }
}

/// Keys.
#[derive(Serialize)]
pub(super) struct KeyList {
    pub(super) keys: Vec<KeyReport>,
}

impl Report for KeyList {
    const SCHEMA: &'static str = "quorate.keys/v1";

    fn text(&self, _paint: Paint) -> String {
        if self.keys.is_empty() {
            return "no keys: quorate key create makes one".to_owned();
        }
        let rows = self.keys.iter().map(|key| {
            let (scheme, state) = (key.scheme.to_owned(), key.state.to_owned());
            [key.key.clone(), scheme, key.signers(), state, key.epoch.to_string()]
        });
        table(["key", "scheme", "signers", "state", "epoch"], rows)
    }
}
