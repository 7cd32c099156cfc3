//! The System program: native transfers, and durable nonces.

use solana_message::Address as AccountKey;
use solana_system_interface::instruction::SystemInstruction;

use super::calls::Call;
use super::error::MessageError;
use super::native;
use crate::{Address, Effect, EffectKind, Flag, PayingKey};

const RECENT_BLOCKHASHES: AccountKey =
    AccountKey::from_str_const("SysvarRecentB1ockHashes11111111111111111111");

/// What is decoded.
#[derive(Debug)]
pub(super) enum Instruction {
    Transfer(Effect),
    /// The nonce account.
    AdvanceNonce(AccountKey),
}

pub(super) fn read(
    call: &Call<'_>,
    key: PayingKey<'_>,
    payer: AccountKey,
) -> Result<Instruction, MessageError> {
    let instruction = wincode::deserialize_exact::<SystemInstruction>(call.data).ok();
    if let Some(SystemInstruction::Transfer { lamports }) = instruction {
        transfer(call, key, payer, lamports).map(Instruction::Transfer)
    } else if let Some(SystemInstruction::AdvanceNonceAccount) = instruction {
        advance_nonce(call, payer).map(Instruction::AdvanceNonce)
    } else {
        Err(MessageError::UnknownInstruction {
            instruction: call.index,
            program: "System",
            supported: "Transfer or AdvanceNonceAccount",
        })
    }
}

fn transfer(
    call: &Call<'_>,
    key: PayingKey<'_>,
    payer: AccountKey,
    lamports: u64,
) -> Result<Effect, MessageError> {
    let [from, to] = call.exactly()?;
    call.ours("sender", from, payer)?;
    Ok(Effect {
        kind: EffectKind::Transfer,
        amount: native(key, lamports),
        destination: Address(to.to_string()),
        flags: if *to == payer { vec![Flag::SelfDestination] } else { Vec::new() },
        detail: String::new(),
    })
}

fn advance_nonce(call: &Call<'_>, payer: AccountKey) -> Result<AccountKey, MessageError> {
    if call.index != 0 {
        return Err(MessageError::NonceNotFirst { instruction: call.index });
    }
    let [nonce, sysvar, authority] = call.exactly()?;
    if *sysvar != RECENT_BLOCKHASHES {
        let account = sysvar.to_string();
        return Err(MessageError::NonceSysvar { instruction: call.index, account });
    }
    call.ours("nonce authority", authority, payer)?;
    Ok(*nonce)
}
