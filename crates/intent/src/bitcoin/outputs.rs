//! The outputs: change is proven by the group key's own script, everything else is an effect.

use bitcoin::psbt::Output;
use bitcoin::{Psbt, TxOut};
use ruint::aliases::U256;

use super::error::{Place, PsbtError};
use super::owner::{Form, Owner};
use super::script;
use crate::quote::quoted;
use crate::{Address, Amount, Asset, Effect, EffectKind, Flag};

/// What the outputs do, and what comes back. Where everything comes back there would be no effect to
/// decide on, so the outputs then are transfers to oneself instead of change.
pub(super) fn read(psbt: &Psbt, owner: &Owner) -> Result<(Vec<Effect>, Vec<Amount>), PsbtError> {
    if psbt.unsigned_tx.output.is_empty() {
        return Err(PsbtError::NoOutputs);
    }
    let (mut effects, mut own) = (Vec::new(), Vec::new());
    let pairs = psbt.unsigned_tx.output.iter().zip(&psbt.outputs).enumerate();
    for (index, (output, notes)) in pairs {
        if output.script_pubkey == owner.script {
            no_contradiction(index, notes, owner)?;
            own.push(output);
        } else {
            effects.push(effect(index, output, owner)?);
        }
    }
    if effects.is_empty() {
        let effects = own.into_iter().map(|output| self_transfer(output, owner)).collect();
        return Ok((effects, Vec::new()));
    }
    let change = own.into_iter().map(|output| amount(output.value, owner)).collect();
    Ok((effects, change))
}

/// An amount of the network's coin.
pub(super) fn amount(value: bitcoin::Amount, owner: &Owner) -> Amount {
    Amount { asset: Asset::native(owner.network), base_units: U256::from(value.to_sat()) }
}

fn effect(index: usize, output: &TxOut, owner: &Owner) -> Result<Effect, PsbtError> {
    let script = &output.script_pubkey;
    let (destination, flags) = if script.is_op_return() {
        let data = script.as_bytes().get(1..).unwrap_or_default();
        (format!("op_return:{}", hex::encode(data)), vec![Flag::Data])
    } else {
        let unknown =
            || PsbtError::UnknownScript { output: index, script: quoted(&script.to_hex_string()) };
        (script::address_text(script, owner.chain).ok_or_else(unknown)?, dust(output))
    };
    Ok(Effect {
        kind: EffectKind::Transfer,
        amount: amount(output.value, owner),
        destination: Address(destination),
        flags,
        detail: String::new(),
    })
}

fn self_transfer(output: &TxOut, owner: &Owner) -> Effect {
    let mut flags = vec![Flag::SelfDestination];
    flags.extend(dust(output));
    Effect {
        kind: EffectKind::Transfer,
        amount: amount(output.value, owner),
        destination: owner.address.clone(),
        flags,
        detail: String::new(),
    }
}

fn dust(output: &TxOut) -> Vec<Flag> {
    if script::is_dust(&output.script_pubkey, output.value) { vec![Flag::Dust] } else { Vec::new() }
}

/// Notes on other outputs are not read, whatever they say: the script alone counts. Those on our own
/// must not contradict it.
fn no_contradiction(index: usize, notes: &Output, owner: &Owner) -> Result<(), PsbtError> {
    let place = Place::Output(index);
    let of_form = match owner.form {
        Form::Taproot { internal_key, .. } => {
            if notes.tap_internal_key.is_some_and(|key| key != internal_key) {
                return Err(PsbtError::InternalKey { place });
            }
            Vec::new()
        }
        Form::KeyHash { key } => vec![
            (
                notes.bip32_derivation.keys().any(|origin| *origin != key.0),
                "PSBT_OUT_BIP32_DERIVATION of another key",
            ),
            (notes.tap_internal_key.is_some(), "PSBT_OUT_TAP_INTERNAL_KEY"),
            (!notes.tap_key_origins.is_empty(), "PSBT_OUT_TAP_BIP32_DERIVATION"),
        ],
    };
    let present = [
        (notes.redeem_script.is_some(), "PSBT_OUT_REDEEM_SCRIPT"),
        (notes.witness_script.is_some(), "PSBT_OUT_WITNESS_SCRIPT"),
        (notes.tap_tree.is_some(), "PSBT_OUT_TAP_TREE"),
    ];
    match present.into_iter().chain(of_form).find(|(is_present, _)| *is_present) {
        None => Ok(()),
        Some((_, field)) => Err(PsbtError::Unexpected { place, field }),
    }
}
