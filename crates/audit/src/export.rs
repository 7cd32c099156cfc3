//! A log as a file that convicts whoever changes it.

use quorate_model::Digest;
use quorate_trust::PublicKey;

use crate::{
    ChainError, Checkpoint, CheckpointError, Entry, ExportWriter, LineError, Log, Origin,
    SignedCheckpoint, line,
};

/// The text form of a whole log, for keeping and verifying elsewhere, without the node.
///
/// ```text
/// quorate audit log v1
/// {"index":0,"time_ms":…,"kind":"…","facts":[["name","value"],…],"state":"<hex>","previous":"<hex>"}
/// … one line an entry, from the first on …
///
/// <origin>
/// <entries, decimal>
/// <root hash, base64>
///
/// — <origin> <key id and signature, base64>
/// ```
///
/// UTF-8; every line, the last as well, ends with a newline (U+000A) and nothing else. An entry is one
/// JSON object, its members in this order, without spaces, escaping only what RFC 8259 makes one
/// escape; `state` and `previous` are 64 lowercase hexadecimal digits. An empty line ends the entries.
/// What follows is the [`SignedCheckpoint`] of exactly these entries, with the node's own signature
/// and no other.
///
/// One log has one export: a text that differs in one bit from what was exported is refused.
#[derive(Debug)]
pub struct Export;

/// The log of a verified export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    checkpoint: Checkpoint,
    entries: Vec<Entry>,
}

/// Why an export is not made or not believed. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Not an export of this version.
    #[error("line 1: not `quorate audit log v1`")]
    Header,
    /// Bytes that are no text.
    #[error("line {line}: not UTF-8")]
    Encoding {
        /// The line.
        line: u64,
    },
    /// A line that is no entry.
    #[error("line {line}: {fault}")]
    Entry {
        /// The line.
        line: u64,
        /// What is wrong with it.
        fault: LineError,
    },
    /// An entry is missing or moved, or one before this line was changed.
    #[error("line {line}: {fault}")]
    Chain {
        /// The line.
        line: u64,
        /// What is wrong with it.
        fault: ChainError,
    },
    /// The text ends before the empty line that ends the entries.
    #[error("line {line}: the text ends without a checkpoint")]
    Truncated {
        /// The line after the last.
        line: u64,
    },
    /// The checkpoint is not believed.
    #[error("line {line}: {fault}")]
    Checkpoint {
        /// The first line of the checkpoint.
        line: u64,
        /// What is wrong with it.
        fault: CheckpointError,
    },
    /// Something beside the node's own checkpoint, such as another signature.
    #[error("line {line}: not the node's checkpoint alone")]
    Trailing {
        /// The first line of the checkpoint.
        line: u64,
    },
    /// Entries are missing at the end, or there are more than were signed.
    #[error("line {line}: {entries} entries, but the node signed {signed}")]
    Length {
        /// The line after the last entry.
        line: u64,
        /// How many entries are in the text.
        entries: u64,
        /// How many the checkpoint is of.
        signed: u64,
    },
    /// The entries are a log, but not the one that the node signed.
    #[error("line {line}: the entries up to here are not those that the node signed")]
    Forked {
        /// The line after the last entry.
        line: u64,
    },
}

pub(crate) const HEADER: &str = "quorate audit log v1";

impl Export {
    /// Writes all entries of a log and the checkpoint of them.
    ///
    /// # Errors
    /// [`ExportError`], naming the line: what [`Export::verify`] would refuse is not written.
    pub fn write(entries: &[Entry], signed: &SignedCheckpoint) -> Result<String, ExportError> {
        let mut writer = ExportWriter::default();
        let mut text = ExportWriter::header();
        for entry in entries {
            text.push_str(&writer.append(entry)?);
        }
        text.push_str(&writer.finish(signed)?);
        Ok(text)
    }

    /// Verifies an export of the log of this name by the key of its node: both from a trust root
    /// that the caller believes, not from the export.
    ///
    /// # Errors
    /// [`ExportError`], naming the line.
    pub fn verify(bytes: &[u8], origin: Origin, key: &PublicKey) -> Result<Verified, ExportError> {
        let text = text(bytes)?;
        let mut rest = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(ExportError::Header)?;
        let mut reading = Reading::default();
        let mut entries = Vec::new();
        loop {
            let line = reading.next;
            let (written, after) = rest.split_once('\n').ok_or(ExportError::Truncated { line })?;
            rest = after;
            if written.is_empty() {
                break;
            }
            let entry = line::read(written).map_err(|fault| ExportError::Entry { line, fault })?;
            reading.follow(&entry)?;
            entries.push(entry);
        }
        let line = reading.next + 1;
        let signed = SignedCheckpoint::verify(rest, origin, key)
            .map_err(|fault| ExportError::Checkpoint { line, fault })?;
        if signed.note() != rest {
            return Err(ExportError::Trailing { line });
        }
        reading.end(&signed.checkpoint())?;
        Ok(Verified { checkpoint: signed.checkpoint(), entries })
    }

    /// Whose log an export says it is, by the checkpoint that follows its first empty line. Nothing
    /// is verified: this only tells which key to verify it by.
    pub fn claimed_origin(bytes: &[u8]) -> Option<Origin> {
        let entries_end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let note = bytes.get(entries_end + 2..)?;
        let origin = note.split(|byte| *byte == b'\n').next()?;
        std::str::from_utf8(origin).ok()?.parse().ok()
    }
}

/// Bytes as text. The line of a byte that is none is the line after all the line ends before it.
fn text(bytes: &[u8]) -> Result<&str, ExportError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let ends = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n');
        ExportError::Encoding { line: ends.count() as u64 + 1 }
    })
}

/// How far an export was read, or written.
#[derive(Debug)]
pub(crate) struct Reading {
    log: Log,
    /// The line that comes next.
    pub(crate) next: u64,
}

impl Default for Reading {
    fn default() -> Self {
        Self { log: Log::default(), next: 2 }
    }
}

impl Reading {
    pub(crate) fn follow(&mut self, entry: &Entry) -> Result<(), ExportError> {
        let line = self.next;
        self.log.follow(entry).map_err(|fault| ExportError::Chain { line, fault })?;
        self.next += 1;
        Ok(())
    }

    pub(crate) fn end(&self, signed: &Checkpoint) -> Result<(), ExportError> {
        let (line, entries, signed_length) = (self.next, self.log.length(), signed.length());
        if entries != signed_length {
            return Err(ExportError::Length { line, entries, signed: signed_length });
        }
        if self.log.head() != signed.head() {
            return Err(ExportError::Forked { line });
        }
        Ok(())
    }
}

impl Verified {
    /// What the node signed: keep it, to hold the next export to it.
    pub const fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// How many entries there are.
    pub const fn length(&self) -> u64 {
        self.checkpoint.length()
    }

    /// Root of the tree of all entries.
    pub const fn head(&self) -> Digest {
        self.checkpoint.head()
    }

    /// The entries, from the first on.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
