use quorate_audit::Log;
use quorate_intent::{PayingKey, Payload, address, compose, decode};
use quorate_model::Network;

use super::*;

/// The generator of secp256k1: any key will do.
const KEY: [u8; 33] = [
    0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b,
    0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17,
    0x98,
];
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A payload that spends so many coins of 1 000 sat.
fn payload(coins: usize, fee: u64) -> Decoded {
    let network = Network::BitcoinRegtest;
    let key = PayingKey { group_verifying_key: &KEY, scheme: network.usual_scheme(), network };
    let outpoints: Vec<_> = (1..=coins).map(|n| format!("{n:064x}:{}", u32::MAX)).collect();
    let coin = |outpoint| compose::Coin { outpoint, sats: 1_000 };
    let coins: Vec<_> = outpoints.iter().map(|outpoint| coin(outpoint)).collect();
    let to = address(key).unwrap();
    let sats = coins.len() as u64 * 1_000 - fee;
    let payments = [compose::Payment { address: &to, sats }];
    let psbt = compose::bitcoin_payment(key, &coins, &payments, fee).unwrap();
    decode(&Payload::BitcoinPsbt(psbt), key).unwrap()
}

fn request(n: u8) -> Digest {
    Digest::new([n; 32])
}

fn remember(claims: &mut Claims, decoded: &Decoded, n: u8, time: Timestamp) {
    let payload = decoded.intent.payload_digest;
    claims.remember(decoded.claims.iter().cloned(), payload, request(n), time);
}

#[test]
fn a_full_memory_takes_nothing_new() {
    let (known, new) = (payload(2, 500), payload(3, 500));
    let mut claims = Claims::default();
    remember(&mut claims, &known, 1, NOW);
    claims.releases = CLAIMS_MAX;
    assert_eq!(claims.check(&known), Ok(()));
    // It would need people otherwise; there is no room for what they approve either.
    assert_eq!(claims.check(&new), Err(Conflict::Full));
    claims.releases = CLAIMS_MAX - 3;
    let what = known.claims[0].what.clone();
    assert_eq!(claims.check(&new), Err(Conflict::Replaces { what, request: request(1) }));
}

#[test]
fn a_replacement_keeps_both_payloads() {
    let (first, second, third) = (payload(1, 500), payload(1, 501), payload(1, 502));
    let mut claims = Claims::default();
    for (n, decoded) in [(1, &first), (2, &second), (3, &first)] {
        remember(&mut claims, decoded, n, NOW.plus_millis(u64::from(n)));
    }
    assert_eq!(claims.releases, 2);
    assert_eq!(claims.check(&first), Ok(()));
    assert_eq!(claims.check(&second), Ok(()));
    let what = first.claims[0].what.clone();
    let newest = request(3);
    assert_eq!(claims.check(&third), Err(Conflict::Replaces { what, request: newest }));
}

#[test]
fn what_is_beyond_the_horizon_is_forgotten_and_makes_room() {
    let (first, second) = (payload(1, 500), payload(1, 501));
    let mut claims = Claims::default();
    remember(&mut claims, &first, 1, NOW);
    remember(&mut claims, &second, 2, NOW.plus_millis(10 * FORGET_EVERY_MILLIS));
    let horizon = NOW.plus_millis(Usage::HORIZON_MILLIS);
    claims.forget(horizon);
    assert_eq!(claims.releases, 2);
    claims.forget(horizon.plus_millis(FORGET_EVERY_MILLIS - 1));
    assert_eq!(claims.releases, 2, "it is not looked for all the time");
    claims.forget(horizon.plus_millis(FORGET_EVERY_MILLIS));
    assert_eq!(claims.releases, 1);
    assert!(claims.check(&first).is_err());
    claims.forget(horizon.plus_millis(20 * FORGET_EVERY_MILLIS));
    assert_eq!((claims.releases, claims.held.len()), (0, 0));
    assert_eq!(claims.check(&first), Ok(()));
}

#[test]
fn the_audit_log_gives_back_all_of_it() {
    let decoded = payload(2, 500);
    let release = |event: Event| with_claims(event.fact("subject", request(1)), &decoded);
    let mut log = Log::default();
    let entries = [
        log.append(release(Event::new(EventKind::SharesReleased)), NOW, request(0)),
        // Of other kinds nothing is read.
        log.append(release(Event::new(EventKind::RequestReserved)), NOW, request(0)),
    ];
    let claims = Claims::of_log(&entries);
    assert_eq!(claims.releases, 2);
    assert_eq!(claims.check(&decoded), Ok(()));
    assert!(claims.check(&payload(2, 501)).is_err());
    assert_eq!(Claims::of_log(&entries[1..]).releases, 0);
}

/// A record at rest has at most 60 KiB: the most inputs, with the longest numbers, stay well below.
#[test]
fn the_largest_release_is_a_small_record() {
    let mut decoded = payload(quorate_intent::SIGNING_MESSAGES_MAX, 500);
    for claim in &mut decoded.claims {
        claim.value = format!("{} sat", u64::MAX);
    }
    let event = with_claims(Event::new(EventKind::SharesReleased), &decoded);
    // Beside the texts, each fact takes lengths and tags.
    let bytes: usize = event.facts.iter().map(|(name, value)| name.len() + value.len() + 16).sum();
    assert!(bytes < 40 * 1_024, "{bytes}");
}
