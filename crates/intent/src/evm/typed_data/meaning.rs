//! Typed data that is a permission or a transaction. It is told by its whole type: another one of the
//! same name is not taken for it.

use alloy_dyn_abi::DynSolValue::{self, Address, Array, Bool, Bytes, CustomStruct, Uint};
use alloy_primitives::{Address as Account, U256};

use crate::evm::EvmError;
use crate::evm::call::{Call, Calls};
use crate::evm::safe::{self, SafeTransaction};
use crate::evm::token::all_or_nothing;

/// EIP-2612.
const PERMIT: &str =
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";

/// Dai's.
const PERMIT_ALL: &str =
    "Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)";

/// EIP-3009: a transfer that whoever has the signature brings, or the receiver only.
const TRANSFER: [&str; 2] = [
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 \
     validBefore,bytes32 nonce)",
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 \
     validBefore,bytes32 nonce)",
];

/// Permit2's allowances.
const PERMIT_SINGLE: &str = "PermitSingle(PermitDetails details,address spender,uint256 \
     sigDeadline)PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";
const PERMIT_BATCH: &str = "PermitBatch(PermitDetails[] details,address spender,uint256 \
     sigDeadline)PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";

/// Permit2's transfers, to wherever the spender says.
const PERMIT_TRANSFER: &str = "PermitTransferFrom(TokenPermissions permitted,address \
     spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)";
const PERMIT_TRANSFERS: &str = "PermitBatchTransferFrom(TokenPermissions[] permitted,address \
     spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)";

/// The same with a witness behind the fields, of a type that whoever takes the tokens defines.
const PERMIT_WITNESS: [&str; 2] = [
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 \
     deadline,",
    "PermitBatchWitnessTransferFrom(TokenPermissions[] permitted,address spender,uint256 \
     nonce,uint256 deadline,",
];
const TOKEN_PERMISSIONS: &str = "TokenPermissions(address token,uint256 amount)";

/// A Safe's transaction, from version 1.0 on.
const SAFE_TRANSACTION: &str = "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 \
     safeTxGas,uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 \
     nonce)";

/// Adds what a contract does, or lets others do, once it is shown the signature; `None` where the type is
/// not known.
pub(super) fn read(
    calls: &mut Calls,
    encoded_type: &str,
    contract: Account,
    message: &DynSolValue,
) -> Result<Option<()>, EvmError> {
    let CustomStruct { tuple: fields, .. } = message else { return Ok(None) };
    // The signer is who acts; the contract is who is told.
    let call = calls.signed(contract);
    match (encoded_type, fields.as_slice()) {
        (PERMIT, [Address(owner), Address(spender), Uint(amount, _), ..]) => {
            let amount = calls.fungible(contract, *amount);
            calls.allowance(&call, *owner, *spender, amount, String::new()).map(Some)
        }
        (PERMIT_ALL, [Address(owner), Address(spender), Uint(..), Uint(..), Bool(allowed)]) => {
            let amount = calls.fungible(contract, all_or_nothing(*allowed));
            calls.allowance(&call, *owner, *spender, amount, String::new()).map(Some)
        }
        (of, [Address(from), Address(to), Uint(amount, _), ..]) if TRANSFER.contains(&of) => {
            let amount = calls.fungible(contract, *amount);
            calls.transfer(&call, *from, *to, amount, String::new()).map(Some)
        }
        (
            PERMIT_SINGLE | PERMIT_BATCH | PERMIT_TRANSFER | PERMIT_TRANSFERS,
            [permitted, Address(spender), ..],
        ) => permits(calls, &call, permitted, *spender),
        (of, [permitted, Address(spender), ..]) if has_witness(of) => {
            permits(calls, &call, permitted, *spender)
        }
        (SAFE_TRANSACTION, fields) => safe_transaction(calls, &call, fields),
        _ => Ok(None),
    }
}

fn has_witness(encoded_type: &str) -> bool {
    PERMIT_WITNESS.into_iter().any(|head| encoded_type.starts_with(head))
        && encoded_type.contains(TOKEN_PERMISSIONS)
}

/// One permitted token, or a list of them.
fn permits(
    calls: &mut Calls,
    call: &Call<'_>,
    permitted: &DynSolValue,
    spender: Account,
) -> Result<Option<()>, EvmError> {
    let one = std::slice::from_ref(permitted);
    let all = if let Array(all) = permitted { all } else { one };
    for details in all {
        let CustomStruct { tuple, .. } = details else { return Ok(None) };
        let [Address(token), Uint(amount, _), ..] = tuple.as_slice() else { return Ok(None) };
        let amount = calls.fungible(*token, *amount);
        calls.allowance(call, call.caller, spender, amount, String::new())?;
    }
    Ok(Some(()))
}

fn safe_transaction(
    calls: &mut Calls,
    call: &Call<'_>,
    fields: &[DynSolValue],
) -> Result<Option<()>, EvmError> {
    let [
        Address(to),
        Uint(value, _),
        Bytes(data),
        Uint(operation, _),
        Uint(..),
        Uint(..),
        Uint(gas_price, _),
        ..,
    ] = fields
    else {
        return Ok(None);
    };
    let (to, value, operation, gas_price): (Account, U256, U256, U256) =
        (*to, *value, *operation, *gas_price);
    let transaction = SafeTransaction { safe: call.to, to, value, data, operation, gas_price };
    safe::run(calls, call, &transaction).map(Some)
}
