use proptest::prelude::*;
use prost::Message as _;
use quorate_model::{DerivationPath, Network, RequestId, Scheme, Timestamp};
use quorate_trust::PayloadFormat;

use super::*;
use crate::fixture::sign_request;

fn not_canonical(bytes: &[u8]) -> bool {
    decode_sign_request(bytes) == Err(DecodeError::new("SignRequest", Fault::NotCanonical))
}

/// The field's number and its length-delimited value.
fn delimited(number: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap();
    [&[number << 3 | 2, length], value].concat()
}

#[test]
fn a_request_is_read_as_it_was_written() {
    let mut request = sign_request();
    assert_eq!(decode_sign_request(&encode_sign_request(&request)).unwrap(), request);
    request.payload_format = PayloadFormat::SolanaMessage;
    request.network = Network::SolanaDevnet;
    request.scheme = Scheme::FrostEd25519;
    request.path = "m/0/7".parse().unwrap();
    assert_eq!(decode_sign_request(&encode_sign_request(&request)).unwrap(), request);
}

#[test]
fn the_encoding_never_changes() {
    // Services in other languages make these bytes: field after field, by number.
    let request = sign_request();
    let expected = [
        delimited(1, &[7; 32]),
        delimited(2, b"payments"),
        delimited(3, &[0x6a; 16]),
        delimited(4, b"treasury-btc"),
        delimited(5, b"m"),
        vec![6 << 3, 2],
        delimited(7, b"bip122:000000000019d6689c085ae165831e93"),
        delimited(8, b"transfer"),
        delimited(9, b"psbt\xff and more"),
        [&[11 << 3], varint(request.expires.millis()).as_slice()].concat(),
        delimited(12, b"invoice 17"),
    ]
    .concat();
    assert_eq!(encode_sign_request(&request), expected);
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn an_unknown_trailing_field_is_refused() {
    // Field 18.
    let bytes = [encode_sign_request(&sign_request()), vec![0x90, 1, 1]].concat();
    assert!(not_canonical(&bytes));
}

#[test]
fn a_long_varint_is_refused() {
    let bytes = encode_sign_request(&sign_request());
    let at = bytes.windows(2).position(|pair| pair == [6 << 3, 2]).unwrap();
    let long = [&bytes[..=at], &[0x82, 0], &bytes[at + 2..]].concat();
    assert!(not_canonical(&long));
}

#[test]
fn reordered_fields_are_refused() {
    let bytes = encode_sign_request(&sign_request());
    let (cluster, rest) = bytes.split_at(34);
    assert!(not_canonical(&[rest, cluster].concat()));
}

#[test]
fn a_repeated_field_is_refused() {
    let bytes = encode_sign_request(&sign_request());
    let (cluster, _) = bytes.split_at(34);
    assert!(not_canonical(&[cluster, bytes.as_slice()].concat()));
    // The last payload would win, under a signature that shows another one first.
    let two = [bytes.as_slice(), &delimited(10, b"other")].concat();
    assert!(not_canonical(&two));
}

#[test]
fn an_explicit_default_is_refused() {
    let mut request = sign_request();
    request.client_reference = String::new();
    let bytes = [encode_sign_request(&request), delimited(12, b"")].concat();
    assert!(not_canonical(&bytes));
}

#[test]
fn every_missing_field_is_named() {
    let missing = decode_sign_request(&[]).unwrap_err();
    assert_eq!(missing, DecodeError::missing("SignRequest.payload"));
    let only_payload = delimited(9, b"x");
    assert_eq!(decode_sign_request(&only_payload).unwrap_err().field, "SignRequest.cluster");
}

#[test]
fn what_is_over_a_limit_is_refused() {
    let refused = |field, change: fn(&mut SignRequest)| {
        let mut request = sign_request();
        change(&mut request);
        let error = decode_sign_request(&encode_sign_request(&request)).unwrap_err();
        assert_eq!(error.field, field);
        assert!(matches!(error.fault, Fault::TooLong { found, max } if found == max + 1));
    };
    refused("SignRequest.payload", |r| r.payload = vec![1; limits::PAYLOAD_BYTES_MAX + 1]);
    refused("SignRequest.action", |r| r.action = "a".repeat(65));
    refused("SignRequest.client_reference", |r| r.client_reference = "a".repeat(257));
    let statement = vec![0; limits::STATEMENT_BYTES_MAX + 1];
    assert_eq!(decode_sign_request(&statement).unwrap_err().field, "SignRequest");
}

#[test]
fn the_largest_request_fits_into_a_statement() {
    let name = "a".repeat(63);
    let mut request = sign_request();
    request.service = name.parse().unwrap();
    request.key = name.parse().unwrap();
    request.path = DerivationPath::new(vec![(1 << 31) - 1; 8]).unwrap();
    request.action = "a".repeat(64);
    request.payload = vec![1; limits::PAYLOAD_BYTES_MAX];
    request.expires = Timestamp::from_millis(u64::MAX);
    request.client_reference = "a".repeat(256);
    assert_eq!(decode_sign_request(&encode_sign_request(&request)).unwrap(), request);
}

const FORMATS: [PayloadFormat; 7] = [
    PayloadFormat::BitcoinPsbt,
    PayloadFormat::SolanaMessage,
    PayloadFormat::EvmTransaction,
    PayloadFormat::EvmMessage,
    PayloadFormat::EvmTypedData,
    PayloadFormat::EvmAuthorization,
    PayloadFormat::RawDigest,
];

#[test]
fn two_payloads_are_none() {
    let request = SignRequest { payload_format: PayloadFormat::EvmMessage, ..sign_request() };
    let evm = encode_sign_request(&request);
    let psbt = SignRequest { payload_format: PayloadFormat::BitcoinPsbt, ..request };

    let mut both = crate::pb::statement::v1::SignRequest::decode(evm.as_slice()).unwrap();
    let other = encode_sign_request(&psbt);
    both.payload = crate::pb::statement::v1::SignRequest::decode(other.as_slice()).unwrap().payload;
    assert!(decode_sign_request(&both.encode_to_vec()).is_err());
}

prop_compose! {
    fn any_request()(
        bytes in any::<([u8; 32], [u8; 16])>(),
        names in ("[a-z][a-z0-9]{0,62}", "[a-z][a-z0-9]{0,62}"),
        path in prop::collection::vec(0u32..(1 << 31), 0..=8),
        scheme in prop::sample::select(Scheme::ALL.to_vec()),
        network in prop::sample::select(Network::NAMED.to_vec()),
        payload_format in prop::sample::select(FORMATS.to_vec()),
        texts in (".{0,16}", ".{0,32}"),
        payload in prop::collection::vec(any::<u8>(), 0..512),
        expires in any::<u64>(),
    ) -> SignRequest {
        SignRequest {
            cluster: quorate_model::Digest::new(bytes.0),
            service: names.0.parse().unwrap(),
            request_id: RequestId::new(bytes.1),
            key: names.1.parse().unwrap(),
            path: DerivationPath::new(path).unwrap(),
            scheme,
            network,
            action: texts.0,
            payload_format,
            payload,
            expires: Timestamp::from_millis(expires),
            client_reference: texts.1,
        }
    }
}

proptest! {
    #[test]
    fn any_request_has_one_encoding(request in any_request()) {
        let bytes = encode_sign_request(&request);
        prop_assert_eq!(decode_sign_request(&bytes).unwrap(), request);
    }

    #[test]
    fn a_changed_bit_changes_the_request_or_is_refused(
        request in any_request(), at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let mut bytes = encode_sign_request(&request);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = decode_sign_request(&bytes) {
            prop_assert_ne!(&other, &request);
            prop_assert_eq!(encode_sign_request(&other), bytes);
        }
    }
}

#[test]
fn a_signed_request_keeps_the_bytes_that_were_signed() {
    let signed = crate::fixture::signed_request();
    let message = pb::SignedRequest::from(signed.clone());
    assert_eq!(message.statement, signed.statement);
    let back = quorate_trust::SignedRequest::try_from(message.clone()).unwrap();
    assert_eq!((back.digest(), &back), (signed.digest(), &signed));
    let short = pb::SignedRequest { signature: vec![1; 63], ..message };
    let error = quorate_trust::SignedRequest::try_from(short).unwrap_err();
    assert_eq!(error.field, "SignedRequest.signature");
}
