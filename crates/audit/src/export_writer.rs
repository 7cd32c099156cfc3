//! Writing an export piece by piece.

use crate::export::{HEADER, Reading};
use crate::{Entry, ExportError, SignedCheckpoint, line};

/// Writes an [`Export`](crate::Export) in as little memory as one entry takes, for a log that is
/// longer than anybody wants to hold. The pieces in their order are the text: first the header,
/// then every entry, then the end.
#[derive(Debug, Default)]
pub struct ExportWriter(Reading);

impl ExportWriter {
    /// The first piece.
    pub fn header() -> String {
        format!("{HEADER}\n")
    }

    /// The piece of the next entry.
    ///
    /// # Errors
    /// [`ExportError`], where it is not the next of a log, or too long to be read again.
    pub fn append(&mut self, entry: &Entry) -> Result<String, ExportError> {
        let line = self.0.next;
        let mut written = line::write(entry).map_err(|fault| ExportError::Entry { line, fault })?;
        self.0.follow(entry)?;
        written.push('\n');
        Ok(written)
    }

    /// The last piece.
    ///
    /// # Errors
    /// [`ExportError`], where the checkpoint is not of exactly the entries that were written: the
    /// pieces so far are worth nothing then.
    pub fn finish(self, signed: &SignedCheckpoint) -> Result<String, ExportError> {
        self.0.end(&signed.checkpoint())?;
        Ok(format!("\n{}", signed.note()))
    }
}
