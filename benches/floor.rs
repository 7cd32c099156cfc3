//! What a signature costs where nothing but FROST is computed.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use frost_core::keys::{IdentifierList, KeyPackage, generate_with_dealer};
use frost_core::{Ciphersuite, SigningPackage, aggregate, round1, round2};
use rand_core::OsRng;

use crate::cpu_clock::CpuClock;

const SIGNATURES: u32 = 500;

/// The CPU time of both rounds at every signer, and of aggregation, which verifies the signature.
pub(crate) fn of_one_signature<C: Ciphersuite>((signers, nodes): (u8, u8)) -> Duration {
    let identifiers = IdentifierList::Default;
    let (shares, group) =
        generate_with_dealer::<C, _>(nodes.into(), signers.into(), identifiers, &mut OsRng)
            .expect("a threshold");
    let signers: Vec<_> = shares
        .into_iter()
        .take(usize::from(signers))
        .map(|(id, share)| (id, KeyPackage::try_from(share).expect("a dealt share")))
        .collect();
    let begun = CpuClock::start();
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
