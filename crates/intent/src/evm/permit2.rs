//! Permit2: allowances that it keeps for the tokens that have approved it once.
//! <https://github.com/Uniswap/permit2>

use alloy_dyn_abi::DynSolValue::{self, Address, Array, Bytes, Tuple, Uint};

use super::EvmError;
use super::call::{Call, Calls};
use crate::EffectKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Approve,
    Permit,
    PermitBatch,
    TransferFrom,
    TransferFromBatch,
}

pub(super) const FUNCTIONS: &[(Method, &str)] = &[
    (Method::Approve, "approve(address,address,uint160,uint48)"),
    (Method::Permit, "permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)"),
    (
        Method::PermitBatch,
        "permit(address,((address,uint160,uint48,uint48)[],address,uint256),bytes)",
    ),
    (Method::TransferFrom, "transferFrom(address,address,uint160,address)"),
    (Method::TransferFromBatch, "transferFrom((address,address,uint160,address)[])"),
];

/// Adds what a function does; `None` where the arguments are not those of the method. The contract
/// that is called need not be Permit2, so the call is an effect itself.
pub(super) fn read(
    calls: &mut Calls,
    call: &Call<'_>,
    method: Method,
    arguments: &[DynSolValue],
    detail: String,
) -> Result<Option<()>, EvmError> {
    calls.called(call, EffectKind::ContractCall, Vec::new(), detail.clone())?;
    match (method, arguments) {
        (Method::Approve, [Address(token), Address(spender), Uint(amount, _), Uint(..)]) => {
            let amount = calls.fungible(*token, *amount);
            calls.allowance(call, call.caller, *spender, amount, detail)?;
        }
        (Method::Permit, [Address(owner), Tuple(single), Bytes(_)]) => {
            let [Tuple(details), Address(spender), Uint(..)] = single.as_slice() else {
                return Ok(None);
            };
            let [Address(token), Uint(amount, _), Uint(..), Uint(..)] = details.as_slice() else {
                return Ok(None);
            };
            let amount = calls.fungible(*token, *amount);
            calls.allowance(call, *owner, *spender, amount, detail)?;
        }
        (Method::PermitBatch, [Address(owner), Tuple(batch), Bytes(_)]) => {
            let [Array(all), Address(spender), Uint(..)] = batch.as_slice() else {
                return Ok(None);
            };
            for details in all {
                let Tuple(details) = details else { return Ok(None) };
                let [Address(token), Uint(amount, _), Uint(..), Uint(..)] = details.as_slice()
                else {
                    return Ok(None);
                };
                let amount = calls.fungible(*token, *amount);
                calls.allowance(call, *owner, *spender, amount, detail.clone())?;
            }
        }
        (Method::TransferFrom, [Address(from), Address(to), Uint(amount, _), Address(token)]) => {
            let amount = calls.fungible(*token, *amount);
            calls.transfer(call, *from, *to, amount, detail)?;
        }
        (Method::TransferFromBatch, [Array(all)]) => {
            for one in all {
                let Tuple(one) = one else { return Ok(None) };
                let [Address(from), Address(to), Uint(amount, _), Address(token)] = one.as_slice()
                else {
                    return Ok(None);
                };
                let amount = calls.fungible(*token, *amount);
                calls.transfer(call, *from, *to, amount, detail.clone())?;
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}
