//! What we decode, a second decoder decodes alike: of transactions as people send them, and of what
//! becomes of them by mutation. `PROPTEST_CASES` says how many mutations of each type.

use proptest::prelude::*;

use super::corpus::Random;
use super::*;

const TRANSACTIONS: usize = 200;
const MUTATIONS: usize = 1_000;

fn mutations() -> usize {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(MUTATIONS)
}

fn agree(bytes: &[u8]) -> bool {
    let Ok(ours) = decoded(bytes.to_vec()) else { return false };
    let theirs = second::read(bytes);
    let theirs = theirs.unwrap_or_else(|| panic!("only we decode {}", hex::encode(bytes)));
    if theirs.effects.contains(&second::unread()) {
        return true;
    }
    let intent = &ours.intent;
    assert_eq!(theirs.effects, tell(&ours), "{}", hex::encode(bytes));
    assert_eq!((theirs.chain, theirs.fee), (1, intent.fee.base_units), "{}", hex::encode(bytes));
    assert_eq!(Some(theirs.nonce), intent.account_nonce, "{}", hex::encode(bytes));
    assert_eq!(ours.signing_messages, [keccak256(bytes).to_vec()]);
    true
}

#[test]
fn a_second_decoder_agrees() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for kind in 0..5 {
        let corpus: Vec<_> = (0..TRANSACTIONS).map(|_| random.transaction(kind)).collect();
        for bytes in &corpus {
            assert!(agree(bytes), "{kind}: {} {:?}", hex::encode(bytes), decoded(bytes.clone()));
        }
        let mut accepted = 0;
        for round in 0..mutations() {
            let mutated = random.mutated(&corpus[round % corpus.len()]);
            accepted += usize::from(agree(&mutated));
        }
        assert!(accepted > 0, "mutations that change an amount are still transactions");
    }
}

proptest! {
    /// Whatever the bytes: a typed refusal or an intent.
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        let key = EvmKey::new(1);
        for payload in [
            Payload::EvmTransaction(bytes.clone()),
            Payload::EvmMessage(bytes.clone()),
            Payload::EvmTypedData(bytes.clone()),
            Payload::EvmTypedData(text.into_bytes()),
            Payload::EvmAuthorization([&[5], bytes.as_slice()].concat()),
            Payload::EvmTransaction(calling(TOKEN, 1, bytes)),
        ] {
            if let Ok(decoded) = crate::decode(&payload, key.paying()) {
                prop_assert!(!decoded.intent.effects.is_empty());
                prop_assert_eq!(decoded.signing_messages.len(), 1);
            }
        }
    }

    /// Calldata behind every known selector.
    #[test]
    fn no_arguments_panic(
        words in prop::collection::vec(prop_oneof![
            Just(0_u64), Just(1), Just(32), Just(64), Just(96), Just(128), Just(160), any::<u64>(),
        ], 0..20),
        selector in prop::sample::select(abi::selectors()),
        cut in 0_usize..3,
    ) {
        let words = words.into_iter().flat_map(|word| U256::from(word).to_be_bytes::<32>());
        let mut data: Vec<u8> = selector.into_iter().chain(words).collect();
        data.truncate(data.len() - cut);
        let _ = decoded(calling(TOKEN, 0, data));
    }
}
