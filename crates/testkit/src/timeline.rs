//! What happened in a run, for people to read and for comparing runs.

use std::fmt;

use quorate_model::{Digest, Tag, Timestamp, Transcript};

/// Lines of events, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    lines: Vec<(u64, String)>,
}

impl Timeline {
    pub(crate) fn note(&mut self, now: Timestamp, start: Timestamp, line: String) {
        self.lines.push((now.since(start), line));
    }

    /// The same for two runs in which the same things happened at the same times.
    pub fn digest(&self) -> Digest {
        let mut transcript = Transcript::new(Tag::AuditEntry);
        for (time, line) in &self.lines {
            transcript.u64(*time).text(line);
        }
        transcript.finish()
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(time, line)| writeln!(f, "{time:>8} ms  {line}"))
    }
}
