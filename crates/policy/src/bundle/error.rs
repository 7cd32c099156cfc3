//! Why a bundle is refused.

use std::fmt;

/// Why a bundle is refused. Nothing of a refused bundle is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// More bytes than a node parses.
    #[error("the bundle has {bytes} bytes; at most {max} are accepted", max = super::BYTES_MAX)]
    TooLarge {
        /// Its size, in bytes.
        bytes: usize,
    },
    /// Not TOML, or not of the bundle's shape.
    #[error("the bundle is not well-formed: {0}")]
    Document(String),
    /// Versions count from 1.
    #[error("version must be at least 1")]
    VersionZero,
    /// A bundle that is not the first must say which it follows; the first follows none.
    #[error(
        "version {version}: every version but the first needs `previous`, the hash of the bundle before it, and the first has none"
    )]
    Previous {
        /// Its version.
        version: u64,
    },
    /// A field at the top has a value that it cannot have.
    #[error("{field}: {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// More entries in a table than a node evaluates.
    #[error("[{table}] has {count} entries; at most {max} are accepted")]
    TooManyEntries {
        /// The table.
        table: &'static str,
        /// How many it has.
        count: usize,
        /// How many are accepted.
        max: usize,
    },
    /// More persons in a quorum than a person who is asked can know.
    #[error("quorum {quorum} has {count} members; at most {max} are accepted", max = super::tables::QUORUM_MEMBERS_MAX)]
    TooManyMembers {
        /// The quorum.
        quorum: String,
        /// How many it has.
        count: usize,
    },
    /// Two of the bundle's own tests with one name.
    #[error("two tests have the name {name:?}")]
    DuplicateTest {
        /// The name.
        name: String,
    },
    /// The text under `policies` is not Cedar.
    #[error("policies do not parse: {0}")]
    Policies(String),
    /// The text under `policies` nests deeper than it is safe to parse.
    #[error("a rule nests too deep, or joins too many conditions: split it")]
    TooDeep,
    /// More rules than a node evaluates.
    #[error("the bundle has {count} rules; at most {max} are accepted", max = super::rules::COUNT_MAX)]
    TooManyRules {
        /// How many it has.
        count: usize,
    },
    /// Cedar templates have no use here.
    #[error(
        "the bundle has a template (`?principal` or `?resource`): name the principal and the resource"
    )]
    Template,
    /// A rule without an annotation that explanations need.
    #[error("rule {rule}: needs the annotation @{annotation}(\"…\")")]
    MissingAnnotation {
        /// The rule's id, or its text where it has none.
        rule: String,
        /// `id` or `title`.
        annotation: &'static str,
    },
    /// Two rules with one id.
    #[error("two rules have the id {rule}")]
    DuplicateRule {
        /// The id.
        rule: String,
    },
    /// A rule does not fit the schema.
    #[error("rule {rule}: {reason}")]
    Invalid {
        /// The rule's id.
        rule: String,
        /// What Cedar's validator says.
        reason: String,
    },
    /// A rule is valid and still unsafe.
    #[error("rule {rule}: {lint}")]
    Lint {
        /// The rule's id.
        rule: String,
        /// What is unsafe.
        lint: Lint,
    },
    /// An entry of a table is unusable.
    #[error("[{table}.{entry:?}]: {reason}")]
    Entry {
        /// The table.
        table: &'static str,
        /// The entry's name.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The schema of this build is broken: a bug of quorate, not of the bundle.
    #[error("the embedded schema is broken, which is a bug: {0}")]
    Schema(String),
}

impl BundleError {
    pub(super) fn entry(table: &'static str, entry: &str, reason: impl fmt::Display) -> Self {
        Self::Entry { table, entry: entry.to_owned(), reason: reason.to_string() }
    }
}

/// What makes a rule unsafe although Cedar accepts it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lint {
    /// Cedar skips a rule whose arithmetic overflows.
    #[error("arithmetic can overflow, and then the rule fails: write the number itself")]
    Arithmetic,
    /// Amounts are rounded up, so they prove upper bounds only.
    #[error(
        "`{fact}` is rounded up: it may only be bounded from above, by a plain number, where the rule allows"
    )]
    AmountNotBoundedAbove {
        /// The amount.
        fact: String,
    },
    /// A limit that holds, a quorum that is met, a window, a calendar or a verdict must never be what
    /// a rule refuses: otherwise an approval could deny, and leaving out a verdict could allow.
    #[error(
        "`{fact}` may only be asked with contains, containsAll or containsAny of plain names, and only so that one more name allows more: in a permit's `when`, or in a forbid's `unless`"
    )]
    SetMisused {
        /// The set of names.
        fact: String,
    },
    /// A rule refuses by a fact that may be absent, and then it does not apply.
    #[error(
        "`{fact}` may be absent, and then this rule does not refuse: turn it around (`forbid … unless {{ context has …`), or let every permit require the fact"
    )]
    OptionalFact {
        /// The fact.
        fact: String,
    },
    /// A guarded record was used as a whole, where the checks on its parts cannot follow.
    #[error("`{fact}` may only be used through its parts")]
    WholeRecord {
        /// The record.
        fact: String,
    },
    /// A name that is in no table of the bundle: a rule that can never apply.
    #[error("{kind} {name:?} is not in the bundle")]
    UnknownName {
        /// What is named.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A form that this version of the gate cannot check.
    #[error("`{expression}` is of a form that the gate cannot check")]
    Unsupported {
        /// The expression.
        expression: String,
    },
}
