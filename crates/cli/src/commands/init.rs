//! `quorate init`: the authority, the trust root and the certificates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::policy::fault;
use super::{purpose, required};
use crate::args::Init;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::{Output, Paint, Report, fields};
use crate::setup::ROOT_FILE;
use crate::setup::init::{Policy, Rules, init};
use crate::setup::join;
use crate::setup::template::STARTER_POLICY;

#[derive(Serialize)]
struct InitReport {
    cluster: String,
    root: PathBuf,
    welcomes: BTreeMap<String, PathBuf>,
    certificates_until: String,
}

impl Report for InitReport {
    const SCHEMA: &'static str = "quorate.init/v1";

    fn text(&self, paint: Paint) -> String {
        let mut rows = vec![
            ("cluster", paint.strong(&self.cluster)),
            ("trust root", self.root.display().to_string()),
            ("certificates", format!("valid until {}", self.certificates_until)),
        ];
        let welcomes = self.welcomes.iter();
        rows.extend(welcomes.map(|(role, path)| (role.as_str(), path.display().to_string())));
        fields(rows)
    }
}

pub(super) fn run(command: Init, dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let dir = required(dir)?;
    let requests = command.joins.iter().map(|path| join::read(path));
    let requests = requests.collect::<Result<Vec<_>, _>>()?;
    let policy = match &command.policy {
        Some(file) => {
            let text = files::read(file)?;
            Policy::parse(text).map_err(|error| fault::failure(file, &error))?
        }
        None => Policy::parse(STARTER_POLICY.to_owned())
            .map_err(|error| fault::failure(Path::new("the starter policy"), &error))?,
    };
    let rules = Rules {
        threshold_floor: command.threshold_floor,
        unfreeze_delay_s: command.unfreeze_delay.as_secs(),
        change_delay_s: command.change_delay.as_secs(),
        policy,
        quorums: command.quorums,
        recovery: command.recovery,
        purpose: purpose(command.dev),
    };
    let made = init(&dir, &requests, rules, clock::now())?;
    // The text is what everybody trusts from now on: it is shown, not only written.
    output.say(made.root.render());
    output.show(&InitReport {
        cluster: made.cluster.to_string(),
        root: dir.join(ROOT_FILE),
        welcomes: made.welcomes.into_iter().map(|(role, at)| (role.to_string(), at)).collect(),
        certificates_until: made.certificates_until.to_string(),
    })?;
    output.say(format_args!(
        "\nNext:\n  \
         1. Compare the cluster's id with everybody, in person or on a call. All rests on this.\n  \
         2. Give each member its welcome file:\n     \
         quorate join accept --dir DIR --welcome FILE --cluster {}\n  \
         3. Put {} away, offline: it certifies new TLS keys.",
        made.cluster,
        dir.join("ca.key").display()
    ));
    Ok(Exit::Ok)
}
