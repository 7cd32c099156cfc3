//! Why bytes or messages are refused.

/// A message that is refused, by the field that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}")]
pub struct DecodeError {
    /// Message and field, such as `SignRequest.cluster`.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not there, and has to be.
    #[error("missing")]
    Missing,
    /// An enumeration that names nothing known.
    #[error("{0} is no known value")]
    Unknown(i32),
    /// More items than allowed.
    #[error("{found} items, at most {max} are allowed")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many are allowed.
        max: usize,
    },
    /// More bytes than allowed.
    #[error("{found} bytes, at most {max} are allowed")]
    TooLong {
        /// How many there are.
        found: usize,
        /// How many are allowed.
        max: usize,
    },
    /// Not as many bytes as such a value has.
    #[error("{found} bytes where {expected} are expected")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// Readable, but not a value of its kind.
    #[error("{0}")]
    Value(String),
    /// Not the one encoding of what it says: unknown or repeated fields, disorder, long varints.
    #[error("not in its one canonical encoding")]
    NotCanonical,
    /// No protobuf encoding of the message.
    #[error("{0}")]
    Encoding(String),
}

impl DecodeError {
    pub(crate) fn new(field: &'static str, fault: Fault) -> Self {
        Self { field, fault }
    }

    pub(crate) fn missing(field: &'static str) -> Self {
        Self::new(field, Fault::Missing)
    }

    pub(crate) fn value(field: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::new(field, Fault::Value(reason.to_string()))
    }

    pub(crate) fn encoding(message: &'static str, error: &prost::DecodeError) -> Self {
        Self::new(message, Fault::Encoding(error.to_string()))
    }
}
