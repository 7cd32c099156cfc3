//! Unsigned transactions: what is hashed and signed (EIP-155, 2930, 1559, 4844, 7702).

use alloy_consensus::{
    EthereumTypedTransaction, SignableTransaction, Transaction as _, TxEip4844, TxEip7702,
};
use alloy_primitives::{Address as Account, TxKind};
use quorate_model::ChainId;
use ruint::aliases::U256;

use super::call::{Call, Calls};
use super::error::reason;
use super::{EvmError, Read, delegation};

/// The first byte of a blob's hash (EIP-4844).
const VERSIONED_HASH_KZG: u8 = 1;

pub(super) type Unsigned = EthereumTypedTransaction<TxEip4844>;

/// Reads the bytes that are signed, to the last one.
pub(super) fn unsigned(bytes: &[u8], chain: ChainId) -> Result<Unsigned, EvmError> {
    let mut rest = bytes;
    let transaction = Unsigned::decode_unsigned(&mut rest)
        .map_err(|error| EvmError::Undecodable { reason: reason(&error) })?;
    let encoded = transaction.encoded_for_signing();
    if encoded != bytes {
        let differs = encoded.iter().zip(bytes).position(|(ours, theirs)| ours != theirs);
        let offset = differs.unwrap_or(encoded.len().min(bytes.len()));
        return Err(EvmError::NotCanonical { offset });
    }
    check_chain(transaction.chain_id().ok_or(EvmError::NoChainId)?, chain)?;
    Ok(transaction)
}

/// Decodes a transaction of the account `from`.
pub(super) fn read(bytes: &[u8], chain: ChainId, from: Account) -> Result<Read, EvmError> {
    let transaction = unsigned(bytes, chain)?;
    let tip = transaction.max_priority_fee_per_gas().unwrap_or_default();
    if tip > transaction.max_fee_per_gas() {
        return Err(EvmError::PriorityFee);
    }
    let mut calls = Calls::new(chain, from);
    match transaction.kind() {
        TxKind::Call(to) => calls.run(&Call {
            caller: from,
            to,
            value: transaction.value(),
            data: transaction.input(),
            depth: 0,
            delegated: false,
        })?,
        TxKind::Create => calls.create(&transaction),
    }
    if let Unsigned::Eip7702(transaction) = &transaction {
        authorizations(transaction, chain, &mut calls)?;
    }
    Ok(Read {
        effects: calls.effects(),
        fee: fee(&transaction)?,
        account_nonce: Some(transaction.nonce()),
        validity: "from now on; until another transaction of the account with its nonce takes effect",
        digest: transaction.signature_hash(),
    })
}

fn check_chain(found: u64, expected: ChainId) -> Result<(), EvmError> {
    if found == expected.get() {
        return Ok(());
    }
    Err(EvmError::ChainId { found: found.to_string(), expected })
}

/// What the transaction can cost, in wei, whatever it does: all its gas at its maximum price, and its
/// blobs at theirs. Below 2^256: 64 bits of gas times 128 bits of price, twice.
fn fee(transaction: &Unsigned) -> Result<U256, EvmError> {
    let gas = U256::from(transaction.gas_limit());
    let execution = gas.saturating_mul(U256::from(transaction.max_fee_per_gas()));
    let Unsigned::Eip4844(blobs) = transaction else { return Ok(execution) };
    let hashes = &blobs.blob_versioned_hashes;
    let known = hashes.iter().all(|hash| hash.first() == Some(&VERSIONED_HASH_KZG));
    if hashes.is_empty() || !known {
        return Err(EvmError::Blobs);
    }
    let price = U256::from(blobs.max_fee_per_blob_gas);
    let blob_gas = U256::from(blobs.blob_gas());
    Ok(execution.saturating_add(blob_gas.saturating_mul(price)))
}

fn authorizations(
    transaction: &TxEip7702,
    chain: ChainId,
    calls: &mut Calls,
) -> Result<(), EvmError> {
    if transaction.authorization_list.is_empty() {
        return Err(EvmError::NoAuthorization);
    }
    for (index, signed) in transaction.authorization_list.iter().enumerate() {
        let account = delegation::authority(signed);
        let account = account.ok_or(EvmError::AuthorizationSignature { index })?;
        calls.push(delegation::effect(signed.inner(), chain, Some(account))?)?;
    }
    Ok(())
}
