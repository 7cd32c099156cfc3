//! Safe accounts: transactions that they run for their owners, and changes of who those are.
//! <https://github.com/safe-global/safe-smart-account>

use alloy_dyn_abi::DynSolValue::{self, Address, Bytes, Uint};
use alloy_primitives::{Address as Account, U256};

use super::abi::{self, Calldata};
use super::call::{Call, Calls, check_depth};
use super::{EvmError, batch, shown};
use crate::{EffectKind, Flag};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Execute,
    ExecuteFromModule,
    /// Owners, threshold, modules, guards, fallback handler.
    Configure,
    /// The same, once, and code that the new Safe runs as its own.
    SetUp,
}

pub(super) const FUNCTIONS: &[(Method, &str)] = &[
    (
        Method::Execute,
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
    ),
    (Method::ExecuteFromModule, "execTransactionFromModule(address,uint256,bytes,uint8)"),
    (Method::ExecuteFromModule, "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)"),
    (Method::Configure, "addOwnerWithThreshold(address,uint256)"),
    (Method::Configure, "removeOwner(address,address,uint256)"),
    (Method::Configure, "swapOwner(address,address,address)"),
    (Method::Configure, "changeThreshold(uint256)"),
    (Method::Configure, "enableModule(address)"),
    (Method::Configure, "disableModule(address,address)"),
    (Method::Configure, "setGuard(address)"),
    (Method::Configure, "setModuleGuard(address)"),
    (Method::Configure, "setFallbackHandler(address)"),
    (Method::SetUp, "setup(address[],uint256,address,bytes,address,address,uint256,address)"),
];

const CALL: U256 = U256::ZERO;
const DELEGATECALL: U256 = U256::ONE;

/// What a Safe runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct SafeTransaction<'a> {
    pub(super) safe: Account,
    pub(super) to: Account,
    pub(super) value: U256,
    pub(super) data: &'a [u8],
    pub(super) operation: U256,
    /// What the Safe pays to whoever brings the transaction, in wei or base units for each gas.
    pub(super) gas_price: U256,
}

/// Adds what a Safe's function does; `None` where the arguments are not those of the method.
pub(super) fn read(
    calls: &mut Calls,
    call: &Call<'_>,
    method: Method,
    arguments: &[DynSolValue],
    detail: String,
) -> Result<Option<()>, EvmError> {
    let safe = call.to;
    match (method, arguments) {
        (
            Method::Execute,
            [
                Address(to),
                Uint(value, _),
                Bytes(data),
                Uint(operation, _),
                _,
                _,
                Uint(gas_price, _),
                ..,
            ],
        ) => {
            calls.called(call, EffectKind::ContractCall, Vec::new(), detail)?;
            let (value, operation, gas_price) = (*value, *operation, *gas_price);
            let inner = SafeTransaction { safe, to: *to, value, data, operation, gas_price };
            run(calls, call, &inner)?;
        }
        (
            Method::ExecuteFromModule,
            [Address(to), Uint(value, _), Bytes(data), Uint(operation, _)],
        ) => {
            calls.called(call, EffectKind::ContractCall, Vec::new(), detail)?;
            let (value, operation, gas_price) = (*value, *operation, U256::ZERO);
            let inner = SafeTransaction { safe, to: *to, value, data, operation, gas_price };
            run(calls, call, &inner)?;
        }
        (Method::Configure, _) => {
            calls.called(call, EffectKind::AuthorityChange, Vec::new(), detail)?;
        }
        (Method::SetUp, [_, _, Address(code), ..]) => {
            let delegates = !code.is_zero();
            let flags = if delegates { vec![Flag::Delegatecall] } else { Vec::new() };
            calls.called(call, EffectKind::AuthorityChange, flags, detail)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

/// Adds what a Safe does for the call `outer`.
pub(super) fn run(
    calls: &mut Calls,
    outer: &Call<'_>,
    transaction: &SafeTransaction<'_>,
) -> Result<(), EvmError> {
    if !transaction.gas_price.is_zero() {
        return Err(EvmError::Refund);
    }
    let &SafeTransaction { safe, to, value, data, .. } = transaction;
    let delegated = outer.delegated;
    operate(
        calls,
        transaction.operation,
        &Call { caller: safe, to, value, data, depth: outer.depth.saturating_add(1), delegated },
    )
}

/// Adds what a contract does that calls, or runs the code of another as its own.
pub(super) fn operate(calls: &mut Calls, operation: U256, call: &Call<'_>) -> Result<(), EvmError> {
    match operation {
        CALL => calls.run(call),
        DELEGATECALL => delegate(calls, call),
        other => Err(EvmError::Operation { operation: other.to_string() }),
    }
}

/// Code that runs as the caller's own can do anything, whatever its function is called: only a batch
/// is read further, beside the effect that it is.
fn delegate(calls: &mut Calls, call: &Call<'_>) -> Result<(), EvmError> {
    check_depth(call)?;
    if !call.value.is_zero() {
        return Err(EvmError::DelegatedValue);
    }
    let delegated = Call { delegated: true, ..*call };
    let calldata = abi::read(call.data)?;
    let detail = match &calldata {
        Calldata::Known(function, arguments) => {
            shown::call(function.signature, arguments, call.data)
        }
        Calldata::Empty | Calldata::Unknown => shown::bytes(call.data),
    };
    let detail = format!("delegatecall of {}: {detail}", super::text(&call.caller));
    calls.called(&delegated, EffectKind::AuthorityChange, Vec::new(), detail)?;
    if let Calldata::Known(function, arguments) = &calldata
        && function.method == abi::Method::Batch(batch::Method::MultiSend)
    {
        let [Bytes(packed)] = arguments.as_slice() else {
            return Err(EvmError::Arguments { signature: function.signature });
        };
        batch::multi_send(calls, &delegated, delegated.caller, packed)?;
    }
    Ok(())
}
