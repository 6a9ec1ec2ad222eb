//! Arguments to a verb to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The one crypto library, before anything can ask for a default.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        return ExitCode::from(xspd::cli::Exit::Software.code());
    }
    xspd::cli::main().into()
}
