//! What people decide: approvals, rejections, freezes and other orders.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Subcommand};
use quorate_model::{KeyId, OrderId, ParticipantId, QuorumName};
use quorate_trust::{Destination, Scope};

use crate::clock::parse_duration;

/// Says yes or no to a request.
#[derive(Debug, Group)]
pub struct Approve {
    /// Its UUID, or its full name services/SERVICE/signRequests/UUID.
    pub request: String,
    /// Your key file: person.pem of the profile where none is named.
    #[arg(long, value_name = "FILE", conflicts_with = "ssh_key")]
    pub key: Option<PathBuf>,
    /// Sign with this SSH key, by its .pub file, through ssh-keygen.
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// For which quorum, where several ask you: a person counts once.
    #[arg(long)]
    pub quorum: Option<QuorumName>,
    /// How long an approval counts, at most as long as the request.
    #[arg(long, default_value = "4h", value_parser = parse_duration)]
    pub expires: Duration,
    /// Do not ask again before signing.
    #[arg(long)]
    pub yes: bool,
}

/// Freezes.
#[derive(Debug, Group)]
pub struct Freeze {
    /// What to freeze: cluster, key:NAME or service:NAME.
    pub scope: Scope,
    /// The key file of an officer (person.pem).
    #[arg(long, value_name = "FILE")]
    pub officer_key: PathBuf,
    /// Bring it to this node only, by its admin socket: works without any coordinator.
    #[arg(long, value_name = "SOCKET")]
    pub admin_socket: Option<PathBuf>,
    /// How long to wait for the nodes.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub wait: Duration,
}

/// Orders.
#[derive(Debug, Subcommand)]
pub enum OrderCommand {
    /// Write an order into a file, to be signed.
    Propose {
        /// What to do.
        #[command(subcommand)]
        action: Propose,
        /// The file.
        #[arg(long, global = true, value_name = "FILE", default_value = "order.txt")]
        out: PathBuf,
        /// How long it may be submitted, at most 7d. What stops does not expire.
        #[arg(long, global = true, default_value = "24h", value_parser = parse_duration)]
        expires: Duration,
    },
    /// Sign an order's file; the signature goes beside it.
    Sign {
        /// The order.
        file: PathBuf,
        /// Your key file (person.pem).
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Have every node carry an order out, with the signatures that lie beside its file.
    Submit {
        /// The order.
        file: PathBuf,
        /// Bring it to this node only, by its admin socket: works without any coordinator.
        #[arg(long, value_name = "SOCKET")]
        admin_socket: Option<PathBuf>,
        /// How long to wait for the nodes.
        #[arg(long, default_value = "10s", value_parser = parse_duration)]
        wait: Duration,
    },
    /// Show an order and which nodes hold it, or all orders.
    Show {
        /// Its id.
        order: Option<OrderId>,
    },
}

/// What an order says.
#[derive(Debug, Subcommand)]
pub enum Propose {
    /// Sign nothing in a scope. Takes any one officer.
    Freeze {
        /// cluster, key:NAME or service:NAME.
        scope: Scope,
    },
    /// Lift a freeze, after the root's delay. Takes the quorum `unfreeze`.
    Unfreeze {
        /// The id or the digest of the order that froze.
        order: String,
    },
    /// Put a key into the state suspended. Takes the quorum `keys`.
    Suspend {
        /// The key.
        key: KeyId,
    },
    /// Let a key sign that was made with --activation by-order. Takes the quorum `keys`.
    Activate {
        /// The key.
        key: KeyId,
        /// Until it is suspended again, by itself; without end where this is left out.
        #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
        lasts: Option<Duration>,
    },
    /// Have a key pay to these destinations only, for ever. Takes the quorum `keys`.
    Deactivate {
        /// The key.
        key: KeyId,
        /// NETWORK/ADDRESS, such as eip155:1/0x…; repeat it for each. None where it is left out.
        #[arg(long = "pays-to", value_name = "DESTINATION")]
        to: Vec<Destination>,
    },
    /// As deactivate, for a key that others may have, and each payment takes a quorum's approval. Takes the quorum
    /// `keys`.
    Compromise {
        /// The key.
        key: KeyId,
        /// NETWORK/ADDRESS of the safe place; repeat it for each.
        #[arg(long = "pays-to", value_name = "DESTINATION", required = true)]
        to: Vec<Destination>,
        /// The quorum of the policy bundle that approves each payment.
        #[arg(long)]
        approved_by: QuorumName,
    },
    /// Erase every share of a key after the root's delay, for ever. Takes the quorum `keys`.
    Destroy {
        /// The key, which was deactivated, or never signed.
        key: KeyId,
        /// Its name once more.
        #[arg(long, value_name = "KEY")]
        confirm: KeyId,
    },
    /// Take back an order to destroy a key. Takes the quorum `keys`.
    Keep {
        /// The id or the digest of the order that destroys.
        order: String,
    },
    /// Sign with a node again that was put back to an earlier state, or lost its store. Takes the quorum `keys`.
    Readmit {
        /// The node.
        node: ParticipantId,
    },
    /// Make a suspended key active again. Takes the quorum `keys`.
    Resume {
        /// The id or the digest of the order that suspended.
        order: String,
    },
}
