use super::*;

fn proof(scheme: Scheme) -> (CertifiedKey, SecretShare, RestoreProof) {
    let (Certificate { certified, .. }, [share, _]) = Cluster::new().key("treasury", scheme);
    let (backup, time) = (Digest::new([4; 32]), Timestamp::from_millis(9));
    let proof = RestoreProof::sign(&certified, (id(1), &share), backup, time, &mut rng()).unwrap();
    (certified, share, proof)
}

const SCHEMES: [Scheme; 4] = [
    Scheme::FrostEd25519,
    Scheme::FrostSecp256k1Tr,
    Scheme::FrostSecp256k1,
    Scheme::EcdsaSecp256k1,
];

#[test]
fn a_share_of_every_scheme_proves_itself() {
    for scheme in SCHEMES {
        let (certified, _, proof) = proof(scheme);
        assert_eq!(proof.verify(&certified), Ok(()), "{scheme}");
    }
}

#[test]
fn a_proof_is_for_what_it_says_and_nothing_else() {
    for scheme in SCHEMES {
        let (certified, _, proof) = proof(scheme);
        let changes: [fn(&mut RestoreProof); 4] = [
            |proof| proof.node = id(2),
            |proof| proof.backup = Digest::new([5; 32]),
            |proof| proof.time = Timestamp::from_millis(10),
            |proof| proof.signature[40] ^= 1,
        ];
        for change in changes {
            let mut changed = proof.clone();
            change(&mut changed);
            let refused = Err(ProofError::BadSignature(changed.node));
            assert_eq!(changed.verify(&certified), refused, "{scheme}");
        }
        let cut = RestoreProof { signature: Vec::new(), ..proof.clone() };
        assert_eq!(cut.verify(&certified), Err(ProofError::BadSignature(id(1))));
        let stranger = RestoreProof { node: id(3), ..proof.clone() };
        assert_eq!(stranger.verify(&certified), Err(ProofError::NoHolder(id(3))));
        let mut other = certified.clone();
        other.epoch = Epoch(4);
        let (found, expected) = (certified.digest(), other.digest());
        assert_eq!(proof.verify(&other), Err(ProofError::OtherSharing { found, expected }));
    }
}

#[test]
fn a_share_that_was_not_certified_for_the_node_proves_nothing() {
    for scheme in SCHEMES {
        let (certified, share, proof) = proof(scheme);
        let sign = |node| {
            let RestoreProof { backup, time, .. } = proof;
            RestoreProof::sign(&certified, (node, &share), backup, time, &mut rng()).unwrap_err()
        };
        assert_eq!(sign(id(2)), ProofError::OtherShare(id(2)));
        assert_eq!(sign(id(3)), ProofError::NoHolder(id(3)));
    }
    let (certified, _, RestoreProof { backup, time, .. }) = proof(Scheme::FrostEd25519);
    let no_scalar = SecretShare::from_bytes(&[0xff; 32]).unwrap();
    let signed = RestoreProof::sign(&certified, (id(1), &no_scalar), backup, time, &mut rng());
    assert_eq!(signed, Err(ProofError::Malformed));
}
