//! Transfers from the key's account on an EVM chain, as transactions of type 2 (EIP-1559).

use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address as Account, Bytes, TxKind, keccak256};
use ruint::aliases::U256;

use super::ComposeError;
use crate::chain::Chain;
use crate::evm::{account, account_of};
use crate::{Address, ParseAddress, PayingKey};

const TRANSFER: &str = "transfer(address,uint256)";

/// What a transaction says beside what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvmSending {
    /// How many transactions the account has sent before.
    pub nonce: u64,
    /// How much gas it may use.
    pub gas_limit: u64,
    /// What it pays for each gas at most, in wei.
    pub max_fee_per_gas: u128,
    /// How much of that goes to whoever includes it at most, in wei.
    pub max_priority_fee_per_gas: u128,
}

/// An unsigned transaction that moves `wei` of the chain's native asset from the key's account to `to`.
///
/// # Errors
/// [`ComposeError`].
pub fn evm_transfer(
    key: PayingKey<'_>,
    to: &Address,
    wei: U256,
    sending: EvmSending,
) -> Result<Vec<u8>, ComposeError> {
    let to = receiver(key, to)?;
    transaction(key, to, wei, Bytes::new(), sending)
}

/// An unsigned transaction that moves `base_units` of the ERC-20 token with the contract `token` from
/// the key's account to `to`.
///
/// # Errors
/// [`ComposeError`].
pub fn evm_token_transfer(
    key: PayingKey<'_>,
    token: &Address,
    to: &Address,
    base_units: U256,
    sending: EvmSending,
) -> Result<Vec<u8>, ComposeError> {
    let (token, to) = (receiver(key, token)?, receiver(key, to)?);
    let arguments =
        DynSolValue::Tuple(vec![DynSolValue::Address(to), DynSolValue::Uint(base_units, 256)]);
    let selector = keccak256(TRANSFER);
    let selector = selector.get(..4).unwrap_or_default();
    let data = [selector, arguments.abi_encode_params().as_slice()].concat();
    transaction(key, token, U256::ZERO, data.into(), sending)
}

fn receiver(key: PayingKey<'_>, address: &Address) -> Result<Account, ComposeError> {
    let address = address.as_str();
    account_of(address).ok_or_else(|| ParseAddress::new(address, key.network).into())
}

fn transaction(
    key: PayingKey<'_>,
    to: Account,
    value: U256,
    input: Bytes,
    sending: EvmSending,
) -> Result<Vec<u8>, ComposeError> {
    let Chain::Evm(chain) = Chain::of(key.network) else {
        let payment = "EVM transfers";
        return Err(ComposeError::Network { network: key.network, payment });
    };
    account(key)?;
    let EvmSending { nonce, gas_limit, max_fee_per_gas, max_priority_fee_per_gas } = sending;
    let transaction = TxEip1559 {
        chain_id: chain.get(),
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to: TxKind::Call(to),
        value,
        access_list: Default::default(),
        input,
    };
    Ok(transaction.encoded_for_signing())
}

#[cfg(test)]
mod tests;
