//! Every third-party dependency has a row that says what it is for and why this one.

use super::{File, TidyError};

const MANIFEST: &str = "Cargo.toml";
const PAGE: &str = "docs/reference/dependencies.md";

/// # Errors
/// When the root manifest is not TOML.
pub(super) fn faults(files: &[File]) -> Result<Vec<String>, TidyError> {
    let text = |path| files.iter().find(|file| file.path == path).map_or("", |file| &file.text);
    let manifest: toml::Table =
        text(MANIFEST).parse().map_err(|error| TidyError::Manifest(Box::new(error)))?;
    let page = text(PAGE);
    let dependencies = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table);
    Ok(dependencies
        .into_iter()
        .flatten()
        .filter(|(_, source)| source.get("path").is_none())
        .filter(|(name, _)| !page.contains(&format!("`{name}`")))
        .map(|(name, _)| format!("{PAGE}: `{name}` has no row: what for, why this one, licence"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(manifest: &str, page: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File::new(path.to_owned(), text.to_owned());
        faults(&[file(MANIFEST, manifest), file(PAGE, page)]).expect("the manifest is TOML")
    }

    #[test]
    fn a_dependency_without_a_row_is_refused() {
        let manifest = "[workspace.dependencies]\nhex = \"0.4\"\nsled = { version = \"0.34.7\" }\n";
        let faults = faults_of(manifest, "| `hex` | hexadecimal |");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("`sled`"), "{faults:?}");
    }

    #[test]
    fn crates_of_ours_need_no_row() {
        let manifest = "[workspace.dependencies]\nquorate-model = { path = \"crates/model\" }\n";
        assert_eq!(faults_of(manifest, ""), Vec::<String>::new());
    }
}
