//! One entry as a line of text.

use std::borrow::Cow;

use quorate_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event};

/// The longest line of an entry, in bytes.
pub(crate) const BYTES_MAX: usize = 256 * 1024;

/// Why a line is no entry, or an entry no line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than any entry may be.
    #[error("longer than {BYTES_MAX} bytes")]
    TooLong,
    /// Not the JSON object of an entry, from this column on, counted in bytes. What stands there is
    /// not repeated: it may be long, and anybody's.
    #[error("not the JSON of an entry, at column {0}")]
    Json(usize),
    /// A kind of event that this software does not know.
    #[error("unknown kind of event; is the export by newer software?")]
    Kind,
    /// A value that is no digest.
    #[error("`{0}` is not 64 lowercase hexadecimal digits")]
    Digest(&'static str),
    /// An entry in another spelling than the one that is exported.
    #[error("not spelled as exports spell it")]
    Spelling,
}

/// The JSON of an entry. Entries themselves have no serde.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json<'a> {
    index: u64,
    time_ms: u64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    facts: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    state: String,
    previous: String,
}

/// Without the newline.
pub(crate) fn write(entry: &Entry) -> Result<String, LineError> {
    let fact = |(name, value): &'_ (String, String)| (name.clone().into(), value.clone().into());
    let json = Json {
        index: entry.index,
        time_ms: entry.time.millis(),
        kind: entry.event.kind.as_str().into(),
        facts: entry.event.facts.iter().map(fact).collect(),
        state: entry.state.to_string(),
        previous: entry.previous.to_string(),
    };
    let line = serde_json::to_string(&json).map_err(|error| LineError::Json(error.column()))?;
    if line.len() <= BYTES_MAX { Ok(line) } else { Err(LineError::TooLong) }
}

/// Reads what [`write`] wrote, and refuses every other spelling of it, so that whatever differs in
/// the text differs in the entry.
pub(crate) fn read(line: &str) -> Result<Entry, LineError> {
    if line.len() > BYTES_MAX {
        return Err(LineError::TooLong);
    }
    let json: Json<'_> =
        serde_json::from_str(line).map_err(|error| LineError::Json(error.column()))?;
    let digest = |name, text: &str| text.parse::<Digest>().map_err(|_| LineError::Digest(name));
    let facts = json.facts.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let entry = Entry {
        index: json.index,
        previous: digest("previous", &json.previous)?,
        time: Timestamp::from_millis(json.time_ms),
        state: digest("state", &json.state)?,
        event: Event { kind: json.kind.parse().map_err(|_| LineError::Kind)?, facts },
    };
    if write(&entry)? == line { Ok(entry) } else { Err(LineError::Spelling) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventKind, fixture};

    fn line() -> String {
        write(&fixture::entries(1)[0]).unwrap()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for entry in fixture::entries(30) {
            assert_eq!(read(&write(&entry).unwrap()), Ok(entry));
        }
    }

    /// Exports of every released version must stay readable: neither the line nor its digest, which
    /// was computed by other code than this, must ever change.
    #[test]
    fn the_spelling_is_pinned() {
        let entry = Entry {
            index: 7,
            previous: Digest::new([1; 32]),
            time: Timestamp::from_millis(1_700_000_000_000),
            state: Digest::new([2; 32]),
            event: Event::new(EventKind::OrderAccepted).fact("by", "a \"person\"\n\u{fc}"),
        };
        let expected = [
            r#"{"index":7,"time_ms":1700000000000,"kind":"order-accepted","#,
            r#""facts":[["by","a \"person\"\nü"]],"#,
            &format!(r#""state":"{}","#, "02".repeat(32)),
            &format!(r#""previous":"{}"}}"#, "01".repeat(32)),
        ];
        assert_eq!(write(&entry).unwrap(), expected.concat());
        let digest = "f3bfb2768fd8b3a28e7fb394253d80276a7d2217685dc8e4318e03c3aaa7c668";
        assert_eq!(entry.digest().to_string(), digest);
    }

    #[test]
    fn another_spelling_of_the_same_entry_is_refused() {
        let line = line();
        for other in [
            line.replacen(':', ": ", 1),
            line.replacen("\"index\":0", "\"index\":00", 1),
            line.replacen("\u{fc}", "\\u00fc", 1),
            line.replacen("{\"index\":0,", "{", 1).replacen('}', ",\"index\":0}", 1),
            line.clone() + " ",
        ] {
            assert_ne!(other, line);
            assert!(read(&other).is_err(), "{other}");
        }
        assert_eq!(read(&line.replacen(':', ": ", 1)), Err(LineError::Spelling));
        assert_eq!(read(&line.replacen("\u{fc}", "\\u00fc", 1)), Err(LineError::Spelling));
    }

    #[test]
    fn what_is_no_entry_is_refused_by_name() {
        let line = line();
        let json = |text: &str| matches!(read(text), Err(LineError::Json(_)));
        assert!(json("") && json("[]") && json(&line[..line.len() - 1]));
        assert!(json(&line.replacen('{', "{\"more\":1,", 1)));
        assert!(json(&line.replacen("\"index\":0", "\"index\":-1", 1)));
        assert_eq!(read(&line.replacen("node-started", "unheard-of", 1)), Err(LineError::Kind));
        let state = line.replacen("\"state\":\"", "\"state\":\"0", 1);
        assert_eq!(read(&state), Err(LineError::Digest("state")));
        let previous = line.replacen("\"previous\":\"e", "\"previous\":\"E", 1);
        assert_eq!(read(&previous), Err(LineError::Digest("previous")));
    }

    #[test]
    fn a_line_is_bounded_both_ways() {
        let mut entry = fixture::entries(1).remove(0);
        entry.event = Event::new(EventKind::OrderAccepted).fact("x", "");
        let spare = BYTES_MAX - write(&entry).unwrap().len();
        entry.event.facts[0].1 = "y".repeat(spare);
        assert!(read(&write(&entry).unwrap()).is_ok());
        entry.event.facts[0].1.push('y');
        assert_eq!(write(&entry), Err(LineError::TooLong));
        assert_eq!(read(&" ".repeat(BYTES_MAX + 1)), Err(LineError::TooLong));
    }
}
