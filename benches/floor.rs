//! What a signature costs where nothing but the libraries' cryptography is computed.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use dkls23_core::protocols::re_key::re_key;
use dkls23_core::protocols::signing::SignData;
use dkls23_core::protocols::{Parameters, PartyIndex};
use frost_core::keys::{IdentifierList, KeyPackage, generate_with_dealer};
use frost_core::{Ciphersuite, SigningPackage, aggregate, round1, round2};
use rand_core::OsRng;

const SIGNERS: u16 = 2;
const NODES: u16 = 3;
const SIGNATURES: u32 = 500;

/// The CPU time of both rounds at every signer, and of aggregation, which verifies the signature.
pub(crate) fn of_one_signature<C: Ciphersuite>() -> Duration {
    let (shares, group) =
        generate_with_dealer::<C, _>(NODES, SIGNERS, IdentifierList::Default, &mut OsRng)
            .expect("2 of 3 is a threshold");
    let signers: Vec<_> = shares
        .into_iter()
        .take(usize::from(SIGNERS))
        .map(|(id, share)| (id, KeyPackage::try_from(share).expect("a dealt share")))
        .collect();
    let begun = Instant::now();
    for number in 0..SIGNATURES {
        let (mut nonces, mut commitments) = (Vec::new(), BTreeMap::new());
        for (id, key) in &signers {
            let (nonce, commitment) = round1::commit(key.signing_share(), &mut OsRng);
            nonces.push(nonce);
            commitments.insert(*id, commitment);
        }
        let package = SigningPackage::new(commitments, &number.to_be_bytes());
        let shares = signers.iter().zip(&nonces).map(|((id, key), nonces)| {
            (*id, round2::sign(&package, nonces, key).expect("a signer of the set"))
        });
        let shares: BTreeMap<_, _> = shares.collect();
        black_box(aggregate(&package, &shares, &group).expect("honest shares"));
    }
    begun.elapsed() / SIGNATURES
}

/// Of DKLs23: all phases at every signer, and the last one once, which verifies the signature.
pub(crate) fn of_one_ecdsa_signature() -> Duration {
    type Curve = k256_14::Secp256k1;
    const ECDSA_SIGNATURES: u32 = 50;
    let (threshold, nodes) = (SIGNERS as u8, NODES as u8);
    let parameters = Parameters::new(threshold, nodes).expect("2 of 3 is a threshold");
    let secret = k256_14::Scalar::from(7_u64);
    let (parties, _) = re_key::<Curve>(&parameters, b"floor", &secret, None, |_| String::new());
    let seats: Vec<_> =
        (1..=threshold).map(|seat| PartyIndex::new(seat).expect("a seat")).collect();
    let begun = Instant::now();
    for number in 0..ECDSA_SIGNATURES {
        let data = |me: PartyIndex| SignData {
            sign_id: number.to_be_bytes().to_vec(),
            counterparties: seats.iter().copied().filter(|seat| *seat != me).collect(),
            message_hash: [7; 32],
        };
        let signers: Vec<_> = parties.iter().take(seats.len()).collect();
        let data: Vec<_> = seats.iter().map(|seat| data(*seat)).collect();
        let (mut kept, mut sent) = (Vec::new(), Vec::new());
        for (party, data) in signers.iter().zip(&data) {
            let (unique, keep, messages) = party.sign_phase1(data).expect("phase 1");
            kept.push((unique, keep));
            sent.extend(messages);
        }
        let (mut kept2, mut sent2) = (Vec::new(), Vec::new());
        for ((party, data), (unique, keep)) in signers.iter().zip(&data).zip(kept) {
            let to_me = sent.iter().filter(|m| m.parties.receiver == party.party_index);
            let received: Vec<_> = to_me.cloned().collect();
            let (unique, keep, messages) =
                party.sign_phase2(data, unique, keep, &received).expect("phase 2");
            kept2.push((unique, keep));
            sent2.extend(messages);
        }
        let (mut parts, mut x) = (Vec::new(), String::new());
        for ((party, data), (unique, keep)) in signers.iter().zip(&data).zip(kept2) {
            let to_me = sent2.iter().filter(|m| m.parties.receiver == party.party_index);
            let received: Vec<_> = to_me.cloned().collect();
            let (found, part) = party.sign_phase3(data, unique, keep, &received).expect("phase 3");
            x = found;
            parts.push(part);
        }
        let (party, data) = (signers.first().expect("signers"), data.first().expect("signers"));
        black_box(party.sign_phase4(data, &x, &parts, true).expect("honest parts"));
    }
    begun.elapsed() / ECDSA_SIGNATURES
}
