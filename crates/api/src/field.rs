//! Checks of single fields. Each takes the field's name for the error.

use std::str::FromStr;

use quorate_model::{Attempt, Digest, ParticipantId, ParticipantSet};
use quorate_trust::Signature;

use crate::{DecodeError, Fault, limits};

/// A sub-message or choice that has to be there.
pub(crate) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::missing(field))
}

pub(crate) fn array<const N: usize>(
    field: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], DecodeError> {
    let length = Fault::Length { found: bytes.len(), expected: N };
    bytes.try_into().map_err(|_| DecodeError::new(field, length))
}

pub(crate) fn digest(field: &'static str, bytes: &[u8]) -> Result<Digest, DecodeError> {
    array(field, bytes).map(Digest::new)
}

/// An Ed25519 signature.
pub(crate) fn signature(field: &'static str, bytes: &[u8]) -> Result<Signature, DecodeError> {
    let bytes: [u8; 64] = array(field, bytes)?;
    Signature::from_bytes(&bytes).map_err(|e| DecodeError::value(field, e))
}

/// A text with a grammar of its own, which bounds its length.
pub(crate) fn parse<T>(field: &'static str, text: &str) -> Result<T, DecodeError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    length(field, text.len(), limits::NAME_BYTES_MAX)?;
    text.parse().map_err(|e: T::Err| DecodeError::value(field, e))
}

pub(crate) fn bytes(
    field: &'static str,
    bytes: Vec<u8>,
    max: usize,
) -> Result<Vec<u8>, DecodeError> {
    length(field, bytes.len(), max).map(|()| bytes)
}

pub(crate) fn text(field: &'static str, text: String, max: usize) -> Result<String, DecodeError> {
    length(field, text.len(), max).map(|()| text)
}

/// As many bytes of a text as its receiver takes. Only for what nobody signed.
pub(crate) fn clip(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

pub(crate) fn length(field: &'static str, found: usize, max: usize) -> Result<(), DecodeError> {
    if found > max { Err(DecodeError::new(field, Fault::TooLong { found, max })) } else { Ok(()) }
}

pub(crate) fn count(field: &'static str, found: usize, max: usize) -> Result<(), DecodeError> {
    if found > max { Err(DecodeError::new(field, Fault::TooMany { found, max })) } else { Ok(()) }
}

/// A list of messages, each of them checked.
pub(crate) fn list<P, T>(
    field: &'static str,
    items: Vec<P>,
    max: usize,
) -> Result<Vec<T>, DecodeError>
where
    T: TryFrom<P, Error = DecodeError>,
{
    count(field, items.len(), max)?;
    items.into_iter().map(T::try_from).collect()
}

/// A list of byte strings.
pub(crate) fn byte_list(
    field: &'static str,
    items: Vec<Vec<u8>>,
    max: usize,
    item_bytes_max: usize,
) -> Result<Vec<Vec<u8>>, DecodeError> {
    count(field, items.len(), max)?;
    items.into_iter().map(|item| bytes(field, item, item_bytes_max)).collect()
}

/// A list of texts.
pub(crate) fn digests(
    field: &'static str,
    values: &[Vec<u8>],
    max: usize,
) -> Result<Vec<Digest>, DecodeError> {
    count(field, values.len(), max)?;
    values.iter().map(|bytes| digest(field, bytes)).collect()
}

pub(crate) fn text_list(
    field: &'static str,
    items: Vec<String>,
    max: usize,
) -> Result<Vec<String>, DecodeError> {
    count(field, items.len(), max)?;
    items.into_iter().map(|item| text(field, item, limits::REASON_BYTES_MAX)).collect()
}

pub(crate) fn participant(field: &'static str, id: u32) -> Result<ParticipantId, DecodeError> {
    // What does not fit is as little an id as zero is.
    let id = u16::try_from(id).unwrap_or_default();
    ParticipantId::new(id).map_err(|e| DecodeError::value(field, e))
}

/// A set, ascending.
pub(crate) fn participants(
    field: &'static str,
    ids: Vec<u32>,
) -> Result<ParticipantSet, DecodeError> {
    count(field, ids.len(), limits::PARTICIPANTS_MAX)?;
    ParticipantSet::from_wire(ids).map_err(|e| DecodeError::value(field, e))
}

pub(crate) fn participants_to_pb(set: &ParticipantSet) -> Vec<u32> {
    set.iter().map(participant_to_pb).collect()
}

pub(crate) fn participant_to_pb(id: ParticipantId) -> u32 {
    u32::from(id.get())
}

/// An attempt, counted from 1.
pub(crate) fn attempt(field: &'static str, attempt: u32) -> Result<Attempt, DecodeError> {
    if attempt == 0 {
        return Err(DecodeError::value(field, "attempts are counted from 1"));
    }
    Ok(Attempt(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_clipped_between_characters() {
        assert_eq!(clip("aä".to_owned(), 2), "a");
        assert_eq!(clip("aä".to_owned(), 3), "aä");
        assert_eq!(clip(String::new(), 0), "");
    }

    #[test]
    fn what_does_not_fit_is_no_participant() {
        for bad in [0, 65_536, u32::MAX] {
            assert!(participant("a", bad).is_err(), "{bad}");
        }
        assert_eq!(participant("a", 65_535).unwrap().get(), 65_535);
    }

    #[test]
    fn an_attempt_is_counted_from_one() {
        assert!(attempt("a", 0).is_err());
        assert_eq!(attempt("a", 1), Ok(Attempt::FIRST));
    }

    #[test]
    fn a_long_text_is_refused_before_it_is_parsed() {
        let text = "a".repeat(limits::NAME_BYTES_MAX + 1);
        let error = parse::<quorate_model::KeyId>("a", &text).unwrap_err();
        assert!(matches!(error.fault, Fault::TooLong { found: 513, max: 512 }));
    }
}
