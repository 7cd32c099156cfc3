//! SPL Memo: text that moves nothing, such as an exchange's deposit reference.

use solana_message::Address as AccountKey;

use super::calls::Call;
use super::error::MessageError;
use super::native;
use crate::{Address, Effect, EffectKind, Flag, PayingKey};

/// A memo is shown like a data output of Bitcoin: an effect of no value whose destination is `memo:`
/// and the text in hexadecimal digits.
pub(super) fn read(
    call: &Call<'_>,
    key: PayingKey<'_>,
    payer: AccountKey,
) -> Result<Effect, MessageError> {
    if std::str::from_utf8(call.data).is_err() {
        return Err(MessageError::Memo { instruction: call.index });
    }
    // Its accounts are those that must sign; there is no other signer.
    call.accounts.iter().try_for_each(|account| call.ours("memo signer", account, payer))?;
    Ok(Effect {
        kind: EffectKind::Transfer,
        amount: native(key, 0),
        destination: Address(format!("memo:{}", hex::encode(call.data))),
        flags: vec![Flag::Data],
        detail: String::new(),
    })
}
