//! Values as people read them: printable ASCII, in full or by their digest.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::keccak256;

use super::text;

/// Bytes up to this length are shown themselves.
const BYTES_MAX: usize = 64;

/// Arguments up to this length are shown themselves.
const CHARS_MAX: usize = 2_048;

/// A function with its arguments.
pub(super) fn call(signature: &str, arguments: &[DynSolValue], data: &[u8]) -> String {
    let name = signature.split('(').next().unwrap_or_default();
    let all = format!("{name}({})", joined(arguments));
    if all.len() <= CHARS_MAX { all } else { format!("{signature} with {}", bytes(data)) }
}

/// A value, in full but for long bytes.
pub(super) fn value(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(bool) => bool.to_string(),
        DynSolValue::Int(int, _) => int.to_string(),
        DynSolValue::Uint(uint, _) => uint.to_string(),
        DynSolValue::FixedBytes(word, size) => {
            hexadecimal(word.get(..*size).unwrap_or(word.as_slice()))
        }
        DynSolValue::Address(address) => text(address),
        DynSolValue::Function(function) => hexadecimal(function.as_slice()),
        DynSolValue::Bytes(long) => bytes(long),
        DynSolValue::String(string) => quoted(string),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            format!("[{}]", joined(values))
        }
        DynSolValue::Tuple(values) => format!("({})", joined(values)),
        DynSolValue::CustomStruct { prop_names, tuple, .. } => {
            let fields = prop_names.iter().zip(tuple);
            let fields = fields.map(|(name, field)| format!("{name}: {}", self::value(field)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Text that may hold anything, in quotation marks and with everything escaped that is no printable
/// ASCII.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Bytes, or how many there are and their digest.
pub(super) fn bytes(bytes: &[u8]) -> String {
    if bytes.len() <= BYTES_MAX {
        return hexadecimal(bytes);
    }
    format!("{} bytes with Keccak-256 {}", bytes.len(), keccak256(bytes))
}

fn joined(values: &[DynSolValue]) -> String {
    values.iter().map(value).collect::<Vec<_>>().join(", ")
}
