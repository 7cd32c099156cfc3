//! Tokens: ERC-20 and its permits (EIP-2612).
//!
//! `transferFrom` and `approve` have one selector in ERC-20 and ERC-721: they are told as those of an
//! ERC-20 token, of as many base units as an ERC-721 contract would read as the token's number. Which
//! of them a contract is, the policy's registry of assets knows.

use alloy_dyn_abi::DynSolValue::{self, Address, Bool, FixedBytes, Uint};
use alloy_primitives::U256;

use super::EvmError;
use super::call::{Call, Calls};
use crate::EffectKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Transfer,
    TransferFrom,
    Approve,
    IncreaseAllowance,
    DecreaseAllowance,
    Permit,
    /// Dai's, which knows everything and nothing.
    PermitAll,
    /// Native value to a token of the same worth, and back (WETH).
    Wrap,
}

pub(super) const FUNCTIONS: &[(Method, &str)] = &[
    (Method::Transfer, "transfer(address,uint256)"),
    (Method::TransferFrom, "transferFrom(address,address,uint256)"),
    (Method::Approve, "approve(address,uint256)"),
    (Method::IncreaseAllowance, "increaseAllowance(address,uint256)"),
    (Method::DecreaseAllowance, "decreaseAllowance(address,uint256)"),
    (Method::Permit, "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
    (Method::PermitAll, "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)"),
    (Method::Wrap, "deposit()"),
    (Method::Wrap, "withdraw(uint256)"),
];

/// Adds what a token's function does; `None` where the arguments are not those of the method.
pub(super) fn read(
    calls: &mut Calls,
    call: &Call<'_>,
    method: Method,
    arguments: &[DynSolValue],
    detail: String,
) -> Result<Option<()>, EvmError> {
    let (contract, caller) = (call.to, call.caller);
    match (method, arguments) {
        (Method::Transfer, [Address(to), Uint(amount, _)]) => {
            let amount = calls.fungible(contract, *amount);
            calls.transfer(call, caller, *to, amount, detail)?;
        }
        (Method::TransferFrom, [Address(from), Address(to), Uint(amount, _)]) => {
            let amount = calls.fungible(contract, *amount);
            calls.transfer(call, *from, *to, amount, detail)?;
        }
        (
            Method::Approve | Method::IncreaseAllowance | Method::DecreaseAllowance,
            [Address(spender), Uint(amount, _)],
        ) => {
            let amount = calls.fungible(contract, *amount);
            calls.allowance(call, caller, *spender, amount, detail)?;
        }
        (
            Method::Permit,
            [
                Address(owner),
                Address(spender),
                Uint(amount, _),
                Uint(..),
                Uint(..),
                FixedBytes(..),
                FixedBytes(..),
            ],
        ) => {
            let amount = calls.fungible(contract, *amount);
            calls.allowance(call, *owner, *spender, amount, detail)?;
        }
        (
            Method::PermitAll,
            [
                Address(owner),
                Address(spender),
                Uint(..),
                Uint(..),
                Bool(allowed),
                Uint(..),
                FixedBytes(..),
                FixedBytes(..),
            ],
        ) => {
            let amount = calls.fungible(contract, all_or_nothing(*allowed));
            calls.allowance(call, *owner, *spender, amount, detail)?;
        }
        (Method::Wrap, [] | [Uint(..)]) => {
            calls.called(call, EffectKind::ContractCall, Vec::new(), detail)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

/// An allowance that knows no amount.
pub(super) const fn all_or_nothing(all: bool) -> U256 {
    if all { U256::MAX } else { U256::ZERO }
}
