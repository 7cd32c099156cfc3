use std::sync::LazyLock;

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use quorate_model::ParticipantId;

use super::*;
use crate::{Event, EventKind, Tree, fixture};

fn signed(entries: &[Entry]) -> SignedCheckpoint {
    let log = Log::verify(entries).unwrap();
    log.checkpoint(fixture::origin()).sign(&fixture::key(1)).unwrap()
}

fn export(entries: &[Entry]) -> String {
    Export::write(entries, &signed(entries)).unwrap()
}

fn verify(text: &str) -> Result<Verified, ExportError> {
    Export::verify(text.as_bytes(), fixture::origin(), &fixture::key(1).public_key())
}

/// The error, and the line that it names.
fn refused(text: &str) -> (ExportError, u64) {
    let error = verify(text).unwrap_err();
    let line = match &error {
        ExportError::Header => 1,
        ExportError::Encoding { line }
        | ExportError::Entry { line, .. }
        | ExportError::Chain { line, .. }
        | ExportError::Truncated { line }
        | ExportError::Checkpoint { line, .. }
        | ExportError::Trailing { line }
        | ExportError::Length { line, .. }
        | ExportError::Forked { line } => *line,
    };
    assert!(error.to_string().starts_with(&format!("line {line}: ")), "{error}");
    (error, line)
}

#[test]
fn an_export_is_verified_as_it_was_written() {
    for count in [0, 1, 2, 7, 8, 9] {
        let entries = fixture::entries(count);
        let verified = verify(&export(&entries)).unwrap();
        assert_eq!(verified.entries(), entries);
        assert_eq!(
            (verified.length(), verified.checkpoint()),
            (count, signed(&entries).checkpoint())
        );
        assert_eq!(verified.head(), Tree::new(&entries).unwrap().root(count).unwrap());
    }
}

#[test]
fn every_flipped_bit_of_an_export_is_refused() {
    let text = export(&fixture::entries(3));
    for at in 0..text.len() * 8 {
        let mut bytes = text.clone().into_bytes();
        bytes[at / 8] ^= 1 << (at % 8);
        let refused = Export::verify(&bytes, fixture::origin(), &fixture::key(1).public_key());
        assert!(refused.is_err(), "bit {at}");
    }
}

#[test]
fn every_beginning_and_every_continuation_of_an_export_is_refused() {
    let text = export(&fixture::entries(3));
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert!(verify(&text[..end]).is_err(), "{end}");
    }
    for more in ["\n", " ", "x", "\n\n", &text, "— other AAAAAAA=\n"] {
        assert!(verify(&format!("{text}{more}")).is_err(), "{more}");
    }
}

const COUNT: u64 = 10_000;

static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let text = export(&fixture::entries(COUNT));
    text.split_inclusive('\n').map(str::to_owned).collect()
});

/// The place of an entry among the lines, and the number of its line.
fn place(rng: &mut TestRng) -> (usize, u64) {
    // Neither first nor last, so that there is an entry before and after.
    let index = 1 + u64::from(rng.next_u32()) % (COUNT - 2);
    (usize::try_from(index).unwrap() + 1, index + 2)
}

fn changed(change: impl FnOnce(&mut Vec<String>)) -> (ExportError, u64) {
    let mut lines = LINES.clone();
    change(&mut lines);
    assert_ne!(lines, *LINES);
    refused(&lines.concat())
}

#[test]
fn a_long_export_verifies() {
    assert_eq!(verify(&LINES.concat()).unwrap().length(), COUNT);
}

#[test]
fn a_flipped_bit_in_any_part_of_any_entry_is_named_by_its_line_or_the_next() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]);
    for part in [
        "index\":",
        "time_ms\":",
        "kind\":\"",
        "request",
        "payments/",
        "reason",
        "quoted",
        "state\":\"",
        "previous\":\"",
        "{\"",
        "]]",
        "\"}",
    ] {
        let (at, line) = place(&mut rng);
        // Just behind the name of a part stands its value, of which the first digit or letter changes.
        let byte =
            LINES[at].find(part).unwrap() + part.len() - usize::from(!part.ends_with(['"', ':']));
        let bit = rng.next_u32() % 7;
        let (error, named) = changed(|lines| {
            let mut bytes = lines[at].clone().into_bytes();
            bytes[byte] ^= 1 << bit;
            lines[at] = String::from_utf8(bytes).unwrap();
        });
        assert!(named == line || named == line + 1, "{part}: {error}");
    }
}

#[test]
fn a_removed_entry_is_named() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[4; 32]);
    let (at, line) = place(&mut rng);
    let fault = ChainError::Gap { expected: line - 2, found: line - 1 };
    assert_eq!(changed(|lines| drop(lines.remove(at))), (ExportError::Chain { line, fault }, line));
    // The first one as well.
    let (_, named) = changed(|lines| drop(lines.remove(1)));
    assert_eq!(named, 2);
}

#[test]
fn a_duplicated_entry_is_named() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    let (at, line) = place(&mut rng);
    let fault = ChainError::Gap { expected: line - 1, found: line - 2 };
    let expected = (ExportError::Chain { line: line + 1, fault }, line + 1);
    assert_eq!(changed(|lines| lines.insert(at, lines[at].clone())), expected);
}

#[test]
fn swapped_entries_are_named() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[6; 32]);
    let (at, line) = place(&mut rng);
    let (error, named) = changed(|lines| lines.swap(at, at + 1));
    assert_eq!(named, line, "{error}");
}

#[test]
fn entries_cut_off_at_the_end_are_missed() {
    let last = usize::try_from(COUNT).unwrap();
    let line = COUNT + 1;
    let expected = ExportError::Length { line, entries: COUNT - 1, signed: COUNT };
    assert_eq!(changed(|lines| drop(lines.remove(last))), (expected, line));
    let (error, line) = changed(|lines| lines.truncate(last));
    assert_eq!((error, line), (ExportError::Truncated { line: COUNT + 1 }, COUNT + 1));
}

#[test]
fn a_change_of_the_last_entry_is_a_fork() {
    let last = usize::try_from(COUNT).unwrap();
    let line = COUNT + 2;
    let change =
        |lines: &mut Vec<String>| lines[last] = lines[last].replacen("quoted", "Quoted", 1);
    assert_eq!(changed(change), (ExportError::Forked { line }, line));
}

#[test]
fn another_log_under_the_nodes_checkpoint_is_a_fork() {
    let entries = fixture::entries(9);
    let mut log = Log::default();
    let forged: Vec<_> = entries
        .iter()
        .map(|entry| {
            let mut event = entry.event.clone();
            if entry.index == 4 {
                event = Event::new(EventKind::ShareDropped);
            }
            log.append(event, entry.time, entry.state)
        })
        .collect();
    let ours = export(&entries);
    let (_, note) = ours.split_once("\n\n").unwrap();
    let theirs = export(&forged);
    let (text, _) = theirs.split_once("\n\n").unwrap();
    let line = 11;
    assert_eq!(refused(&format!("{text}\n\n{note}")), (ExportError::Forked { line }, line));
    let fork = Export::write(&forged, &signed(&entries));
    assert_eq!(fork, Err(ExportError::Forked { line }));
}

#[test]
fn entries_after_what_was_signed_are_refused() {
    let entries = fixture::entries(9);
    let early = signed(&entries[..8]);
    let length = ExportError::Length { line: 11, entries: 9, signed: 8 };
    assert_eq!(Export::write(&entries, &early), Err(length.clone()));
    let text = export(&entries);
    let (text, _) = text.split_once("\n\n").unwrap();
    assert_eq!(refused(&format!("{text}\n\n{}", early.note())), (length, 11));
}

#[test]
fn the_key_and_the_log_are_the_callers() {
    let text = export(&fixture::entries(3));
    let (ours, theirs) = (fixture::key(1).public_key(), fixture::key(2).public_key());
    let neighbour = Origin { node: ParticipantId::new(3).unwrap(), ..fixture::origin() };
    for (origin, key) in [(fixture::origin(), theirs), (neighbour, ours)] {
        let fault = CheckpointError::Unsigned(origin);
        let refused = Export::verify(text.as_bytes(), origin, &key);
        assert_eq!(refused, Err(ExportError::Checkpoint { line: 6, fault }));
    }
}

#[test]
fn a_signature_of_somebody_else_in_the_checkpoint_is_refused() {
    let text = export(&fixture::entries(3));
    let line = text.lines().last().unwrap().replace("node-2", "node-3");
    let expected = (ExportError::Trailing { line: 6 }, 6);
    assert_eq!(refused(&format!("{text}{line}\n")), expected);
}

#[test]
fn an_export_of_another_version_is_refused() {
    let text = export(&fixture::entries(3)).replacen("v1", "v2", 1);
    assert_eq!(refused(&text), (ExportError::Header, 1));
}

#[test]
fn what_is_no_text_is_named_by_its_line() {
    let mut bytes = export(&fixture::entries(3)).into_bytes();
    let at = bytes.len() - 1;
    for (at, line) in [(0, 1), (30, 2), (at, 10)] {
        let kept = std::mem::replace(&mut bytes[at], 0xff);
        let refused = Export::verify(&bytes, fixture::origin(), &fixture::key(1).public_key());
        assert_eq!(refused, Err(ExportError::Encoding { line }));
        bytes[at] = kept;
    }
}

#[test]
fn an_export_says_whose_it_claims_to_be() {
    let text = export(&fixture::entries(3));
    assert_eq!(Export::claimed_origin(text.as_bytes()), Some(fixture::origin()));
    let forged = text.replace("node-2", "node-3");
    let node = ParticipantId::new(3).unwrap();
    let claimed = Origin { node, ..fixture::origin() };
    assert_eq!(Export::claimed_origin(forged.as_bytes()), Some(claimed));
    // The claim tells which key to ask, and no more.
    let refused = Export::verify(forged.as_bytes(), claimed, &fixture::key(1).public_key());
    assert!(matches!(refused, Err(ExportError::Checkpoint { .. })), "{refused:?}");
    for nothing in ["", "\n\n", "quorate audit log v1\n", "a\n\nquorate/12/node-2\n"] {
        assert_eq!(Export::claimed_origin(nothing.as_bytes()), None, "{nothing}");
    }
}

#[test]
fn the_pieces_of_a_writer_are_the_export() {
    let entries = fixture::entries(9);
    let mut writer = ExportWriter::default();
    let mut text = ExportWriter::header();
    for entry in &entries {
        text.push_str(&writer.append(entry).unwrap());
    }
    text.push_str(&writer.finish(&signed(&entries)).unwrap());
    assert_eq!(text, export(&entries));
}

#[test]
fn what_would_not_be_read_is_not_written() {
    let mut log = Log::default();
    let event = Event::new(EventKind::OrderAccepted).fact("reason", "y".repeat(line::BYTES_MAX));
    let entries = [log.append(event, log.time(), Digest::new([0; 32]))];
    let refused = Export::write(&entries, &signed(&entries));
    assert_eq!(refused, Err(ExportError::Entry { line: 2, fault: LineError::TooLong }));
    let mut gap = fixture::entries(3);
    let signed = signed(&gap);
    gap.remove(1);
    let fault = ChainError::Gap { expected: 1, found: 2 };
    assert_eq!(Export::write(&gap, &signed), Err(ExportError::Chain { line: 3, fault }));
}
