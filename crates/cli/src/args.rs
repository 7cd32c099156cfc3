//! The command line.

mod audit;
mod backup;
mod key;
mod node;
mod payload;
mod people;
mod policy;
mod root;
mod verdict;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand};
use clap_complete::Shell;
use quorate_model::{
    Activation, DerivationPath, Digest, KeyId, Network, ParticipantId, PersonName, RequestId,
    Scheme, ServiceName, Threshold,
};
use quorate_net::pki::CoordinatorName;
use quorate_trust::{Label, Recipient};

pub use self::audit::{Audit, Pinned};
pub use self::backup::{Backup, Recover};
pub use self::key::{Key, KeyChange, OrderedBy};
pub use self::node::{Configured, Node, NodeCommand, Secret};
pub use self::payload::PayloadArgs;
pub use self::people::{Approve, Freeze, OrderCommand, Propose};
pub use self::policy::{Example, Policy};
pub use self::root::Root;
pub use self::verdict::{Subject, Verdict};
use crate::clock::parse_duration;
use crate::network_name;
use crate::output::Format;
pub use crate::setup::init::{NamedQuorum, NodeRecovery};
pub use crate::signing::payload::{Blockhash, CoinArg};

/// A cluster of signer nodes that share each key. No machine signs alone, and none ever holds a key.
#[derive(Debug, Parser)]
#[command(name = "quorate", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 ok, 1 error, 2 usage, 3 denied, 4 pending approval, \
                        5 unavailable, 6 timeout, 7 conflict.")]
pub struct Args {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Group)]
pub struct Global {
    /// How data is printed on stdout.
    #[arg(short, long, global = true, value_enum, default_value = "table", env = "QUORATE_OUTPUT")]
    pub output: Format,
    /// No colours, also where stdout is a terminal. So does NO_COLOR in the environment.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// The folder of the profile (client.toml), or the folder that a command makes things in.
    #[arg(long, global = true, env = "QUORATE_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything: a throwaway cluster makes keys, signs, denies, and loses nodes.
    Demo(Size),
    /// Keep a cluster of this machine's processes up, to try things. Not for funds.
    Dev(Size),
    /// Join a cluster: make the keys here, and a file to hand in.
    #[command(subcommand)]
    Join(Join),
    /// Make a cluster: its authority, trust root and certificates, from join files.
    Init(Init),
    /// Run a signer node, or unseal, seal and re-key one that runs.
    Node(Node),
    /// Run a coordinator.
    Coordinator(Coordinator),
    /// Make and show keys.
    #[command(subcommand)]
    Key(Key),
    /// Have a transaction signed.
    Sign(Box<Sign>),
    /// Say how risky a payload is, as a risk provider.
    #[command(subcommand)]
    Verdict(Box<Verdict>),
    /// List the requests that wait for people.
    Pending,
    /// Approve a request, after reading what it does as decoded here.
    Approve(Approve),
    /// Reject a request, for good.
    Reject(Approve),
    /// Stop signing at once: any one officer can.
    Freeze(Freeze),
    /// Freeze, suspend, and lift: orders of officers and quorums.
    #[command(subcommand)]
    Order(OrderCommand),
    /// Show the trust root, and bring its next version into force.
    #[command(subcommand)]
    Root(Root),
    /// Look at sign requests.
    #[command(subcommand)]
    Request(Request),
    /// Show the whole cluster in one table.
    Status,
    /// Look for what is wrong, or will be: exit code 1 where something is.
    Doctor,
    /// Write, test and compare policy bundles, and ask the policy of the nodes.
    #[command(subcommand)]
    Policy(Policy),
    /// Export and read the audit logs of nodes.
    #[command(subcommand)]
    Audit(Audit),
    /// Make, look at and verify backups of nodes.
    #[command(subcommand)]
    Backup(Backup),
    /// Make what a node starts from, out of its backup. Offline.
    Recover(Recover),
    /// Print a completion script for a shell.
    Completion {
        /// The shell.
        shell: Shell,
    },
    /// Print the version.
    Version,
}

/// How many nodes, and how many of them sign.
#[derive(Debug, Clone, Copy, Group)]
pub struct Size {
    /// How many signer nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=16))]
    pub nodes: u16,
    /// How many of them a signature takes: more than half.
    #[arg(long, default_value = "2", value_parser = threshold)]
    pub threshold: Threshold,
}

/// Who joins.
#[derive(Debug, Subcommand)]
pub enum Join {
    /// A signer node.
    Node {
        /// Its number: any that no other node has, from 1.
        #[arg(long)]
        id: ParticipantId,
        /// Who operates it.
        #[arg(long, default_value = "unspecified")]
        operator: Label,
        /// Where it is.
        #[arg(long, default_value = "unspecified")]
        region: Label,
        /// On whose infrastructure.
        #[arg(long, default_value = "unspecified")]
        provider: Label,
    },
    /// A coordinator.
    Coordinator {
        /// Its name.
        #[arg(long)]
        name: CoordinatorName,
        /// Where everybody reaches it: host:port.
        #[arg(long)]
        address: String,
    },
    /// A service, which sends sign requests.
    Service {
        /// Its name.
        #[arg(long)]
        name: ServiceName,
        /// A person who answers for it, and so does not approve what it asks for. Repeat it for each.
        #[arg(long = "owner", value_name = "PERSON")]
        owners: Vec<PersonName>,
    },
    /// An officer: signs orders, approves requests, and may freeze alone.
    Officer(Person),
    /// A person who approves requests.
    Approver(Person),
    /// Check what came back, and make the folder ready to run.
    Accept {
        /// The welcome file that `quorate init` made for this member.
        #[arg(long, value_name = "FILE")]
        welcome: PathBuf,
        /// The cluster's id, compared over another channel than the file came by.
        #[arg(long, value_name = "HASH")]
        cluster: Digest,
        /// Not for funds: accept a trust root under which one person or operator can do harm alone.
        #[arg(long)]
        dev: bool,
    },
}

/// A person.
#[derive(Debug, Group)]
pub struct Person {
    /// The person's name.
    #[arg(long)]
    pub name: PersonName,
    /// Sign with this SSH key, by its .pub file, instead of a key file that is made here. Keys in
    /// security keys (ed25519-sk, ecdsa-sk) are best.
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// Demand that the security key verifies the person, by PIN or fingerprint, for every signature.
    #[arg(long, requires = "ssh_key")]
    pub require_user_verification: bool,
    /// Keep pieces of backups: the age recipient that they are encrypted to, as `age-keygen` or a plugin
    /// for a security key shows it.
    #[arg(long, value_name = "AGE_RECIPIENT")]
    pub recovery: Option<Recipient>,
}

/// Makes a cluster.
#[derive(Debug, Group)]
pub struct Init {
    /// The join file of a member. Repeat it for each.
    #[arg(long = "join", value_name = "FILE", required = true, num_args = 1..)]
    pub joins: Vec<PathBuf>,
    /// No key of the cluster may take fewer signers.
    #[arg(long, default_value = "2", value_parser = threshold)]
    pub threshold_floor: Threshold,
    /// How long a freeze holds on after the order that lifts it, at most 7d.
    #[arg(long, default_value = "1h", value_parser = parse_duration)]
    pub unfreeze_delay: Duration,
    /// How long a policy bundle or a trust root that may allow more waits after the order that brings
    /// it, at most 7d.
    #[arg(long, default_value = "24h", value_parser = parse_duration)]
    pub change_delay: Duration,
    /// The policy bundle that every node begins with: one that denies everything where none is named.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A quorum of officers, such as keys=2:alice,bob,carol. `keys`, `loosening`, `policy`, `root` and
    /// `unfreeze` take more than half of all officers where they are not given.
    #[arg(long = "quorum", value_name = "NAME=REQUIRED:PERSON,…")]
    pub quorums: Vec<NamedQuorum>,
    /// Who opens the backups of a node together, such as 1=2:alice,bob,carol. Repeat it for each node.
    #[arg(long = "recovery", value_name = "NODE=REQUIRED:PERSON,…")]
    pub recovery: Vec<NodeRecovery>,
    /// Not for funds: make a trust root under which one person or operator can do harm alone.
    #[arg(long)]
    pub dev: bool,
}

/// Runs a coordinator.
#[derive(Debug, Group)]
pub struct Coordinator {
    /// Its coordinator.toml.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Write the address that it listens on here, once it does.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Stop when stdin is closed: so no child outlives a parent that was killed.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}

/// Makes a key.
#[derive(Debug, Group)]
pub struct KeyCreate {
    /// The new key's id: used once, for ever.
    pub key: KeyId,
    /// Its scheme: frost-ed25519 (Solana), frost-secp256k1-tr (Bitcoin), frost-secp256k1.
    #[arg(long)]
    pub scheme: Scheme,
    /// How many signers a signature takes.
    #[arg(long, value_parser = threshold)]
    pub threshold: Threshold,
    /// The nodes that hold a share: all of the trust root where none is named.
    #[arg(long, value_delimiter = ',', value_name = "ID,ID,…")]
    pub nodes: Vec<ParticipantId>,
    /// Let it sign raw digests: 32 bytes of which no node can say what they do. For ever.
    #[arg(long)]
    pub raw_ok: bool,
    /// When it begins to sign, for ever: at-once, or by-order, which activates it for as long as the order says.
    #[arg(long, default_value = "at-once")]
    pub activation: Activation,
    /// The key file of an officer (person.pem). Repeat it for each who signs the order.
    #[arg(long = "officer-key", value_name = "FILE", required = true)]
    pub officer_keys: Vec<PathBuf>,
    /// How long to wait for the key.
    #[arg(long, default_value = "120s", value_parser = parse_duration)]
    pub wait: Duration,
}

/// Has a transaction signed.
#[derive(Debug, Group)]
pub struct Sign {
    /// What to sign.
    #[command(flatten)]
    pub transaction: Transaction,
    /// How long to wait for the signature, at most 60s.
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    pub wait: Duration,
    /// Check everything, and neither store nor sign anything.
    #[arg(long)]
    pub validate_only: bool,
    /// Write what is signed here: a PSBT or a Solana transaction in Base64, else 0x and digits.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What to sign, and what the service says about it.
#[derive(Debug, Group)]
#[command(group = clap::ArgGroup::new("payload").required(true))]
pub struct Transaction {
    /// The key that pays.
    pub key: KeyId,
    /// Which child of it: a BIP-32 path that is not hardened, such as m/0/7.
    #[arg(long, default_value = "m")]
    pub path: DerivationPath,
    /// What to sign, where it is not a payment to build.
    #[command(flatten)]
    pub payload: PayloadArgs,
    /// Build a plain payment to this address.
    #[arg(long, value_name = "ADDRESS", group = "payload", requires = "amount")]
    pub pay: Option<String>,
    /// How much to pay, in satoshis, lamports, wei, or base units of the token.
    #[arg(long, requires = "pay")]
    pub amount: Option<u128>,
    /// Bitcoin: an output of the key to spend. Repeat it for each.
    #[arg(long = "coin", value_name = "TXID:VOUT:SATS", requires = "pay")]
    pub coins: Vec<CoinArg>,
    /// Bitcoin: the fee, in satoshis.
    #[arg(long, requires = "pay")]
    pub fee: Option<u64>,
    /// Solana: a recent blockhash, or what the nonce account holds.
    #[arg(long, value_name = "BASE58", requires = "pay")]
    pub blockhash: Option<Blockhash>,
    /// Solana: a durable nonce account of the key, so that the payment does not expire in a minute.
    #[arg(long, value_name = "ADDRESS", requires = "blockhash")]
    pub nonce_account: Option<String>,
    /// EVM: the contract of the ERC-20 token to pay, in place of the chain's own asset.
    #[arg(long, value_name = "ADDRESS", requires = "pay")]
    pub token: Option<String>,
    /// EVM: how many transactions the account has sent before.
    #[arg(long, requires = "pay")]
    pub nonce: Option<u64>,
    /// EVM: how much gas the transaction may use.
    #[arg(long, requires = "pay")]
    pub gas: Option<u64>,
    /// EVM: what it pays for each gas at most, in wei.
    #[arg(long, value_name = "WEI", requires = "pay")]
    pub max_fee: Option<u128>,
    /// EVM: how much of that is a tip at most, in wei: none unless given.
    #[arg(long, value_name = "WEI", requires = "pay")]
    pub priority_fee: Option<u128>,
    /// The network: its name, such as bitcoin-signet, or its CAIP-2 id. The profile may have one.
    #[arg(long, value_parser = network_name::parse)]
    pub network: Option<Network>,
    /// The request's id: a new one where none is given. The same id and request again is the same
    /// request.
    #[arg(long, value_name = "UUID")]
    pub request_id: Option<RequestId>,
    /// From now until when it may be signed: at most 7d.
    #[arg(long, default_value = "10m", value_parser = parse_duration)]
    pub expires: Duration,
    /// Your own reference, for your books and the audit log.
    #[arg(long, default_value = "")]
    pub reference: String,
    /// What a risk provider says about it, as `quorate verdict sign` writes it. Repeat it for each
    /// provider. With --request-id, it is added to a request that waits for it.
    #[arg(long = "verdict", value_name = "FILE")]
    pub verdicts: Vec<PathBuf>,
}

/// Sign requests.
#[derive(Debug, Subcommand)]
pub enum Request {
    /// Show a request.
    Show {
        /// Its UUID, or its full name services/SERVICE/signRequests/UUID.
        request: String,
    },
    /// List requests.
    List {
        /// Of this service, or `-` for all. The profile's own where none is named.
        #[arg(long)]
        service: Option<String>,
        /// Only those in this state, such as QUEUED.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Print requests as they change; with a request, until it is final.
    Watch {
        /// Only this one: its UUID or full name.
        request: Option<String>,
        /// Of this service, or `-` for all. The profile's own where none is named.
        #[arg(long, conflicts_with = "request")]
        service: Option<String>,
    },
    /// Withdraw a request that is not final.
    Cancel {
        /// Its UUID or full name.
        request: String,
    },
}

fn threshold(text: &str) -> Result<Threshold, String> {
    let number = text.parse::<u32>().map_err(|error| error.to_string())?;
    Threshold::new(number).map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
