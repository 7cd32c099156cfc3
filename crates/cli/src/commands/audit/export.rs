//! `quorate audit export`: from a node's admin socket into a file.

use std::path::{Path, PathBuf};

use quorate_api::pb::node::v1::ExportAuditRequest;
use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_net::connect_uds;
use serde::Serialize;

use super::logs::EXPORT_BYTES_MAX;
use crate::exit::{Exit, Failure};
use crate::files::NewFile;
use crate::output::{Output, Paint, Report};

#[derive(Serialize)]
struct ExportReport {
    file: PathBuf,
    bytes: u64,
}

pub(super) async fn run(socket: &Path, out: &Path, output: &Output) -> Result<Exit, Failure> {
    // Its owner's alone, as payments are nobody else's matter.
    let mut file = NewFile::begin(out)?;
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
        file.write(&piece.chunk)?;
    }
    file.finish()?;
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
