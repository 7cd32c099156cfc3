//! Typed data (EIP-712): the JSON of `eth_signTypedData_v4`, taken strictly.
//!
//! The digest is computed here, from the declared types. What people and rules see is made of the
//! values that were hashed, and not of the JSON.

mod definitions;
mod error;
mod json;
mod leaf;
mod meaning;

use alloy_dyn_abi::{DynSolValue, TypedData};
use alloy_primitives::{Address as Account, U256};
use quorate_model::{ChainId, Network};
use serde_json::Value;

pub use error::TypedDataError;

use self::definitions::{DOMAIN, Definitions};
use super::call::Calls;
use super::error::reason;
use super::{EvmError, Read, shown, text};
use crate::{Address, Amount, Asset, Effect, EffectKind, Flag};

/// As much of typed data as people are shown: all of it.
const SHOWN_MAX: usize = 8_192;

const MEMBERS: [&str; 4] = ["types", "primaryType", "domain", "message"];

/// Typed data whose every part was checked.
struct Checked {
    data: TypedData,
    domain: Domain,
    message: DynSolValue,
}

/// Of a domain, what decides.
struct Domain {
    contract: Option<Account>,
    shown: String,
}

/// Decodes typed data that the key is asked to sign.
pub(super) fn read(json: &[u8], chain: ChainId, from: Account) -> Result<Read, EvmError> {
    let Checked { data, domain, message } = check(json, chain)?;
    let unhashed = |error| TypedDataError::Undecodable { reason: reason(&error) };
    // First: what is hashed grows with each value.
    let detail = format!("{} {} in {}", data.primary_type, shown::value(&message), domain.shown);
    if detail.len() > SHOWN_MAX {
        return Err(TypedDataError::Long { chars: detail.len(), max: SHOWN_MAX }.into());
    }
    let digest = data.eip712_signing_hash().map_err(unhashed)?;
    let kind = data.encode_type().map_err(unhashed)?;
    let destination = match &domain.contract {
        Some(contract) => text(contract),
        None => format!("typed-data:{}", data.domain.separator()),
    };
    let mut calls = Calls::new(chain, from);
    let known = match domain.contract {
        Some(contract) => meaning::read(&mut calls, &kind, contract, &message)?,
        None => None,
    };
    calls.push_first(Effect {
        kind: EffectKind::TypedData,
        amount: Amount { asset: Asset::native(Network::Evm(chain)), base_units: U256::ZERO },
        destination: Address(destination),
        flags: if known.is_some() { Vec::new() } else { vec![Flag::UnknownType] },
        detail,
    })?;
    Ok(Read {
        effects: calls.effects(),
        fee: U256::ZERO,
        account_nonce: None,
        validity: "from now on, for ever, as far as its fields say nothing else",
        digest,
    })
}

fn check(json: &[u8], chain: ChainId) -> Result<Checked, TypedDataError> {
    let document = json::parse(json)?;
    let members = document.as_object().ok_or(TypedDataError::Members)?;
    let expected = members.len() == MEMBERS.len()
        && MEMBERS.iter().all(|member| members.contains_key(*member));
    let (true, Some(Value::String(primary)), Some(domain), Some(message)) =
        (expected, members.get("primaryType"), members.get("domain"), members.get("message"))
    else {
        return Err(TypedDataError::Members);
    };
    if primary == DOMAIN {
        return Err(TypedDataError::DomainOnly);
    }
    let definitions = Definitions::read(members.get("types").unwrap_or(&Value::Null))?;
    definitions.check_domain()?;
    definitions.check_use(primary)?;
    definitions.check_value(DOMAIN, domain, "domain")?;
    definitions.check_value(primary, message, "message")?;
    let undecodable = |error: &dyn ToString| TypedDataError::Undecodable {
        reason: crate::quote::quoted(&error.to_string()),
    };
    let data: TypedData =
        serde_json::from_value(document.clone()).map_err(|error| undecodable(&error))?;
    // The domain is hashed from what alloy reads of it: it must be what its declared type says.
    let declared =
        TypedData { primary_type: DOMAIN.to_owned(), message: domain.clone(), ..data.clone() };
    let separator = declared.hash_struct().map_err(|error| undecodable(&error))?;
    if separator != data.domain.separator() {
        return Err(TypedDataError::DomainType);
    }
    let found = data.domain.chain_id.ok_or(TypedDataError::NoChainId)?;
    if found != U256::from(chain.get()) {
        return Err(TypedDataError::ChainId { found: found.to_string(), expected: chain });
    }
    let message = data.coerce().map_err(|error| undecodable(&error))?;
    let shown = declared.coerce().map_err(|error| undecodable(&error))?;
    let domain = Domain {
        contract: data.domain.verifying_contract,
        shown: format!("domain {}", shown::value(&shown)),
    };
    Ok(Checked { data, domain, message })
}
