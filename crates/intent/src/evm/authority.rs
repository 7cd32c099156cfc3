//! Who controls a contract, or which code runs at a proxy.

use super::EvmError;
use super::call::{Call, Calls};
use crate::{EffectKind, Flag};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// The code behind a proxy (EIP-1967, EIP-1822), or who decides on it.
    Proxy,
    /// Owners (EIP-173) and roles (OpenZeppelin's AccessControl).
    Control,
}

pub(super) const FUNCTIONS: &[(Method, &str)] = &[
    (Method::Proxy, "upgradeTo(address)"),
    (Method::Proxy, "upgradeToAndCall(address,bytes)"),
    (Method::Proxy, "upgrade(address,address)"),
    (Method::Proxy, "upgradeAndCall(address,address,bytes)"),
    (Method::Proxy, "changeAdmin(address)"),
    (Method::Proxy, "changeProxyAdmin(address,address)"),
    (Method::Control, "transferOwnership(address)"),
    (Method::Control, "acceptOwnership()"),
    (Method::Control, "renounceOwnership()"),
    (Method::Control, "grantRole(bytes32,address)"),
    (Method::Control, "revokeRole(bytes32,address)"),
    (Method::Control, "renounceRole(bytes32,address)"),
];

/// Adds the change. Its destination is the contract that changes; who gains is in the detail.
pub(super) fn read(
    calls: &mut Calls,
    call: &Call<'_>,
    method: Method,
    detail: String,
) -> Result<(), EvmError> {
    let flags = match method {
        Method::Proxy => vec![Flag::ProxyUpgrade],
        Method::Control => Vec::new(),
    };
    calls.called(call, EffectKind::AuthorityChange, flags, detail)
}
