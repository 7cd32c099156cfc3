//! Names that people choose: keys, services, persons, quorums, orders and risk providers share one
//! grammar.

use std::fmt;
use std::str::FromStr;

const LENGTH_MAX: usize = 63;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a name: 1 to 63 of a-z, 0-9 and '-', beginning with a letter and not ending with '-'"
)]
pub struct NameError(String);

fn check(text: &str) -> Result<(), NameError> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let all = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if first && all && text.len() <= LENGTH_MAX && !text.ends_with('-') {
        Ok(())
    } else {
        // A hostile name may be long: quote no more than a person can read.
        Err(NameError(text.chars().take(LENGTH_MAX + 1).collect()))
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A key of the cluster, for ever: a new group key is a new `KeyId`.
    KeyId
}
name! {
    /// A backend of the custodian that may send sign requests.
    ServiceName
}
name! {
    /// A person with credentials in the trust root.
    PersonName
}
name! {
    /// A named quorum of persons in the trust root.
    QuorumName
}
name! {
    /// The unique id of an order.
    OrderId
}

name! {
    /// A provider of risk verdicts, as a policy bundle names it.
    ProviderName
}
name! {
    /// How a provider rates a payload, in its own words, such as `low`.
    RiskLevel
}
name! {
    /// A demand on a provider's verdict, as a policy bundle names it and rules ask for it.
    VerdictName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_one_grammar() {
        for good in ["a", "treasury-btc", "k9"] {
            assert!(good.parse::<KeyId>().is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", "9a", "-a", "a-", "A", "a_b", "a b", "ä", long.as_str()] {
            assert!(bad.parse::<KeyId>().is_err(), "{bad}");
        }
    }
}
