//! Bitcoin: partially signed transactions (PSBT) of version 0 (BIP-174) and 2 (BIP-370) whose every
//! input is an output of the group key: P2TR, spent by the key path (BIP-341), for keys of
//! `frost-secp256k1-tr`; P2WPKH (BIP-141) for keys of `ecdsa-secp256k1`.
//!
//! The digest of a Taproot input commits to the amounts and scripts of *all* inputs, so a lie about
//! an amount makes a signature that no node of the network accepts (BIP-341). That of a P2WPKH input
//! commits to its own amount only (BIP-143), so each amount is proven by the whole previous
//! transaction, whose id is in the outpoint (threat A15). What an output is follows from its script
//! alone: change is an output with the group key's own script.

mod error;
mod finish;
mod inputs;
mod maps;
mod outputs;
mod owner;
mod psbt;
mod script;
mod signature;
mod spend;
mod version2;

use bitcoin::OutPoint;
use quorate_model::Digest;

pub use error::{Place, PsbtError};
pub use finish::{extract, finalize};
use inputs::OwnInput;
pub(crate) use owner::{Form, Owner};
pub(crate) use script::{address_text, is_dust, script_of};

use crate::{Claim, DecodeError, Decoded, Intent, PayingKey};

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
    let claims = spend.inputs.iter().map(claim).collect();
    Ok(Decoded { intent, signing_messages, claims })
}

/// An output can be spent once, and it is always worth the same.
fn claim(input: &OwnInput) -> Claim {
    let OutPoint { txid, vout } = input.outpoint;
    Claim {
        what: format!("outpoint:{txid}:{vout}"),
        value: format!("{} sat", input.prevout.value.to_sat()),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::version2_of;
