//! Compiles `proto/` with protox, so that a build needs no protoc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

const ROOT: &str = "../../proto";
const FILES: [&str; 11] = [
    "quorate/custody/v1/approval_service.proto",
    "quorate/custody/v1/fleet_service.proto",
    "quorate/custody/v1/key_service.proto",
    "quorate/custody/v1/order_service.proto",
    "quorate/custody/v1/signing_service.proto",
    "quorate/node/v1/node_admin.proto",
    "quorate/node/v1/node_gateway.proto",
    "quorate/statement/v1/restore_proof.proto",
    "quorate/storage/v1/backup.proto",
    "quorate/storage/v1/coordinator.proto",
    "quorate/storage/v1/node.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    let descriptors = protox::compile(FILES, [ROOT])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("quorate.bin"), descriptors.encode_to_vec())?;
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    // How messages in a google.protobuf.Any are named.
    config.type_name_domain(["."], "type.googleapis.com");
    // tonic-types has Status already, and makes details from it.
    config.extern_path(".google.rpc.Status", "::tonic_types::Status");
    // Theirs are written by hand: there is a secret in them.
    config.skip_debug(["quorate.node.v1.UnsealRequest", "quorate.node.v1.RotateKekRequest"]);
    tonic_prost_build::configure().compile_fds_with_config(descriptors, config)?;
    Ok(())
}
