//! Paths of somebody's machine, which mean nothing to anyone else and say too much about its owner.

use super::File;

/// Spelled in halves, so that this file does not name them itself.
const BANNED: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/", "target"),
    concat!("/ho", "me/"),
];

pub(super) fn faults(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for path in BANNED.iter().filter(|path| names(line, path)) {
            faults.push(format!("{}:{}: names a path of a machine: {path}", file.path, index + 1));
        }
    }
    faults
}

/// Whether the line has this absolute path. `crates/trust/src/x/` is no absolute path: something
/// stands before its first slash.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || "._-/~}])>".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        faults(&File::new("README.md".to_owned(), text.to_owned())).len()
    }

    #[test]
    fn every_path_of_a_machine_is_refused() {
        for path in BANNED {
            assert_eq!(count(&format!("cd {path}x")), 1, "{path}");
            assert_eq!(count(&format!("`{path}x`\nfine\n\"{path}x\"")), 2, "{path}");
        }
    }

    #[test]
    fn a_relative_path_is_allowed() {
        for path in BANNED {
            assert_eq!(count(&format!("see crates/trust/src{path}x")), 0, "{path}");
        }
    }
}
