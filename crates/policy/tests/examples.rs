//! The example bundles of `deploy/policies` decide as their own tests say.

use std::fs;
use std::path::Path;

use quorate_policy::Bundle;

#[test]
fn every_example_passes_its_own_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/policies");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let bundle = Bundle::parse(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let report = bundle.run_tests();
        let failures: Vec<_> = report.failures().collect();
        assert!(failures.is_empty(), "{path:?}: {failures:#?}");
        assert!(report.results.len() >= 5, "{path:?} has few tests");
        names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["exchange-hot-wallet", "otc-desk", "staking-operator", "treasury"]);
}
