//! Vectors of the EIPs.

use super::*;

/// The example of EIP-155.
#[test]
fn eip155() {
    let key = EvmKey::new(0x46);
    let signing_data = "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080";
    let payload = Payload::EvmTransaction(hex::decode(signing_data).unwrap());
    let Decoded { intent, signing_messages, .. } = crate::decode(&payload, key.paying()).unwrap();
    let digest = "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53";
    assert_eq!(hex::encode(&signing_messages[0]), digest);
    assert_eq!(intent.effects[0].amount.base_units, U256::from(1_000_000_000_000_000_000_u64));
    assert_eq!((intent.account_nonce, intent.effects.len()), (Some(9), 1));
    let raw = finalize(&payload, key.paying(), &key.sign(&signing_messages[0])).unwrap();
    let signed = "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
    assert_eq!(hex::encode(raw), signed);
}

/// The example of EIP-712, and its signature by the secret key `keccak256("cow")`.
#[test]
fn eip712() {
    let mail = typed::mail();
    let payload = Payload::EvmTypedData(mail.to_string().into_bytes());
    let key = EvmKey::new(1);
    let Decoded { intent, signing_messages, .. } = crate::decode(&payload, key.paying()).unwrap();
    let digest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2";
    assert_eq!(hex::encode(&signing_messages[0]), digest);
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    assert_eq!(effect.kind, EffectKind::TypedData);
    assert_eq!(
        effect.detail,
        "Mail {from: {name: \"Cow\", wallet: 0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826}, \
         to: {name: \"Bob\", wallet: 0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB}, \
         contents: \"Hello, Bob!\"} in domain {name: \"Ether Mail\", version: \"1\", chainId: 1, \
         verifyingContract: 0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC}"
    );
    let contract = "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC";
    assert_eq!(effect.destination.as_str(), contract);
}
