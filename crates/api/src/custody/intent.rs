//! Intents, for people to read. There is no way back: whoever decides, decodes the payload.

use quorate_intent::{Amount, Effect, EffectKind, Flag, Intent};

use crate::pb::custody::v1 as pb;

impl From<&Intent> for pb::Intent {
    fn from(intent: &Intent) -> Self {
        Self {
            network: intent.network.to_string(),
            from: intent.from.to_string(),
            effects: intent.effects.iter().map(Into::into).collect(),
            fee: Some((&intent.fee).into()),
            change: intent.change.iter().map(Into::into).collect(),
            validity: intent.validity.clone(),
            payload_digest: intent.payload_digest.as_bytes().to_vec(),
            effects_digest: intent.effects_digest().as_bytes().to_vec(),
            account_nonce: intent.account_nonce,
        }
    }
}

impl From<&Effect> for pb::Effect {
    fn from(effect: &Effect) -> Self {
        let flags = effect.flags.iter().map(|flag| pb::EffectFlag::from(*flag).into());
        Self {
            kind: pb::EffectKind::from(effect.kind).into(),
            amount: Some((&effect.amount).into()),
            destination: effect.destination.to_string(),
            flags: flags.collect(),
            detail: effect.detail.clone(),
        }
    }
}

impl From<&Amount> for pb::Amount {
    fn from(amount: &Amount) -> Self {
        Self { asset: amount.asset.to_string(), base_units: amount.base_units.to_string() }
    }
}

impl From<EffectKind> for pb::EffectKind {
    fn from(kind: EffectKind) -> Self {
        match kind {
            EffectKind::Transfer => Self::Transfer,
            EffectKind::Allowance => Self::Allowance,
            EffectKind::Message => Self::Message,
            EffectKind::TypedData => Self::TypedData,
            EffectKind::ContractCall => Self::ContractCall,
            EffectKind::ContractCreation => Self::ContractCreation,
            EffectKind::AuthorityChange => Self::AuthorityChange,
            EffectKind::CodeDelegation => Self::CodeDelegation,
            EffectKind::RawDigest => Self::RawDigest,
        }
    }
}

impl From<Flag> for pb::EffectFlag {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::SelfDestination => Self::SelfDestination,
            Flag::Dust => Self::Dust,
            Flag::DurableNonce => Self::DurableNonce,
            Flag::Data => Self::Data,
            Flag::UnknownSelector => Self::UnknownSelector,
            Flag::UnknownType => Self::UnknownType,
            Flag::Delegatecall => Self::Delegatecall,
            Flag::UnlimitedAllowance => Self::UnlimitedAllowance,
            Flag::ProxyUpgrade => Self::ProxyUpgrade,
            Flag::AnyChain => Self::AnyChain,
            Flag::ForeignFunds => Self::ForeignFunds,
        }
    }
}
