//! What a payload does, as shown to people and programs.

use quorate_intent::{Amount, Intent};
use serde::Serialize;

use crate::network_name;

/// An intent, decoded by this client. Addresses are never cut.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct IntentReport {
    pub(crate) network: String,
    pub(crate) from: String,
    pub(crate) effects: Vec<EffectReport>,
    pub(crate) fee: AmountReport,
    pub(crate) change: Vec<AmountReport>,
    /// Of an EVM account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_nonce: Option<u64>,
    pub(crate) validity: String,
    pub(crate) payload_digest: String,
    pub(crate) effects_digest: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct EffectReport {
    kind: &'static str,
    amount: AmountReport,
    pub(crate) destination: String,
    flags: Vec<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct AmountReport {
    asset: String,
    base_units: String,
}

impl IntentReport {
    pub(crate) fn new(intent: &Intent) -> Self {
        let effect = |effect: &quorate_intent::Effect| EffectReport {
            kind: effect.kind.as_str(),
            amount: AmountReport::new(&effect.amount),
            destination: effect.destination.to_string(),
            flags: effect.flags.iter().map(|flag| flag.as_str()).collect(),
            detail: effect.detail.clone(),
        };
        Self {
            network: network_name::short(intent.network),
            from: intent.from.to_string(),
            effects: intent.effects.iter().map(effect).collect(),
            fee: AmountReport::new(&intent.fee),
            change: intent.change.iter().map(AmountReport::new).collect(),
            account_nonce: intent.account_nonce,
            validity: intent.validity.clone(),
            payload_digest: intent.payload_digest.to_string(),
            effects_digest: intent.effects_digest().to_string(),
        }
    }

    /// Names and values for a listing.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("network", self.network.clone()), ("from", self.from.clone())];
        for effect in &self.effects {
            let mut line =
                format!("{} {} to {}", effect.kind, effect.amount.text(), effect.destination);
            if !effect.flags.is_empty() {
                line.push_str(&format!(" [{}]", effect.flags.join(", ")));
            }
            if !effect.detail.is_empty() {
                line.push_str(&format!(": {}", effect.detail));
            }
            fields.push(("effect", line));
        }
        fields.push(("fee", self.fee.text()));
        fields.extend(self.change.iter().map(|change| ("change", change.text())));
        fields.extend(self.account_nonce.iter().map(|nonce| ("nonce", nonce.to_string())));
        fields.push(("valid", self.validity.clone()));
        fields
    }
}

impl AmountReport {
    fn new(amount: &Amount) -> Self {
        Self { asset: amount.asset.to_string(), base_units: amount.base_units.to_string() }
    }

    /// The network stands in another line: only what it calls the asset is left.
    fn text(&self) -> String {
        let name = self.asset.split_once('/').map_or(self.asset.as_str(), |(_, name)| name);
        let unit = match name {
            "slip44:0" | "slip44:1" => "sat",
            "slip44:501" => "lamports",
            "slip44:60" => "wei",
            other => other,
        };
        format!("{} {unit}", self.base_units)
    }
}
