use quorate_protocol::CertificateError;
use quorate_protocol::sign::KeyShareError;

use super::*;

const KEYS: [(&str, Scheme); 4] = [
    ("btc", Scheme::FrostSecp256k1Tr),
    ("eth", Scheme::EcdsaSecp256k1),
    ("raw", Scheme::FrostSecp256k1),
    ("sol", Scheme::FrostEd25519),
];

fn checked(change: impl FnOnce(&mut Header, &mut Contents, &mut Cluster)) -> Option<ContentsError> {
    let mut cluster = Cluster::new();
    let draft = cluster.draft(&KEYS, 2, &OFFICERS[..2]);
    let (sealing, mut contents) = Sealing::begin(draft, &mut rng()).unwrap();
    let mut header = sealing.header().clone();
    change(&mut header, &mut contents, &mut cluster);
    contents.check(&header, &cluster.root).err()
}

#[test]
fn the_shares_of_a_node_are_taken() {
    assert_eq!(checked(|_, _, _| {}), None);
}

#[test]
fn a_backup_of_another_cluster_is_refused() {
    let refused = checked(|_, _, cluster| cluster.root.unfreeze_delay_s = 1);
    assert!(matches!(refused, Some(ContentsError::OtherCluster { .. })), "{refused:?}");
}

#[test]
fn the_identity_of_another_node_is_refused() {
    let refused = checked(|_, contents, cluster| {
        contents.identity = cluster.identities[&id(2)].duplicate();
    });
    assert_eq!(refused, Some(ContentsError::Identity(id(1))));
    let refused = checked(|header, _, _| header.node = id(3));
    assert_eq!(refused, Some(ContentsError::Identity(id(3))));
}

#[test]
fn other_keys_than_the_header_lists_are_refused() {
    let refused = checked(|_, contents, _| drop(contents.keys.pop()));
    assert_eq!(refused, Some(ContentsError::Keys));
    let refused = checked(|_, contents, cluster| {
        let (certificate, [share, _]) = cluster.key("btc", Scheme::FrostEd25519);
        contents.keys.push(KeyContents { certificate, confirmations: Vec::new(), share });
    });
    assert_eq!(refused, Some(ContentsError::Keys));
    let refused = checked(|_, contents, _| contents.keys[0].certificate.certified.epoch = Epoch(2));
    assert_eq!(refused, Some(ContentsError::Keys));
}

#[test]
fn a_certificate_that_nobody_signed_is_refused() {
    let refused = checked(|_, contents, _| contents.keys[1].certificate.certified.raw_ok = true);
    let source = CertificateError::BadVote(id(1));
    let key = "eth".parse().unwrap();
    assert_eq!(refused, Some(ContentsError::Certificate { key, source }));
}

#[test]
fn the_share_of_another_node_is_refused_for_every_scheme() {
    for (at, (name, _)) in KEYS.into_iter().enumerate() {
        let refused = checked(|header, contents, cluster| {
            // As if everything were of node 2, but the shares.
            header.node = id(2);
            contents.identity = cluster.identities[&id(2)].duplicate();
            contents.keys.drain(..at);
            header.sharings = contents.sharings();
        });
        let (key, source) = (name.parse().unwrap(), KeyShareError::Mismatch);
        assert_eq!(refused, Some(ContentsError::Share { key, source }));
    }
}
