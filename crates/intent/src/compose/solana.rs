//! A native transfer from the key's account, on a recent blockhash or on a durable nonce.

use solana_message::{Hash, Message, VersionedMessage};
use solana_system_interface::instruction::{advance_nonce_account, transfer};

use super::ComposeError;
use crate::chain::Chain;
use crate::solana::{account_of, payer};
use crate::{Address, ParseAddress, PayingKey};

/// A legacy message that moves `lamports` from the key's account to `to`.
///
/// # Errors
/// [`ComposeError`].
pub fn solana_transfer(
    key: PayingKey<'_>,
    to: &Address,
    lamports: u64,
    recent_blockhash: [u8; 32],
) -> Result<Vec<u8>, ComposeError> {
    message(key, to, lamports, (None, recent_blockhash))
}

/// As [`solana_transfer`], on a durable nonce: valid until the nonce is advanced. The account `holder`
/// holds `nonce` now, and the key's account is its authority.
///
/// # Errors
/// [`ComposeError`].
pub fn solana_nonce_transfer(
    key: PayingKey<'_>,
    to: &Address,
    lamports: u64,
    holder: &Address,
    nonce: [u8; 32],
) -> Result<Vec<u8>, ComposeError> {
    message(key, to, lamports, (Some(holder), nonce))
}

fn message(
    key: PayingKey<'_>,
    to: &Address,
    lamports: u64,
    (holder, blockhash): (Option<&Address>, [u8; 32]),
) -> Result<Vec<u8>, ComposeError> {
    if Chain::of(key.network) != Chain::Solana {
        let payment = "Solana transfers";
        return Err(ComposeError::Network { network: key.network, payment });
    }
    let from = payer(key)?;
    let account = |address: &Address| {
        let account = account_of(address.as_str());
        account.ok_or_else(|| ParseAddress::new(address.as_str(), key.network))
    };
    let mut instructions = vec![transfer(&from, &account(to)?, lamports)];
    if let Some(holder) = holder {
        // The network takes a nonce as durable only where the first instruction advances it.
        instructions.insert(0, advance_nonce_account(&account(holder)?, &from));
    }
    let blockhash = Hash::new_from_array(blockhash);
    let message = Message::new_with_blockhash(&instructions, Some(&from), &blockhash);
    Ok(VersionedMessage::Legacy(message).serialize())
}

#[cfg(test)]
mod tests;
