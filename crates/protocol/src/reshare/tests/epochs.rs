//! Fewer shares than sign, of each of many epochs: together they are no more than that.

use frost_core::keys::SigningShare;
use frost_core::{Field, Group, VerifyingKey, compute_lagrange_coefficient};

use super::*;
use crate::suite::{Suite, identifier};

/// A share that somebody stole, and in which epoch.
#[derive(Clone, Copy)]
struct Stolen<'a> {
    epoch: usize,
    node: ParticipantId,
    share: &'a SecretShare,
}

/// The public key of what the shares interpolate to at zero.
fn interpolated<S: Suite>(shares: &[Stolen<'_>]) -> VerifyingKey<S> {
    let ids: BTreeSet<_> =
        shares.iter().map(|stolen| identifier::<S>(stolen.node).unwrap()).collect();
    let zero = <<S::Group as Group>::Field as Field>::zero();
    let secret = shares.iter().fold(zero, |sum, stolen| {
        let id = identifier::<S>(stolen.node).unwrap();
        let weight = compute_lagrange_coefficient::<S>(&ids, None, id).unwrap();
        let share = SigningShare::<S>::deserialize(stolen.share.secret_bytes()).unwrap();
        sum + weight * share.to_scalar()
    });
    VerifyingKey::new(<S::Group as Group>::generator() * secret)
}

/// Every choice of shares that are not of one node twice.
fn choices<'a>(stolen: &[Stolen<'a>]) -> Vec<Vec<Stolen<'a>>> {
    let chosen = |bits: u32| -> Vec<_> {
        let picked = stolen.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        picked.map(|(_, stolen)| *stolen).collect()
    };
    let all = (1_u32..1 << stolen.len()).map(chosen);
    let distinct = |choice: &Vec<Stolen<'_>>| {
        choice.iter().map(|stolen| stolen.node).collect::<BTreeSet<_>>().len() == choice.len()
    };
    all.filter(distinct).collect()
}

fn no_way_to_sign<S: Suite>(scheme: Scheme) {
    let Cluster { fixture, shares } = cluster();
    let to = |dealers| To { dealers, roster: &[1, 2, 3, 4, 5], threshold: 3 };
    let mut epochs = vec![honest(reshare(fixture, &shares[&scheme], &to(&[1, 2]), &nothing))];
    for epoch in 0..3 {
        let next = reshare(fixture, &epochs[epoch], &to(&[1, 2, 3, 4, 5]), &nothing);
        epochs.push(honest(next));
    }
    let group = &shares[&scheme][&id(1)].0.group_verifying_key;
    let group = VerifyingKey::<S>::deserialize(group).unwrap();
    let steal = |epoch: usize, node: u16| Stolen {
        epoch,
        node: id(node),
        share: &epochs[epoch][&id(node)].1,
    };
    // Two of the three that sign, of each of four epochs.
    let pairs = [(0, 1, 2), (1, 3, 4), (2, 2, 5), (3, 1, 4)];
    let stolen: Vec<_> = pairs
        .iter()
        .flat_map(|(epoch, one, two)| [steal(*epoch, *one), steal(*epoch, *two)])
        .collect();
    let choices = choices(&stolen);
    assert!(choices.len() > 80, "{}", choices.len());
    for choice in choices {
        let whose: Vec<_> = choice.iter().map(|stolen| (stolen.epoch, stolen.node)).collect();
        assert_ne!(interpolated::<S>(&choice), group, "{whose:?}");
    }
    // One more of an epoch, and it is the key: that is what erasing is for.
    for (epoch, one, two) in pairs {
        let third = (1..=5).find(|node| *node != one && *node != two).unwrap();
        let enough = [steal(epoch, one), steal(epoch, two), steal(epoch, third)];
        assert_eq!(interpolated::<S>(&enough), group);
    }
}

#[test]
fn fewer_shares_than_sign_of_each_of_many_epochs_are_not_the_key() {
    no_way_to_sign::<Ed25519>(Scheme::FrostEd25519);
    no_way_to_sign::<Secp256k1Tr>(Scheme::FrostSecp256k1Tr);
    no_way_to_sign::<Secp256k1>(Scheme::FrostSecp256k1);
}

#[test]
fn nor_are_they_of_an_ecdsa_key() {
    no_way_to_sign::<Secp256k1>(Scheme::EcdsaSecp256k1);
}
