//! What a command prints: data to stdout, messages and progress to stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::exit::Failure;

/// For whom data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: one JSON object a line, each with a `schema`.
    Json,
}

/// Where a command prints, and how.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    paint: Paint,
    progress: bool,
    quiet: bool,
}

/// What a command has to say: once for people, once for programs.
pub(crate) trait Report: Serialize {
    /// Names the shape of the JSON object. A change that breaks a reader gets a new number.
    const SCHEMA: &'static str;

    /// The text for people.
    fn text(&self, paint: Paint) -> String;
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'a T,
}

#[derive(Serialize)]
struct FailureReport<'a> {
    schema: &'static str,
    exit: u8,
    reason: Option<&'static str>,
    message: &'a str,
    causes: &'a [String],
    request: Option<&'a str>,
    next: Option<&'a str>,
}

impl Output {
    /// For this process's stdout and stderr.
    #[must_use]
    pub fn new(format: Format, no_color: bool) -> Self {
        // https://no-color.org: any value but the empty one.
        let no_color =
            no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = Paint(!no_color && io::stdout().is_terminal());
        Self { format, paint, progress: io::stderr().is_terminal(), quiet: false }
    }

    /// Prints data.
    pub(crate) fn show<T: Report>(&self, report: &T) -> Result<(), Failure> {
        let text = match self.format {
            Format::Table => report.text(self.paint),
            Format::Json => json(report)?,
        };
        write(io::stdout().lock(), &text)
    }

    /// Prints text that is data already, such as a completion script.
    pub(crate) fn raw(&self, text: &str) -> Result<(), Failure> {
        write(io::stdout().lock(), text)
    }

    /// Tells a person something.
    pub(crate) fn say(&self, message: impl Display) {
        if !self.quiet {
            // Nobody is left to tell that stderr is closed.
            let _ = writeln!(io::stderr().lock(), "{message}");
        }
    }

    /// Says why the command failed.
    pub(crate) fn fail(&self, failure: &Failure) {
        let text = match self.format {
            Format::Table => failure_text(failure),
            Format::Json => failure_json(failure),
        };
        self.say(text);
    }

    /// Shows that something is under way, on a terminal.
    pub(crate) fn progress(&self, message: impl Into<String>) -> Progress {
        let bar = if self.progress { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(message.into());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }

    /// The same without messages and progress.
    pub(crate) fn quiet(&self) -> Self {
        Self { quiet: true, progress: false, ..*self }
    }

    /// Whether programs read along.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// How text for people is coloured.
    pub(crate) const fn paint(&self) -> Paint {
        self.paint
    }
}

/// Something under way. It disappears when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Says how far it is.
    pub(crate) fn update(&self, message: impl Into<String>) {
        self.0.set_message(message.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    /// None: for what is not a command's own output.
    pub(crate) const PLAIN: Self = Self(false);

    /// Good news.
    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Bad news.
    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// What a reader should see first.
    pub(crate) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A table under a header. Nothing in it is ever cut: addresses are compared letter by letter.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.map(str::to_uppercase));
    table.add_rows(rows);
    trimmed(&table)
}

/// Names and values, one a line.
pub(crate) fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.add_rows(fields.into_iter().map(|(name, value)| [name.to_owned(), value]));
    trimmed(&table)
}

fn trimmed(table: &Table) -> String {
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn json<T: Report>(report: &T) -> Result<String, Failure> {
    Ok(serde_json::to_string(&Envelope { schema: T::SCHEMA, report })?)
}

fn failure_text(failure: &Failure) -> String {
    let mut text = format!("error: {}", failure.message());
    for cause in failure.causes() {
        text.push_str(&format!("\n  because: {cause}"));
    }
    if let Some(request) = failure.request() {
        text.push_str(&format!("\n  request: {request}"));
    }
    if let Some(next) = failure.next() {
        text.push_str(&format!("\n  next:    {next}"));
    }
    text
}

fn failure_json(failure: &Failure) -> String {
    let report = FailureReport {
        schema: "quorate.error/v1",
        exit: failure.exit().code(),
        reason: failure.reason().map(|reason| reason.as_str()),
        message: failure.message(),
        causes: failure.causes(),
        request: failure.request(),
        next: failure.next(),
    };
    // Text and numbers cannot fail to encode.
    serde_json::to_string(&report).unwrap_or_default()
}

fn write(mut stream: impl io::Write, text: &str) -> Result<(), Failure> {
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    match write!(stream, "{text}{newline}").and_then(|()| stream.flush()) {
        // `quorate … | head` is not a fault.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::exit::Exit;

    #[derive(Serialize)]
    struct Answer {
        state: &'static str,
    }

    impl Report for Answer {
        const SCHEMA: &'static str = "quorate.answer/v1";

        fn text(&self, paint: Paint) -> String {
            paint.good(self.state)
        }
    }

    #[test]
    fn json_names_its_schema() {
        let text = json(&Answer { state: "SIGNED" }).unwrap();
        assert_eq!(text, r#"{"schema":"quorate.answer/v1","state":"SIGNED"}"#);
    }

    #[test]
    fn a_failure_is_told_to_people_and_programs() {
        let failure = Failure::new(Exit::Denied, "no rule permits it").hint("ask for less");
        let text = failure_text(&failure);
        assert!(text.contains("error: no rule permits it") && text.contains("ask for less"));
        let value: Value = serde_json::from_str(&failure_json(&failure)).unwrap();
        assert_eq!((&value["schema"], &value["exit"]), (&"quorate.error/v1".into(), &3.into()));
    }

    #[test]
    fn colours_can_be_left_out() {
        assert_eq!(Paint(true).bad("DENIED"), "\u{1b}[31mDENIED\u{1b}[0m");
        assert_eq!(Paint::PLAIN.bad("DENIED"), "DENIED");
    }

    #[test]
    fn a_table_cuts_nothing() {
        let long = "bcrt1p".repeat(40);
        let text = table(["key", "address"], [["btc".to_owned(), long.clone()]]);
        assert!(text.contains(&long) && text.contains("ADDRESS"));
        assert!(fields([("address", long.clone())]).contains(&long));
    }
}
