//! `quorate policy init`.

use std::path::Path;

use clap::ValueEnum as _;
use quorate_policy::Bundle;
use serde::Serialize;

use super::fault;
use crate::args::Example;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::{Output, Paint, Report, fields};
use crate::setup::template::STARTER_POLICY;

#[derive(Serialize)]
struct InitReport {
    file: String,
    /// None for the bundle of a new node.
    example: Option<String>,
    version: u64,
    hash: String,
    tests: usize,
}

pub(super) fn run(example: Option<Example>, out: &Path, output: &Output) -> Result<Exit, Failure> {
    let text = example.map_or(STARTER_POLICY, text);
    let report = InitReport::new(example, out, text)?;
    files::create(out, text)?;
    output.show(&report)?;
    let file = out.display();
    output.say(format_args!(
        "Next: put your own services, addresses and numbers into {file}, then\n  \
         quorate policy check {file}"
    ));
    Ok(Exit::Ok)
}

const fn text(example: Example) -> &'static str {
    match example {
        Example::ExchangeHotWallet => {
            include_str!("../../../../../deploy/policies/exchange-hot-wallet.toml")
        }
        Example::OtcDesk => include_str!("../../../../../deploy/policies/otc-desk.toml"),
        Example::StakingOperator => {
            include_str!("../../../../../deploy/policies/staking-operator.toml")
        }
        Example::Treasury => include_str!("../../../../../deploy/policies/treasury.toml"),
    }
}

impl InitReport {
    fn new(example: Option<Example>, out: &Path, text: &str) -> Result<Self, Failure> {
        let bundle = Bundle::parse(text).map_err(|error| fault::failure(out, &error))?;
        let name = example.and_then(|example| example.to_possible_value());
        Ok(Self {
            file: out.display().to_string(),
            example: name.map(|name| name.get_name().to_owned()),
            version: bundle.version(),
            hash: bundle.hash().to_string(),
            tests: bundle.run_tests().results.len(),
        })
    }
}

impl Report for InitReport {
    const SCHEMA: &'static str = "quorate.policy-init/v1";

    fn text(&self, _paint: Paint) -> String {
        let example = self.example.as_deref().unwrap_or("the bundle of a new node");
        fields([
            ("file", self.file.clone()),
            ("from", example.to_owned()),
            ("version", self.version.to_string()),
            ("hash", self.hash.clone()),
            ("tests", self.tests.to_string()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_accepted_and_named() {
        for example in Example::value_variants() {
            let report = InitReport::new(Some(*example), Path::new("a.toml"), text(*example));
            let report = report.unwrap();
            assert!(report.tests > 0);
            assert!(report.text(Paint::PLAIN).contains(report.example.as_deref().unwrap()));
        }
        let starter = InitReport::new(None, Path::new("a.toml"), STARTER_POLICY).unwrap();
        assert_eq!((starter.example, starter.tests), (None, 0));
    }
}
