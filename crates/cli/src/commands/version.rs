//! `quorate version`.

use quorate_model::Scheme;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::network_name;
use crate::output::{Output, Paint, Report};

#[derive(Serialize)]
struct VersionReport {
    version: &'static str,
    schemes: Vec<&'static str>,
    networks: Vec<String>,
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
        networks: network_name::named().map(network_name::short).collect(),
    })?;
    Ok(Exit::Ok)
}
