//! What a version of the trust root says, and changes.

use quorate_trust::{Amendment, TrustRoot};
use serde::Serialize;

use crate::output::{Paint, Report, fields};

#[derive(Serialize)]
pub(super) struct RootReport {
    cluster: String,
    version: u64,
    hash: String,
    /// Who could do harm alone.
    single_points: Vec<String>,
    text: String,
}

#[derive(Serialize)]
pub(super) struct DiffReport {
    version: u64,
    hash: String,
    /// `tightening` or `loosening`.
    change: &'static str,
    /// Everything that may let somebody do more.
    why: Vec<String>,
    /// How long it waits, in seconds.
    delay_seconds: u64,
    /// Lines that are gone, and lines that are new.
    removed: Vec<String>,
    added: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct FetchReport {
    from: u64,
    version: u64,
    hash: String,
}

impl RootReport {
    pub(super) fn new(root: &TrustRoot) -> Self {
        Self {
            cluster: root.cluster().to_string(),
            version: root.version(),
            hash: root.hash().to_string(),
            single_points: root.single_points().iter().map(ToString::to_string).collect(),
            text: root.render(),
        }
    }
}

impl Report for RootReport {
    const SCHEMA: &'static str = "quorate.root/v1";

    fn text(&self, paint: Paint) -> String {
        let alone = match self.single_points.as_slice() {
            [] => "nobody".to_owned(),
            points => points.join("; "),
        };
        let rows = [
            ("cluster", paint.strong(&self.cluster)),
            ("version", self.version.to_string()),
            ("hash", self.hash.clone()),
            ("could do harm alone", alone),
        ];
        format!("{}\n{}", self.text, fields(rows))
    }
}

impl DiffReport {
    pub(super) fn new(old: &TrustRoot, new: &TrustRoot, amendment: Amendment) -> Self {
        let (change, why, delay_seconds) = match amendment {
            Amendment::Tightening => ("tightening", Vec::new(), 0),
            Amendment::Loosening { why } => ("loosening", why, old.change_delay_s),
        };
        let (before, after) = (old.render(), new.render());
        let only_in = |one: &str, other: &str| {
            let lines = one.lines().filter(|line| !other.lines().any(|kept| kept == *line));
            lines.map(str::to_owned).collect()
        };
        Self {
            version: new.version(),
            hash: new.hash().to_string(),
            change,
            why,
            delay_seconds,
            removed: only_in(&before, &after),
            added: only_in(&after, &before),
        }
    }

    pub(super) fn words(&self) -> String {
        self.text(Paint::PLAIN)
    }
}

impl Report for DiffReport {
    const SCHEMA: &'static str = "quorate.root-diff/v1";

    fn text(&self, paint: Paint) -> String {
        let change = match self.change {
            "tightening" => paint.good("TIGHTENING: nobody can do more; in force at once"),
            _ => {
                let delay = self.delay_seconds;
                paint.bad(&format!("LOOSENING: somebody may do more; waits for {delay} s"))
            }
        };
        let version = self.version.to_string();
        let rows = [("version", version), ("hash", self.hash.clone())];
        let mut text = format!("{}\n\n{change}\n", fields(rows));
        self.why.iter().for_each(|why| text.push_str(&format!("  {why}\n")));
        self.removed.iter().for_each(|line| text.push_str(&format!("- {line}\n")));
        self.added.iter().for_each(|line| text.push_str(&format!("+ {line}\n")));
        text
    }
}

impl FetchReport {
    pub(super) fn new(from: u64, root: &TrustRoot) -> Self {
        Self { from, version: root.version(), hash: root.hash().to_string() }
    }
}

impl Report for FetchReport {
    const SCHEMA: &'static str = "quorate.root-fetch/v1";

    fn text(&self, _paint: Paint) -> String {
        let Self { from, version, hash } = self;
        if from == version {
            return format!("This folder has version {version}, {hash}, which is in force.");
        }
        format!("This folder went from version {from} to version {version}, {hash}.")
    }
}
