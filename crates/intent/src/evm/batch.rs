//! Several calls in one: MultiSend of Safe accounts, and `multicall` of many contracts.

use alloy_dyn_abi::DynSolValue::{self, Array, Bytes, Uint};
use alloy_primitives::{Address as Account, U256};

use super::EvmError;
use super::call::{Call, Calls};
use super::safe;
use crate::EffectKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    MultiSend,
    Multicall,
    /// With a deadline before the calls.
    MulticallUntil,
}

pub(super) const FUNCTIONS: &[(Method, &str)] = &[
    (Method::MultiSend, "multiSend(bytes)"),
    (Method::Multicall, "multicall(bytes[])"),
    (Method::MulticallUntil, "multicall(uint256,bytes[])"),
];

/// Adds what a batch does; `None` where the arguments are not those of the method.
pub(super) fn read(
    calls: &mut Calls,
    call: &Call<'_>,
    method: Method,
    arguments: &[DynSolValue],
    detail: String,
) -> Result<Option<()>, EvmError> {
    calls.called(call, EffectKind::ContractCall, Vec::new(), detail)?;
    match (method, arguments) {
        // Called, and not run as a Safe's own code, the contract makes the calls itself.
        (Method::MultiSend, [Bytes(packed)]) => multi_send(calls, call, call.to, packed)?,
        (Method::Multicall, [Array(all)]) | (Method::MulticallUntil, [Uint(..), Array(all)]) => {
            for data in all {
                let Bytes(data) = data else { return Ok(None) };
                // The contract runs its own functions for the same caller. The value is there once.
                let depth = call.depth.saturating_add(1);
                calls.run(&Call { value: U256::ZERO, data, depth, ..*call })?;
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

/// The transactions of a MultiSend, one after the other: operation, receiver, value, length, data.
/// <https://github.com/safe-global/safe-smart-account/blob/main/contracts/libraries/MultiSend.sol>
pub(super) fn multi_send(
    calls: &mut Calls,
    outer: &Call<'_>,
    caller: Account,
    packed: &[u8],
) -> Result<(), EvmError> {
    let mut rest = packed;
    while !rest.is_empty() {
        let offset = packed.len().saturating_sub(rest.len());
        let (head, data, after) = transaction(rest).ok_or(EvmError::Batch { offset })?;
        // The code takes address 0 for the contract that runs it.
        if head.to.is_zero() {
            return Err(EvmError::Batch { offset });
        }
        let depth = outer.depth.saturating_add(1);
        let (to, value, delegated) = (head.to, head.value, outer.delegated);
        safe::operate(
            calls,
            U256::from(head.operation),
            &Call { caller, to, value, data, depth, delegated },
        )?;
        rest = after;
    }
    Ok(())
}

struct Head {
    operation: u8,
    to: Account,
    value: U256,
}

fn transaction(packed: &[u8]) -> Option<(Head, &[u8], &[u8])> {
    let (operation, rest) = packed.split_first()?;
    let (to, rest) = rest.split_first_chunk::<20>()?;
    let (value, rest) = rest.split_first_chunk::<32>()?;
    let (length, rest) = rest.split_first_chunk::<32>()?;
    let length = usize::try_from(U256::from_be_bytes(*length)).ok()?;
    let (data, after) = rest.split_at_checked(length)?;
    let value = U256::from_be_bytes(*value);
    Some((Head { operation: *operation, to: Account::from(*to), value }, data, after))
}
