//! The arguments of `quorate audit`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as Group, Subcommand};
use quorate_audit::EventKind;
use quorate_model::{Digest, ParticipantId};

/// Audit logs: what each node did, in a text that its signature covers.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Write the whole log of a node into a file. Needs no profile and no coordinator.
    Export {
        /// The node's admin socket.
        #[arg(long, value_name = "SOCKET")]
        admin_socket: PathBuf,
        /// The file, which must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Verify that an export is exactly what its node signed. Offline.
    Verify {
        /// The export.
        file: PathBuf,
        /// Whose log it has to be.
        #[arg(long, value_name = "ID")]
        node: ParticipantId,
        /// By whose word.
        #[command(flatten)]
        pinned: Pinned,
    },
    /// Show what nodes did for a request, in the order of time. Each export is verified. Offline.
    Trace {
        /// Its UUID, its full name services/SERVICE/signRequests/UUID, or the digest of a statement.
        subject: String,
        /// Exports, one of each node.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// By whose word.
        #[command(flatten)]
        pinned: Pinned,
    },
    /// Show the entries of an export, which is verified. Offline.
    Show {
        /// The export.
        file: PathBuf,
        /// Only entries of this kind, such as shares-released.
        #[arg(long, value_parser = kind())]
        kind: Option<EventKind>,
        /// Only so many, the newest.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
        /// By whose word.
        #[command(flatten)]
        pinned: Pinned,
    },
}

/// The trust root that names the nodes' keys: the profile's where none is named.
#[derive(Debug, Group)]
pub struct Pinned {
    /// A trust root, instead of the profile's.
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub root: Option<PathBuf>,
    /// The cluster's id, which is the hash that this root must have.
    #[arg(long, value_name = "HASH", requires = "root")]
    pub cluster: Option<Digest>,
}

fn kind() -> impl TypedValueParser<Value = EventKind> {
    PossibleValuesParser::new(EventKind::ALL.map(EventKind::as_str))
        .try_map(|name| name.parse::<EventKind>())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use clap::error::ErrorKind;

    use super::*;
    use crate::args::{Args, Command};

    fn parse(line: &str) -> Result<Audit, ErrorKind> {
        let args = Args::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())?;
        if let Command::Audit(audit) = args.command { Ok(audit) } else { unreachable!() }
    }

    #[test]
    fn a_root_is_named_with_its_hash_or_not_at_all() {
        let verify = "quorate audit verify a.log --node 1";
        assert!(parse(verify).is_ok());
        let both = format!("{verify} --root root.txt --cluster {}", "ab".repeat(32));
        assert!(parse(&both).is_ok());
        for half in ["--root root.txt".to_owned(), format!("--cluster {}", "ab".repeat(32))] {
            let refused = parse(&format!("{verify} {half}"));
            assert_eq!(refused.err(), Some(ErrorKind::MissingRequiredArgument), "{half}");
        }
    }

    #[test]
    fn what_is_required_is_asked_for_and_values_are_checked() {
        for line in [
            "quorate audit export --out a.log",
            "quorate audit verify a.log",
            "quorate audit trace 6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11",
        ] {
            assert_eq!(parse(line).err(), Some(ErrorKind::MissingRequiredArgument), "{line}");
        }
        let refused = parse("quorate audit show a.log --kind frozen").err();
        assert_eq!(refused, Some(ErrorKind::InvalidValue));
        let shown = parse("quorate audit show a.log --kind shares-released --last 3");
        let Ok(Audit::Show { kind, last, .. }) = shown else { unreachable!() };
        assert_eq!((kind, last), (Some(EventKind::SharesReleased), Some(3)));
    }
}
