//! Instructions with their indexes resolved to accounts.

use solana_message::Address as AccountKey;
use solana_message::compiled_instruction::CompiledInstruction;

use super::error::MessageError;

const TOKEN: AccountKey = AccountKey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const MEMO: AccountKey = AccountKey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
const COMPUTE_BUDGET: AccountKey =
    AccountKey::from_str_const("ComputeBudget111111111111111111111111111111");

/// The programs whose instructions are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    System,
    /// SPL Token; not Token-2022, whose transfers can run hooks and take fees of their own.
    Token,
    /// SPL Memo, second version.
    Memo,
    ComputeBudget,
}

/// One instruction.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) index: usize,
    pub(super) accounts: Vec<&'a AccountKey>,
    pub(super) data: &'a [u8],
    program: &'a AccountKey,
}

impl<'a> Call<'a> {
    pub(super) fn resolve(
        index: usize,
        instruction: &'a CompiledInstruction,
        keys: &'a [AccountKey],
    ) -> Result<Self, MessageError> {
        let key = |position: &u8| {
            let reason = format!("account {position} of instruction {index} is not listed");
            keys.get(usize::from(*position)).ok_or(MessageError::Inconsistent { reason })
        };
        Ok(Self {
            index,
            accounts: instruction.accounts.iter().map(key).collect::<Result<_, _>>()?,
            data: &instruction.data,
            program: key(&instruction.program_id_index)?,
        })
    }

    pub(super) fn program(&self) -> Result<Program, MessageError> {
        let programs = [
            (solana_system_interface::program::ID, Program::System),
            (TOKEN, Program::Token),
            (MEMO, Program::Memo),
            (COMPUTE_BUDGET, Program::ComputeBudget),
        ];
        let known = programs.into_iter().find(|(id, _)| id == self.program);
        known.map(|(_, program)| program).ok_or_else(|| MessageError::UnknownProgram {
            instruction: self.index,
            program: self.program.to_string(),
        })
    }

    /// The accounts, which must be exactly `N`.
    pub(super) fn exactly<const N: usize>(&self) -> Result<[&'a AccountKey; N], MessageError> {
        self.accounts.as_slice().try_into().map_err(|_| MessageError::AccountCount {
            instruction: self.index,
            expected: N,
            found: self.accounts.len(),
        })
    }

    /// That `account` is the key's own.
    pub(super) fn ours(
        &self,
        role: &'static str,
        account: &AccountKey,
        payer: AccountKey,
    ) -> Result<(), MessageError> {
        if *account == payer {
            return Ok(());
        }
        let account = account.to_string();
        Err(MessageError::NotOurs { instruction: self.index, role, account })
    }
}
