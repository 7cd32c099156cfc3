//! Where production code ends: at the first `#[cfg(test)]`, which our files keep at their end.

/// The lines before the unit tests. A `#[cfg(test)] mod tests;` that only names a file does not end
/// the production code, since declarations stand at the top; neither does one on a single item.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = end(text);
    text.lines().take(end).enumerate().map(|(index, line)| (index + 1, line))
}

/// Whether a file is test code by its place or name.
pub(super) fn is_test_path(path: &str) -> bool {
    path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
        || path.starts_with("tests/")
        || path.starts_with("benches/")
        || path.contains("/tests/")
        || path.contains("/benches/")
}

/// The files that this one declares as modules for tests: `#[cfg(test)] mod fixture;`.
pub(super) fn declared_test_files(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let folder = match path.rsplit_once('/') {
        Some((folder, "lib.rs" | "main.rs")) => folder,
        Some(_) | None => path.trim_end_matches(".rs"),
    };
    (0..lines.len())
        .filter(|at| lines.get(*at) == Some(&"#[cfg(test)]"))
        .filter_map(|at| lines.iter().skip(at + 1).find(|line| !line.starts_with('#')))
        .filter_map(|line| declared_module(line))
        .map(|module| format!("{folder}/{module}.rs"))
        .collect()
}

/// `fixture` of `pub(crate) mod fixture;`.
fn declared_module(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("mod ")?;
    (before.is_empty() || before.starts_with("pub")).then(|| after.strip_suffix(';'))?
}

fn end(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    (0..lines.len()).find(|at| opens_tests(lines.iter().skip(*at))).unwrap_or(lines.len())
}

/// Whether the lines begin with `#[cfg(test)]`, perhaps more attributes, and a module with a body.
fn opens_tests<'a>(mut lines: impl Iterator<Item = &'a &'a str>) -> bool {
    lines.next().is_some_and(|line| *line == "#[cfg(test)]")
        && lines
            .find(|line| !line.starts_with('#'))
            .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_at_the_end_are_cut_off() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(lines(text).collect::<Vec<_>>(), vec![(1, "fn a() {}"), (2, "")]);
    }

    #[test]
    fn attributes_between_are_skipped() {
        let text = "fn a() {}\n#[cfg(test)]\n#[expect(dead_code)]\nmod tests {\n}\n";
        assert_eq!(lines(text).count(), 1);
    }

    #[test]
    fn a_declared_test_file_does_not_end_the_production_code() {
        let text = "mod graph;\n#[cfg(test)]\nmod tests;\nmod table;\nfn a() {}\n";
        assert_eq!(lines(text).count(), 5);
    }

    #[test]
    fn test_files_are_known_by_their_place() {
        assert!(is_test_path("crates/xtask/src/layers/tests.rs"));
        assert!(is_test_path("crates/trust/src/root_tests.rs"));
        assert!(is_test_path("tests/simulation/main.rs"));
        assert!(is_test_path("crates/cli/tests/cluster.rs"));
        assert!(!is_test_path("crates/model/src/time.rs"));
    }
    #[test]
    fn a_module_declared_for_tests_is_found_beside_or_below_its_parent() {
        let text = "mod a;\n#[cfg(test)]\nmod fixture;\n#[cfg(test)]\nmod tests {\n}\n";
        for (parent, expected) in [
            ("crates/a/src/lib.rs", "crates/a/src/fixture.rs"),
            ("crates/a/src/dkg.rs", "crates/a/src/dkg/fixture.rs"),
        ] {
            assert_eq!(declared_test_files(parent, text), vec![expected.to_owned()]);
        }
        let public = "#[cfg(test)]\npub(crate) mod fixture;\n";
        assert_eq!(declared_test_files("crates/a/src/lib.rs", public).len(), 1);
        let shipped = "mod fixture;\n";
        assert_eq!(declared_test_files("crates/a/src/lib.rs", shipped), Vec::<String>::new());
    }
}
