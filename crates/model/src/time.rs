//! Points in time, always an argument, never read from a clock here.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since the Unix epoch, UTC. Shown as RFC 3339, to the millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// The text was no canonical RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as 2026-11-22T10:00:00.000Z")]
pub struct ParseTimestamp;

impl Timestamp {
    /// The Unix epoch.
    pub const ZERO: Self = Self(0);

    /// A time by its milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// This time and `millis` more, at most the last that fits.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` until this time; zero where `earlier` is the later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let Ok(t) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
            // Beyond the year 9999 there is no RFC 3339 form.
            return write!(f, "{}ms", self.0);
        };
        let (date, milli) = (t.date(), t.millisecond());
        let (hour, minute, second) = t.to_hms();
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestamp;

    fn from_str(text: &str) -> Result<Self, ParseTimestamp> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| ParseTimestamp)?;
        let millis = parsed.unix_timestamp_nanos() / 1_000_000;
        let time = u64::try_from(millis).map(Self).map_err(|_| ParseTimestamp)?;
        if time.to_string() == text { Ok(time) } else { Err(ParseTimestamp) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_spelling() {
        let text = "2026-11-22T10:17:43.005Z";
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        for bad in
            ["2026-11-22T10:17:43Z", "2026-11-22T11:17:43.005+01:00", "1969-01-01T00:00:00.000Z"]
        {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
        assert_eq!(Timestamp::ZERO.to_string(), "1970-01-01T00:00:00.000Z");
    }
}
