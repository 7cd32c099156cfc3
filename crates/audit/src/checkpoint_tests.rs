use quorate_model::ParticipantId;

use super::*;
use crate::{Log, fixture};

fn signed() -> SignedCheckpoint {
    let log = Log::verify(&fixture::entries(5)).unwrap();
    log.checkpoint(fixture::origin()).sign(&fixture::key(1)).unwrap()
}

fn verify(note: &str) -> Result<SignedCheckpoint, CheckpointError> {
    SignedCheckpoint::verify(note, fixture::origin(), &fixture::key(1).public_key())
}

/// A note with any text, signed by the right key under the right name.
fn note_of(text: &str) -> String {
    let key = NoteKey::new(&fixture::origin().to_string(), fixture::key(1).public_key());
    key.note(text, fixture::key(1).sign_note(text).unwrap().as_bytes()).unwrap()
}

/// The example of golang.org/x/mod/sumdb/note, which first defined the format.
const GO_KEY: &str = "1a5cd907143c384c41e830c5bce12aa8817ec5649aaabf2c31388b35b2d744d6";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn a_note_of_another_implementation_verifies_under_its_key() {
    let key = NoteKey::new("PeterNeumann", GO_KEY.parse().unwrap());
    assert_eq!(key.id, 0xc74f_20a3);
    let note = Note::from_bytes(GO_NOTE.as_bytes()).unwrap();
    let (signatures, _) = note.verify(&VerifierList::new(vec![Box::new(key.clone())])).unwrap();
    let text = std::str::from_utf8(note.text()).unwrap();
    assert_eq!(key.note(text, signatures[0].signature()).unwrap(), GO_NOTE);
}

#[test]
fn a_checkpoint_is_verified_as_it_was_signed() {
    let signed = signed();
    assert_eq!(verify(signed.note()), Ok(signed.clone()));
    let lines: Vec<_> = signed.note().split('\n').collect();
    let origin = fixture::origin().to_string();
    assert_eq!(&lines[..2], &[origin.as_str(), "5"]);
    assert_eq!(lines[2], Hash(*signed.checkpoint().head().as_bytes()).to_string());
    assert!(lines[4].starts_with(&format!("— {origin} ")));
    assert_eq!((lines[3], lines[5], lines.len()), ("", "", 6));
}

#[test]
fn every_flipped_bit_is_refused() {
    let note = signed().note().to_owned();
    for at in 0..note.len() * 8 {
        let mut bytes = note.clone().into_bytes();
        bytes[at / 8] ^= 1 << (at % 8);
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(verify(&changed).is_err(), "bit {at}");
        }
    }
}

#[test]
fn the_key_and_the_log_are_the_callers() {
    let signed = signed();
    let other = fixture::key(2).public_key();
    let unsigned = CheckpointError::Unsigned(fixture::origin());
    let refused = SignedCheckpoint::verify(signed.note(), fixture::origin(), &other);
    assert_eq!(refused, Err(unsigned));
    let neighbour = Origin { node: ParticipantId::new(3).unwrap(), ..fixture::origin() };
    let key = fixture::key(1).public_key();
    let refused = SignedCheckpoint::verify(signed.note(), neighbour, &key);
    assert_eq!(refused, Err(CheckpointError::Unsigned(neighbour)));
}

#[test]
fn a_checkpoint_of_another_log_under_this_ones_name_is_refused() {
    let neighbour = Origin { node: ParticipantId::new(3).unwrap(), ..fixture::origin() };
    let text = Log::default().checkpoint(neighbour).text().unwrap();
    assert_eq!(verify(&note_of(&text)), Err(CheckpointError::OtherLog(neighbour)));
}

#[test]
fn a_signed_text_that_is_no_checkpoint_of_ours_is_refused() {
    let text = signed().checkpoint().text().unwrap();
    assert!(verify(&note_of(&text)).is_ok());
    for bad in [
        text.clone() + "an extension line\n",
        text.replace("\n5\n", "\n05\n"),
        text.replace("\n5\n", "\n+5\n"),
        text.replace("\n5\n", "\n18446744073709551616\n"),
        text.replace("quorate/", "elsewhere/"),
        text.replace('=', ""),
        text.lines().take(2).map(|line| line.to_owned() + "\n").collect(),
    ] {
        assert_eq!(verify(&note_of(&bad)), Err(CheckpointError::NoCheckpoint), "{bad}");
    }
}

#[test]
fn signatures_of_others_are_ignored_and_dropped() {
    let signed = signed();
    let go = GO_NOTE.lines().last().unwrap();
    let witnessed = format!("{}{go}\n", signed.note());
    assert_eq!(verify(&witnessed), Ok(signed));
}

#[test]
fn a_long_note_is_not_parsed() {
    let go = GO_NOTE.lines().last().unwrap().to_owned() + "\n";
    let long = signed().note().to_owned() + &go.repeat(SignedCheckpoint::BYTES_MAX / go.len());
    assert_eq!(verify(&long), Err(CheckpointError::TooLong));
}

#[test]
fn a_signature_over_something_else_is_named_as_such() {
    let note = signed().note().replacen("\n5\n", "\n6\n", 1);
    assert_eq!(verify(&note), Err(CheckpointError::BadSignature));
    assert_eq!(verify(""), Err(CheckpointError::NoNote));
}
