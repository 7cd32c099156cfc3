mod calls;
mod corpus;
mod differential;
mod finish;
mod message;
mod refusals;
mod second;
mod typed;
mod vectors;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use quorate_model::Network;

use super::*;
use crate::fixture::EvmKey;
use crate::{EffectKind, Flag, Payload};

pub(super) const SAFE: Address = Address::repeat_byte(0x5a);
pub(super) const TOKEN: Address = Address::repeat_byte(0x70);
pub(super) const ALICE: Address = Address::repeat_byte(0xa1);
pub(super) const BOB: Address = Address::repeat_byte(0xb0);

pub(crate) fn decoded(bytes: Vec<u8>) -> Result<Decoded, DecodeError> {
    crate::decode(&Payload::EvmTransaction(bytes), EvmKey::new(1).paying())
}

pub(super) fn refusal(bytes: Vec<u8>) -> EvmError {
    match decoded(bytes) {
        Err(DecodeError::Evm(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The account of the key that decodes here.
pub(super) fn own() -> Address {
    account(EvmKey::new(1).paying()).unwrap()
}

/// A call with its arguments, by alloy.
pub(super) fn calldata(signature: &str, arguments: Vec<DynSolValue>) -> Vec<u8> {
    let selector = &keccak256(signature)[..4];
    if arguments.is_empty() {
        return selector.to_vec();
    }
    [selector, DynSolValue::Tuple(arguments).abi_encode_params().as_slice()].concat()
}

pub(super) fn address(address: Address) -> DynSolValue {
    DynSolValue::Address(address)
}

pub(super) fn uint(number: u64) -> DynSolValue {
    DynSolValue::Uint(U256::from(number), 256)
}

pub(super) fn bytes(bytes: &[u8]) -> DynSolValue {
    DynSolValue::Bytes(bytes.to_vec())
}

pub(super) fn transaction() -> TxEip1559 {
    TxEip1559 {
        chain_id: 1,
        nonce: 7,
        gas_limit: 100_000,
        max_fee_per_gas: 30_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(TOKEN),
        value: U256::ZERO,
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

/// A call of [`TOKEN`]'s address, as a transaction.
pub(super) fn calling(to: Address, value: u64, data: Vec<u8>) -> Vec<u8> {
    let value = U256::from(value);
    TxEip1559 { to: TxKind::Call(to), value, input: data.into(), ..transaction() }
        .encoded_for_signing()
}

/// One transaction of each type, and a batch of a Safe.
pub(crate) fn good_transactions() -> Vec<Vec<u8>> {
    let transfer = calldata("transfer(address,uint256)", vec![address(BOB), uint(5)]);
    let batch = calls::packed(0, TOKEN, 1, &transfer);
    let batch = calldata("multiSend(bytes)", vec![bytes(&batch)]);
    let executed = calling(SAFE, 3, calls::executed(ALICE, 0, &batch, 1));
    refusals::good().into_iter().chain([executed]).collect()
}

/// The example of EIP-712.
pub(crate) fn good_typed_data() -> Vec<u8> {
    typed::mail().to_string().into_bytes()
}

/// Kind, asset, amount, destination and flags.
pub(super) type Told = (EffectKind, String, U256, Address, Vec<Flag>);

pub(super) fn told(bytes: Vec<u8>) -> Vec<Told> {
    tell(&decoded(bytes).unwrap())
}

pub(super) fn tell(decoded: &Decoded) -> Vec<Told> {
    let effects = decoded.intent.effects.iter().map(|effect| {
        let asset = effect.amount.asset.as_str().strip_prefix("eip155:1/").unwrap().to_owned();
        let destination = effect.destination.as_str();
        let destination = account_of(destination).unwrap_or_default();
        (effect.kind, asset, effect.amount.base_units, destination, effect.flags.clone())
    });
    effects.collect()
}

pub(super) fn erc20() -> String {
    format!("erc20:{TOKEN:#x}")
}

#[test]
fn a_native_transfer_is_one_effect() {
    let key = EvmKey::new(1);
    let payload = Payload::EvmTransaction(key.payment());
    let Decoded { intent, signing_messages, claims } =
        crate::decode(&payload, key.paying()).unwrap();
    assert_eq!(intent.network, Network::ETHEREUM);
    assert_eq!(intent.from, crate::address(key.paying()).unwrap());
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    assert_eq!(effect.kind, EffectKind::Transfer);
    assert_eq!(effect.destination.as_str(), crate::fixture::EVM_RECEIVER);
    assert_eq!(effect.amount.asset.as_str(), "eip155:1/slip44:60");
    assert_eq!(effect.amount.base_units, U256::from(1_500_000_000_000_000_000_u64));
    assert_eq!((effect.flags.as_slice(), effect.detail.as_str()), (&[][..], ""));
    // 21 000 gas at 30 gwei.
    assert_eq!(intent.fee.base_units, U256::from(630_000_000_000_000_u64));
    assert_eq!(intent.account_nonce, Some(7));
    let what = format!("nonce:eip155:1:{}:7", intent.from.as_str());
    assert_eq!(claims, [Claim { what, value: String::new() }]);
    assert_eq!(intent.payload_digest, payload.digest());
    assert_eq!(signing_messages, [keccak256(payload.as_bytes()).to_vec()]);
    assert!(intent.lines().contains(&"account nonce 7".to_owned()), "{:?}", intent.lines());
    let other_nonce = TxEip1559 { nonce: 8, ..transaction() }.encoded_for_signing();
    let this_nonce = transaction().encoded_for_signing();
    let [one, other] = [this_nonce, other_nonce].map(|bytes| decoded(bytes).unwrap().intent);
    assert_ne!(one.effects_digest(), other.effects_digest());
}

/// The account of the secret key 1, which everybody can look up.
#[test]
fn the_account_is_the_digest_of_the_point() {
    let generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let generator = hex::decode(generator).unwrap();
    let network = Network::ETHEREUM;
    let scheme = network.usual_scheme();
    let key = PayingKey { group_verifying_key: &generator, network, scheme };
    let address = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";
    assert_eq!(crate::address(key).unwrap().as_str(), address);
    for (bytes, scheme) in [
        (&generator[1..], scheme),
        (&generator, quorate_model::Scheme::FrostSecp256k1),
        (&[5; 33], scheme),
    ] {
        let key = PayingKey { group_verifying_key: bytes, network, scheme };
        assert!(matches!(crate::address(key), Err(DecodeError::Key { .. })));
    }
}
