//! Pages of lists (AIP-158).

use std::fmt::Display;

use quorate_model::{KeyId, RequestKey};

use crate::{DecodeError, field, limits};

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// How many items at most.
    pub size: usize,
    /// The last item of the page before; `None` for the first page.
    pub after: Option<T>,
}

impl Page<KeyId> {
    pub(crate) fn of_keys(size: u32, token: &str) -> Result<Self, DecodeError> {
        const TOKEN: &str = "ListKeysRequest.page_token";
        let after = parse_token(TOKEN, token)?.map(|text| field::parse(TOKEN, &text));
        Ok(Self { size: clamp(size), after: after.transpose()? })
    }
}

impl Page<RequestKey> {
    pub(crate) fn of_requests(size: u32, token: &str) -> Result<Self, DecodeError> {
        const TOKEN: &str = "ListSignRequestsRequest.page_token";
        let after = parse_token(TOKEN, token)?.map(|text| {
            let parts = text.split_once('/');
            let (service, id) = field::required(TOKEN, parts)?;
            let (service, request_id) = (field::parse(TOKEN, service)?, field::parse(TOKEN, id)?);
            Ok(RequestKey { service, request_id })
        });
        Ok(Self { size: clamp(size), after: after.transpose()? })
    }
}

/// The token of the page after `last`. Opaque to clients.
#[must_use]
pub fn next_token(last: &(impl Display + ?Sized)) -> String {
    hex::encode(last.to_string())
}

/// Zero means the default; a size over the limit means the limit (AIP-158).
fn clamp(size: u32) -> usize {
    match usize::try_from(size) {
        Ok(0) => limits::PAGE_SIZE_DEFAULT,
        Ok(size) => size.min(limits::PAGE_SIZE_MAX),
        Err(_) => limits::PAGE_SIZE_MAX,
    }
}

fn parse_token(field: &'static str, token: &str) -> Result<Option<String>, DecodeError> {
    if token.is_empty() {
        return Ok(None);
    }
    field::length(field, token.len(), limits::NAME_BYTES_MAX)?;
    let text = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(|| DecodeError::value(field, "not a token of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_the_item_it_was_made_of() {
        let key: KeyId = "treasury".parse().unwrap();
        let page = Page::of_keys(7, &next_token(&key)).unwrap();
        assert_eq!(page, Page { size: 7, after: Some(key) });
        let request = crate::name::parse_sign_request(
            "a",
            "services/payments/signRequests/6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11",
        )
        .unwrap();
        let page = Page::of_requests(0, &next_token(&request)).unwrap();
        assert_eq!(page, Page { size: limits::PAGE_SIZE_DEFAULT, after: Some(request) });
    }

    #[test]
    fn a_page_has_a_largest_size() {
        let size = |size| Page::<KeyId>::of_keys(size, "").unwrap().size;
        assert_eq!(size(1_000), 1_000);
        assert_eq!(size(1_001), 1_000);
        assert_eq!(size(u32::MAX), 1_000);
    }

    #[test]
    fn other_tokens_are_refused() {
        for bad in ["x", "ff", "41", &"61".repeat(limits::NAME_BYTES_MAX)] {
            assert!(Page::of_keys(0, bad).is_err(), "{bad}");
            assert!(Page::of_requests(0, bad).is_err(), "{bad}");
        }
        assert!(Page::of_requests(0, &next_token("payments")).is_err());
    }
}
