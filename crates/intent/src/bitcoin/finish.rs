//! From signatures to a transaction that can be broadcast.

use bitcoin::consensus::serialize;

use super::error::PsbtError;
use super::maps::Maps;
use super::owner::Owner;
use super::signature::InputSignature;
use super::spend::Spend;
use crate::{DecodeError, PayingKey};

/// Puts the signatures, one for each input and in their order, into the PSBT that they were made for:
/// those of `frost-secp256k1-tr` (64 bytes, BIP-340) as `PSBT_IN_TAP_KEY_SIG` (BIP-371), those of
/// `ecdsa-secp256k1` (65 bytes: r, s and the recovery id) as `PSBT_IN_PARTIAL_SIG` (BIP-174). The PSBT
/// keeps its version and all its fields.
///
/// # Errors
/// [`DecodeError`] where the PSBT would be refused by [`crate::decode`], where signatures are
/// missing, or where one does not verify or is not in its low form (BIP-146).
pub fn finalize<S: AsRef<[u8]>>(
    psbt: &[u8],
    key: PayingKey<'_>,
    signatures: &[S],
) -> Result<Vec<u8>, DecodeError> {
    let owner = Owner::new(key)?;
    let spend = Spend::read(psbt, &owner)?;
    let mut maps = Maps::parse(psbt)?;
    let inputs = maps.inputs.len();
    if signatures.len() != inputs {
        let signatures = signatures.len();
        return Err(PsbtError::SignatureCount { inputs, signatures }.into());
    }
    let given = signatures.iter().zip(&spend.inputs).enumerate();
    let given = given.map(|(input, (bytes, own))| {
        InputSignature::from_scheme(bytes.as_ref(), own.sighash)
            .ok_or(PsbtError::Signature { input })
    });
    let given: Vec<_> = given.collect::<Result<_, PsbtError>>()?;
    verify(&spend, &owner, &given)?;
    let field = InputSignature::field(&owner.form);
    for (map, signature) in maps.inputs.iter_mut().zip(given) {
        map.insert(field.clone(), signature.to_bytes());
    }
    Ok(maps.to_bytes())
}

/// The network's own serialisation of the signed transaction, from what [`finalize`] returned.
///
/// # Errors
/// [`DecodeError`] where the PSBT without its signatures would be refused by [`crate::decode`], where
/// signatures are missing, or where one does not verify or is not in its low form (BIP-146).
pub fn extract(signed: &[u8], key: PayingKey<'_>) -> Result<Vec<u8>, DecodeError> {
    let owner = Owner::new(key)?;
    let mut maps = Maps::parse(signed)?;
    let field = InputSignature::field(&owner.form);
    let given = maps.inputs.iter_mut().enumerate().map(|(input, map)| {
        let bytes = map.remove(field.as_slice()).ok_or(PsbtError::Unsigned { input })?;
        InputSignature::from_bytes(&bytes, &owner.form).ok_or(PsbtError::Signature { input })
    });
    let given: Vec<_> = given.collect::<Result<_, PsbtError>>()?;
    let spend = Spend::read(&maps.to_bytes(), &owner)?;
    verify(&spend, &owner, &given)?;
    let mut transaction = spend.transaction;
    for (input, signature) in transaction.input.iter_mut().zip(&given) {
        input.witness = signature.witness(&owner.form);
    }
    Ok(serialize(&transaction))
}

fn verify(spend: &Spend, owner: &Owner, signatures: &[InputSignature]) -> Result<(), PsbtError> {
    let expected = spend.digests.iter().zip(&spend.inputs);
    for (input, ((digest, own), given)) in expected.zip(signatures).enumerate() {
        // The type is inside the digest as well; here it decides the signature's last byte.
        if given.sighash() != Some(own.sighash) || !given.verifies(*digest, &owner.form) {
            return Err(PsbtError::Signature { input });
        }
    }
    Ok(())
}
