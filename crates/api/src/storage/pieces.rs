//! Records that can be larger than one value of a store may be.
//!
//! Such a record is kept in pieces: under its name, a slash and the piece's number. The first piece
//! begins with how many there are. A record that became shorter leaves pieces behind, which that number
//! rules out.

use std::collections::BTreeMap;

use prost::Message;
use zeroize::Zeroizing;

use super::{Seal, Value, Write};
use crate::{DecodeError, field};

/// Bytes of a piece: below the 60 KiB that a value of the store may have.
const PIECE_BYTES_MAX: usize = 48 * 1024;

/// Pieces of a record, at most: a batch of the store takes 1 MiB, and the largest payload, everybody's
/// denials, all approvals and all verdicts need less; so does an order with its document.
pub(super) const PIECES_MAX: usize = 21;

/// The writes that make a record durable.
pub(super) fn split(tree: &'static str, name: &[u8], message: &impl Message) -> Vec<Write> {
    let bytes = message.encode_to_vec();
    // Always one piece at least: no such record is empty.
    let count = bytes.chunks(PIECE_BYTES_MAX).len();
    let pieces = bytes.chunks(PIECE_BYTES_MAX).enumerate().map(|(index, piece)| {
        let mut value = if index == 0 { number(count).to_vec() } else { Vec::new() };
        value.extend_from_slice(piece);
        let value = Value(Zeroizing::new(value));
        Write::Put { tree, key: key(name, index), value, seal: Seal::Root }
    });
    pieces.collect()
}

/// The writes that remove a record, however many pieces it has.
pub(super) fn remove(tree: &'static str, name: &[u8]) -> Vec<Write> {
    (0..PIECES_MAX).map(|index| Write::Delete { tree, key: key(name, index) }).collect()
}

/// The pieces that a tree holds.
#[derive(Default)]
pub(super) struct Pieces(BTreeMap<Vec<u8>, Value>);

impl Pieces {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Value) {
        self.0.insert(key, value);
    }

    /// The records, each with the key of its first piece.
    ///
    /// # Errors
    /// [`DecodeError`] for a missing piece, or for bytes that are no such message.
    pub(super) fn join<M: Message + Default>(
        &self,
        message: &'static str,
    ) -> Result<Vec<(&[u8], M)>, DecodeError> {
        let mut records = Vec::new();
        for (first_key, first) in &self.0 {
            let Some(name) = first_piece_of(first_key)? else { continue };
            let (count, head) = field::required(message, first.0.split_first_chunk())?;
            let mut bytes = head.to_vec();
            for index in 1..u32::from_be_bytes(*count) {
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                let piece = field::required(message, self.0.get(&key(name, index)))?;
                bytes.extend_from_slice(&piece.0);
            }
            let record = M::decode(bytes.as_slice());
            let record = record.map_err(|error| DecodeError::encoding(message, &error))?;
            records.push((first_key.as_slice(), record));
        }
        Ok(records)
    }
}

/// The name, a slash and the piece's number, so that pieces sort.
fn key(name: &[u8], index: usize) -> Vec<u8> {
    [name, b"/", &number(index)].concat()
}

/// The record's name, if this is the key of a first piece.
fn first_piece_of(key: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let malformed = || DecodeError::value("key", "no key of a piece of a record");
    let (name, index) = key.split_last_chunk().ok_or_else(malformed)?;
    let name = name.strip_suffix(b"/").ok_or_else(malformed)?;
    Ok((u32::from_be_bytes(*index) == 0).then_some(name))
}

fn number(number: usize) -> [u8; 4] {
    // A record has a handful of pieces.
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}
