//! The `arcanary` program: see `arcanary --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    arcanary::cli::run()
}
