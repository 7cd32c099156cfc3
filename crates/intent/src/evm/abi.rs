//! Calldata: a selector and arguments in the canonical encoding of the Solidity ABI.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::keccak256;

use super::{EvmError, authority, batch, collection, permit2, safe, token};
use crate::EFFECTS_MAX;

const SELECTOR_BYTES: usize = 4;
const WORD_BYTES: usize = 32;

/// What a known function is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Token(token::Method),
    Collection(collection::Method),
    Permit2(permit2::Method),
    Safe(safe::Method),
    Batch(batch::Method),
    Authority(authority::Method),
}

/// A function that is decoded.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) method: Method,
    pub(super) signature: &'static str,
    parameters: DynSolType,
}

/// What calldata says.
#[derive(Debug)]
pub(super) enum Calldata {
    /// Nothing is called but the code that receives value.
    Empty,
    Known(&'static Function, Vec<DynSolValue>),
    /// A function that is not decoded, or bytes that begin with no selector.
    Unknown,
}

static FUNCTIONS: LazyLock<BTreeMap<[u8; SELECTOR_BYTES], Function>> = LazyLock::new(|| {
    let tables = [
        all(token::FUNCTIONS, Method::Token),
        all(collection::FUNCTIONS, Method::Collection),
        all(permit2::FUNCTIONS, Method::Permit2),
        all(safe::FUNCTIONS, Method::Safe),
        all(batch::FUNCTIONS, Method::Batch),
        all(authority::FUNCTIONS, Method::Authority),
    ];
    tables
        .into_iter()
        .flatten()
        .filter_map(|(signature, method)| entry(signature, method))
        .collect()
});

/// Reads calldata. What has a known selector is the canonical encoding of that function's arguments,
/// or refused: Solidity would take more, such as bytes after them or parts that overlap, and two
/// readers might not agree on it.
pub(super) fn read(data: &[u8]) -> Result<Calldata, EvmError> {
    if data.is_empty() {
        return Ok(Calldata::Empty);
    }
    let Some((selector, arguments)) = data.split_first_chunk() else {
        return Ok(Calldata::Unknown);
    };
    let Some(function) = FUNCTIONS.get(selector) else {
        return Ok(Calldata::Unknown);
    };
    let values = function.decode(arguments);
    let refusal = EvmError::Arguments { signature: function.signature };
    values.map(|values| Calldata::Known(function, values)).ok_or(refusal)
}

impl Function {
    fn decode(&self, arguments: &[u8]) -> Option<Vec<DynSolValue>> {
        if matches!(&self.parameters, DynSolType::Tuple(none) if none.is_empty()) {
            return arguments.is_empty().then(Vec::new);
        }
        if !self.is_bounded(arguments) {
            return None;
        }
        let values = self.parameters.abi_decode_params(arguments).ok()?;
        if values.abi_encode_params() != arguments || !is_clean(&values) {
            return None;
        }
        // Parameters are a tuple, and so are their values.
        if let DynSolValue::Tuple(values) = values { Some(values) } else { None }
    }

    /// Whether the list of a list of bytes is no longer than effects can be, before memory is taken for
    /// it: each of its items may claim the same bytes.
    fn is_bounded(&self, arguments: &[u8]) -> bool {
        let DynSolType::Tuple(parameters) = &self.parameters else { return true };
        let lists = parameters.iter().enumerate().filter(|(_, parameter)| {
            matches!(parameter, DynSolType::Array(item) if **item == DynSolType::Bytes)
        });
        lists.into_iter().all(|(index, _)| {
            let offset = number(arguments, index.saturating_mul(WORD_BYTES));
            let count = offset.and_then(|offset| number(arguments, offset));
            count.is_some_and(|count| count <= EFFECTS_MAX)
        })
    }
}

/// Whether every number and every word of bytes fits its type: old contracts cut off what is too much, new
/// ones refuse it, and it is encoded again as it came.
fn is_clean(value: &DynSolValue) -> bool {
    match value {
        DynSolValue::Uint(uint, bits) => uint.bit_len() <= *bits,
        DynSolValue::Int(int, bits) => {
            let unused = 256_usize.saturating_sub(*bits);
            int.wrapping_shl(unused).asr(unused) == *int
        }
        DynSolValue::FixedBytes(word, size) => {
            word.get(*size..).is_none_or(|rest| rest.iter().all(|byte| *byte == 0))
        }
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values)
        | DynSolValue::CustomStruct { tuple: values, .. } => values.iter().all(is_clean),
        DynSolValue::Bool(_)
        | DynSolValue::Address(_)
        | DynSolValue::Function(_)
        | DynSolValue::Bytes(_)
        | DynSolValue::String(_) => true,
    }
}

/// The word at an offset, where it is a number that fits.
fn number(arguments: &[u8], offset: usize) -> Option<usize> {
    let word = arguments.get(offset..)?.first_chunk::<WORD_BYTES>()?;
    usize::try_from(alloy_primitives::U256::from_be_bytes(*word)).ok()
}

fn all<M: Copy>(
    table: &'static [(M, &'static str)],
    method: impl Fn(M) -> Method,
) -> Vec<(&'static str, Method)> {
    table.iter().map(|(of, signature)| (*signature, method(*of))).collect()
}

fn entry(signature: &'static str, method: Method) -> Option<([u8; SELECTOR_BYTES], Function)> {
    let parameters = signature.get(signature.find('(')?..)?;
    let parameters = if parameters == "()" {
        DynSolType::Tuple(Vec::new())
    } else {
        DynSolType::parse(parameters).ok()?
    };
    let selector = *keccak256(signature).first_chunk()?;
    Some((selector, Function { method, signature, parameters }))
}

/// Every known selector.
#[cfg(test)]
pub(super) fn selectors() -> Vec<[u8; SELECTOR_BYTES]> {
    FUNCTIONS.keys().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_read_by_a_selector_of_its_own() {
        let listed = token::FUNCTIONS.len()
            + collection::FUNCTIONS.len()
            + permit2::FUNCTIONS.len()
            + safe::FUNCTIONS.len()
            + batch::FUNCTIONS.len()
            + authority::FUNCTIONS.len();
        assert_eq!(FUNCTIONS.len(), listed);
        for function in FUNCTIONS.values() {
            assert!(matches!(function.parameters, DynSolType::Tuple(_)), "{}", function.signature);
        }
    }

    #[test]
    fn selectors_are_those_that_everybody_uses() {
        for (selector, signature) in [
            ("a9059cbb", "transfer(address,uint256)"),
            ("23b872dd", "transferFrom(address,address,uint256)"),
            ("095ea7b3", "approve(address,uint256)"),
            ("a22cb465", "setApprovalForAll(address,bool)"),
            ("d505accf", "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
            ("8d80ff0a", "multiSend(bytes)"),
            ("ac9650d8", "multicall(bytes[])"),
            ("3659cfe6", "upgradeTo(address)"),
            ("4f1ef286", "upgradeToAndCall(address,bytes)"),
            ("f2fde38b", "transferOwnership(address)"),
            (
                "6a761202",
                "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
            ),
        ] {
            let selector: [u8; 4] = hex::decode(selector).unwrap().try_into().unwrap();
            assert_eq!(FUNCTIONS[&selector].signature, signature);
        }
    }
}
