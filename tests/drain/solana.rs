//! Solana messages.

use quorate_intent::solana::MessageError;
use quorate_model::Scheme;
use quorate_policy::Denial;
use solana_message::v0::MessageAddressTableLookup;
use solana_message::{AccountMeta, Address, Hash, Instruction, Message, VersionedMessage, v0};
use solana_system_interface::instruction as system;
use spl_token_interface::instruction as token;

use crate::cluster::{Cluster, OUR_NONCE};

const PAYEE: Address = Address::new_from_array([9; 32]);
const THIEF: Address = Address::new_from_array([66; 32]);
/// A token account that our key has authority over, and its mint.
const SOURCE: Address = Address::new_from_array([12; 32]);
const MINT: Address = Address::new_from_array([13; 32]);
const BLOCKHASH: [u8; 32] = [3; 32];

/// A payload by name, and why it is refused.
type Case = (&'static str, Vec<u8>, MessageError);

fn us(cluster: &Cluster) -> Address {
    let key = cluster.certified.group_verifying_key.as_slice();
    Address::new_from_array(key.try_into().unwrap())
}

fn message(payer: &Address, instructions: &[Instruction]) -> Message {
    Message::new_with_blockhash(instructions, Some(payer), &Hash::new_from_array(BLOCKHASH))
}

fn legacy(payer: &Address, instructions: &[Instruction]) -> Vec<u8> {
    VersionedMessage::Legacy(message(payer, instructions)).serialize()
}

/// What everybody believes to sign.
pub(crate) fn harmless(cluster: &Cluster) -> Vec<u8> {
    let us = us(cluster);
    legacy(&us, &[system::transfer(&us, &PAYEE, 5)])
}

/// A call of any program, as its deployer could have written it.
fn call(program: &str, data: &[u8], accounts: Vec<AccountMeta>) -> Instruction {
    Instruction::new_with_bytes(program.parse().unwrap(), data, accounts)
}

/// Calls of programs that are not decoded: what they do is theirs to say, as with a delegatecall.
fn unknown_programs(us: &Address) -> Vec<(&'static str, &'static str, Instruction)> {
    let ours = || vec![AccountMeta::new(*us, true), AccountMeta::new(THIEF, false)];
    let amount = 5_u64.to_le_bytes();
    let transfer_checked = [&[12], amount.as_slice(), &[6]].concat();
    [
        ("a program of the thief", "THiefPr6gRAM1111111111111111111111111111111", vec![0]),
        ("code upgrade", "BPFLoaderUpgradeab1e11111111111111111111111", vec![3, 0, 0, 0]),
        ("stake authority", "Stake11111111111111111111111111111111111111", vec![1, 0, 0, 0]),
        ("vote authority", "Vote111111111111111111111111111111111111111", vec![1, 0, 0, 0]),
        ("lookup table", "AddressLookupTab1e1111111111111111111111111", vec![0, 0, 0, 0]),
        ("Token-2022", "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb", transfer_checked),
        ("token account", "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL", vec![1]),
        ("memo, first version", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo", b"hi".to_vec()),
        ("another multisig", "SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf", vec![0; 8]),
    ]
    .map(|(name, program, data)| (name, program, call(program, &data, ours())))
    .into()
}

/// Instructions of the System program other than a transfer of ours.
fn system_calls(us: &Address) -> Vec<(&'static str, Instruction)> {
    let seed = "seed";
    let nonce = Address::new_from_array([11; 32]);
    let mut calls = vec![
        // The account belongs to another program from then on, which may do anything with it.
        ("Assign", system::assign(us, &THIEF)),
        ("AssignWithSeed", system::assign_with_seed(us, us, seed, &THIEF)),
        ("Allocate", system::allocate(us, 5)),
        ("AllocateWithSeed", system::allocate_with_seed(us, us, seed, 5, &THIEF)),
        ("CreateAccount", with_signers(system::create_account(us, &THIEF, 5, 0, &THIEF), us)),
        (
            "CreateAccountWithSeed",
            system::create_account_with_seed(us, &THIEF, us, seed, 5, 0, &THIEF),
        ),
        ("TransferWithSeed", {
            let owner = Address::default();
            system::transfer_with_seed(us, us, seed.to_owned(), &owner, &THIEF, 5)
        }),
        ("AuthorizeNonceAccount", system::authorize_nonce_account(&nonce, us, &THIEF)),
        ("WithdrawNonceAccount", system::withdraw_nonce_account(&nonce, us, &THIEF, 5)),
        ("UpgradeNonceAccount", system::upgrade_nonce_account(nonce)),
    ];
    let create = system::create_nonce_account(us, &nonce, &THIEF, 5);
    calls.extend(create.into_iter().skip(1).map(|call| ("InitializeNonceAccount", call)));
    let mut longer = system::transfer(us, &PAYEE, 5);
    longer.data.push(0);
    calls.push(("Transfer with trailing bytes", longer));
    calls
}

/// Nobody but us signs, so that only the instruction is wrong.
fn with_signers(mut instruction: Instruction, us: &Address) -> Instruction {
    instruction.accounts.iter_mut().for_each(|meta| meta.is_signer = meta.pubkey == *us);
    instruction
}

/// Instructions of SPL Token other than a checked transfer.
fn token_calls(us: &Address) -> Vec<(&'static str, Instruction)> {
    use token::AuthorityType::{AccountOwner, CloseAccount};
    let program = &spl_token_interface::ID;
    let (source, none) = (&SOURCE, &[][..]);
    let calls = [
        ("Approve", token::approve(program, source, &THIEF, us, none, u64::MAX)),
        ("ApproveChecked", {
            token::approve_checked(program, source, &MINT, &THIEF, us, none, u64::MAX, 6)
        }),
        ("Revoke", token::revoke(program, source, us, none)),
        ("SetAuthority of the owner", {
            token::set_authority(program, source, Some(&THIEF), AccountOwner, us, none)
        }),
        ("SetAuthority to close", {
            token::set_authority(program, source, Some(&THIEF), CloseAccount, us, none)
        }),
        ("CloseAccount", token::close_account(program, source, &THIEF, us, none)),
        ("Burn", token::burn(program, source, &MINT, us, none, 5)),
        ("BurnChecked", token::burn_checked(program, source, &MINT, us, none, 5, 6)),
        ("MintTo", token::mint_to(program, &MINT, &THIEF, us, none, 5)),
        ("FreezeAccount", token::freeze_account(program, source, &MINT, us, none)),
        ("SyncNative", token::sync_native(program, source)),
        ("Transfer that names no mint", token::transfer(program, source, &THIEF, us, none, 5)),
    ];
    calls.map(|(name, call)| (name, call.unwrap())).into()
}

/// Messages that are wrong as a whole.
fn messages(us: &Address) -> Vec<Case> {
    let pay = || system::transfer(us, &PAYEE, 5);
    let harmless = legacy(us, &[pay()]);
    let longer = [harmless.as_slice(), &[0]].concat();
    let two = [harmless.as_slice(), &harmless].concat();
    let offset = harmless.len();
    let foreign_payer = legacy(&THIEF, &[pay()]);
    let mut other_payer = message(us, &[pay()]);
    other_payer.account_keys[0] = THIEF;
    let other_payer = VersionedMessage::Legacy(other_payer).serialize();
    let (found, payer) = (THIEF.to_string(), us.to_string());
    let not_ours = with_signers(system::transfer(&THIEF, &PAYEE, 5), us);
    let authority = with_signers(system::advance_nonce_account(&PAYEE, &THIEF), us);
    let account = THIEF.to_string();
    let hidden = legacy(us, &[pay(), system::advance_nonce_account(&THIEF, us), pay()]);
    vec![
        ("trailing bytes", longer, MessageError::NotCanonical { offset }),
        ("two messages", two, MessageError::NotCanonical { offset }),
        ("a foreign fee payer", foreign_payer, MessageError::Signers { required: 2 }),
        ("another payer", other_payer, MessageError::Payer { found, payer }),
        (
            "a lookup table",
            with_lookup_table(us),
            MessageError::LookupTable { table: THIEF.to_string() },
        ),
        (
            "somebody else's funds",
            legacy(us, &[pay(), not_ours]),
            MessageError::NotOurs { instruction: 1, role: "sender", account: account.clone() },
        ),
        (
            "a nonce under another authority",
            legacy(us, &[authority, pay()]),
            MessageError::NotOurs { instruction: 0, role: "nonce authority", account },
        ),
        ("a nonce advanced later", hidden, MessageError::NonceNotFirst { instruction: 1 }),
    ]
}

/// The payee stands in a table that its owner can change, not in the bytes that are signed.
fn with_lookup_table(us: &Address) -> Vec<u8> {
    let shown = message(us, &[system::transfer(us, &PAYEE, 5)]);
    let table = MessageAddressTableLookup {
        account_key: THIEF,
        writable_indexes: vec![0],
        readonly_indexes: vec![],
    };
    VersionedMessage::V0(v0::Message {
        header: shown.header,
        account_keys: shown.account_keys,
        recent_blockhash: shown.recent_blockhash,
        instructions: shown.instructions,
        address_table_lookups: vec![table],
    })
    .serialize()
}

#[test]
fn a_transfer_is_signed() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    let payload = harmless(&cluster);
    let signatures = cluster.sign(&payload);
    let group: [u8; 32] = us(&cluster).to_bytes();
    let group = ed25519_dalek::VerifyingKey::from_bytes(&group).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&signatures[0]).unwrap();
    assert!(group.verify_strict(&payload, &signature).is_ok());
}

#[test]
fn calls_of_unknown_programs_are_denied_wherever_they_hide() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    let us = us(&cluster);
    let pay = || system::transfer(&us, &PAYEE, 5);
    for (name, program, call) in unknown_programs(&us) {
        for (index, instructions) in
            [(0, vec![call.clone()]), (1, vec![pay(), call.clone(), pay()])]
        {
            let expected =
                MessageError::UnknownProgram { instruction: index, program: program.to_owned() };
            cluster.refuses(name, &legacy(&us, &instructions), &expected.into());
        }
    }
}

#[test]
fn instructions_that_are_no_transfer_are_denied_wherever_they_hide() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    let us = us(&cluster);
    let pay = || system::transfer(&us, &PAYEE, 5);
    let system_calls = system_calls(&us)
        .into_iter()
        .map(|(name, call)| (name, call, "System", "Transfer or AdvanceNonceAccount"));
    let token_calls = token_calls(&us)
        .into_iter()
        .map(|(name, call)| (name, call, "SPL Token", "TransferChecked, which names the mint"));
    for (name, call, program, supported) in system_calls.chain(token_calls) {
        for (instruction, instructions) in
            [(0, vec![call.clone()]), (1, vec![pay(), call.clone(), pay()])]
        {
            let expected = MessageError::UnknownInstruction { instruction, program, supported };
            cluster.refuses(name, &legacy(&us, &instructions), &expected.into());
        }
    }
}

#[test]
fn messages_that_are_not_what_they_seem_are_denied() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    for (name, payload, expected) in messages(&us(&cluster)) {
        cluster.refuses(name, &payload, &expected.into());
    }
}

/// Whoever controls the nonce account can keep a signed payment for as long as it likes, as in the
/// Drift drain of 2026.
#[test]
fn a_foreign_durable_nonce_is_denied() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    let us = us(&cluster);
    let on = |account: &Address| {
        let advance = system::advance_nonce_account(account, &us);
        legacy(&us, &[advance, system::transfer(&us, &PAYEE, 5)])
    };
    assert_eq!(cluster.sign(&on(&OUR_NONCE.parse().unwrap())).len(), 1);
    let foreign = on(&THIEF);
    let account = cluster.decoding(&foreign).unwrap().intent.nonce_account.unwrap();
    assert_eq!(account.as_str(), THIEF.to_string());
    cluster.denies("a foreign nonce", &foreign, &Denial::ForeignNonce { account }.to_string());
}
