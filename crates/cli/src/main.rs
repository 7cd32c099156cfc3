//! The command `quorate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    quorate_cli::main()
}
