//! From everybody's parts to a signature. Holds no secret: acceptance rests on the verification alone.

use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use k256::elliptic_curve::PrimeField as _;
use k256::elliptic_curve::ops::Reduce;
use k256::{FieldBytes, Scalar, U256};

use super::backend::PartialSignature;

/// Length of a signature: r ‖ s ‖ recovery id.
const SIGNATURE_BYTES: usize = 65;

/// Puts everybody's part together: `r ‖ s ‖ recovery id`, 65 bytes, with the lower of the two values of
/// `s` (BIP-62, EIP-2). `None` where it is no signature of `message` under the key: who is at fault does
/// not show.
pub fn combine(
    group_verifying_key: &[u8],
    message: &[u8; 32],
    parts: &[PartialSignature],
) -> Option<Vec<u8>> {
    let r = parts.first()?.r;
    if parts.iter().any(|part| part.r != r) {
        return None;
    }
    let sum = |of: fn(&PartialSignature) -> [u8; 32]| {
        parts.iter().try_fold(Scalar::ZERO, |sum, part| {
            Option::<Scalar>::from(Scalar::from_repr(of(part).into())).map(|value| sum + value)
        })
    };
    let (u, w) = (sum(|part| part.u)?, sum(|part| part.w)?);
    let s = w * Option::<Scalar>::from(u.invert())?;
    let r = <Scalar as Reduce<U256>>::reduce_bytes(&r.into());
    let signature = Signature::from_scalars(FieldBytes::from(r), FieldBytes::from(s)).ok()?;
    let signature = signature.normalize_s().unwrap_or(signature);
    let key = VerifyingKey::from_sec1_bytes(group_verifying_key).ok()?;
    let id = RecoveryId::trial_recovery_from_prehash(&key, message, &signature).ok()?;
    let mut encoded = signature.to_bytes().to_vec();
    encoded.push(id.to_byte());
    verify(group_verifying_key, message, &encoded).then_some(encoded)
}

/// Whether `signature` is `r ‖ s ‖ recovery id` of `message`, a hash of 32 bytes, under the key, with the
/// lower `s` and the right recovery id.
pub fn verify(group_verifying_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Some((id, rs)) = signature.split_last().filter(|_| signature.len() == SIGNATURE_BYTES)
    else {
        return false;
    };
    let parsed = (
        VerifyingKey::from_sec1_bytes(group_verifying_key),
        Signature::from_slice(rs),
        RecoveryId::from_byte(*id),
    );
    let (Ok(key), Ok(signature), Some(id)) = parsed else { return false };
    message.len() == 32
        && signature.normalize_s().is_none()
        && key.verify_prehash(message, &signature).is_ok()
        && VerifyingKey::recover_from_prehash(message, &signature, id)
            .is_ok_and(|found| found == key)
}
