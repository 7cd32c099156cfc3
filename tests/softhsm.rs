//! A SoftHSM2 of one test: tokens in a folder of its own. Tests that need one are skipped, and say so,
//! where the module is not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the module; one that is not there is a failure then, and no reason to skip.
const MODULE: &str = "QUORATE_PKCS11_MODULE";
const PLACES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

pub(crate) const PIN: &str = "91827364";

#[expect(
    clippy::print_stdout,
    reason = "whoever reads the test's output learns what was not tried"
)]
fn skip() {
    println!("SKIPPED: no SoftHSM2 is installed (apt-get install softhsm2, or set {MODULE})");
}

/// The module; `None` where there is none, which is printed.
pub(crate) fn module() -> Option<PathBuf> {
    if let Some(module) = std::env::var_os(MODULE) {
        let module = PathBuf::from(module);
        assert!(module.exists(), "{MODULE} names {}, which is not there", module.display());
        return Some(module);
    }
    let found = PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    if found.is_none() {
        skip();
    }
    found
}

/// Writes a configuration for tokens in this folder, for `SOFTHSM2_CONF`.
pub(crate) fn configure(dir: &Path) -> PathBuf {
    let (tokens, conf) = (dir.join("tokens"), dir.join("softhsm2.conf"));
    std::fs::create_dir_all(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&conf, text).unwrap();
    conf
}

/// Makes a token.
pub(crate) fn init_token(conf: &Path, module: &Path, label: &str) {
    let made = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", conf)
        .arg("--module")
        .arg(module)
        .args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"])
        .output()
        .expect("softhsm2-util is installed with the module");
    assert!(made.status.success(), "{made:?}");
}
