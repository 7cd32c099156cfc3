//! `quorate audit export`: from a node's admin socket into a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use quorate_api::pb::node::v1::ExportAuditRequest;
use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_net::connect_uds;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::logs::EXPORT_BYTES_MAX;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report};

#[derive(Serialize)]
struct ExportReport {
    file: PathBuf,
    bytes: u64,
}

pub(super) async fn run(socket: &Path, out: &Path, output: &Output) -> Result<Exit, Failure> {
    if out.exists() {
        let message = format!("{} exists: an export never overwrites another", out.display());
        return Err(Failure::usage(message));
    }
    let folder = match out.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    let writing = || format!("{} cannot be written", out.display());
    let failed = |error: std::io::Error| Failure::from(error).while_trying(writing());
    // Under another name until it is whole; its owner's alone, as payments are nobody else's matter.
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    let mut node = NodeAdminClient::new(connect_uds(socket).await?);
    let mut stream = node.export_audit(ExportAuditRequest {}).await?.into_inner();
    let mut bytes = 0;
    while let Some(piece) = stream.message().await? {
        bytes += piece.chunk.len() as u64;
        if bytes > EXPORT_BYTES_MAX {
            let message =
                format!("the log is longer than the {EXPORT_BYTES_MAX} bytes that are read");
            return Err(Failure::new(Exit::Error, message));
        }
        file.write_all(&piece.chunk).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(out).map_err(|error| failed(error.error))?;
    output.show(&ExportReport { file: out.to_owned(), bytes })?;
    output.say(format_args!("Next: quorate audit verify {} --node ID", out.display()));
    Ok(Exit::Ok)
}

impl Report for ExportReport {
    const SCHEMA: &'static str = "quorate.audit-export/v1";

    fn text(&self, _paint: Paint) -> String {
        format!("{}: {} bytes", self.file.display(), self.bytes)
    }
}
