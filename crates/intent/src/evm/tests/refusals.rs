//! Every refusal of transactions and authorisations.

use alloy_consensus::{SignableTransaction as _, TxEip2930, TxEip4844, TxEip7702, TxLegacy};
use alloy_dyn_abi::DynSolValue;
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Signature, TxKind, U256};
use quorate_model::ChainId;

use super::calls::{executed, packed};
use super::*;

pub(in super::super) fn legacy() -> TxLegacy {
    TxLegacy {
        chain_id: Some(1),
        nonce: 7,
        gas_price: 30_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(BOB),
        value: U256::from(5),
        input: Default::default(),
    }
}

pub(in super::super) fn access_list() -> TxEip2930 {
    TxEip2930 {
        chain_id: 1,
        nonce: 7,
        gas_price: 30_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(BOB),
        value: U256::from(5),
        ..Default::default()
    }
}

pub(in super::super) fn blobs() -> TxEip4844 {
    TxEip4844 {
        chain_id: 1,
        nonce: 7,
        gas_limit: 21_000,
        max_fee_per_gas: 30,
        max_priority_fee_per_gas: 1,
        to: BOB,
        blob_versioned_hashes: vec![B256::repeat_byte(1)],
        max_fee_per_blob_gas: 10,
        ..Default::default()
    }
}

pub(in super::super) fn delegating(chain_id: u64) -> TxEip7702 {
    let key = EvmKey::new(2);
    let authorization = Authorization { chain_id: U256::from(chain_id), address: SAFE, nonce: 3 };
    let signed = key.sign(authorization.signature_hash().as_slice());
    let r = U256::from_be_slice(&signed[..32]);
    let s = U256::from_be_slice(&signed[32..64]);
    TxEip7702 {
        chain_id: 1,
        nonce: 7,
        gas_limit: 21_000,
        max_fee_per_gas: 30,
        max_priority_fee_per_gas: 1,
        to: BOB,
        authorization_list: vec![authorization.into_signed(Signature::new(r, s, signed[64] == 1))],
        ..Default::default()
    }
}

/// One transaction of each type.
pub(crate) fn good() -> Vec<Vec<u8>> {
    vec![
        legacy().encoded_for_signing(),
        access_list().encoded_for_signing(),
        transaction().encoded_for_signing(),
        blobs().encoded_for_signing(),
        delegating(1).encoded_for_signing(),
    ]
}

#[test]
fn every_type_is_decoded() {
    for bytes in good() {
        let Decoded { intent, signing_messages, .. } = decoded(bytes.clone()).unwrap();
        assert_eq!(signing_messages, [keccak256(&bytes).to_vec()]);
        assert_eq!(intent.account_nonce, Some(7));
    }
    // 21 000 gas at 30 wei, and 131 072 blob gas at 10.
    let fee = decoded(blobs().encoded_for_signing()).unwrap().intent.fee.base_units;
    assert_eq!(fee, U256::from(21_000 * 30 + 131_072 * 10));
}

#[test]
fn every_cut_and_every_byte_more_is_refused() {
    for bytes in good() {
        for length in 0..bytes.len() {
            refusal(bytes[..length].to_vec());
        }
        let offset = bytes.len();
        let longer = refusal([bytes.as_slice(), &[0]].concat());
        let is_refused = matches!(longer, EvmError::Undecodable { .. });
        assert!(longer == EvmError::NotCanonical { offset } || is_refused, "{longer:?}");
    }
}

#[test]
fn other_encodings_of_the_same_are_refused() {
    // The nonce, 7, as a string of one byte.
    let bytes = transaction().encoded_for_signing();
    let at = bytes.iter().position(|byte| *byte == 7).unwrap();
    let mut longer = bytes.clone();
    longer.splice(at..=at, [0x81, 7]);
    longer[1] += 1;
    assert!(matches!(
        refusal(longer),
        EvmError::Undecodable { .. } | EvmError::NotCanonical { .. }
    ));
    // A legacy transaction's zeros after the chain id.
    let mut signed = legacy().encoded_for_signing();
    *signed.last_mut().unwrap() = 1;
    assert!(matches!(refusal(signed), EvmError::NotCanonical { .. }));
    // A tag before a legacy transaction, and types that there are not.
    for kind in [0, 5, 0x7f] {
        let tagged = [&[kind], legacy().encoded_for_signing().as_slice()].concat();
        assert!(matches!(refusal(tagged), EvmError::Undecodable { .. }), "{kind}");
    }
}

#[test]
fn a_signed_transaction_is_refused() {
    let key = EvmKey::new(1);
    for bytes in good() {
        let payload = Payload::EvmTransaction(bytes.clone());
        let signed = finalize(&payload, key.paying(), &key.sign(&keccak256(&bytes).0)).unwrap();
        refusal(signed);
    }
}

#[test]
fn the_chain_is_named_and_that_of_the_request() {
    let everywhere = TxLegacy { chain_id: None, ..legacy() }.encoded_for_signing();
    assert_eq!(refusal(everywhere), EvmError::NoChainId);
    let expected = ChainId::ETHEREUM;
    for chain_id in [0, 2, u64::MAX] {
        let found = chain_id.to_string();
        let other = TxEip1559 { chain_id, ..transaction() }.encoded_for_signing();
        assert_eq!(refusal(other), EvmError::ChainId { found: found.clone(), expected });
        let other = TxLegacy { chain_id: Some(chain_id), ..legacy() }.encoded_for_signing();
        assert_eq!(refusal(other), EvmError::ChainId { found, expected });
    }
}

#[test]
fn what_the_network_refuses_is_refused() {
    let tip = TxEip1559 { max_priority_fee_per_gas: 31_000_000_000, ..transaction() };
    assert_eq!(refusal(tip.encoded_for_signing()), EvmError::PriorityFee);
    for hashes in [vec![], vec![B256::repeat_byte(2)]] {
        let other = TxEip4844 { blob_versioned_hashes: hashes, ..blobs() };
        assert_eq!(refusal(other.encoded_for_signing()), EvmError::Blobs);
    }
    let none = TxEip7702 { authorization_list: vec![], ..delegating(1) };
    assert_eq!(refusal(none.encoded_for_signing()), EvmError::NoAuthorization);
    let mut spoiled = delegating(1);
    let authorization = spoiled.authorization_list[0].inner().clone();
    let nobody = Signature::new(U256::ZERO, U256::ZERO, false);
    spoiled.authorization_list = vec![authorization.into_signed(nobody)];
    let refused = refusal(spoiled.encoded_for_signing());
    assert_eq!(refused, EvmError::AuthorizationSignature { index: 0 });
}

#[test]
fn authorizations_of_a_transaction_are_effects() {
    let effects = |chain_id| told(delegating(chain_id).encoded_for_signing());
    let delegation =
        |flags| (EffectKind::CodeDelegation, "slip44:60".to_owned(), U256::ZERO, SAFE, flags);
    assert_eq!(effects(1)[1], delegation(vec![]));
    assert_eq!(effects(0)[1], delegation(vec![Flag::AnyChain]));
    let other = refusal(delegating(5).encoded_for_signing());
    assert_eq!(other, EvmError::ChainId { found: "5".to_owned(), expected: ChainId::ETHEREUM });
    let intent = decoded(delegating(1).encoded_for_signing()).unwrap().intent;
    let signer = crate::address(EvmKey::new(2).paying()).unwrap();
    assert!(intent.effects[1].detail.contains(signer.as_str()), "{}", intent.effects[1].detail);
}

#[test]
fn an_authorization_of_the_key_is_decoded_to_the_last_byte() {
    let decode =
        |bytes: Vec<u8>| crate::decode(&Payload::EvmAuthorization(bytes), EvmKey::new(1).paying());
    let encoded = |chain_id: u64, nonce| {
        delegation::encoded(&Authorization { chain_id: U256::from(chain_id), address: SAFE, nonce })
    };
    let Decoded { intent, signing_messages, .. } = decode(encoded(1, 9)).unwrap();
    assert_eq!(signing_messages, [keccak256(encoded(1, 9)).to_vec()]);
    assert_eq!(intent.account_nonce, Some(9));
    assert_eq!(intent.effects[0].kind, EffectKind::CodeDelegation);
    assert_eq!(intent.effects[0].flags, []);
    assert_eq!(decode(encoded(0, 9)).unwrap().intent.effects[0].flags, [Flag::AnyChain]);
    let refused = |bytes| match decode(bytes) {
        Err(DecodeError::Evm(error)) => error,
        other => panic!("{other:?}"),
    };
    let found = "2".to_owned();
    assert_eq!(refused(encoded(2, 9)), EvmError::ChainId { found, expected: ChainId::ETHEREUM });
    let good = encoded(1, 9);
    for length in 0..good.len() {
        assert!(matches!(refused(good[..length].to_vec()), EvmError::Authorization { .. }));
    }
    let offset = good.len();
    let longer = refused([good.as_slice(), &[0]].concat());
    assert_eq!(longer, EvmError::NotCanonical { offset });
    let untagged = refused(good[1..].to_vec());
    assert!(matches!(untagged, EvmError::Authorization { .. }));
}

#[test]
fn a_known_selector_has_its_canonical_arguments() {
    let signature = "transfer(address,uint256)";
    let good = calldata(signature, vec![address(BOB), uint(5)]);
    let refused = EvmError::Arguments { signature };
    let refuses = |data: Vec<u8>| assert_eq!(refusal(calling(TOKEN, 0, data)), refused);
    refuses(good[..4].to_vec());
    refuses(good[..67].to_vec());
    refuses([good.as_slice(), &[0]].concat());
    refuses([good.as_slice(), &[0; 32]].concat());
    let mut dirty = good.clone();
    dirty[4] = 1;
    refuses(dirty);
    // Too much for its type, which an old contract would cut off: a call that is a delegatecall.
    let signature = "execTransactionFromModule(address,uint256,bytes,uint8)";
    let run =
        |operation| calldata(signature, vec![address(TOKEN), uint(0), bytes(&[]), uint(operation)]);
    assert_eq!(refusal(calling(SAFE, 0, run(0x100))), EvmError::Arguments { signature });
    assert!(matches!(refusal(calling(SAFE, 0, run(0xff))), EvmError::Operation { .. }));
    let signature = "multicall(bytes[])";
    let good = calldata(signature, vec![DynSolValue::Array(vec![bytes(&[1]), bytes(&[1])])]);
    // Both items are the first one's bytes.
    let mut shared = good.clone();
    let (first, second) = (4 + 64, 4 + 96);
    let offset: Vec<_> = good[first..first + 32].to_vec();
    shared.splice(second..second + 32, offset);
    assert_eq!(refusal(calling(TOKEN, 0, shared)), EvmError::Arguments { signature });
    // The padding of the last item.
    let mut padded = good.clone();
    *padded.last_mut().unwrap() = 1;
    assert_eq!(refusal(calling(TOKEN, 0, padded)), EvmError::Arguments { signature });
    // More items than could be told.
    let many = DynSolValue::Array(vec![bytes(&[]); crate::EFFECTS_MAX + 1]);
    let many = calling(TOKEN, 0, calldata(signature, vec![many]));
    assert_eq!(refusal(many), EvmError::Arguments { signature });
}

#[test]
fn batches_are_understood_to_the_last_byte() {
    let send = |packed: &[u8]| {
        refusal(calling(SAFE, 0, calldata("multiSend(bytes)", vec![bytes(packed)])))
    };
    let good = packed(0, TOKEN, 1, &[]);
    assert_eq!(send(&good[..84]), EvmError::Batch { offset: 0 });
    assert_eq!(send(&[good.as_slice(), &[0]].concat()), EvmError::Batch { offset: 85 });
    assert_eq!(send(&packed(0, Address::ZERO, 1, &[])), EvmError::Batch { offset: 0 });
    let operation = "2".to_owned();
    assert_eq!(send(&packed(2, TOKEN, 1, &[])), EvmError::Operation { operation });
    assert_eq!(send(&packed(1, TOKEN, 1, &[])), EvmError::DelegatedValue);
    let mut huge = good.clone();
    huge[53..85].fill(0xff);
    assert_eq!(send(&huge), EvmError::Batch { offset: 0 });
    let many = good.repeat(crate::EFFECTS_MAX);
    assert_eq!(send(&many), EvmError::TooManyEffects { max: crate::EFFECTS_MAX });
}

#[test]
fn a_safe_pays_nobody_and_is_not_nested_without_end() {
    let mut nested = Vec::new();
    for _ in 0..8 {
        nested = executed(SAFE, 0, &nested, 0);
    }
    assert_eq!(refusal(calling(SAFE, 0, nested)), EvmError::TooDeep { max: 8 });
    // Nor where each runs the code of the next as its own.
    let batch = |data: &[u8]| calldata("multiSend(bytes)", vec![bytes(&packed(1, SAFE, 0, data))]);
    let delegated = (0..9).fold(Vec::new(), |inner, _| batch(&inner));
    assert_eq!(refusal(calling(SAFE, 0, delegated)), EvmError::TooDeep { max: 8 });
    let mut refund = executed(TOKEN, 0, &[], 0);
    // gasPrice, the seventh argument.
    refund[4 + 7 * 32 - 1] = 1;
    assert_eq!(refusal(calling(SAFE, 0, refund)), EvmError::Refund);
    let operation = executed(TOKEN, 0, &[], 2);
    let refused = refusal(calling(SAFE, 0, operation));
    assert_eq!(refused, EvmError::Operation { operation: "2".to_owned() });
}
