//! Elementary values in JSON: one spelling of each, or two of numbers.

use alloy_dyn_abi::DynSolType;
use serde_json::Value;

use crate::evm::account_of;

/// Whether a type is elementary, by the one name that it has in EIP-712 (`uint` is none).
pub(super) fn is_elementary(name: &str) -> bool {
    elementary(name).is_some()
}

/// Whether a value is written as one of an elementary type. Its range is checked where it is hashed.
pub(super) fn is_spelled_as(name: &str, value: &Value) -> bool {
    match (elementary(name), value) {
        (Some(DynSolType::Bool), Value::Bool(_))
        | (Some(DynSolType::String), Value::String(_))
        | (Some(DynSolType::Uint(_) | DynSolType::Int(_)), Value::Number(_)) => true,
        (Some(DynSolType::Uint(_)), Value::String(text)) => is_number(text),
        (Some(DynSolType::Int(_)), Value::String(text)) => {
            is_decimal(text.strip_prefix('-').unwrap_or(text))
        }
        (Some(DynSolType::Address), Value::String(text)) => account_of(text).is_some(),
        (Some(DynSolType::Bytes | DynSolType::FixedBytes(_)), Value::String(text)) => {
            let digits = text.strip_prefix("0x");
            digits.is_some_and(|digits| digits.len() % 2 == 0 && is_hexadecimal(digits))
        }
        (Some(_) | None, _) => false,
    }
}

fn elementary(name: &str) -> Option<DynSolType> {
    let known = DynSolType::parse(name).ok()?;
    let is_taken = matches!(
        known,
        DynSolType::Bool
            | DynSolType::Int(_)
            | DynSolType::Uint(_)
            | DynSolType::FixedBytes(_)
            | DynSolType::Address
            | DynSolType::Bytes
            | DynSolType::String
    );
    (is_taken && known.sol_type_name() == name).then_some(known)
}

fn is_number(text: &str) -> bool {
    match text.strip_prefix("0x") {
        Some(digits) => !digits.is_empty() && is_hexadecimal(digits),
        None => is_decimal(text),
    }
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_hexadecimal(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}
