//! The payload that a command is about.

use std::path::PathBuf;

use clap::Args as Group;
use quorate_model::Digest;

/// A payload, in one of these forms: they are of the group `payload`, which each command has.
#[derive(Debug, Group)]
pub struct PayloadArgs {
    /// A PSBT, binary or Base64.
    #[arg(long, value_name = "FILE", group = "payload")]
    pub psbt: Option<PathBuf>,
    /// A Solana message, binary or Base64.
    #[arg(long, value_name = "FILE", group = "payload")]
    pub solana_message: Option<PathBuf>,
    /// An EVM transaction, unsigned: binary, Base64, or 0x and hexadecimal digits.
    #[arg(long, value_name = "FILE", group = "payload")]
    pub evm: Option<PathBuf>,
    /// EVM typed data (EIP-712): the JSON of eth_signTypedData_v4, taken byte by byte.
    #[arg(long, value_name = "FILE", group = "payload")]
    pub typed_data: Option<PathBuf>,
    /// An EVM personal message (EIP-191), as text.
    #[arg(long, value_name = "TEXT", group = "payload")]
    pub message: Option<String>,
    /// An EVM authorisation (EIP-7702): as --evm.
    #[arg(long, value_name = "FILE", group = "payload")]
    pub authorization: Option<PathBuf>,
    /// A raw digest in hexadecimal digits, signed as it is: for keys that were made with --raw-ok.
    #[arg(long, value_name = "HEX", group = "payload")]
    pub digest: Option<Digest>,
}
