//! How long a file may be. Long files grow where state is owned: split the state, not the functions.

use super::{File, production};

const LINES_MAX: usize = 600;
const LINES_WARN: usize = 400;
/// `lib.rs` is the module list and the re-exports.
const LIB_LINES_MAX: usize = 80;

pub(super) fn faults(file: &File) -> Vec<String> {
    let lines = length(file);
    let mut faults = Vec::new();
    if lines > LINES_MAX {
        faults.push(format!("{}: {lines} lines, at most {LINES_MAX}; split it", file.path));
    }
    if file.path.ends_with("/src/lib.rs") && lines > LIB_LINES_MAX {
        faults.push(format!(
            "{}: {lines} lines, at most {LIB_LINES_MAX}; lib.rs lists modules and re-exports",
            file.path
        ));
    }
    faults
}

pub(super) fn warnings(file: &File) -> Vec<String> {
    let lines = length(file);
    if lines > LINES_WARN && lines <= LINES_MAX {
        vec![format!("{}: {lines} lines; aim for at most {LINES_WARN}", file.path)]
    } else {
        Vec::new()
    }
}

/// Lines before the unit tests; every line of a file that only tests.
fn length(file: &File) -> usize {
    if file.test_only { file.text.lines().count() } else { production::lines(&file.text).count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, lines: usize, test_lines: usize) -> File {
        let text = "x\n".repeat(lines) + "#[cfg(test)]\nmod tests {\n" + &"y\n".repeat(test_lines);
        File::new(path.to_owned(), text)
    }

    #[test]
    fn a_file_over_the_maximum_is_refused() {
        assert_eq!(faults(&file("crates/a/src/b.rs", LINES_MAX + 1, 0)).len(), 1);
        assert_eq!(faults(&file("crates/a/src/b.rs", LINES_MAX, 5_000)), Vec::<String>::new());
    }

    #[test]
    fn a_long_file_is_warned_about_before_it_is_refused() {
        assert_eq!(warnings(&file("crates/a/src/b.rs", LINES_WARN + 1, 0)).len(), 1);
        assert_eq!(warnings(&file("crates/a/src/b.rs", LINES_WARN, 0)), Vec::<String>::new());
        assert_eq!(warnings(&file("crates/a/src/b.rs", LINES_MAX + 1, 0)), Vec::<String>::new());
    }

    #[test]
    fn a_long_lib_rs_is_refused() {
        assert_eq!(faults(&file("crates/a/src/lib.rs", LIB_LINES_MAX + 1, 0)).len(), 1);
        assert_eq!(faults(&file("crates/a/src/lib.rs", LIB_LINES_MAX, 90)), Vec::<String>::new());
    }

    #[test]
    fn tests_count_in_a_file_that_only_tests() {
        assert_eq!(faults(&file("tests/simulation/main.rs", 300, LINES_MAX)).len(), 1);
    }
}
