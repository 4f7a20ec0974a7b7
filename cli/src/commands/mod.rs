//! One module for each command, each an `Args` and a `run`.

pub(crate) mod attest;
pub(crate) mod attest_blob;
pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod demo;
mod discovery;
pub(crate) mod explain;
pub(crate) mod generate_key_pair;
pub(crate) mod import_key_pair;
pub(crate) mod initialize;
mod key_files;
mod local_image;
pub(crate) mod man;
pub(crate) mod policy;
pub(crate) mod public_key;
pub(crate) mod pull;
pub(crate) mod registry;
pub(crate) mod sign;
pub(crate) mod sign_blob;
pub(crate) mod signing_config;
pub(crate) mod triangulate;
pub(crate) mod trusted_root;
pub(crate) mod verify;
pub(crate) mod verify_attestation;
pub(crate) mod verify_blob;
pub(crate) mod verify_blob_attestation;
pub(crate) mod version;
mod vouched;
pub(crate) mod webhook;

use std::future::Future;

use crate::{
    arguments::{Arguments, Command},
    exit::Failure,
};

/// Runs a command to its end.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    if !matches!(arguments.command, Command::Webhook(_)) {
        warnings_to_stderr(); // the webhook has a log
    }
    match arguments.command {
        Command::GenerateKeyPair(args) => generate_key_pair::run(&args),
        Command::ImportKeyPair(args) => import_key_pair::run(&args),
        Command::PublicKey(args) => public_key::run(&args),
        Command::Sign(args) => wait(sign::run(args)),
        Command::Attest(args) => wait(attest::run(args)),
        Command::SignBlob(args) => wait(sign_blob::run(args)),
        Command::AttestBlob(args) => wait(attest_blob::run(args)),
        Command::Verify(args) => wait(verify::run(args)),
        Command::VerifyAttestation(args) => wait(verify_attestation::run(args)),
        Command::VerifyBlob(args) => wait(verify_blob::run(args)),
        Command::VerifyBlobAttestation(args) => wait(verify_blob_attestation::run(args)),
        Command::Bundle(command) => wait(bundle::run(command)),
        Command::Initialize(args) => wait(initialize::run(args)),
        Command::TrustedRoot(command) => wait(trusted_root::run(command)),
        Command::SigningConfig(command) => wait(signing_config::run(command)),
        Command::Triangulate(args) => wait(triangulate::run(args)),
        Command::Check(args) => wait(check::run(args)),
        Command::Explain(args) => wait(explain::run(args)),
        Command::Pull(args) => wait(pull::run(args)),
        Command::Webhook(args) => webhook::run(args),
        Command::Policy(command) => wait(policy::run(command)),
        Command::Registry(command) => wait(registry::run(command)),
        Command::Demo(args) => wait(demo::run(args)),
        Command::Version(args) => {
            version::run(&args);
            Ok(())
        }
        Command::Completion(args) => {
            completion::run(&args);
            Ok(())
        }
        Command::Man(args) => man::run(&args),
    }
}

fn warnings_to_stderr() {
    let plain = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
    plain.with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
}

/// One thread does for a command that asks a registry a few questions.
fn wait(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
