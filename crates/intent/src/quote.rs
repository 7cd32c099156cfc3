//! Foreign text in errors.

/// As much of a text as a person reads in an error: it may come from whoever sent the payload.
const CHARS_MAX: usize = 100;

pub(crate) fn quoted(text: &str) -> String {
    text.chars().take(CHARS_MAX).collect()
}
