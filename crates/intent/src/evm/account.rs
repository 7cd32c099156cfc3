//! Accounts: of a group key, and as text.

use alloy_primitives::Address as Account;
use k256::ecdsa::VerifyingKey;
use quorate_model::Scheme;

use super::chain_of;
use crate::{DecodeError, PayingKey};

/// Length of a compressed point (SEC 1).
const COMPRESSED_BYTES: usize = 33;

const ADDRESS_DIGITS: usize = 40;

/// The account of a group key: the last 20 bytes of the Keccak-256 digest of its point.
pub(crate) fn account(key: PayingKey<'_>) -> Result<Account, DecodeError> {
    chain_of(key)?;
    let bytes = key.group_verifying_key;
    let point = VerifyingKey::from_sec1_bytes(bytes).ok();
    let usable = bytes.len() == COMPRESSED_BYTES && key.scheme == Scheme::EcdsaSecp256k1;
    point.filter(|_| usable).map(|point| Account::from_public_key(&point)).ok_or(DecodeError::Key {
        bytes: bytes.len(),
        scheme: key.scheme,
        network: key.network,
    })
}

/// The account of an address: `0x` and 40 digits, all small or with the capitals of EIP-55.
pub(crate) fn account_of(address: &str) -> Option<Account> {
    let digits = address.strip_prefix("0x")?;
    if digits.len() != ADDRESS_DIGITS {
        return None;
    }
    let account: Account = digits.parse().ok()?;
    let is_small = !digits.bytes().any(|digit| digit.is_ascii_uppercase());
    (is_small || text(&account) == address).then_some(account)
}

/// The one spelling of an address: with the capitals of EIP-55.
pub(crate) fn text(account: &Account) -> String {
    account.to_checksum(None)
}
