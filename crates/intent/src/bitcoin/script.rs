//! Output scripts and their addresses.

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Amount, Script, ScriptBuf, XOnlyPublicKey};

/// The address of a script in one of the forms that are paid to today: P2PKH, P2SH, P2WPKH, P2WSH,
/// P2TR. Later witness versions could be spent by anyone, and a P2TR output whose key is no point of
/// the curve by nobody, so neither has an address here.
pub(crate) fn address_text(script: &Script, chain: bitcoin::Network) -> Option<String> {
    let version0 = script.is_p2wpkh() || script.is_p2wsh();
    if !(script.is_p2pkh() || script.is_p2sh() || version0 || pays_to_a_point(script)) {
        return None;
    }
    bitcoin::Address::from_script(script, chain).ok().map(|address| address.to_string())
}

/// The script that an address of the network pays to, where it is of such a form.
pub(crate) fn script_of(address: &str, chain: bitcoin::Network) -> Option<ScriptBuf> {
    let address: bitcoin::Address<NetworkUnchecked> = address.parse().ok()?;
    let script = address.require_network(chain).ok()?.script_pubkey();
    address_text(&script, chain).map(|_| script)
}

/// Whether an output is below the amount that nodes relay by default.
pub(crate) fn is_dust(script: &Script, value: Amount) -> bool {
    value < script.minimal_non_dust()
}

fn pays_to_a_point(script: &Script) -> bool {
    let key = script.as_bytes().get(2..).unwrap_or_default();
    script.is_p2tr() && XOnlyPublicKey::from_slice(key).is_ok()
}
