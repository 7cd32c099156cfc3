//! Bitcoin: partially signed transactions (PSBT) of version 0 (BIP-174) and 2 (BIP-370) whose every
//! input is a P2TR output of the group key, spent by the key path (BIP-341).
//!
//! The digest of such an input commits to the amounts and scripts of *all* inputs, so a lie about an
//! amount makes a signature that no node of the network accepts (BIP-341; threat A15). What an
//! output is follows from its script alone: change is an output with the group key's own script.

mod error;
mod finish;
mod inputs;
mod maps;
mod outputs;
mod owner;
mod psbt;
mod script;
mod spend;
mod version2;

use quorate_model::Digest;

pub use error::{Place, PsbtError};
pub use finish::{extract, finalize};
pub(crate) use owner::Owner;
pub(crate) use script::{address_text, is_dust, script_of};

use crate::{DecodeError, Decoded, Intent, PayingKey};

/// Decodes a PSBT that `key` is asked to sign.
pub(crate) fn decode(
    bytes: &[u8],
    key: PayingKey<'_>,
    payload_digest: Digest,
) -> Result<Decoded, DecodeError> {
    let owner = Owner::new(key)?;
    let spend = spend::Spend::read(bytes, &owner)?;
    let validity = spend.validity();
    let intent = Intent {
        network: key.network,
        from: owner.address,
        effects: spend.effects,
        fee: spend.fee,
        change: spend.change,
        nonce_account: None,
        account_nonce: None,
        validity,
        payload_digest,
    };
    let signing_messages = spend.digests.iter().map(|digest| digest.to_vec()).collect();
    Ok(Decoded { intent, signing_messages })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::version2_of;
