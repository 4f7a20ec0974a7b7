//! `sealgate verify-blob`: cosign's command, for files and their signatures.

use std::time::Duration;

use verifier::{BundleMaker, Fault, SIGN_PREDICATE, VerifiedBlob, examine_blob};

use super::{bundle::parts::PartFlags, discovery::now, vouched};
use crate::{
    artifact::SignedFile,
    exit::Failure,
    flags::{against::AgainstFlags, duration, expected::Expected, scripts::ScriptFlags},
    output,
};

/// Checks that a file is signed by a key or an identity: exit 0 verified, 1 not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, `-` for standard input, or what it hashes to: `sha256:<hex>`
    #[arg(value_name = "FILE")]
    blob: String,
    #[command(flatten)]
    check: CheckFlags,
}

/// What commands that verify a file's signature have in common.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckFlags {
    /// How long to wait for trust material
    #[arg(short, long, value_name = "DURATION", default_value = "3m0s", value_parser = duration::parse, env = "COSIGN_TIMEOUT")]
    timeout: Duration,
    #[command(flatten)]
    parts: PartFlags,
    #[command(flatten)]
    against: AgainstFlags,
    #[command(flatten)]
    scripts: ScriptFlags,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let blob = args.check.verified(&args.blob, || SignedFile::named(&args.blob)).await?;
    // whoever says something about a file, that it is harmful say, has not signed it
    if let Some(kind) = blob.predicate_type().filter(|kind| *kind != SIGN_PREDICATE) {
        let (name, kind) = (&args.blob, oci::excerpt(kind, 200));
        return Err(Failure::failed(format_args!(
            "{name}: what is signed is a statement about the file, of type {kind}, wanted a signature of the file"
        ))
        .hint("sealgate verify-blob-attestation checks what is stated about a file"));
    }
    args.check.say(&blob);
    Ok(())
}

impl CheckFlags {
    /// The signature of a file, if it is genuine and by whom it should be.
    pub(super) async fn verified(
        &self,
        name: &str,
        file: impl FnOnce() -> Result<SignedFile, Failure>,
    ) -> Result<VerifiedBlob, Failure> {
        let late = |_| Failure::failed(format_args!("no answer within {:.1} s", self.timeout.as_secs_f64()));
        let (expected, trust) = tokio::time::timeout(self.timeout, self.against.read()).await.map_err(late)??;
        let file = file()?;
        let bundle = self.parts.to_bundle(&file.digest(), self.maker(&expected)?)?;
        let blob = examine_blob(file.artifact(), bundle, &trust, now()).map_err(|fault| {
            self.scripts.with_hint(Failure::failed(format_args!("{name}: {}", of_file(&fault))), [&fault])
        })?;
        match expected.accepts(blob.signer()) {
            true => Ok(blob),
            false => Err(Failure::failed(format_args!("{name}: {}", expected.difference(blob.signer())))),
        }
    }

    /// Whose a signature is that does not say so itself.
    fn maker(&self, expected: &Expected) -> Result<Option<BundleMaker>, Failure> {
        match expected.key() {
            Some(key) => Ok(Some(BundleMaker::key(key))),
            None => self.against.signer(),
        }
    }

    /// cosign's words, and behind them who signed, when, and where that is logged.
    pub(super) fn say(&self, blob: &VerifiedBlob) {
        output::note("Verified OK");
        vouched::lines(blob.signer(), blob.proofs()).into_iter().for_each(output::note);
        for carried in blob.proofs().unexamined() {
            output::note(format_args!("not examined: {carried}"));
        }
    }
}

/// What is wrong, of a file instead of an image.
fn of_file(fault: &Fault) -> String {
    match fault {
        Fault::OtherSubject { named, image } => format!("statement is about {named}, file is {image}"),
        fault => fault.to_string(),
    }
}
