//! A PSBT that has passed every check: what it does, and what is signed for it.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{EcdsaSighashType, Psbt, Transaction, TxOut};
use quorate_model::Timestamp;

use super::error::PsbtError;
use super::inputs::{self, OwnInput, Sighash};
use super::maps::Maps;
use super::outputs;
use super::owner::Owner;
use super::psbt;
use crate::quote::quoted;
use crate::{Amount, Effect};

/// The versions that nodes relay: 1, 2 (BIP-68), 3 (BIP-431).
const VERSIONS: [i32; 3] = [1, 2, 3];

/// What [`Spend::read`] found.
#[derive(Debug, Clone)]
pub(super) struct Spend {
    pub(super) transaction: Transaction,
    pub(super) effects: Vec<Effect>,
    pub(super) change: Vec<Amount>,
    pub(super) fee: Amount,
    /// One for each input, in their order.
    pub(super) digests: Vec<[u8; 32]>,
    /// What is spent, in the order of the inputs.
    pub(super) inputs: Vec<OwnInput>,
}

impl Spend {
    /// Reads and checks an unsigned PSBT.
    pub(super) fn read(bytes: &[u8], owner: &Owner) -> Result<Self, PsbtError> {
        let psbt = psbt::decode(Maps::parse(bytes)?)?;
        let version = psbt.unsigned_tx.version.0;
        if !VERSIONS.contains(&version) {
            return Err(PsbtError::TransactionVersion(version));
        }
        let inputs = inputs::check(&psbt, owner)?;
        let (effects, change) = outputs::read(&psbt, owner)?;
        let fee = outputs::amount(fee(&psbt, &inputs)?, owner);
        let digests = digests(&psbt.unsigned_tx, &inputs)?;
        Ok(Self { transaction: psbt.unsigned_tx, effects, change, fee, digests, inputs })
    }

    /// When the transaction can take effect, for people.
    pub(super) fn validity(&self) -> String {
        let relative = self.transaction.version.0 >= 2
            && self.transaction.input.iter().any(|input| input.sequence.is_relative_lock_time());
        let relative =
            if relative { ", and not before the relative lock times of its inputs" } else { "" };
        // Where every sequence is final the network ignores the lock time.
        let locked = self.transaction.input.iter().any(|i| i.sequence.enables_absolute_lock_time());
        let start = match self.transaction.lock_time {
            LockTime::Blocks(height) if locked && height.to_consensus_u32() > 0 => {
                format!("not before block {}", height.to_consensus_u32())
            }
            LockTime::Seconds(time) if locked => {
                let time = u64::from(time.to_consensus_u32());
                format!("not before {}", Timestamp::from_millis(time * 1000))
            }
            LockTime::Blocks(_) | LockTime::Seconds(_) => "from now on".to_owned(),
        };
        format!("{start}{relative}; until one of its inputs is spent otherwise")
    }
}

fn fee(psbt: &Psbt, inputs: &[OwnInput]) -> Result<bitcoin::Amount, PsbtError> {
    let inputs = sum(inputs.iter().map(|input| input.prevout.value), "inputs")?;
    let outputs = sum(psbt.unsigned_tx.output.iter().map(|output| output.value), "outputs")?;
    let (inputs_sat, outputs_sat) = (inputs.to_sat(), outputs.to_sat());
    inputs
        .checked_sub(outputs)
        .ok_or(PsbtError::NegativeFee { inputs: inputs_sat, outputs: outputs_sat })
}

fn sum(
    mut values: impl Iterator<Item = bitcoin::Amount>,
    of: &'static str,
) -> Result<bitcoin::Amount, PsbtError> {
    values
        .try_fold(bitcoin::Amount::ZERO, bitcoin::Amount::checked_add)
        .ok_or(PsbtError::Overflow(of))
}

/// What is signed for each input, in their order.
pub(super) fn digests(
    transaction: &Transaction,
    inputs: &[OwnInput],
) -> Result<Vec<[u8; 32]>, PsbtError> {
    let prevouts: Vec<_> = inputs.iter().map(|input| &input.prevout).collect();
    let mut cache = SighashCache::new(transaction);
    let undecodable = |error: String| PsbtError::Undecodable { reason: quoted(&error) };
    inputs
        .iter()
        .enumerate()
        .map(|(index, input)| match input.sighash {
            Sighash::Taproot(sighash_type) => cache
                .taproot_key_spend_signature_hash(index, &Prevouts::All(&prevouts), sighash_type)
                .map(Hash::to_byte_array)
                .map_err(|error| undecodable(error.to_string())),
            Sighash::SegwitV0 => {
                let TxOut { script_pubkey, value } = &input.prevout;
                cache
                    .p2wpkh_signature_hash(index, script_pubkey, *value, EcdsaSighashType::All)
                    .map(Hash::to_byte_array)
                    .map_err(|error| undecodable(error.to_string()))
            }
        })
        .collect()
}
