//! `sealgate`: argv in, exit code out.

mod arguments;
mod artifact;
mod bounded_file;
mod commands;
mod consent;
mod exit;
mod flags;
mod foreign_flags;
mod key_source;
mod output;
mod password;
mod private_file;
mod sarif;
mod service_spec;
mod trust_source;
mod xml;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match arguments::Arguments::try_parse_from(commands::policy::with_two_dashes(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    if let Err(failure) = foreign_flags::refuse_environment() {
        return output::report(&failure);
    }
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nothing else installs a provider");
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::report(&failure),
    }
}
