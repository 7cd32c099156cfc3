//! `quorate version`.

use quorate_model::{Network, Scheme};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::network_name;
use crate::output::{Output, Paint, Report};

#[derive(Serialize)]
struct VersionReport {
    version: &'static str,
    schemes: Vec<&'static str>,
    networks: Vec<&'static str>,
}

impl Report for VersionReport {
    const SCHEMA: &'static str = "quorate.version/v1";

    fn text(&self, _paint: Paint) -> String {
        format!("quorate {}", self.version)
    }
}

pub(super) fn run(output: &Output) -> Result<Exit, Failure> {
    output.show(&VersionReport {
        version: env!("CARGO_PKG_VERSION"),
        schemes: Scheme::ALL.map(Scheme::as_str).to_vec(),
        networks: Network::ALL.map(network_name::short).to_vec(),
    })?;
    Ok(Exit::Ok)
}
