//! Why typed data is refused.

use quorate_model::ChainId;

/// Why typed data (EIP-712) is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypedDataError {
    /// No JSON, or a name twice in one object.
    #[error("no JSON that is read in one way only: {reason}")]
    Json {
        /// What the parser says.
        reason: String,
    },
    /// Other members than the four.
    #[error("typed data has types, primaryType, domain and message, and nothing else")]
    Members,
    /// A message that is a domain is signed without it.
    #[error("the primary type is EIP712Domain, which is no message: name the message's type")]
    DomainOnly,
    /// A malformed declaration.
    #[error(
        "type {name:?} is not declared in one way only: expected a list of fields with name and type, \
         each name once"
    )]
    Declaration {
        /// The declared name.
        name: String,
    },
    /// A type of a field that is neither elementary nor declared.
    #[error(
        "{name:?} is no type: declare it, or use one of address, bool, bytes, string, uint8 to \
         uint256, int8 to int256, bytes1 to bytes32, and arrays of these"
    )]
    UndeclaredType {
        /// The type's name.
        name: String,
    },
    /// A type that nothing uses.
    #[error("type {name:?} is declared and not used: leave it out")]
    UnusedType {
        /// The type's name.
        name: String,
    },
    /// A type that contains itself, or more than can be checked.
    #[error(
        "type {name:?} contains itself, or too many others: typed data is at most {max} fields"
    )]
    Recursive {
        /// The type's name.
        name: String,
        /// How many fields are decoded.
        max: usize,
    },
    /// A domain type of other fields, or in another order.
    #[error(
        "EIP712Domain must be declared with those of name, version, chainId, verifyingContract and \
         salt that the domain has, in this order and with their types of EIP-712"
    )]
    DomainType,
    /// A domain of every chain.
    #[error("the domain has no chainId: add it, or the signature counts on every chain")]
    NoChainId,
    /// A domain of another chain.
    #[error("the typed data is for chain {found}, the request for chain {expected}")]
    ChainId {
        /// The chain id of the domain.
        found: String,
        /// The chain id of the request's network.
        expected: ChainId,
    },
    /// A field that is missing, or that is not declared.
    #[error(
        "{place} does not have exactly the fields of type {name:?}: {field:?} is missing or new"
    )]
    Fields {
        /// Where.
        place: String,
        /// The type's name.
        name: String,
        /// The field.
        field: String,
    },
    /// A value that is not of its type, or not in the one spelling that is taken.
    #[error(
        "{place} is no {name}: numbers are plain decimal (as text from 2^53 on) or 0x and digits, bytes and \
         addresses 0x and digits, booleans and texts JSON's own"
    )]
    Value {
        /// Where.
        place: String,
        /// The type's name.
        name: String,
    },
    /// What alloy does not decode.
    #[error("the typed data cannot be hashed: {reason}")]
    Undecodable {
        /// Its reason.
        reason: String,
    },
    /// More than a person reads.
    #[error("the typed data takes {chars} characters, {max} are shown to people: shorten it")]
    Long {
        /// How many it takes.
        chars: usize,
        /// How many are decoded.
        max: usize,
    },
}
