//! Every refusal.

use solana_message::v0::MessageAddressTableLookup;
use solana_message::{AccountMeta, Address, Instruction, Message, VersionedMessage, v0};
use solana_system_interface::instruction::{
    SystemInstruction, advance_nonce_account, allocate, transfer, withdraw_nonce_account,
};

use super::{
    MINT, NONCE, PAYER, RECEIVER, SOURCE, decoded, good_messages, legacy, memo, message, price,
    token_transfer, units,
};
use crate::DecodeError;
use crate::fixture::solana_payment;
use crate::solana::MessageError;

const OTHER: Address = Address::new_from_array([21; 32]);

fn refusal(bytes: &[u8]) -> MessageError {
    match decoded(bytes) {
        Err(DecodeError::Solana(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn refusal_of(instructions: &[Instruction]) -> MessageError {
    refusal(&legacy(instructions))
}

fn refusal_after(edit: impl FnOnce(&mut Message)) -> MessageError {
    let mut edited = message(&[transfer(&PAYER, &RECEIVER, 5)]);
    edit(&mut edited);
    refusal(&VersionedMessage::Legacy(edited).serialize())
}

fn pay() -> Instruction {
    transfer(&PAYER, &RECEIVER, 5)
}

#[test]
fn every_cut_is_refused() {
    for message in good_messages() {
        for length in 0..message.len() {
            refusal(&message[..length]);
        }
    }
}

#[test]
fn trailing_bytes_are_refused() {
    for message in good_messages() {
        let offset = message.len();
        let longer = [message.as_slice(), &[0]].concat();
        assert_eq!(refusal(&longer), MessageError::NotCanonical { offset });
    }
}

#[test]
fn a_length_in_a_longer_form_is_refused() {
    // The count of accounts, 3, as two bytes of compact-u16.
    let mut longer = solana_payment();
    assert_eq!(longer[3], 3);
    longer.splice(3..4, [0x83, 0]);
    assert!(matches!(refusal(&longer), MessageError::Undecodable { .. }));
}

#[test]
fn other_versions_and_off_chain_messages_are_refused() {
    let mut bytes = solana_payment();
    bytes.insert(0, 0x82);
    assert!(matches!(refusal(&bytes), MessageError::Undecodable { .. }));
    let off_chain = [b"\xffsolana offchain".as_slice(), &[0; 100]].concat();
    assert!(matches!(refusal(&off_chain), MessageError::Undecodable { .. }));
    let version1 = solana_message::v1::Message {
        header: message(&[pay()]).header,
        account_keys: vec![PAYER, RECEIVER, Address::default()],
        instructions: message(&[pay()]).instructions,
        ..Default::default()
    };
    let version1 = VersionedMessage::V1(version1).serialize();
    assert_eq!(refusal(&version1), MessageError::Version(1));
}

#[test]
fn an_inconsistent_message_is_refused() {
    let read_only_payer = refusal_after(|message| message.header.num_readonly_signed_accounts = 1);
    assert!(matches!(read_only_payer, MessageError::Inconsistent { .. }));
    let beyond = refusal_after(|message| message.instructions[0].accounts = vec![0, 9]);
    assert!(matches!(beyond, MessageError::Inconsistent { .. }));
}

#[test]
fn the_key_is_the_only_signer_and_the_payer() {
    let two = refusal_of(&[transfer(&OTHER, &RECEIVER, 5)]);
    assert_eq!(two, MessageError::Signers { required: 2 });
    let other = refusal_after(|message| message.account_keys[0] = OTHER);
    let (found, payer) = (OTHER.to_string(), PAYER.to_string());
    assert_eq!(other, MessageError::Payer { found, payer });
}

#[test]
fn an_account_is_listed_once() {
    let twice = refusal_after(|message| message.account_keys[1] = PAYER);
    assert_eq!(twice, MessageError::RepeatedAccount { account: PAYER.to_string() });
}

#[test]
fn lookup_tables_are_refused() {
    let legacy = message(&[pay()]);
    let table = MessageAddressTableLookup {
        account_key: OTHER,
        writable_indexes: vec![0],
        readonly_indexes: vec![],
    };
    let with_table = VersionedMessage::V0(v0::Message {
        header: legacy.header,
        account_keys: legacy.account_keys,
        recent_blockhash: legacy.recent_blockhash,
        instructions: legacy.instructions,
        address_table_lookups: vec![table],
    });
    let refused = refusal(&with_table.serialize());
    assert_eq!(refused, MessageError::LookupTable { table: OTHER.to_string() });
}

#[test]
fn unknown_programs_are_refused_by_index() {
    // Token-2022 and the creation of associated token accounts among them.
    for program in [
        "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
        "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
        "Stake11111111111111111111111111111111111111",
    ] {
        let unknown = Instruction::new_with_bytes(program.parse().unwrap(), &[12], vec![]);
        let refused = refusal_of(&[pay(), unknown]);
        let program = program.to_owned();
        assert_eq!(refused, MessageError::UnknownProgram { instruction: 1, program });
    }
}

#[test]
fn other_instructions_of_known_programs_are_refused() {
    let mut longer = pay();
    longer.data.push(0);
    let mut bare = token_transfer(RECEIVER, PAYER);
    bare.data = [&[3], 5u64.to_le_bytes().as_slice()].concat();
    let mut longer_token = token_transfer(RECEIVER, PAYER);
    longer_token.data.push(0);
    let mut approve = token_transfer(RECEIVER, PAYER);
    approve.data[0] = 13;
    let mut heap = units(1);
    heap.data[0] = 1;
    let mut longer_limit = units(1);
    longer_limit.data.push(0);
    let mut no_data = price(1);
    no_data.data.clear();
    let withdraw = withdraw_nonce_account(&NONCE, &PAYER, &RECEIVER, 1);
    for (instruction, named) in [
        (longer, "System"),
        (allocate(&PAYER, 5), "System"),
        (withdraw, "System"),
        (bare, "SPL Token"),
        (longer_token, "SPL Token"),
        (approve, "SPL Token"),
        (heap, "Compute Budget"),
        (longer_limit, "Compute Budget"),
        (no_data, "Compute Budget"),
    ] {
        let refused = refusal_of(&[pay(), instruction]);
        let MessageError::UnknownInstruction { instruction: 1, program, .. } = refused else {
            panic!("{refused}")
        };
        assert_eq!(program, named);
    }
}

#[test]
fn additional_accounts_are_refused() {
    let more = |mut instruction: Instruction| {
        instruction.accounts.push(AccountMeta::new_readonly(OTHER, false));
        instruction
    };
    for (instruction, expected) in
        [(pay(), 2), (token_transfer(RECEIVER, PAYER), 4), (units(1), 0), (price(1), 0)]
    {
        let refused = refusal_of(&[pay(), more(instruction)]);
        let found = expected + 1;
        assert_eq!(refused, MessageError::AccountCount { instruction: 1, expected, found });
    }
    let nonce = refusal_of(&[more(advance_nonce_account(&NONCE, &PAYER)), pay()]);
    assert_eq!(nonce, MessageError::AccountCount { instruction: 0, expected: 3, found: 4 });
}

/// A transfer of somebody else's funds in a message that only the key signs fails on chain; it is
/// refused all the same.
#[test]
fn only_the_keys_own_funds_and_authority_are_used() {
    let not_signed = |mut instruction: Instruction| {
        instruction.accounts.iter_mut().for_each(|meta| meta.is_signer = false);
        instruction
    };
    let account = OTHER.to_string();
    for (instruction, index, role) in [
        (not_signed(transfer(&OTHER, &RECEIVER, 5)), 1, "sender"),
        (not_signed(token_transfer(RECEIVER, OTHER)), 1, "authority"),
        (memo(b"x", vec![AccountMeta::new_readonly(OTHER, false)]), 1, "memo signer"),
    ] {
        let refused = refusal_of(&[pay(), instruction]);
        let account = account.clone();
        assert_eq!(refused, MessageError::NotOurs { instruction: index, role, account });
    }
    let nonce = refusal_of(&[not_signed(advance_nonce_account(&NONCE, &OTHER)), pay()]);
    assert_eq!(nonce, MessageError::NotOurs { instruction: 0, role: "nonce authority", account });
}

#[test]
fn a_nonce_is_advanced_first_and_with_its_sysvar() {
    let second = refusal_of(&[pay(), advance_nonce_account(&NONCE, &PAYER)]);
    assert_eq!(second, MessageError::NonceNotFirst { instruction: 1 });
    let mut sysvar = advance_nonce_account(&NONCE, &PAYER);
    sysvar.accounts[1].pubkey = OTHER;
    let refused = refusal_of(&[sysvar, pay()]);
    let account = OTHER.to_string();
    assert_eq!(refused, MessageError::NonceSysvar { instruction: 0, account });
}

#[test]
fn a_memo_is_text() {
    let refused = refusal_of(&[pay(), memo(&[0xff, 0xfe], vec![])]);
    assert_eq!(refused, MessageError::Memo { instruction: 1 });
}

#[test]
fn the_compute_budget_is_set_once_and_fixes_the_fee() {
    let limit = refusal_of(&[units(1), units(1), pay()]);
    assert_eq!(limit, MessageError::RepeatedBudget { instruction: 1 });
    let twice = refusal_of(&[price(1), units(1), price(1), pay()]);
    assert_eq!(twice, MessageError::RepeatedBudget { instruction: 2 });
    assert_eq!(refusal_of(&[price(1), pay()]), MessageError::PriceWithoutLimit);
    let above = refusal_of(&[units(1_400_001), pay()]);
    assert_eq!(above, MessageError::TooManyUnits { units: 1_400_001 });
    let overflow = refusal_of(&[units(1_400_000), price(u64::MAX), pay()]);
    assert_eq!(overflow, MessageError::FeeOverflow);
}

#[test]
fn a_message_without_effect_is_refused() {
    assert_eq!(refusal_of(&[]), MessageError::NoEffect);
    assert_eq!(refusal_of(&[units(1)]), MessageError::NoEffect);
    assert_eq!(refusal_of(&[advance_nonce_account(&NONCE, &PAYER)]), MessageError::NoEffect);
}

/// The layouts that are read here are those of the interface crates.
#[test]
fn fixtures_are_what_the_interface_crates_build() {
    let token = token_transfer(RECEIVER, PAYER);
    let accounts: Vec<_> = token.accounts.iter().map(|meta| meta.pubkey).collect();
    assert_eq!(accounts, [SOURCE, MINT, RECEIVER, PAYER]);
    let instruction: SystemInstruction = wincode::deserialize_exact(&pay().data).unwrap();
    assert_eq!(instruction, SystemInstruction::Transfer { lamports: 5 });
}
