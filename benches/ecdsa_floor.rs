//! What an ECDSA signature costs where nothing but the library is run.

use std::hint::black_box;
use std::time::Duration;

use dkls23_core::protocols::re_key::re_key;
use dkls23_core::protocols::signing::SignData;
use dkls23_core::protocols::{Parameters, Party, PartyIndex};

use crate::cpu_clock::CpuClock;

type Curve = k256_14::Secp256k1;

const SIGNATURES: u32 = 30;

/// The CPU time of each phase of a signature: at all signers together, the last one once, which verifies.
pub(crate) fn phases(threshold: u8, nodes: u8) -> [Duration; 4] {
    let parameters = Parameters::new(threshold, nodes).expect("a threshold");
    let secret = k256_14::Scalar::from(7_u64);
    let (parties, _) = re_key::<Curve>(&parameters, b"floor", &secret, None, |_| String::new());
    let signers: Vec<_> = parties.iter().take(usize::from(threshold)).collect();
    let mut times = [Duration::ZERO; 4];
    for number in 0..SIGNATURES {
        for (total, time) in times.iter_mut().zip(sign(&signers, number)) {
            *total += time / SIGNATURES;
        }
    }
    times
}

fn sign(signers: &[&Party<Curve>], number: u32) -> [Duration; 4] {
    let seats: Vec<PartyIndex> = signers.iter().map(|party| party.party_index).collect();
    let data = |me: PartyIndex| SignData {
        sign_id: number.to_be_bytes().to_vec(),
        counterparties: seats.iter().copied().filter(|seat| *seat != me).collect(),
        message_hash: [7; 32],
    };
    let data: Vec<_> = seats.iter().map(|seat| data(*seat)).collect();
    let all = || signers.iter().zip(&data);

    let begun = CpuClock::start();
    let (mut kept, mut sent) = (Vec::new(), Vec::new());
    for (party, data) in all() {
        let (unique, keep, messages) = party.sign_phase1(data).expect("phase 1");
        kept.push((unique, keep));
        sent.extend(messages);
    }
    let first = begun.elapsed();

    let begun = CpuClock::start();
    let (mut kept2, mut sent2) = (Vec::new(), Vec::new());
    for ((party, data), (unique, keep)) in all().zip(kept) {
        let to_me = sent.iter().filter(|m| m.parties.receiver == party.party_index);
        let received: Vec<_> = to_me.cloned().collect();
        let (unique, keep, messages) =
            party.sign_phase2(data, unique, keep, &received).expect("phase 2");
        kept2.push((unique, keep));
        sent2.extend(messages);
    }
    let second = begun.elapsed();

    let begun = CpuClock::start();
    let (mut parts, mut x) = (Vec::new(), String::new());
    for ((party, data), (unique, keep)) in all().zip(kept2) {
        let to_me = sent2.iter().filter(|m| m.parties.receiver == party.party_index);
        let received: Vec<_> = to_me.cloned().collect();
        let (found, part) = party.sign_phase3(data, unique, keep, &received).expect("phase 3");
        x = found;
        parts.push(part);
    }
    let third = begun.elapsed();

    let begun = CpuClock::start();
    let (party, data) = all().next().expect("a signer");
    black_box(party.sign_phase4(data, &x, &parts, true).expect("honest parts"));
    [first, second, third, begun.elapsed()]
}
