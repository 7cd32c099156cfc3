//! Solana: legacy and version 0 messages that the group key alone signs, made of instructions that
//! are each decoded completely.
//!
//! Supported: System `Transfer`; `AdvanceNonceAccount` as first instruction; SPL Token
//! `TransferChecked`; Compute Budget limit and price; Memo. Everything else is refused by its index.
//! A message does not name its cluster: that a devnet message cannot be replayed on mainnet rests on
//! its blockhash alone.

mod budget;
mod calls;
mod error;
mod memo;
mod message;
mod system;
mod token;

use quorate_model::Digest;
use ruint::aliases::U256;
use solana_message::{Address as AccountKey, VersionedMessage};

pub use error::MessageError;

use crate::chain::Chain;
use crate::{Amount, Asset, DecodeError, Decoded, Flag, Intent, PayingKey};
use calls::{Call, Program};

/// What the network takes for each signature, in lamports.
const LAMPORTS_PER_SIGNATURE: u64 = 5_000;

/// The compact-u16 count before the signatures of a transaction: one.
const SIGNATURE_COUNT: u8 = 1;

/// The transaction as it is sent to the network: the signature of the only signer (Ed25519, RFC
/// 8032), and the message.
#[must_use]
pub fn assemble(message: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    [&[SIGNATURE_COUNT], signature.as_slice(), message].concat()
}

/// Decodes a message that `key` is asked to sign.
pub(crate) fn decode(
    bytes: &[u8],
    key: PayingKey<'_>,
    payload_digest: Digest,
) -> Result<Decoded, DecodeError> {
    let payer = payer(key)?;
    let message = message::read(bytes, &payer)?;
    let mut found = Found::new(key, payer);
    for (index, instruction) in message.instructions().iter().enumerate() {
        found.instruction(&Call::resolve(index, instruction, message.static_account_keys())?)?;
    }
    if found.effects.is_empty() {
        return Err(MessageError::NoEffect.into());
    }
    if found.nonce.is_some() {
        found.effects.iter_mut().for_each(|effect| effect.flags.push(Flag::DurableNonce));
    }
    let fee = found.budget.priority_fee()?.saturating_add(LAMPORTS_PER_SIGNATURE);
    let intent = Intent {
        network: key.network,
        from: crate::Address(payer.to_string()),
        nonce_account: found.nonce.map(|account| crate::Address(account.to_string())),
        account_nonce: None,
        validity: validity(&message, found.nonce),
        effects: found.effects,
        fee: native(key, fee),
        change: Vec::new(),
        payload_digest,
    };
    Ok(Decoded { intent, signing_messages: vec![bytes.to_vec()], claims: Vec::new() })
}

/// The account of a group key.
pub(crate) fn payer(key: PayingKey<'_>) -> Result<AccountKey, DecodeError> {
    let bytes = key.group_verifying_key;
    match (Chain::of(key.network), <[u8; 32]>::try_from(bytes)) {
        (Chain::Solana, Ok(account)) => Ok(AccountKey::from(account)),
        (Chain::Solana | Chain::Bitcoin(_) | Chain::Evm(_), _) => {
            Err(DecodeError::Key { bytes: bytes.len(), scheme: key.scheme, network: key.network })
        }
    }
}

/// The account of an address.
pub(crate) fn account_of(address: &str) -> Option<AccountKey> {
    address.parse().ok()
}

fn native(key: PayingKey<'_>, lamports: u64) -> Amount {
    Amount { asset: Asset::native(key.network), base_units: U256::from(lamports) }
}

fn validity(message: &VersionedMessage, nonce: Option<AccountKey>) -> String {
    let blockhash = message.recent_blockhash();
    match nonce {
        Some(account) => format!("until the durable nonce {blockhash} of {account} is advanced"),
        None => format!("until blockhash {blockhash} is 150 blocks old, about a minute"),
    }
}

/// What the instructions read so far do.
struct Found<'a> {
    key: PayingKey<'a>,
    payer: AccountKey,
    effects: Vec<crate::Effect>,
    budget: budget::Budget,
    /// The nonce account that the first instruction advances.
    nonce: Option<AccountKey>,
}

impl<'a> Found<'a> {
    const fn new(key: PayingKey<'a>, payer: AccountKey) -> Self {
        Self { key, payer, effects: Vec::new(), budget: budget::Budget::new(), nonce: None }
    }

    fn instruction(&mut self, call: &Call<'_>) -> Result<(), MessageError> {
        match call.program()? {
            Program::System => match system::read(call, self.key, self.payer)? {
                system::Instruction::Transfer(effect) => self.effects.push(effect),
                system::Instruction::AdvanceNonce(account) => self.nonce = Some(account),
            },
            Program::Token => self.effects.push(token::read(call, self.key, self.payer)?),
            Program::Memo => self.effects.push(memo::read(call, self.key, self.payer)?),
            Program::ComputeBudget => self.budget.read(call)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::good_messages;
