//! From signatures to a transaction that can be broadcast.

use bitcoin::consensus::serialize;
use bitcoin::secp256k1::{Message, Secp256k1, schnorr};
use bitcoin::{Witness, taproot};

use super::error::PsbtError;
use super::maps::Maps;
use super::owner::Owner;
use super::spend::Spend;
use crate::{DecodeError, PayingKey};

const IN_TAP_KEY_SIG: u8 = 0x13;

/// Puts the signatures (BIP-340, one for each input, in their order) into the PSBT that they were
/// made for, as `PSBT_IN_TAP_KEY_SIG` (BIP-371). The PSBT keeps its version and all its fields.
///
/// # Errors
/// [`DecodeError`] where the PSBT would be refused by [`crate::decode`], where signatures are
/// missing, or where one does not verify.
pub fn finalize(
    psbt: &[u8],
    key: PayingKey<'_>,
    signatures: &[[u8; 64]],
) -> Result<Vec<u8>, DecodeError> {
    let owner = Owner::new(key)?;
    let spend = Spend::read(psbt, &owner)?;
    let mut maps = Maps::parse(psbt)?;
    let inputs = maps.inputs.len();
    if signatures.len() != inputs {
        let signatures = signatures.len();
        return Err(PsbtError::SignatureCount { inputs, signatures }.into());
    }
    let given = signatures.iter().zip(&spend.sighash_types).enumerate();
    let given = given.map(|(input, (bytes, sighash_type))| {
        let signature = schnorr::Signature::from_slice(bytes);
        let signature = signature.map_err(|_| PsbtError::Signature { input })?;
        Ok(taproot::Signature { signature, sighash_type: *sighash_type })
    });
    let given: Vec<_> = given.collect::<Result<_, PsbtError>>()?;
    verify(&spend, &owner, &given)?;
    for (map, signature) in maps.inputs.iter_mut().zip(given) {
        map.insert(vec![IN_TAP_KEY_SIG], signature.to_vec());
    }
    Ok(maps.to_bytes())
}

/// The network's own serialisation of the signed transaction, from what [`finalize`] returned.
///
/// # Errors
/// [`DecodeError`] where the PSBT without its signatures would be refused by [`crate::decode`], where
/// signatures are missing, or where one does not verify.
pub fn extract(signed: &[u8], key: PayingKey<'_>) -> Result<Vec<u8>, DecodeError> {
    let owner = Owner::new(key)?;
    let mut maps = Maps::parse(signed)?;
    let given = maps.inputs.iter_mut().enumerate().map(|(input, map)| {
        let bytes = map.remove([IN_TAP_KEY_SIG].as_slice());
        let bytes = bytes.ok_or(PsbtError::Unsigned { input })?;
        taproot::Signature::from_slice(&bytes).map_err(|_| PsbtError::Signature { input })
    });
    let given: Vec<_> = given.collect::<Result<_, PsbtError>>()?;
    let spend = Spend::read(&maps.to_bytes(), &owner)?;
    verify(&spend, &owner, &given)?;
    let mut transaction = spend.transaction;
    for (input, signature) in transaction.input.iter_mut().zip(&given) {
        input.witness = Witness::p2tr_key_spend(signature);
    }
    Ok(serialize(&transaction))
}

fn verify(
    spend: &Spend,
    owner: &Owner,
    signatures: &[taproot::Signature],
) -> Result<(), PsbtError> {
    let secp = Secp256k1::verification_only();
    let expected = spend.digests.iter().zip(&spend.sighash_types);
    for (input, ((digest, sighash_type), given)) in expected.zip(signatures).enumerate() {
        let message = Message::from_digest(*digest);
        let verified = secp.verify_schnorr(&given.signature, &message, &owner.output_key);
        // The type is inside the digest as well; here it decides the signature's last byte.
        if verified.is_err() || given.sighash_type != *sighash_type {
            return Err(PsbtError::Signature { input });
        }
    }
    Ok(())
}
