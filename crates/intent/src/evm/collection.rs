//! Collections of tokens: ERC-721, and ERC-1155 with several pieces of each.

use alloy_dyn_abi::DynSolValue::{self, Address, Array, Bool, Bytes, Uint};
use alloy_primitives::{Address as Account, U256};

use super::EvmError;
use super::call::{Call, Calls};
use super::token::all_or_nothing;
use crate::EffectKind;
use crate::asset::TokenStandard;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Transfer,
    TransferWithData,
    TransferPieces,
    TransferBatch,
    ApproveAll,
}

pub(super) const FUNCTIONS: &[(Method, &str)] = &[
    (Method::Transfer, "safeTransferFrom(address,address,uint256)"),
    (Method::TransferWithData, "safeTransferFrom(address,address,uint256,bytes)"),
    (Method::TransferPieces, "safeTransferFrom(address,address,uint256,uint256,bytes)"),
    (Method::TransferBatch, "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"),
    (Method::ApproveAll, "setApprovalForAll(address,bool)"),
];

/// Adds what a collection's function does; `None` where the arguments are not those of the method.
pub(super) fn read(
    calls: &mut Calls,
    call: &Call<'_>,
    method: Method,
    arguments: &[DynSolValue],
    detail: String,
) -> Result<Option<()>, EvmError> {
    match (method, arguments) {
        (Method::Transfer, [Address(from), Address(to), Uint(id, _)])
        | (Method::TransferWithData, [Address(from), Address(to), Uint(id, _), Bytes(_)]) => {
            let amount = calls.item(TokenStandard::Erc721, call.to, *id, U256::from(1));
            calls.transfer(call, *from, *to, amount, detail)?;
        }
        (
            Method::TransferPieces,
            [Address(from), Address(to), Uint(id, _), Uint(amount, _), Bytes(_)],
        ) => {
            let amount = calls.item(TokenStandard::Erc1155, call.to, *id, *amount);
            calls.transfer(call, *from, *to, amount, detail)?;
        }
        (
            Method::TransferBatch,
            [Address(from), Address(to), Array(ids), Array(amounts), Bytes(_)],
        ) => return batch(calls, call, (*from, *to), (ids, amounts), detail),
        // Both standards have it: it is told as that of a collection of ERC-721.
        (Method::ApproveAll, [Address(operator), Bool(approved)]) => {
            let amount = all_or_nothing(*approved);
            let amount = calls.collection(TokenStandard::Erc721, call.to, amount);
            calls.allowance(call, call.caller, *operator, amount, detail)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

/// Several tokens at once: as many amounts as ids.
fn batch(
    calls: &mut Calls,
    call: &Call<'_>,
    (from, to): (Account, Account),
    (ids, amounts): (&[DynSolValue], &[DynSolValue]),
    detail: String,
) -> Result<Option<()>, EvmError> {
    if ids.len() != amounts.len() {
        let (ids, amounts) = (ids.len(), amounts.len());
        return Err(EvmError::BatchLengths { ids, amounts });
    }
    // A batch of nothing is a call all the same.
    if ids.is_empty() {
        calls.called(call, EffectKind::ContractCall, Vec::new(), detail.clone())?;
    }
    for item in ids.iter().zip(amounts) {
        let (Uint(id, _), Uint(amount, _)) = item else { return Ok(None) };
        let amount = calls.item(TokenStandard::Erc1155, call.to, *id, *amount);
        calls.transfer(call, from, to, amount, detail.clone())?;
    }
    Ok(Some(()))
}
