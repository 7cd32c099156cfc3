//! Statements of people: deterministic text, one field a line, shown verbatim and signed verbatim.

use std::fmt::Write as _;
use std::str::FromStr;

/// Why a text is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The first line names another kind or version of statement.
    #[error("expected a statement that begins with {expected:?}")]
    Kind {
        /// What it should begin with.
        expected: &'static str,
    },
    /// A line that is not `name: value` in printable ASCII.
    #[error("line {line}: expected 'name: value' in printable ASCII")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// Another field, or none, where `expected` should be.
    #[error("expected field {expected:?}")]
    Field {
        /// The missing field.
        expected: &'static str,
    },
    /// The value of a field cannot be read.
    #[error("field {field:?}: {reason}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Lines after the last field.
    #[error("unexpected text after the last field")]
    Trailing,
    /// Readable, but not in the one form that is signed.
    #[error("the statement is not in its canonical form")]
    NotCanonical,
    /// Larger than any statement may be.
    #[error("a statement has at most {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
}

const BYTES_MAX: usize = 256 * 1024;

/// Writes a statement.
pub(crate) struct Writer(String);

impl Writer {
    pub(crate) fn new(kind: &str) -> Self {
        Self(format!("{kind}\n"))
    }

    pub(crate) fn field(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{name}: {value}");
        self
    }

    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// Reads a statement field by field, in order.
pub(crate) struct Reader<'a> {
    lines: std::iter::Peekable<std::vec::IntoIter<(&'a str, &'a str)>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, kind: &'static str) -> Result<Self, TextError> {
        if text.len() > BYTES_MAX {
            return Err(TextError::TooLong { max: BYTES_MAX });
        }
        let mut lines = text.lines();
        if lines.next() != Some(kind) {
            return Err(TextError::Kind { expected: kind });
        }
        let fields: Result<Vec<_>, _> = lines
            .enumerate()
            .map(|(index, line)| {
                let printable = line.bytes().all(|b| (0x20..0x7f).contains(&b));
                let field = line.split_once(": ").filter(|_| printable);
                field.ok_or(TextError::Line { line: index + 2 })
            })
            .collect();
        Ok(Self { lines: fields?.into_iter().peekable() })
    }

    /// The value of the next field, which must be `name`.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<&'a str, TextError> {
        self.optional(name).ok_or(TextError::Field { expected: name })
    }

    /// The value of the next field, if that is `name`.
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<&'a str> {
        self.lines.next_if(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The next field, parsed.
    pub(crate) fn parse<T>(&mut self, name: &'static str) -> Result<T, TextError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        value(name, self.text(name)?)
    }

    pub(crate) fn finish(mut self) -> Result<(), TextError> {
        if self.lines.next().is_some() { Err(TextError::Trailing) } else { Ok(()) }
    }
}

/// Parses the value of a field.
pub(crate) fn value<T>(field: &'static str, text: &str) -> Result<T, TextError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e: T::Err| TextError::Value { field, reason: e.to_string() })
}

/// Parses a comma-separated list.
pub(crate) fn list<T>(field: &'static str, text: &str) -> Result<Vec<T>, TextError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.split(',').map(|item| value(field, item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_the_last_field() {
        let read = |text: &str| {
            let mut reader = Reader::new(text, "quorate test v1").unwrap();
            reader.text("only").map(str::to_owned)?;
            reader.finish()
        };
        let text = "quorate test v1\nonly: one\n";
        assert_eq!(read(text), Ok(()));
        assert_eq!(read(&format!("{text}more: two\n")), Err(TextError::Trailing));
    }
}
