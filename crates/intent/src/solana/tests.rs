mod refusals;

use ruint::aliases::U256;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_message::{AccountMeta, Address, Hash, Instruction, Message, VersionedMessage, v0};
use solana_system_interface::instruction::{advance_nonce_account, transfer};
use solana_transaction::versioned::VersionedTransaction;

use super::*;
use crate::Payload;
use crate::fixture::{
    BLOCKHASH, SOLANA_PAYER, SOLANA_RECEIVER, base58, solana_key, solana_payment,
};

pub(super) const PAYER: Address = Address::new_from_array(SOLANA_PAYER);
pub(super) const RECEIVER: Address = Address::new_from_array(SOLANA_RECEIVER);
pub(super) const NONCE: Address = Address::new_from_array([11; 32]);
pub(super) const SOURCE: Address = Address::new_from_array([12; 32]);
pub(super) const MINT: Address = Address::new_from_array([13; 32]);

pub(super) fn message(instructions: &[Instruction]) -> Message {
    Message::new_with_blockhash(instructions, Some(&PAYER), &Hash::new_from_array(BLOCKHASH))
}

pub(super) fn legacy(instructions: &[Instruction]) -> Vec<u8> {
    VersionedMessage::Legacy(message(instructions)).serialize()
}

fn version0(instructions: &[Instruction]) -> Vec<u8> {
    let blockhash = Hash::new_from_array(BLOCKHASH);
    let message = v0::Message::try_compile(&PAYER, instructions, &[], blockhash).unwrap();
    VersionedMessage::V0(message).serialize()
}

pub(super) fn decoded(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    crate::decode(&Payload::SolanaMessage(bytes.to_vec()), solana_key())
}

pub(super) fn units(limit: u32) -> Instruction {
    ComputeBudgetInstruction::set_compute_unit_limit(limit)
}

pub(super) fn price(micro_lamports: u64) -> Instruction {
    ComputeBudgetInstruction::set_compute_unit_price(micro_lamports)
}

/// 2.5 of a token with 6 decimals.
pub(super) fn token_transfer(destination: Address, authority: Address) -> Instruction {
    spl_token_interface::instruction::transfer_checked(
        &spl_token_interface::ID,
        &SOURCE,
        &MINT,
        &destination,
        &authority,
        &[],
        2_500_000,
        6,
    )
    .unwrap()
}

pub(super) fn memo(text: &[u8], signers: Vec<AccountMeta>) -> Instruction {
    let program = Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
    Instruction::new_with_bytes(program, text, signers)
}

/// Messages of every supported form.
pub(crate) fn good_messages() -> Vec<Vec<u8>> {
    let everything = [
        advance_nonce_account(&NONCE, &PAYER),
        units(200_000),
        price(1),
        transfer(&PAYER, &RECEIVER, 5),
        token_transfer(RECEIVER, PAYER),
        memo(b"order 7", vec![AccountMeta::new_readonly(PAYER, true)]),
    ];
    vec![solana_payment(), legacy(&everything), version0(&everything)]
}

#[test]
fn a_native_transfer_is_one_effect() {
    let payment = solana_payment();
    let Decoded { intent, signing_messages, claims } = decoded(&payment).unwrap();
    assert_eq!(signing_messages, std::slice::from_ref(&payment));
    assert_eq!(claims, []);
    assert_eq!(intent.from.as_str(), base58(SOLANA_PAYER));
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    assert_eq!(effect.destination.as_str(), base58(SOLANA_RECEIVER));
    assert_eq!(effect.amount.base_units, U256::from(1_500_000_000));
    let asset = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1/slip44:501";
    assert_eq!(effect.amount.asset.as_str(), asset);
    assert_eq!(effect.flags, []);
    assert_eq!(intent.fee.base_units, U256::from(5_000));
    assert_eq!(intent.change, []);
    let blockhash = base58(BLOCKHASH);
    let validity = format!("until blockhash {blockhash} is 150 blocks old, about a minute");
    assert_eq!(intent.validity, validity);
    assert_eq!(intent.payload_digest, Payload::SolanaMessage(payment).digest());
}

#[test]
fn both_versions_mean_the_same() {
    let [_, legacy, version0] = good_messages().try_into().unwrap();
    let [legacy, version0] = [legacy, version0].map(|bytes| decoded(&bytes).unwrap());
    assert_eq!(legacy.intent.effects_digest(), version0.intent.effects_digest());
    assert_ne!(legacy.signing_messages, version0.signing_messages);
}

#[test]
fn every_supported_instruction_is_decoded() {
    let [_, everything, _] = good_messages().try_into().unwrap();
    let intent = decoded(&everything).unwrap().intent;
    let effects: Vec<_> = intent
        .effects
        .iter()
        .map(|effect| {
            let amount = &effect.amount;
            (
                amount.asset.as_str(),
                amount.base_units,
                effect.destination.as_str(),
                effect.flags.as_slice(),
            )
        })
        .collect();
    let network = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
    let native = format!("{network}/slip44:501");
    let token = format!("{network}/token:{MINT}");
    let receiver = RECEIVER.to_string();
    let nonce = [Flag::DurableNonce];
    assert_eq!(
        effects,
        [
            (native.as_str(), U256::from(5), receiver.as_str(), nonce.as_slice()),
            (token.as_str(), U256::from(2_500_000), receiver.as_str(), nonce.as_slice()),
            (native.as_str(), U256::ZERO, "memo:6f726465722037", &[Flag::Data, Flag::DurableNonce]),
        ]
    );
    // 200 000 units at a millionth of a lamport: a fifth of a lamport, rounded up.
    assert_eq!(intent.fee.base_units, U256::from(5_001));
    let validity = format!("until the durable nonce {} of {NONCE} is advanced", base58(BLOCKHASH));
    assert_eq!(intent.validity, validity);
}

#[test]
fn the_durable_nonce_account_is_told_to_rules_people_and_approvals() {
    let on = |account| {
        let advance = advance_nonce_account(&account, &PAYER);
        decoded(&legacy(&[advance, transfer(&PAYER, &RECEIVER, 5)])).unwrap().intent
    };
    let intent = on(NONCE);
    assert_eq!(intent.nonce_account.as_ref().map(|a| a.to_string()), Some(NONCE.to_string()));
    assert!(intent.lines()[1].contains(&NONCE.to_string()), "{:?}", intent.lines());
    assert_ne!(intent.effects_digest(), on(SOURCE).effects_digest());
    let without = decoded(&legacy(&[transfer(&PAYER, &RECEIVER, 5)])).unwrap().intent;
    assert_eq!((without.nonce_account, without.effects.len()), (None, 1));
}

#[test]
fn the_priority_fee_is_price_times_limit_rounded_up() {
    let fee = |instructions: &[Instruction]| {
        let all = [instructions, &[transfer(&PAYER, &RECEIVER, 5)]].concat();
        decoded(&legacy(&all)).unwrap().intent.fee.base_units
    };
    assert_eq!(fee(&[units(1_000_000), price(3)]), U256::from(5_003));
    assert_eq!(fee(&[price(3), units(1_000_001)]), U256::from(5_004));
    assert_eq!(fee(&[price(0), units(1)]), U256::from(5_000));
    assert_eq!(fee(&[units(1_400_000)]), U256::from(5_000));
}

#[test]
fn transfers_to_oneself_are_flagged() {
    let native = decoded(&legacy(&[transfer(&PAYER, &PAYER, 5)])).unwrap().intent;
    assert_eq!(native.effects[0].flags, [Flag::SelfDestination]);
    let token = decoded(&legacy(&[token_transfer(SOURCE, PAYER)])).unwrap().intent;
    assert_eq!(token.effects[0].flags, [Flag::SelfDestination]);
}

#[test]
fn an_assembled_transaction_is_read_by_the_networks_own_crate() {
    for message in good_messages() {
        let wire = assemble(&message, &[5; 64]);
        let transaction: VersionedTransaction = wincode::deserialize_exact(&wire).unwrap();
        assert_eq!(transaction.signatures.len(), 1);
        assert_eq!(transaction.signatures[0].as_ref(), [5; 64]);
        assert_eq!(transaction.message.serialize(), message);
        assert!(transaction.sanitize().is_ok());
    }
}
