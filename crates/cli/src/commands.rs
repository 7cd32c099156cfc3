//! The commands, each a thin layer over what does the work.

mod approve;
mod audit;
mod backup;
mod completion;
mod demo;
mod dev;
mod doctor;
mod init;
mod join;
mod key;
mod node;
mod order;
mod policy;
mod recover;
mod request;
mod root;
mod serve;
mod sign;
mod status;
mod verdict;
mod version;

pub(crate) use self::key::{KeyReport, create as create_key, reshare as reshare_key};

use std::path::{Path, PathBuf};

use quorate_trust::{TrustRoot, Verdict};

use crate::args::{Args, Command, Pinned};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::profile::{self, Profile};
use crate::setup::Purpose;

/// Runs a command to its end.
pub(crate) async fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    let dir = args.global.dir;
    match args.command {
        Command::Demo(size) => demo::run(size, output).await,
        Command::Dev(size) => dev::run(dir, size, output).await,
        Command::Join(join) => join::run(join, dir, output),
        Command::Init(init) => init::run(init, dir, output),
        Command::Node(node) => node::run(node, output).await,
        Command::Coordinator(coordinator) => serve::coordinator(coordinator).await,
        Command::Key(key) => key::run(key, dir, output).await,
        Command::Sign(sign) => sign::run(*sign, dir, output).await,
        Command::Verdict(command) => verdict::run(*command, output),
        Command::Pending => approve::pending(dir, output).await,
        Command::Approve(command) => approve::approve(command, Verdict::Approve, dir, output).await,
        Command::Reject(command) => approve::approve(command, Verdict::Reject, dir, output).await,
        Command::Freeze(command) => order::freeze(command, dir, output).await,
        Command::Order(command) => order::run(command, dir, output).await,
        Command::Root(command) => root::run(command, dir, output).await,
        Command::Request(request) => request::run(request, dir, output).await,
        Command::Status => status::run(dir, output).await,
        Command::Doctor => doctor::run(dir, output).await,
        Command::Policy(policy) => policy::run(policy, dir, output).await,
        Command::Audit(command) => audit::run(command, dir, output).await,
        Command::Backup(command) => backup::run(command, dir, output).await,
        Command::Recover(command) => recover::run(command, dir, output),
        Command::Completion { shell } => completion::run(shell, output),
        Command::Version => version::run(output),
    }
}

/// A connection with the profile in this folder.
async fn connect(dir: Option<PathBuf>) -> Result<Client, Failure> {
    Client::connect(Profile::load(dir.as_deref())?).await
}

/// The trust root that was named, or the profile's. Either way its hash was pinned.
fn trust_root(pinned: &Pinned, dir: Option<&Path>) -> Result<TrustRoot, Failure> {
    match (&pinned.root, pinned.cluster) {
        (Some(root), Some(cluster)) => Ok(profile::pinned_root(root, cluster)?),
        (None, None) => Ok(Profile::load(dir)?.root),
        (Some(_), None) | (None, Some(_)) => {
            Err(Failure::usage("--root and --cluster are named together"))
        }
    }
}

/// What the cluster is for, by the flag `--dev`.
const fn purpose(dev: bool) -> Purpose {
    if dev { Purpose::Dev } else { Purpose::Funds }
}

/// The folder that a command makes things in.
fn required(dir: Option<PathBuf>) -> Result<PathBuf, Failure> {
    dir.ok_or_else(|| Failure::usage("name the folder to work in: --dir DIR"))
}
