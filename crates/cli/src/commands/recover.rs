//! `quorate recover`: what a node starts from, out of its backup.

use std::fs;
use std::path::{Path, PathBuf};

use quorate_daemon::config::{KekFile, StoreFile};
use quorate_daemon::create_node_store;
use quorate_model::{PersonName, Scheme};
use quorate_signer::restored_records;
use serde::Serialize;

use super::{backup, trust_root};
use crate::args::Recover;
use crate::exit::{Exit, Failure};
use crate::files::{self, FileError};
use crate::output::{Output, Paint, Report, fields};
use crate::{clock, setup};

#[derive(Serialize)]
struct RecoverReport {
    folder: PathBuf,
    cluster: String,
    node: u16,
    /// Digest of the backup.
    backup: String,
    /// When it was made.
    created: String,
    /// Keys that sign once the node is readmitted.
    keys: Vec<String>,
    /// Keys that need a refresh before the node signs with them.
    to_refresh: Vec<String>,
}

pub(super) fn run(
    command: Recover,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let Recover { backup: file, pieces, out, passphrase_file, pinned } = command;
    if fs::read_dir(&out).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} is not empty: name a new folder", out.display());
        return Err(Failure::usage(message));
    }
    let root = trust_root(&pinned, dir.as_deref())?;
    let opened = backup::open(&file, &pieces, &root)?;
    let header = &opened.header;
    if !opened.damaged.is_empty() {
        let names: Vec<_> = opened.damaged.iter().map(PersonName::as_str).collect();
        output.say(format_args!("The age files of {} are damaged.", names.join(", ")));
    }
    let (mut keys, mut to_refresh) = (Vec::new(), Vec::new());
    for key in &opened.contents.keys {
        let certified = &key.certificate.certified;
        let list = match certified.scheme {
            Scheme::EcdsaSecp256k1 => &mut to_refresh,
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => &mut keys,
        };
        list.push(certified.key.to_string());
    }
    let identity = opened.contents.identity.to_pkcs8_pem().map_err(setup::SetupError::NewKey)?;
    let records = restored_records(header, opened.contents, &root, clock::now())?;
    // Whole or not at all: under another name until it is done.
    let folder = files::folder_of(&out);
    let unfinished = tempfile::Builder::new().prefix(".recover-").tempdir_in(folder)?;
    files::create_secret(&unfinished.path().join(setup::IDENTITY_FILE), &identity)?;
    let passphrase_file = fs::canonicalize(&passphrase_file)
        .map_err(|source| FileError::Read { path: passphrase_file.clone(), source })?;
    let kek = KekFile { passphrase_file: Some(passphrase_file), ..KekFile::default() };
    let dir = PathBuf::from(setup::STORE_DIR);
    let store = StoreFile { dir, kek, next_kek: None, free_bytes_min: 0 };
    let whose = (&header.cluster, header.node);
    create_node_store(&store, unfinished.path(), whose, &records)?;
    let written = |source| FileError::Write { path: out.clone(), source };
    fs::rename(unfinished.path(), &out).map_err(written)?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(written)?;
    // It has another name now: nothing is left to be removed.
    drop(unfinished.keep());
    output.show(&RecoverReport {
        folder: out.clone(),
        cluster: header.cluster.to_string(),
        node: header.node.get(),
        backup: header.digest().to_string(),
        created: header.created.to_string(),
        keys,
        to_refresh: to_refresh.clone(),
    })?;
    output.say(next(&out, header.node.get(), &to_refresh));
    Ok(Exit::Ok)
}

/// What is to be done before the node signs.
fn next(out: &Path, node: u16, to_refresh: &[String]) -> String {
    let out = out.display();
    let mut text = format!(
        "\nThe node that starts from this has none of its history, and its peers refuse it until an \
         order readmits it.\nNext:\n  \
         1. Destroy the open pieces. Make sure that the old node never starts again.\n  \
         2. Put beside the store what is in no backup: node.toml, root.txt, policy.toml, passphrase, \
         ca.crt, tls.crt, tls.key.\n  \
         3. quorate node --config {out}/node.toml\n  \
         4. quorate order propose readmit {node} --out readmit.txt\n     \
         quorate order sign readmit.txt --key person.pem    (each who signs)\n     \
         quorate order submit readmit.txt"
    );
    for key in to_refresh {
        text.push_str(&format!("\n  5. quorate key refresh {key} --officer-key person.pem"));
    }
    text
}

impl Report for RecoverReport {
    const SCHEMA: &'static str = "quorate.recover/v1";

    fn text(&self, paint: Paint) -> String {
        let mut rows = vec![
            ("folder", paint.strong(&self.folder.display().to_string())),
            ("cluster", self.cluster.clone()),
            ("node", self.node.to_string()),
            ("backup", self.backup.clone()),
            ("made", self.created.clone()),
        ];
        rows.extend(self.keys.iter().map(|key| ("key", key.clone())));
        let to_refresh = self.to_refresh.iter();
        rows.extend(to_refresh.map(|key| ("key", format!("{key} (signs after a refresh)"))));
        fields(rows)
    }
}
