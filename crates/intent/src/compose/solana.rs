//! A native transfer from the key's account.

use solana_message::{Hash, Message, VersionedMessage};
use solana_system_interface::instruction::transfer;

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
    if Chain::of(key.network) != Chain::Solana {
        let payment = "Solana transfers";
        return Err(ComposeError::Network { network: key.network, payment });
    }
    let from = payer(key)?;
    let receiver = account_of(to.as_str());
    let receiver = receiver.ok_or_else(|| ParseAddress::new(to.as_str(), key.network))?;
    let instruction = transfer(&from, &receiver, lamports);
    let blockhash = Hash::new_from_array(recent_blockhash);
    let message = Message::new_with_blockhash(&[instruction], Some(&from), &blockhash);
    Ok(VersionedMessage::Legacy(message).serialize())
}

#[cfg(test)]
mod tests;
