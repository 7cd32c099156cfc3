use std::collections::BTreeMap;

use quorate_backup::{Contents, Draft, KeyContents, Piece, RestoreProof, Sealing};
use quorate_model::Timestamp;
use quorate_protocol::SecretShare;
use quorate_trust::{Recipient, SigningKey};
use rand_core::OsRng;

use super::*;
use crate::fixture::{certificate, confirmation, digest, id};

fn draft() -> Draft {
    let recipient = |byte| Recipient::from_bytes([byte; 32]).unwrap();
    let key = |name, byte| KeyContents {
        certificate: certificate(name),
        confirmations: vec![confirmation()],
        share: SecretShare::from_bytes(&[byte; 32]).unwrap(),
    };
    let names = ["ann", "ben", "cem"].map(|name| name.parse().unwrap());
    Draft {
        cluster: digest(1),
        node: id(1),
        created: Timestamp::from_millis(2),
        root: digest(3),
        required: 2,
        officers: names.into_iter().zip((2..).map(recipient)).collect(),
        contents: Contents {
            identity: SigningKey::generate(&mut OsRng),
            keys: vec![key("btc", 1), key("sol", 2)],
        },
    }
}

/// A backup whose age files are the pieces, as if encryption were nothing; and its pieces.
fn sealed() -> (Backup, Vec<Piece>) {
    let (sealing, contents) = Sealing::begin(draft(), &mut OsRng).unwrap();
    let files = sealing.pieces().iter();
    let files: BTreeMap<_, _> =
        files.map(|piece| (piece.officer.clone(), encode_piece(piece).to_vec())).collect();
    let pieces = files.values().map(|file| decode_piece(file).unwrap()).collect();
    (sealing.finish(files, &encode_contents(&contents)).unwrap(), pieces)
}

#[test]
fn a_backup_survives_its_file() {
    let (backup, pieces) = sealed();
    let read = decode_backup(&encode_backup(&backup)).unwrap();
    assert_eq!(read, backup);
    let opened = read.open(&pieces[1..]).unwrap();
    let contents = decode_contents(&read.header, &opened.contents).unwrap();
    assert_eq!(encode_contents(&contents), opened.contents);
    assert_eq!(contents.sharings(), read.header.sharings);
    let shares: Vec<_> = contents.keys.iter().map(|key| key.share.secret_bytes()[0]).collect();
    assert_eq!(shares, [1, 2]);
}

/// What becomes of a file when it is opened with enough pieces: all of it is as it was, or somebody's
/// age file is damaged, or it is refused.
fn outcome(file: &[u8], pieces: &[Piece]) -> Option<usize> {
    let backup = decode_backup(file).ok()?;
    let opened = backup.open(pieces).ok()?;
    decode_contents(&backup.header, &opened.contents).ok()?;
    Some(opened.damaged.len())
}

#[test]
fn every_byte_of_a_file_counts() {
    let (backup, pieces) = sealed();
    let file = encode_backup(&backup);
    let enough = &pieces[..2];
    assert_eq!(outcome(&file, enough), Some(0));
    let mut damaged = 0;
    for at in 0..file.len() {
        for bit in [1, 0x80] {
            let mut changed = file.clone();
            changed[at] ^= bit;
            let outcome = outcome(&changed, enough);
            assert_ne!(outcome, Some(0), "byte {at}");
            damaged += usize::from(outcome.is_some());
        }
    }
    let age_files: usize = backup.pieces.values().map(Vec::len).sum();
    assert_eq!(damaged, 2 * age_files, "nothing else may be damaged and the rest still open");
}

#[test]
fn a_file_that_was_cut_or_grew_is_refused() {
    let (backup, pieces) = sealed();
    let file = encode_backup(&backup);
    for length in 0..file.len() {
        assert_eq!(outcome(&file[..length], &pieces), None, "cut at {length}");
    }
    let mut longer = file.clone();
    longer.push(0);
    assert_eq!(outcome(&longer, &pieces), None);
    // An unknown field is no field of a backup.
    let grown = [file.as_slice(), &[0x7a, 1, 1]].concat();
    assert_eq!(decode_backup(&grown).unwrap_err(), DecodeError::new(MESSAGE, Fault::NotCanonical));
}

#[test]
fn another_kind_of_file_is_refused() {
    let (backup, _) = sealed();
    let mut file = encode_backup(&backup);
    file[15] = b'2';
    assert!(matches!(decode_backup(&file).unwrap_err().fault, Fault::Value(_)));
    let long = decode_backup(&vec![0; limits::BACKUP_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(long.fault, Fault::TooLong { .. }));
}

#[test]
fn officers_and_age_files_are_as_many() {
    let (mut backup, _) = sealed();
    backup.pieces.pop_last();
    let refused = decode_backup(&encode_backup(&backup)).unwrap_err();
    assert_eq!(refused.field, "Backup.pieces");
    let (mut backup, _) = sealed();
    backup.pieces.values_mut().for_each(|file| file.resize(limits::BACKUP_PIECE_BYTES_MAX + 1, 0));
    let refused = decode_backup(&encode_backup(&backup)).unwrap_err();
    assert!(matches!(refused.fault, Fault::TooLong { .. }));
}

#[test]
fn contents_have_as_many_keys_as_the_header() {
    let (sealing, contents) = Sealing::begin(draft(), &mut OsRng).unwrap();
    let bytes = encode_contents(&contents);
    let mut header = sealing.header().clone();
    for length in [0, 31, 95] {
        assert!(decode_contents(&header, &bytes[..length]).is_err());
    }
    header.sharings.pop_last();
    assert!(decode_contents(&header, &bytes).is_err());
}

#[test]
fn a_piece_has_a_limit_and_an_owner() {
    assert!(decode_piece(&[0; 31]).is_err());
    assert!(decode_piece(&[0; 32]).is_err());
    let long = decode_piece(&[0; limits::BACKUP_PIECE_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(long.fault, Fault::TooLong { .. }));
}

#[test]
fn a_restore_proof_survives_its_bytes_and_is_bounded() {
    let proof = RestoreProof {
        node: id(2),
        certified: digest(1),
        backup: digest(2),
        time: Timestamp::from_millis(3),
        signature: vec![4; 65],
    };
    assert_eq!(decode_restore_proof(&encode_restore_proof(&proof)), Ok(proof.clone()));
    assert!(decode_restore_proof(&[]).is_err());
    let long = RestoreProof { signature: vec![4; 66], ..proof };
    let refused = decode_restore_proof(&encode_restore_proof(&long)).unwrap_err();
    assert_eq!(refused.field, "RestoreProof.signature");
    let long = decode_restore_proof(&[0; limits::RESTORE_PROOF_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(long.fault, Fault::TooLong { .. }));
}
