//! The inputs: all of them the group key's own, unsigned, spent by the key path.

use std::collections::BTreeSet;

use bitcoin::psbt::Input;
use bitcoin::{OutPoint, Psbt, TapSighashType, TxOut};

use super::error::{Place, PsbtError};
use super::owner::Owner;
use crate::SIGNING_MESSAGES_MAX;

/// An input that has been checked.
#[derive(Debug, Clone)]
pub(super) struct OwnInput {
    pub(super) prevout: TxOut,
    pub(super) sighash_type: TapSighashType,
}

/// Checks every input, in order.
pub(super) fn check(psbt: &Psbt, owner: &Owner) -> Result<Vec<OwnInput>, PsbtError> {
    let inputs = psbt.unsigned_tx.input.len();
    if inputs == 0 {
        return Err(PsbtError::NoInputs);
    }
    if inputs > SIGNING_MESSAGES_MAX {
        return Err(PsbtError::TooManyInputs { inputs });
    }
    let mut spent = BTreeSet::new();
    let pairs = psbt.unsigned_tx.input.iter().zip(&psbt.inputs).enumerate();
    pairs
        .map(|(index, (transaction_input, input))| {
            if !spent.insert(transaction_input.previous_output) {
                return Err(PsbtError::RepeatedInput { input: index });
            }
            no_contradiction(index, input, owner)?;
            Ok(OwnInput {
                prevout: prevout(index, transaction_input.previous_output, input, owner)?,
                sighash_type: sighash_type(index, input)?,
            })
        })
        .collect()
}

/// The output that is spent, which is the key's own.
fn prevout(
    index: usize,
    outpoint: OutPoint,
    input: &Input,
    owner: &Owner,
) -> Result<TxOut, PsbtError> {
    let utxo = input.witness_utxo.as_ref();
    let utxo = utxo.ok_or(PsbtError::MissingWitnessUtxo { input: index })?;
    if let Some(previous) = &input.non_witness_utxo {
        let output = usize::try_from(outpoint.vout).ok().and_then(|vout| previous.output.get(vout));
        if previous.compute_txid() != outpoint.txid || output != Some(utxo) {
            return Err(PsbtError::PreviousTransaction { input: index });
        }
    }
    if utxo.script_pubkey != owner.script {
        let address = owner.address.as_str().to_owned();
        return Err(PsbtError::NotOurs { input: index, address });
    }
    Ok(utxo.clone())
}

/// DEFAULT and ALL cover all inputs and outputs; everything else leaves something open.
fn sighash_type(index: usize, input: &Input) -> Result<TapSighashType, PsbtError> {
    let Some(requested) = input.sighash_type else {
        return Ok(TapSighashType::Default);
    };
    match requested.taproot_hash_ty() {
        Ok(allowed @ (TapSighashType::Default | TapSighashType::All)) => Ok(allowed),
        _ => Err(PsbtError::SighashType { input: index, sighash_type: requested.to_u32() }),
    }
}

/// No field says anything else than: a key-path spend of the group key, not signed yet. Derivation
/// notes may stand where they name no other key and no script.
fn no_contradiction(index: usize, input: &Input, owner: &Owner) -> Result<(), PsbtError> {
    let place = Place::Input(index);
    if input.tap_internal_key.is_some_and(|key| key != owner.internal_key) {
        return Err(PsbtError::InternalKey { place });
    }
    let foreign_origin = input
        .tap_key_origins
        .iter()
        .any(|(key, (leaves, _))| *key != owner.internal_key || !leaves.is_empty());
    let present = [
        (!input.partial_sigs.is_empty(), "PSBT_IN_PARTIAL_SIG"),
        (input.redeem_script.is_some(), "PSBT_IN_REDEEM_SCRIPT"),
        (input.witness_script.is_some(), "PSBT_IN_WITNESS_SCRIPT"),
        (!input.bip32_derivation.is_empty(), "PSBT_IN_BIP32_DERIVATION"),
        (input.final_script_sig.is_some(), "PSBT_IN_FINAL_SCRIPTSIG"),
        (input.final_script_witness.is_some(), "PSBT_IN_FINAL_SCRIPTWITNESS"),
        (!input.ripemd160_preimages.is_empty(), "PSBT_IN_RIPEMD160"),
        (!input.sha256_preimages.is_empty(), "PSBT_IN_SHA256"),
        (!input.hash160_preimages.is_empty(), "PSBT_IN_HASH160"),
        (!input.hash256_preimages.is_empty(), "PSBT_IN_HASH256"),
        (input.tap_key_sig.is_some(), "PSBT_IN_TAP_KEY_SIG"),
        (!input.tap_script_sigs.is_empty(), "PSBT_IN_TAP_SCRIPT_SIG"),
        (!input.tap_scripts.is_empty(), "PSBT_IN_TAP_LEAF_SCRIPT"),
        (foreign_origin, "PSBT_IN_TAP_BIP32_DERIVATION of another key or of a script"),
        (input.tap_merkle_root.is_some(), "PSBT_IN_TAP_MERKLE_ROOT"),
    ];
    match present.into_iter().find(|(is_present, _)| *is_present) {
        None => Ok(()),
        Some((_, field)) => Err(PsbtError::Unexpected { place, field }),
    }
}
