//! `cargo xtask tidy`: what a reviewer should not have to say twice.

mod dependencies;
mod machine;
mod names;
mod production;
mod purity;
mod size;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::Findings;

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TidyError {
    #[error("git could not list the files (is this a checkout?): {0}")]
    Git(String),
    #[error("{path}: {source}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the root Cargo.toml does not parse: {0}")]
    Manifest(Box<toml::de::Error>),
}

/// One file of the repository.
struct File {
    /// From the root of the repository, with `/`.
    path: String,
    text: String,
    /// Nothing in it ships.
    test_only: bool,
}

impl File {
    fn new(path: String, text: String) -> Self {
        let test_only = production::is_test_path(&path);
        Self { path, text, test_only }
    }
}

/// Checks every file that is tracked, or that could be added without `--force`.
///
/// # Errors
/// When git does not answer or a listed file cannot be read.
pub(crate) fn check() -> Result<Findings, TidyError> {
    let files = text_files()?;
    let mut findings = Findings {
        checked: format!("{} text files", files.len()),
        warnings: Vec::new(),
        faults: dependencies::faults(&files)?,
    };
    for file in &files {
        findings.faults.extend(machine::faults(file));
        if is_our_rust(&file.path) {
            findings.faults.extend(names::faults(file));
            findings.faults.extend(size::faults(file));
            findings.faults.extend(purity::faults(file));
            findings.warnings.extend(size::warnings(file));
        }
    }
    Ok(findings)
}

fn is_our_rust(path: &str) -> bool {
    path.ends_with(".rs")
        && ["crates/", "tests/", "benches/"].iter().any(|root| path.starts_with(root))
}

/// All files that git knows or would add, less those that are not text.
fn text_files() -> Result<Vec<File>, TidyError> {
    let root = git(Path::new("."), &["rev-parse", "--show-toplevel"])?;
    let root = Path::new(root.trim_end());
    let listing = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut files = Vec::new();
    for path in listing.split('\0').filter(|path| !path.is_empty()) {
        let on_disk = root.join(path);
        // A file deleted but not yet committed is still listed; a symbolic link has no text.
        if !on_disk.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let bytes = fs::read(&on_disk)
            .map_err(|source| TidyError::Read { path: on_disk.clone(), source })?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File::new(path.to_owned(), text));
        }
    }
    mark_declared_for_tests(&mut files);
    Ok(files)
}

fn mark_declared_for_tests(files: &mut [File]) {
    let declared: BTreeSet<String> = files
        .iter()
        .filter(|file| is_our_rust(&file.path))
        .flat_map(|file| production::declared_test_files(&file.path, &file.text))
        .collect();
    for file in files {
        file.test_only |= declared.contains(&file.path);
    }
}

fn git(directory: &Path, arguments: &[&str]) -> Result<String, TidyError> {
    let output = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .output()
        .map_err(|error| TidyError::Git(error.to_string()))?;
    if !output.status.success() {
        return Err(TidyError::Git(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| TidyError::Git(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_outside_our_folders_is_not_ours() {
        assert!(is_our_rust("crates/model/src/lib.rs"));
        assert!(is_our_rust("tests/simulation/main.rs"));
        assert!(!is_our_rust("target/debug/build/generated.rs"));
        assert!(!is_our_rust("crates/model/Cargo.toml"));
    }
    #[test]
    fn a_fixture_declared_for_tests_does_not_ship_and_its_neighbour_does() {
        let mut files = [
            File::new("crates/a/src/lib.rs".to_owned(), "#[cfg(test)]\nmod fixture;".to_owned()),
            File::new("crates/a/src/fixture.rs".to_owned(), String::new()),
            File::new("crates/b/src/fixture.rs".to_owned(), String::new()),
        ];
        mark_declared_for_tests(&mut files);
        assert_eq!(files.map(|file| file.test_only), [false, true, false]);
    }
}
