//! `quorate node status`, `unseal`, `seal` and `rotate-kek`: over the node's admin socket.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use console::Term;
use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_api::pb::node::v1::{GetStatusRequest, RotateKekRequest, SealRequest, UnsealRequest};
use quorate_daemon::config::NodeFile;
use quorate_net::connect_uds;
use serde::Serialize;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use super::serve;
use crate::args::{Configured, Node, NodeCommand, Secret};
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::{Output, Paint, Report};

/// A passphrase, a newline behind it, and one byte by which a longer one is noticed.
const SECRET_BYTES_MAX: usize = 4 * 1024 + 2;

pub(super) async fn run(node: Node, output: &Output) -> Result<Exit, Failure> {
    match (node.command, node.config) {
        (None, Some(config)) => serve::node(&config, node.until_stdin_closes).await,
        (None, None) => Err(Failure::usage("name the node: --config FILE")),
        (Some(NodeCommand::Status(Configured { config })), _) => status(&config, output).await,
        (Some(NodeCommand::Unseal(secret)), _) => unseal(&secret, output).await,
        (Some(NodeCommand::Seal(Configured { config })), _) => seal(&config, output).await,
        (Some(NodeCommand::RotateKek(secret)), _) => rotate_kek(&secret, output).await,
    }
}

async fn status(config: &Path, output: &Output) -> Result<Exit, Failure> {
    let mut node = connect(config, &NodeFile::load(config)?).await?;
    let answer = node.get_status(GetStatusRequest {}).await?.into_inner();
    let status = answer.status.unwrap_or_default();
    output.show(&StatusReport {
        sealed: answer.sealed,
        ready: status.ready,
        reasons: status.reasons,
        active_keys: status.active_keys,
        attached_to: answer.attached_to,
    })?;
    Ok(Exit::Ok)
}

async fn unseal(secret: &Secret, output: &Output) -> Result<Exit, Failure> {
    let file = NodeFile::load(&secret.config)?;
    let mut node = connect(&secret.config, &file).await?;
    let passphrase = if file.store.is_manual() {
        // Where there is no store yet, this is the passphrase that it will have.
        let keyring = folder(&secret.config).join(&file.store.dir).join("keyring");
        ask(secret, if keyring.exists() { Asking::Once } else { Asking::Twice })?
    } else {
        Vec::new()
    };
    node.unseal(UnsealRequest { passphrase }).await?;
    output.show(&SealReport { sealed: false })?;
    Ok(Exit::Ok)
}

async fn seal(config: &Path, output: &Output) -> Result<Exit, Failure> {
    let mut node = connect(config, &NodeFile::load(config)?).await?;
    node.seal(SealRequest {}).await?;
    output.show(&SealReport { sealed: true })?;
    Ok(Exit::Ok)
}

async fn rotate_kek(secret: &Secret, output: &Output) -> Result<Exit, Failure> {
    let file = NodeFile::load(&secret.config)?;
    let to = file.store.rotation().map_err(|reason| Failure::new(Exit::Error, reason))?;
    let mut node = connect(&secret.config, &file).await?;
    let passphrase = if to.manual { ask(secret, Asking::Twice)? } else { Vec::new() };
    let answer = node.rotate_kek(RotateKekRequest { passphrase }).await?.into_inner();
    output.show(&RotationReport { to: answer.to, erasure: answer.erasure })?;
    if file.store.next_kek.is_some() {
        let config = secret.config.display();
        output.say(format_args!(
            "Next: in {config}, put what [store.next_kek] says in place of [store.kek]"
        ));
    }
    Ok(Exit::Ok)
}

async fn connect(config: &Path, file: &NodeFile) -> Result<NodeAdminClient<Channel>, Failure> {
    let socket = folder(config).join(&file.admin.socket);
    Ok(NodeAdminClient::new(connect_uds(&socket).await?))
}

/// What relative paths of a configuration file are relative to.
fn folder(config: &Path) -> &Path {
    config.parent().unwrap_or(Path::new(""))
}

/// How often a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Once,
    /// A new passphrase: what was mistyped would open nothing.
    Twice,
}

/// The passphrase: from the file, from a person at the terminal, or from stdin. The message that carries
/// it takes it as it is, and the process ends soon.
fn ask(secret: &Secret, asking: Asking) -> Result<Vec<u8>, Failure> {
    if let Some(path) = &secret.passphrase_file {
        return Ok(files::read_secret(path)?.as_bytes().to_vec());
    }
    if std::io::stdin().is_terminal() {
        let passphrase = prompt("Passphrase: ")?;
        if asking == Asking::Twice && prompt("Again: ")? != passphrase {
            return Err(Failure::usage("the two passphrases differ"));
        }
        return Ok(passphrase.as_bytes().to_vec());
    }
    // The room is taken at once, so that no copy is left behind where a vector has grown.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX));
    std::io::stdin().lock().take(SECRET_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(Failure::usage(
            "stdin has no passphrase: pipe it in, or use --passphrase-file",
        ));
    }
    Ok(bytes.to_vec())
}

fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    let terminal = Term::stderr();
    terminal.write_str(text)?;
    Ok(Zeroizing::new(terminal.read_secure_line()?))
}

/// How a node is, as it says itself.
#[derive(Serialize)]
struct StatusReport {
    sealed: bool,
    ready: bool,
    reasons: Vec<String>,
    active_keys: u64,
    attached_to: Vec<String>,
}

impl Report for StatusReport {
    const SCHEMA: &'static str = "quorate.node-status/v1";

    fn text(&self, _paint: Paint) -> String {
        if self.sealed {
            return "sealed: quorate node unseal opens it".to_owned();
        }
        let state = if self.ready { "ready".to_owned() } else { self.reasons.join("; ") };
        let attached = match self.attached_to.as_slice() {
            [] => "no coordinator".to_owned(),
            coordinators => coordinators.join(", "),
        };
        format!("{state}\nactive keys: {}\nattached to: {attached}", self.active_keys)
    }
}

/// Whether a node is sealed now.
#[derive(Serialize)]
struct SealReport {
    sealed: bool,
}

impl Report for SealReport {
    const SCHEMA: &'static str = "quorate.node-seal/v1";

    fn text(&self, _paint: Paint) -> String {
        if self.sealed { "sealed" } else { "unsealed" }.to_owned()
    }
}

/// What wraps a node's data keys now.
#[derive(Serialize)]
struct RotationReport {
    to: String,
    /// How surely erased shares are gone: `medium` or `complete`.
    erasure: String,
}

impl Report for RotationReport {
    const SCHEMA: &'static str = "quorate.kek-rotation/v1";

    fn text(&self, _paint: Paint) -> String {
        format!("wrapped by: {}\nerased shares are gone: {}", self.to, self.erasure)
    }
}
