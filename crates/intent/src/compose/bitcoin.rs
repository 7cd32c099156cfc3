//! A payment from the key's own outputs, with the change back to the key.

use std::collections::BTreeMap;

use bitcoin::absolute::LockTime;
use bitcoin::consensus::deserialize;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
};

use super::ComposeError;
use crate::bitcoin::{Form, Owner, is_dust, script_of};
use crate::chain::Chain;
use crate::quote::quoted;
use crate::{Address, ParseAddress, PayingKey};

/// An unspent output of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coin<'a> {
    /// `txid:vout`.
    pub outpoint: &'a str,
    /// Its worth, in satoshis.
    pub sats: u64,
}

/// What somebody is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment<'a> {
    /// Who.
    pub address: &'a Address,
    /// How much, in satoshis.
    pub sats: u64,
}

/// A PSBT (version 0) that spends `coins`, pays `payments` in their order and `fee` satoshis to the
/// network, and returns the rest to the key as last output.
///
/// # Errors
/// [`ComposeError`]; coins of a key of `ecdsa-secp256k1` need [`bitcoin_payment_proven`].
pub fn bitcoin_payment(
    key: PayingKey<'_>,
    coins: &[Coin<'_>],
    payments: &[Payment<'_>],
    fee: u64,
) -> Result<Vec<u8>, ComposeError> {
    bitcoin_payment_proven(key, coins, &[], payments, fee)
}

/// As [`bitcoin_payment`], with the transactions that made the coins, whole, as the network serialises
/// them and in any order: they prove what the coins are worth.
///
/// # Errors
/// [`ComposeError`].
pub fn bitcoin_payment_proven(
    key: PayingKey<'_>,
    coins: &[Coin<'_>],
    previous: &[Vec<u8>],
    payments: &[Payment<'_>],
    fee: u64,
) -> Result<Vec<u8>, ComposeError> {
    let Chain::Bitcoin(chain) = Chain::of(key.network) else {
        let payment = "Bitcoin payments";
        return Err(ComposeError::Network { network: key.network, payment });
    };
    let owner = Owner::new(key)?;
    let mut output = Vec::with_capacity(payments.len() + 1);
    for payment in payments {
        let address = payment.address.as_str();
        let script_pubkey = script_of(address, chain);
        let script_pubkey = script_pubkey.ok_or_else(|| ParseAddress::new(address, key.network))?;
        output.push(TxOut { value: Amount::from_sat(payment.sats), script_pubkey });
    }
    output.extend(change(&owner, coins, payments, fee)?);
    let input: Vec<_> = coins.iter().map(transaction_input).collect::<Result<_, _>>()?;
    let unsigned = Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input, output };
    let outputs = vec![bitcoin::psbt::Output::default(); unsigned.output.len()];
    let previous = transactions(previous)?;
    let pairs = coins.iter().zip(&unsigned.input);
    let inputs = pairs.map(|(coin, input)| {
        let previous = previous.get(&input.previous_output.txid);
        psbt_input(&owner, coin, previous)
    });
    let inputs = inputs.collect::<Result<_, _>>()?;
    let psbt = Psbt {
        unsigned_tx: unsigned,
        version: 0,
        xpub: Default::default(),
        proprietary: Default::default(),
        unknown: Default::default(),
        inputs,
        outputs,
    };
    Ok(psbt.serialize())
}

/// What comes back, if anything does.
fn change(
    owner: &Owner,
    coins: &[Coin<'_>],
    payments: &[Payment<'_>],
    fee: u64,
) -> Result<Option<TxOut>, ComposeError> {
    let coins = sum(coins.iter().map(|coin| coin.sats))?;
    let needed = sum(payments.iter().map(|payment| payment.sats).chain([fee]))?;
    let rest = coins.checked_sub(needed).ok_or(ComposeError::Funds { coins, needed })?;
    let change = TxOut { value: Amount::from_sat(rest), script_pubkey: owner.script.clone() };
    if rest == 0 {
        Ok(None)
    } else if is_dust(&change.script_pubkey, change.value) {
        Err(ComposeError::DustChange(rest))
    } else {
        Ok(Some(change))
    }
}

fn sum(mut sats: impl Iterator<Item = u64>) -> Result<u64, ComposeError> {
    sats.try_fold(0, u64::checked_add).ok_or(ComposeError::Overflow)
}

fn transaction_input(coin: &Coin<'_>) -> Result<TxIn, ComposeError> {
    let previous_output: OutPoint =
        coin.outpoint.parse().map_err(|_| ComposeError::Outpoint(quoted(coin.outpoint)))?;
    Ok(TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    })
}

/// Whole transactions, by their ids.
fn transactions(previous: &[Vec<u8>]) -> Result<BTreeMap<Txid, Transaction>, ComposeError> {
    let read = |(index, bytes): (usize, &Vec<u8>)| {
        let transaction: Transaction =
            deserialize(bytes).map_err(|_| ComposeError::PreviousTransaction(index))?;
        Ok((transaction.compute_txid(), transaction))
    };
    previous.iter().enumerate().map(read).collect()
}

fn psbt_input(
    owner: &Owner,
    coin: &Coin<'_>,
    previous: Option<&Transaction>,
) -> Result<bitcoin::psbt::Input, ComposeError> {
    let value = Amount::from_sat(coin.sats);
    let internal_key = match owner.form {
        Form::Taproot { internal_key, .. } => Some(internal_key),
        Form::KeyHash { .. } if previous.is_none() => {
            return Err(ComposeError::MissingPreviousTransaction(quoted(coin.outpoint)));
        }
        Form::KeyHash { .. } => None,
    };
    Ok(bitcoin::psbt::Input {
        witness_utxo: Some(TxOut { value, script_pubkey: owner.script.clone() }),
        non_witness_utxo: previous.cloned(),
        tap_internal_key: internal_key,
        ..Default::default()
    })
}

#[cfg(test)]
mod tests;
