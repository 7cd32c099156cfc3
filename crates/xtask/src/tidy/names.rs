//! File names that say nothing about what is inside.

use super::File;

/// `mod.rs` hides the module's name in every editor tab; the others are drawers for anything.
const BANNED: [&str; 9] = [
    "mod.rs",
    "util.rs",
    "utils.rs",
    "common.rs",
    "helper.rs",
    "helpers.rs",
    "misc.rs",
    "types.rs",
    "prelude.rs",
];

pub(super) fn faults(file: &File) -> Vec<String> {
    match file.path.rsplit('/').next() {
        Some(name) if BANNED.contains(&name) => {
            vec![format!("{}: name the file after what is in it, not {name}", file.path)]
        }
        Some(_) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(path: &str) -> usize {
        faults(&File::new(path.to_owned(), String::new())).len()
    }

    #[test]
    fn a_drawer_for_anything_is_refused() {
        for name in BANNED {
            assert_eq!(faults_of(&format!("crates/model/src/{name}")), 1, "{name}");
        }
    }

    #[test]
    fn a_name_that_only_ends_alike_is_allowed() {
        assert_eq!(faults_of("crates/model/src/network_types.rs"), 0);
    }
}
