mod contents;
mod proof;

use std::collections::BTreeMap;

use frost_core::{Ciphersuite, SigningKey as Share, VerifyingKey};
use quorate_model::{
    Activation, Attempt, Digest, Epoch, ParticipantId, ParticipantSet, PersonName, Scheme,
    Threshold, Timestamp,
};
use quorate_protocol::suite::{Ed25519, Secp256k1};
use quorate_protocol::{Certificate, CertifiedKey, SecretShare, Vote};
use quorate_trust::{
    NodeEntry, PersonEntry, QUORUMS, Quorum, Recipient, Signed, SigningKey, TrustRoot,
    UserVerification,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

const CONTENTS: &[u8] = b"what nobody may read alone";

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn id(number: u16) -> ParticipantId {
    ParticipantId::new(number).unwrap()
}

fn name(text: &str) -> PersonName {
    text.parse().unwrap()
}

/// Two nodes that hold shares of a key: the certificate is true, the shares are anyhow.
struct Cluster {
    root: TrustRoot,
    identities: BTreeMap<ParticipantId, SigningKey>,
}

impl Cluster {
    fn new() -> Self {
        let mut rng = rng();
        let mut key = || SigningKey::generate(&mut rng);
        let identities = BTreeMap::from([(id(1), key()), (id(2), key())]);
        let label = || "x".parse().unwrap();
        let node = |(id, key): (&ParticipantId, &SigningKey)| {
            let tls = Digest::new([id.get() as u8; 32]);
            let (operator, region, provider) = (label(), label(), label());
            let identity = key.public_key();
            (*id, NodeEntry { identity, tls, operator, region, provider, recovery: None })
        };
        let person = PersonEntry {
            officer: true,
            user_verification: UserVerification::NotRequired,
            credentials: [key().public_key().into()].into(),
            recovery: None,
        };
        let quorum = || Quorum { required: 1, members: [name("ann")].into() };
        let root = TrustRoot {
            lineage: None,
            created: Timestamp::ZERO,
            policy: Digest::new([8; 32]),
            threshold_floor: Threshold::new(2).unwrap(),
            unfreeze_delay_s: 0,
            change_delay_s: 0,
            nodes: identities.iter().map(node).collect(),
            services: BTreeMap::new(),
            persons: [(name("ann"), person)].into(),
            quorums: QUORUMS.map(|quorum_name| (quorum_name.parse().unwrap(), quorum())).into(),
        };
        Self { root, identities }
    }

    /// A key with its shares, in the order of the nodes.
    fn key(&self, key: &str, scheme: Scheme) -> (Certificate, [SecretShare; 2]) {
        let (one, other) = match scheme {
            Scheme::FrostEd25519 => (share::<Ed25519>(), share::<Ed25519>()),
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
                (share::<Secp256k1>(), share::<Secp256k1>())
            }
        };
        let certified = CertifiedKey {
            cluster: self.root.cluster(),
            order: Digest::new([1; 32]),
            attempt: Attempt::FIRST,
            key: key.parse().unwrap(),
            scheme,
            epoch: Epoch(3),
            predecessor: None,
            roster: ParticipantSet::new([id(1), id(2)]).unwrap(),
            threshold: Threshold::new(2).unwrap(),
            raw_ok: false,
            activation: Activation::AtOnce,
            group_verifying_key: one.1.clone(),
            verifying_shares: [(id(1), one.1), (id(2), other.1)].into(),
            chain_code: [1; 32],
            echo: Digest::new([2; 32]),
        };
        let vote = Vote { certified: certified.digest() };
        let votes = self.identities.iter().map(|(id, key)| Signed::sign(*id, vote.clone(), key));
        let votes: Vec<_> = votes.collect();
        (Certificate::new(certified, votes), [one.0, other.0])
    }

    /// A backup of node 1, not sealed yet, of a key for each of these names.
    fn draft(&self, keys: &[(&str, Scheme)], required: usize, officers: &[&str]) -> Draft {
        let key = |(key, scheme): &(&str, Scheme)| {
            let (certificate, [share, _]) = self.key(key, *scheme);
            KeyContents { certificate, confirmations: Vec::new(), share }
        };
        let recipient = |byte| Recipient::from_bytes([byte; 32]).unwrap();
        Draft {
            cluster: self.root.cluster(),
            node: id(1),
            created: Timestamp::from_millis(5),
            root: self.root.hash(),
            required,
            officers: officers.iter().map(|text| name(text)).zip((2..).map(recipient)).collect(),
            contents: Contents {
                identity: self.identities[&id(1)].duplicate(),
                keys: keys.iter().map(key).collect(),
            },
        }
    }
}

fn share<C: Ciphersuite>() -> (SecretShare, Vec<u8>) {
    let key = Share::<C>::new(&mut rand_core::OsRng);
    let bytes = SecretShare::from_bytes(&key.serialize()).unwrap();
    (bytes, VerifyingKey::from(&key).serialize().unwrap())
}

/// A backup and its pieces. Their files are the pieces themselves, as if encryption were nothing.
fn sealed(required: usize, officers: &[&str]) -> (Backup, Vec<Piece>) {
    let draft = Cluster::new().draft(&[("btc", Scheme::FrostSecp256k1Tr)], required, officers);
    let (sealing, _) = Sealing::begin(draft, &mut rng()).unwrap();
    let copy =
        |piece: &Piece| Piece::new(piece.backup, piece.officer.clone(), *piece.secret_bytes());
    let pieces: Vec<_> = sealing.pieces().iter().map(copy).collect();
    let files = pieces.iter().map(|piece| (piece.officer.clone(), piece.secret_bytes().to_vec()));
    let files = files.collect();
    (sealing.finish(files, CONTENTS).unwrap(), pieces)
}

/// These pieces, by their places.
fn some(pieces: &[Piece], places: &[usize]) -> Vec<Piece> {
    let copy = |at: &usize| {
        let piece = &pieces[*at];
        Piece::new(piece.backup, piece.officer.clone(), *piece.secret_bytes())
    };
    places.iter().map(copy).collect()
}

const OFFICERS: [&str; 5] = ["ann", "ben", "cem", "dia", "eli"];

#[test]
fn as_many_officers_as_it_takes_open_it_and_fewer_do_not() {
    for (required, of) in [(2, 2), (2, 3), (3, 5), (5, 5)] {
        let (backup, pieces) = sealed(required, &OFFICERS[..of]);
        for chosen in 0_u32..1 << of {
            let places: Vec<_> = (0..of).filter(|at| chosen >> at & 1 == 1).collect();
            let found = places.len();
            match backup.open(&some(&pieces, &places)) {
                Ok(opened) if found >= required => {
                    assert_eq!((opened.contents.as_slice(), opened.damaged), (CONTENTS, vec![]));
                }
                Err(error) => assert_eq!(error, OpenError::TooFew { found, required }),
                Ok(_) => panic!("{found} of {required} opened it"),
            }
        }
    }
}

#[test]
fn an_officer_counts_once() {
    let (backup, pieces) = sealed(2, &OFFICERS[..3]);
    let twice = backup.open(&some(&pieces, &[1, 1])).unwrap_err();
    assert_eq!(twice, OpenError::Twice(name("ben")));
    let also = backup.open(&some(&pieces, &[0, 1, 1])).unwrap_err();
    assert_eq!(also, OpenError::Twice(name("ben")));
}

#[test]
fn a_piece_of_another_backup_is_named() {
    let (backup, pieces) = sealed(2, &OFFICERS[..3]);
    let draft = Cluster::new().draft(&[("sol", Scheme::FrostEd25519)], 2, &OFFICERS[..3]);
    let (other, _) = Sealing::begin(draft, &mut rng()).unwrap();
    let mut mixed = some(other.pieces(), &[1]);
    mixed.extend(some(&pieces, &[0, 2]));
    let (found, expected) = (other.header().digest(), backup.header.digest());
    let named = PieceError::OtherBackup { officer: name("ben"), found, expected };
    assert_eq!(backup.open(&mixed).unwrap_err(), OpenError::Piece(named));
}

#[test]
fn a_false_piece_is_named_whatever_is_false_about_it() {
    let (backup, pieces) = sealed(2, &OFFICERS[..3]);
    let digest = backup.header.digest();
    let with = |piece: Piece| {
        let mut all = some(&pieces, &[0, 2]);
        all.push(piece);
        backup.open(&all).unwrap_err()
    };
    let mut changed = *pieces[1].secret_bytes();
    changed[0] ^= 1;
    // A neighbour's scalar, another one, and none.
    for share in [*pieces[0].secret_bytes(), changed, [0xff; 32]] {
        let named = PieceError::False(name("ben"));
        assert_eq!(with(Piece::new(digest, name("ben"), share)), OpenError::Piece(named));
    }
    let stranger = with(Piece::new(digest, name("eve"), *pieces[1].secret_bytes()));
    assert_eq!(stranger, OpenError::Piece(PieceError::Stranger(name("eve"))));
}

/// Every change of the header is a change of what pieces belong to.
#[test]
fn a_changed_header_has_no_pieces() {
    let (backup, pieces) = sealed(2, &OFFICERS[..3]);
    let changes: [fn(&mut Header); 9] = [
        |header| header.cluster = Digest::new([9; 32]),
        |header| header.node = id(2),
        |header| header.created = Timestamp::from_millis(6),
        |header| header.root = Digest::new([9; 32]),
        |header| header.sharings.clear(),
        |header| header.required = 3,
        |header| {
            let first = header.officers.pop_first().unwrap().1;
            header.officers.insert(name("zoe"), first);
        },
        |header| {
            let recipient = Recipient::from_bytes([9; 32]).unwrap();
            header.officers.insert(name("ann"), recipient);
        },
        |header| header.commitments[1][0] ^= 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = backup.clone();
        change(&mut changed.header);
        let error = changed.open(&some(&pieces, &[0, 1])).unwrap_err();
        let other = matches!(error, OpenError::Piece(PieceError::OtherBackup { .. }));
        assert!(other, "change {number}: {error:?}");
    }
}

/// Also where somebody made pieces for the header as it is.
#[test]
fn a_header_whose_numbers_do_not_fit_is_refused() {
    let (backup, pieces) = sealed(2, &OFFICERS[..3]);
    let with = |change: fn(&mut Header)| {
        let mut changed = backup.clone();
        change(&mut changed.header);
        let digest = changed.header.digest();
        let piece = Piece::new(digest, name("ann"), *pieces[0].secret_bytes());
        piece.check(&changed.header).unwrap_err()
    };
    let numbers = |required, officers, commitments| {
        PieceError::Header(HeaderError::Numbers { required, officers, commitments })
    };
    assert_eq!(with(|header| header.required = 1), numbers(1, 3, 2));
    assert_eq!(with(|header| header.required = 4), numbers(4, 3, 2));
    assert_eq!(with(|header| header.commitments.truncate(1)), numbers(2, 3, 1));
    let damaged = with(|header| header.commitments[1] = vec![0xff; 32]);
    assert_eq!(damaged, PieceError::Header(HeaderError::Commitments));
}

#[test]
fn changed_contents_do_not_open() {
    let (backup, pieces) = sealed(2, &OFFICERS[..3]);
    let enough = some(&pieces, &[0, 1]);
    for at in 0..backup.body.len() {
        let mut changed = backup.clone();
        changed.body[at] ^= 1;
        assert_eq!(changed.open(&enough).unwrap_err(), OpenError::Damaged, "byte {at}");
        changed.body.truncate(at);
        assert_eq!(changed.open(&enough).unwrap_err(), OpenError::Damaged, "cut at {at}");
    }
}

#[test]
fn a_damaged_age_file_is_named_and_the_others_open_it_all_the_same() {
    let (backup, pieces) = sealed(2, &OFFICERS[..3]);
    let enough = some(&pieces, &[0, 1]);
    let mut changed = backup.clone();
    changed.pieces.get_mut(&name("cem")).unwrap()[0] ^= 1;
    let opened = changed.open(&enough).unwrap();
    assert_eq!((opened.contents.as_slice(), opened.damaged), (CONTENTS, vec![name("cem")]));
    changed.pieces.remove(&name("ann"));
    assert_eq!(changed.open(&enough).unwrap().damaged, [name("ann"), name("cem")]);
}

#[test]
fn officers_whom_no_secret_can_be_split_among_get_none() {
    for (required, officers) in [(1, 2), (0, 2), (3, 2), (2, 0)] {
        let draft = Cluster::new().draft(&[], required, &OFFICERS[..officers]);
        let refused = Sealing::begin(draft, &mut rng()).err().unwrap();
        let numbers = HeaderError::Numbers { required, officers, commitments: 0 };
        assert_eq!(refused, SealError::Header(numbers));
    }
    let draft = Cluster::new().draft(&[], 2, &OFFICERS[..2]);
    let (sealing, _) = Sealing::begin(draft, &mut rng()).unwrap();
    let one = [(name("ann"), vec![1])].into();
    assert_eq!(sealing.finish(one, CONTENTS).unwrap_err(), SealError::Pieces);
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let draft = Cluster::new().draft(&[("btc", Scheme::FrostEd25519)], 2, &OFFICERS[..2]);
    let text = format!("{draft:?} {:?}", draft.contents.keys);
    let secret = draft.contents.keys[0].share.secret_bytes();
    assert!(text.contains("redacted") && !text.contains(&format!("{secret:?}")));
    let (_, pieces) = sealed(2, &OFFICERS[..2]);
    let text = format!("{pieces:?}");
    assert!(
        text.contains("redacted") && !text.contains(&format!("{:?}", pieces[0].secret_bytes()))
    );
}
