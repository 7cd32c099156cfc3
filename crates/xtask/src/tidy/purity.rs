//! What the code of a pure crate may not name: a clock, a source of randomness, I/O, a thread, a
//! logger, or a collection whose order differs from run to run.

use super::{File, production};
use crate::layers::is_pure;

const BANNED: [(&str, &str); 16] = [
    ("SystemTime::now", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("OsRng", "randomness is an argument"),
    ("thread_rng", "randomness is an argument"),
    ("from_entropy", "randomness is an argument"),
    ("HashMap", "its order differs from run to run; take BTreeMap"),
    ("HashSet", "its order differs from run to run; take BTreeSet"),
    ("tracing::", "return an event; the driver logs"),
    ("log::", "return an event; the driver logs"),
    ("println!", "return an event; the driver logs"),
    ("eprintln!", "return an event; the driver logs"),
    ("print!", "return an event; the driver logs"),
    ("std::fs", "no I/O in a pure crate"),
    ("std::env", "no I/O in a pure crate"),
    ("std::thread", "no threads in a pure crate"),
    ("async fn", "no runtime in a pure crate"),
];

pub(super) fn faults(file: &File) -> Vec<String> {
    if !is_in_a_pure_crate(&file.path) || file.test_only {
        return Vec::new();
    }
    production::lines(&file.text)
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(number, line)| {
            BANNED.iter().filter(move |(word, _)| names(line, word)).map(move |(word, why)| {
                format!("{}:{number}: `{word}` in a pure crate: {why}", file.path)
            })
        })
        .collect()
}

fn is_in_a_pure_crate(path: &str) -> bool {
    let mut folders = path.split('/');
    folders.next() == Some("crates")
        && folders.next().is_some_and(|folder| is_pure(&format!("quorate-{folder}")))
        && folders.next() == Some("src")
}

/// Whether the word stands in the line by itself, not as the end of a longer one.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(path: &str, text: &str) -> Vec<String> {
        faults(&File::new(path.to_owned(), text.to_owned()))
    }

    #[test]
    fn every_banned_word_is_refused_in_a_pure_crate_with_its_line() {
        for (word, _) in BANNED {
            let found = faults_of("crates/signer/src/session.rs", &format!("\n    {word} x"));
            assert_eq!(found.len(), 1, "{word}: {found:?}");
            assert!(found[0].starts_with("crates/signer/src/session.rs:2: "), "{found:?}");
        }
    }

    #[test]
    fn adapters_and_services_may_do_io() {
        assert_eq!(faults_of("crates/daemon/src/node.rs", "use std::fs;"), Vec::<String>::new());
    }

    #[test]
    fn comments_and_unit_tests_may_name_them() {
        let text =
            "/// Never a HashMap.\n#[cfg(test)]\nmod tests {\n    use rand_core::OsRng;\n}\n";
        assert_eq!(faults_of("crates/model/src/time.rs", text), Vec::<String>::new());
        let text = "use rand_core::OsRng;\n";
        assert_eq!(faults_of("crates/model/src/time/tests.rs", text), Vec::<String>::new());
    }

    #[test]
    fn a_longer_name_that_ends_alike_is_allowed() {
        assert_eq!(
            faults_of("crates/audit/src/a.rs", "use audit_log::Entry;"),
            Vec::<String>::new()
        );
    }
}
