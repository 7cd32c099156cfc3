//! SPL Token: checked transfers.
//!
//! `Transfer` without a mint would move an asset that the bytes do not name, so it is refused. The
//! destination is the receiving *token account*, not the wallet that owns it: the bytes name no
//! wallet, so allow-lists must list token accounts.
//!
//! `spl-token-interface` is compared with in tests only: it decodes past trailing bytes, and brings a
//! second generation of Solana's crates for one fixed layout.

use ruint::aliases::U256;
use solana_message::Address as AccountKey;

use super::calls::Call;
use super::error::MessageError;
use crate::{Address, Amount, Asset, Effect, EffectKind, Flag, PayingKey};

const TRANSFER_CHECKED: u8 = 12;

pub(super) fn read(
    call: &Call<'_>,
    key: PayingKey<'_>,
    payer: AccountKey,
) -> Result<Effect, MessageError> {
    let base_units = transfer_checked(call.data).ok_or(MessageError::UnknownInstruction {
        instruction: call.index,
        program: "SPL Token",
        supported: "TransferChecked, which names the mint",
    })?;
    let [source, mint, destination, authority] = call.exactly()?;
    call.ours("authority", authority, payer)?;
    let asset = Asset::token(key.network, &mint.to_string());
    Ok(Effect {
        kind: EffectKind::Transfer,
        amount: Amount { asset, base_units: U256::from(base_units) },
        destination: Address(destination.to_string()),
        flags: if source == destination { vec![Flag::SelfDestination] } else { Vec::new() },
        detail: String::new(),
    })
}

/// The amount of a `TransferChecked`: tag, amount (little-endian), decimals. The program compares the
/// decimals with the mint's; here they have no use.
fn transfer_checked(data: &[u8]) -> Option<u64> {
    let (tag, rest) = data.split_first()?;
    let (amount, rest) = rest.split_first_chunk()?;
    let [_decimals] = rest else { return None };
    (*tag == TRANSFER_CHECKED).then(|| u64::from_le_bytes(*amount))
}
