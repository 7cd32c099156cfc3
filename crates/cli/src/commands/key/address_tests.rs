use quorate_model::Digest;

use super::*;
use crate::verified_key::tests::Fixture;

fn exported(key: &VerifiedKey) -> ProofFile {
    let text = render(key, &AddressReport::new(key).unwrap()).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn checked(file: &ProofFile, root: &TrustRoot) -> Result<AddressReport, Failure> {
    check(&serde_json::to_string(file).unwrap(), root)
}

fn child(fixture: &Fixture) -> VerifiedKey {
    fixture.verified().at(&"m/0/7".parse().unwrap()).unwrap()
}

#[test]
fn an_exported_address_verifies_offline() {
    let fixture = Fixture::taproot();
    let key = child(&fixture);
    let report = checked(&exported(&key), &fixture.root).unwrap();
    assert_eq!(report, AddressReport::new(&key).unwrap());
    assert_eq!((report.path.as_str(), report.addresses.len()), ("m/0/7", 4));
    let root = AddressReport::new(&fixture.verified()).unwrap();
    assert_ne!(report.addresses, root.addresses);
    // A key without children proves its own address.
    let fixture = Fixture::new();
    let report = checked(&exported(&fixture.verified()), &fixture.root).unwrap();
    assert_eq!(report.path, "m");
}

#[test]
fn a_claim_that_the_certificate_does_not_give_is_refused() {
    let (fixture, other) = (Fixture::taproot(), Fixture::taproot());
    let refused = |change: &dyn Fn(&mut ProofFile)| {
        let mut file = exported(&child(&fixture));
        change(&mut file);
        checked(&file, &fixture.root).unwrap_err().to_string()
    };
    let foreign = exported(&child(&other));
    let told = refused(&|file| file.addresses = foreign.addresses.clone());
    assert!(told.contains("addresses"), "{told}");
    let told = refused(&|file| drop(file.addresses.pop_first()));
    assert!(told.contains("addresses"), "{told}");
    // Of the same certificate, but of another path.
    assert!(refused(&|file| file.path = "m/0/8".to_owned()).contains("addresses"));
    assert!(refused(&|file| file.path = "m".to_owned()).contains("addresses"));
    assert!(refused(&|file| file.key = "another".to_owned()).contains("key"));
    let cluster = Digest::new([9; 32]).to_string();
    assert!(refused(&|file| file.cluster = cluster.clone()).contains("cluster"));
    assert!(
        refused(&|file| file.schema = "quorate.address-proof/v2".to_owned()).contains("schema")
    );
    refused(&|file| file.path = "m/0'/7".to_owned());
    refused(&|file| file.proof = foreign.proof.clone());
    refused(&|file| file.proof.clear());
}

#[test]
fn a_proof_needs_every_vote_and_confirmations_that_cover_every_holder() {
    let fixture = Fixture::taproot();
    let refused = |change: &dyn Fn(&mut KeyProof)| {
        let mut proof = fixture.verified().proof();
        change(&mut proof);
        let mut file = exported(&fixture.verified());
        file.proof = BASE64_STANDARD.encode(proof.encode());
        assert!(checked(&file, &fixture.root).is_err());
    };
    refused(&|proof| {
        proof.certificate.votes.pop_first();
    });
    refused(&|proof| proof.certificate.certified.chain_code[0] ^= 1);
    refused(&|proof| drop(proof.confirmations.pop()));
    refused(&|proof| proof.confirmations[0].signature[7] ^= 1);
    refused(&|proof| proof.confirmations.clear());
}

#[test]
fn another_clusters_root_proves_nothing() {
    let (fixture, other) = (Fixture::taproot(), Fixture::taproot());
    assert!(checked(&exported(&child(&fixture)), &other.root).is_err());
}
