//! What names a sign request.

use std::fmt;
use std::str::FromStr;

use crate::ServiceName;

/// A service's own id of a request: 16 bytes, shown as a UUID (AIP-155).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 16]);

/// The text was no lowercase UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a request id is a lowercase UUID such as 6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11")]
pub struct ParseRequestId;

impl RequestId {
    /// Wraps the 16 bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = ParseRequestId;

    fn from_str(text: &str) -> Result<Self, ParseRequestId> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseRequestId)?;
        let id = Self(bytes);
        if id.to_string() == text { Ok(id) } else { Err(ParseRequestId) }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What names a request in the cluster: ids are scoped to the service that made them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// Who asked.
    pub service: ServiceName,
    /// The service's id of it.
    pub request_id: RequestId,
}

impl FromStr for RequestKey {
    type Err = ParseRequestId;

    fn from_str(text: &str) -> Result<Self, ParseRequestId> {
        let (service, request_id) = text.split_once('/').ok_or(ParseRequestId)?;
        let service = service.parse().map_err(|_| ParseRequestId)?;
        Ok(Self { service, request_id: request_id.parse()? })
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.request_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_has_one_spelling() {
        let text = "6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11";
        assert_eq!(text.parse::<RequestId>().unwrap().to_string(), text);
        for bad in ["", "6a7c1d9e0c0f4b8e9a530a6f2f2a1c11", "6A7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11"]
        {
            assert!(bad.parse::<RequestId>().is_err());
        }
    }
}
