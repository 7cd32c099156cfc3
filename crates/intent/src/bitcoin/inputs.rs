//! The inputs: all of them the group key's own, unsigned, spent by the key alone.

use std::collections::BTreeSet;

use bitcoin::psbt::Input;
use bitcoin::{
    CompressedPublicKey, EcdsaSighashType, OutPoint, Psbt, TapSighashType, TxOut, XOnlyPublicKey,
};

use super::error::{Place, PsbtError};
use super::owner::{Form, Owner};
use crate::SIGNING_MESSAGES_MAX;

/// An input that has been checked.
#[derive(Debug, Clone)]
pub(super) struct OwnInput {
    pub(super) outpoint: OutPoint,
    pub(super) prevout: TxOut,
    pub(super) sighash: Sighash,
}

/// The digest that is signed for an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sighash {
    /// That of BIP-341 for the key path, of this type.
    Taproot(TapSighashType),
    /// That of BIP-143, of the type ALL.
    SegwitV0,
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
            let outpoint = transaction_input.previous_output;
            if !spent.insert(outpoint) {
                return Err(PsbtError::RepeatedInput { input: index });
            }
            no_contradiction(index, input, owner)?;
            let prevout = prevout(index, outpoint, input, owner)?;
            Ok(OwnInput { outpoint, prevout, sighash: sighash(index, input, owner)? })
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
    let said = input.witness_utxo.as_ref();
    let proven = match &input.non_witness_utxo {
        None => None,
        Some(previous) => {
            let vout = usize::try_from(outpoint.vout).ok();
            let output = vout.and_then(|vout| previous.output.get(vout));
            let agrees = previous.compute_txid() == outpoint.txid
                && output.is_some()
                && said.is_none_or(|said| output == Some(said));
            if !agrees {
                return Err(PsbtError::PreviousTransaction { input: index });
            }
            output
        }
    };
    let utxo = match owner.form {
        // The signature covers every amount, so what is said wrongly gives no signature.
        Form::Taproot { .. } => said.ok_or(PsbtError::MissingWitnessUtxo { input: index })?,
        // The signature covers this amount only (BIP-143): each has to be proven, or two sessions
        // with different lies give the halves of a transaction that nobody saw (threat A15).
        Form::KeyHash { .. } => {
            proven.ok_or(PsbtError::MissingPreviousTransaction { input: index })?
        }
    };
    if utxo.script_pubkey != owner.script {
        let address = owner.address.as_str().to_owned();
        return Err(PsbtError::NotOurs { input: index, address });
    }
    Ok(utxo.clone())
}

/// DEFAULT and ALL cover all inputs and outputs; everything else leaves something open.
fn sighash(index: usize, input: &Input, owner: &Owner) -> Result<Sighash, PsbtError> {
    let requested = input.sighash_type;
    let allowed = match owner.form {
        Form::Taproot { .. } => match requested.map(|requested| requested.taproot_hash_ty()) {
            None => Some(Sighash::Taproot(TapSighashType::Default)),
            Some(Ok(allowed @ (TapSighashType::Default | TapSighashType::All))) => {
                Some(Sighash::Taproot(allowed))
            }
            Some(_) => None,
        },
        Form::KeyHash { .. } => match requested.map(|requested| requested.ecdsa_hash_ty()) {
            None | Some(Ok(EcdsaSighashType::All)) => Some(Sighash::SegwitV0),
            Some(_) => None,
        },
    };
    allowed.ok_or_else(|| PsbtError::SighashType {
        input: index,
        sighash_type: requested.map_or(0, |requested| requested.to_u32()),
    })
}

/// No field says anything else than: spent by the group key alone, not signed yet. Derivation notes
/// may stand where they name no other key and no script.
fn no_contradiction(index: usize, input: &Input, owner: &Owner) -> Result<(), PsbtError> {
    let place = Place::Input(index);
    let present = [
        (!input.partial_sigs.is_empty(), "PSBT_IN_PARTIAL_SIG"),
        (input.redeem_script.is_some(), "PSBT_IN_REDEEM_SCRIPT"),
        (input.witness_script.is_some(), "PSBT_IN_WITNESS_SCRIPT"),
        (input.final_script_sig.is_some(), "PSBT_IN_FINAL_SCRIPTSIG"),
        (input.final_script_witness.is_some(), "PSBT_IN_FINAL_SCRIPTWITNESS"),
        (!input.ripemd160_preimages.is_empty(), "PSBT_IN_RIPEMD160"),
        (!input.sha256_preimages.is_empty(), "PSBT_IN_SHA256"),
        (!input.hash160_preimages.is_empty(), "PSBT_IN_HASH160"),
        (!input.hash256_preimages.is_empty(), "PSBT_IN_HASH256"),
        (input.tap_key_sig.is_some(), "PSBT_IN_TAP_KEY_SIG"),
        (!input.tap_script_sigs.is_empty(), "PSBT_IN_TAP_SCRIPT_SIG"),
        (!input.tap_scripts.is_empty(), "PSBT_IN_TAP_LEAF_SCRIPT"),
        (input.tap_merkle_root.is_some(), "PSBT_IN_TAP_MERKLE_ROOT"),
    ];
    let of_form = match owner.form {
        Form::Taproot { internal_key, .. } => {
            if input.tap_internal_key.is_some_and(|key| key != internal_key) {
                return Err(PsbtError::InternalKey { place });
            }
            taproot_notes(input, internal_key)
        }
        Form::KeyHash { key } => key_hash_notes(input, key),
    };
    match present.into_iter().chain(of_form).find(|(is_present, _)| *is_present) {
        None => Ok(()),
        Some((_, field)) => Err(PsbtError::Unexpected { place, field }),
    }
}

/// Notes about keys that a Taproot input may not have.
fn taproot_notes(input: &Input, own: XOnlyPublicKey) -> Vec<(bool, &'static str)> {
    let foreign =
        |(key, (leaves, _)): (&XOnlyPublicKey, &(Vec<_>, _))| *key != own || !leaves.is_empty();
    let foreign = input.tap_key_origins.iter().any(foreign);
    vec![
        (!input.bip32_derivation.is_empty(), "PSBT_IN_BIP32_DERIVATION"),
        (foreign, "PSBT_IN_TAP_BIP32_DERIVATION of another key or of a script"),
    ]
}

/// Notes about keys that a P2WPKH input may not have.
fn key_hash_notes(input: &Input, own: CompressedPublicKey) -> Vec<(bool, &'static str)> {
    let foreign = input.bip32_derivation.keys().any(|key| *key != own.0);
    vec![
        (foreign, "PSBT_IN_BIP32_DERIVATION of another key"),
        (input.tap_internal_key.is_some(), "PSBT_IN_TAP_INTERNAL_KEY"),
        (!input.tap_key_origins.is_empty(), "PSBT_IN_TAP_BIP32_DERIVATION"),
    ]
}
