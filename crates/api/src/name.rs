//! Resource names (AIP-122): how keys, requests and operations are called on the custody API.

use std::fmt;

use quorate_model::{KeyId, OrderId, RequestKey, ServiceName};

use crate::{DecodeError, field, limits};

/// The requests of one service, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// `services/-`: every service (AIP-159).
    Any,
    /// `services/{service}`.
    Service(ServiceName),
}

impl Parent {
    /// # Errors
    /// [`DecodeError`] on `parent`.
    pub fn parse(field: &'static str, name: &str) -> Result<Self, DecodeError> {
        match strip(field, name, "services/")? {
            "-" => Ok(Self::Any),
            service => field::parse(field, service).map(Self::Service),
        }
    }

    /// Whether a request is one of these.
    #[must_use]
    pub fn includes(&self, request: &RequestKey) -> bool {
        match self {
            Self::Any => true,
            Self::Service(service) => *service == request.service,
        }
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("services/-"),
            Self::Service(service) => write!(f, "services/{service}"),
        }
    }
}

/// `keys/{key}`.
#[must_use]
pub fn key(id: &KeyId) -> String {
    format!("keys/{id}")
}

/// Reads `keys/{key}`.
///
/// # Errors
/// [`DecodeError`] on `field` for any other text.
pub fn parse_key(field: &'static str, name: &str) -> Result<KeyId, DecodeError> {
    field::parse(field, strip(field, name, "keys/")?)
}

/// `operations/{order}`.
#[must_use]
pub fn operation(order: &OrderId) -> String {
    format!("operations/{order}")
}

/// Reads `operations/{order}`.
///
/// # Errors
/// [`DecodeError`] on `field` for any other text.
pub fn parse_operation(field: &'static str, name: &str) -> Result<OrderId, DecodeError> {
    field::parse(field, strip(field, name, "operations/")?)
}

/// `orders/{order}`.
#[must_use]
pub fn order(order: &OrderId) -> String {
    format!("orders/{order}")
}

/// Reads `orders/{order}`.
///
/// # Errors
/// [`DecodeError`] on `field` for any other text.
pub fn parse_order(field: &'static str, name: &str) -> Result<OrderId, DecodeError> {
    field::parse(field, strip(field, name, "orders/")?)
}

/// `services/{service}/signRequests/{uuid}`.
#[must_use]
pub fn sign_request(request: &RequestKey) -> String {
    format!("services/{}/signRequests/{}", request.service, request.request_id)
}

/// Reads `services/{service}/signRequests/{uuid}`.
///
/// # Errors
/// [`DecodeError`] on `field` for any other text.
pub fn parse_sign_request(field: &'static str, name: &str) -> Result<RequestKey, DecodeError> {
    let rest = strip(field, name, "services/")?;
    let Some((service, id)) = rest.split_once("/signRequests/") else {
        let reason = "expected services/SERVICE/signRequests/UUID";
        return Err(DecodeError::value(field, reason));
    };
    Ok(RequestKey { service: field::parse(field, service)?, request_id: field::parse(field, id)? })
}

fn strip<'a>(
    field: &'static str,
    name: &'a str,
    collection: &'static str,
) -> Result<&'a str, DecodeError> {
    field::length(field, name.len(), limits::NAME_BYTES_MAX)?;
    let expected =
        || DecodeError::value(field, format!("expected a name that begins {collection}"));
    name.strip_prefix(collection).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "services/payments/signRequests/6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11";

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(key(&parse_key("a", "keys/treasury").unwrap()), "keys/treasury");
        assert_eq!(operation(&parse_operation("a", "operations/o1").unwrap()), "operations/o1");
        assert_eq!(sign_request(&parse_sign_request("a", REQUEST).unwrap()), REQUEST);
        for parent in ["services/-", "services/payments"] {
            assert_eq!(Parent::parse("a", parent).unwrap().to_string(), parent);
        }
    }

    #[test]
    fn other_names_are_refused() {
        for bad in ["", "treasury", "keys/", "keys/Treasury", "keys/a/b", "key/a"] {
            assert!(parse_key("a", bad).is_err(), "{bad}");
        }
        assert!(parse_operation("a", "keys/o1").is_err());
        for bad in ["services/payments", "services/-/signRequests/x", &REQUEST.to_uppercase()] {
            assert!(parse_sign_request("a", bad).is_err(), "{bad}");
        }
        for bad in ["-", "services/", "services/--", "services/payments/"] {
            assert!(Parent::parse("a", bad).is_err(), "{bad}");
        }
        let long = format!("keys/{}", "a".repeat(limits::NAME_BYTES_MAX));
        assert!(parse_key("a", &long).is_err());
    }

    #[test]
    fn a_parent_includes_its_own_requests_only() {
        let request = parse_sign_request("a", REQUEST).unwrap();
        assert!(Parent::Any.includes(&request));
        assert!(Parent::Service("payments".parse().unwrap()).includes(&request));
        assert!(!Parent::Service("other".parse().unwrap()).includes(&request));
    }
}
