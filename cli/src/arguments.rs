//! The command line: a subcommand and what belongs to it.

use clap::{Parser, Subcommand};

use crate::commands;

/// Signs container images as cosign does, and refuses the unsigned ones at every door, from one policy.
#[derive(Debug, Parser)]
#[command(name = "sealgate", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

// The flags of one command are made, not those of all: they were a third of a millisecond of every run.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Make a key pair: an encrypted private key and its public half
    GenerateKeyPair(commands::generate_key_pair::Args),
    /// Encrypt an existing private key into a key file
    ImportKeyPair(commands::import_key_pair::Args),
    /// Print the public half of a key file
    PublicKey(commands::public_key::Args),
    /// Sign images and store the signatures beside them
    Sign(commands::sign::Args),
    /// Sign what is said of images and store it beside them
    Attest(commands::attest::Args),
    /// Sign files
    SignBlob(commands::sign_blob::Args),
    /// Sign what is said of files
    AttestBlob(commands::attest_blob::Args),
    /// Check the signatures of images, by a key or an identity
    Verify(commands::verify::Args),
    /// Check who signed what is said of images, and print it
    VerifyAttestation(commands::verify_attestation::Args),
    /// Check the signature of a file, by a key or an identity
    VerifyBlob(commands::verify_blob::Args),
    /// Check who signed what is said of a file
    VerifyBlobAttestation(commands::verify_blob_attestation::Args),
    /// Sigstore bundles as documents: inspect, create, upgrade
    #[command(subcommand)]
    Bundle(commands::bundle::Command),
    /// Fetch trust material by TUF into the cache
    Initialize(commands::initialize::Args),
    /// Trusted roots: create one from certificates and keys
    #[command(subcommand)]
    TrustedRoot(commands::trusted_root::Command),
    /// Signing configs: create one from the addresses of services
    #[command(subcommand)]
    SigningConfig(commands::signing_config::Command),
    /// Print the tag under which signatures of an image are stored
    Triangulate(commands::triangulate::Args),
    /// Ask the policy about images: 0 allowed, 1 denied, 2 usage, 3 could not decide
    Check(commands::check::Args),
    /// Show what is stored beside an image, and how far each check of it gets
    Explain(commands::explain::Args),
    /// Pull an image that the policy allows into the Docker daemon, by digest
    Pull(commands::pull::Args),
    /// Serve admission reviews to a Kubernetes API server
    Webhook(commands::webhook::Args),
    /// Policies as their authors work on them: lint, test, schema, import, export
    #[command(subcommand)]
    Policy(commands::policy::Command),
    /// The embedded registry
    #[command(subcommand)]
    Registry(commands::registry::Command),
    /// Show the whole story on an embedded registry, in a few seconds
    Demo(commands::demo::Args),
    /// Print the version
    Version(commands::version::Args),
    /// Print a completion script for a shell
    Completion(commands::completion::Args),
    /// Write man pages into a folder
    #[command(hide = true)]
    Man(commands::man::Args),
}
