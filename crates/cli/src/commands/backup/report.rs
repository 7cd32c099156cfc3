//! What is told of a backup.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quorate_backup::Header;
use serde::Serialize;

use crate::output::{Paint, Report, fields};

/// What everybody may read of a backup.
#[derive(Serialize)]
pub(super) struct BackupReport {
    file: PathBuf,
    /// Names the backup.
    digest: String,
    cluster: String,
    node: u16,
    created: String,
    /// Hash of the version of the trust root that named the officers.
    root: String,
    /// How many officers open it.
    required: usize,
    /// Their age recipients, by name.
    officers: BTreeMap<String, String>,
    keys: Vec<SharingReport>,
}

#[derive(Serialize)]
struct SharingReport {
    key: String,
    epoch: u64,
}

impl BackupReport {
    pub(super) fn new(file: &Path, header: &Header) -> Self {
        let officers = header.officers.iter();
        let sharings = header.sharings.iter();
        Self {
            file: file.to_owned(),
            digest: header.digest().to_string(),
            cluster: header.cluster.to_string(),
            node: header.node.get(),
            created: header.created.to_string(),
            root: header.root.to_string(),
            required: header.required,
            officers: officers.map(|(name, to)| (name.to_string(), to.to_string())).collect(),
            keys: sharings
                .map(|sharing| SharingReport {
                    key: sharing.key.to_string(),
                    epoch: sharing.epoch.0,
                })
                .collect(),
        }
    }
}

impl Report for BackupReport {
    const SCHEMA: &'static str = "quorate.backup/v1";

    fn text(&self, paint: Paint) -> String {
        let takes = format!("{} of {}", self.required, self.officers.len());
        let mut rows = vec![
            ("backup", paint.strong(&self.digest)),
            ("cluster", self.cluster.clone()),
            ("node", self.node.to_string()),
            ("made", self.created.clone()),
            ("trust root", self.root.clone()),
            ("opened by", takes),
        ];
        rows.extend(self.officers.iter().map(|(name, to)| (name.as_str(), to.clone())));
        let keys = self.keys.iter();
        rows.extend(
            keys.map(|sharing| ("key", format!("{} (epoch {})", sharing.key, sharing.epoch))),
        );
        fields(rows)
    }
}

/// An officer's piece as a file.
#[derive(Serialize)]
pub(super) struct PieceReport {
    pub(super) officer: String,
    pub(super) file: PathBuf,
}

impl Report for PieceReport {
    const SCHEMA: &'static str = "quorate.backup-piece/v1";

    fn text(&self, _paint: Paint) -> String {
        format!("{}: the piece of {}", self.file.display(), self.officer)
    }
}
