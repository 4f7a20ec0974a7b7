//! The files that a signing leaves behind, as cosign's flags name them.

use std::path::{Path, PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::Digest;
use signer::{Credential, Format, Made};

use crate::{exit::Failure, output, private_file};

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Files")]
pub(crate) struct Files {
    /// Write the bundle to a file: all that is needed to verify the signature
    #[arg(long, value_name = "FILE", env = "COSIGN_BUNDLE")]
    bundle: Option<PathBuf>,
    /// Write the signature of a legacy one to a file, in base64
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTPUT_SIGNATURE")]
    output_signature: Option<PathBuf>,
    /// Write the payload of a legacy signature to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTPUT_PAYLOAD")]
    output_payload: Option<PathBuf>,
    /// Write the certificate of a legacy signature, or the key that checks it, to a file
    #[arg(long, value_name = "FILE", env = "COSIGN_OUTPUT_CERTIFICATE")]
    output_certificate: Option<PathBuf>,
}

impl Files {
    /// Refuses what leaves nothing behind, and says which files will not be written.
    pub(crate) fn fit(&self, format: Format, upload: bool) -> Result<(), Failure> {
        if format == Format::Bundle && !upload && self.bundle.is_none() {
            return Err(Failure::failed(
                "must enable upload to the OCI registry or specify a local --bundle path with --new-bundle-format",
            ));
        }
        let legacy = [
            ("--output-signature", &self.output_signature),
            ("--output-certificate", &self.output_certificate),
            ("--output-payload", &self.output_payload),
        ];
        if format == Format::Bundle {
            super::warn_of_ignored(&legacy);
        }
        Ok(())
    }

    /// Refuses one bundle for several signatures: the last would be written over the others.
    pub(crate) fn fit_targets(&self, count: usize) -> Result<(), Failure> {
        match self.bundle.is_some() && count > 1 {
            true => {
                Err(Failure::failed(format_args!("--bundle names one file, and {count} manifests are to be signed")))
            }
            false => Ok(()),
        }
    }

    /// Whether any file is to be written.
    pub(crate) fn any(&self) -> bool {
        [&self.bundle, &self.output_signature, &self.output_payload, &self.output_certificate]
            .into_iter()
            .any(Option::is_some)
    }

    /// Writes the files, with the digest in their names where several signatures are expected.
    pub(crate) fn write(&self, made: &[Made], by: &Credential, digest: &Digest, several: bool) -> Result<(), Failure> {
        let of = |format| made.iter().find(|made| made.format() == format);
        if let (Some(path), Some(made)) = (&self.bundle, made.last()) {
            let text = match made.format() {
                verifier::Format::Bundle => made.stored().to_vec(),
                verifier::Format::Legacy => legacy_bundle(made),
            };
            private_file::write(path, &text, "bundle")?;
            output::note(format_args!("Wrote bundle to file {}", path.display()));
        }
        let Some(made) = of(verifier::Format::Legacy) else { return Ok(()) };
        if let Some(path) = &self.output_signature {
            private_file::write(&named(path, digest, several), BASE64_STANDARD.encode(made.signature()), "signature")?;
        }
        if let Some(path) = &self.output_payload {
            private_file::write(&named(path, digest, several), made.signed(), "payload")?;
        }
        if let Some(path) = &self.output_certificate {
            let key = || by.public().to_pem();
            private_file::write(path, made.certificate().map_or_else(key, str::to_owned), "certificate")?;
            output::note(format_args!("Certificate wrote in the file {}", path.display()));
        }
        Ok(())
    }
}

fn legacy_bundle(made: &Made) -> Vec<u8> {
    made.legacy_bundle().into_bytes()
}

fn named(path: &Path, digest: &Digest, several: bool) -> PathBuf {
    match several {
        true => format!("{}-sha256-{}", path.display(), digest.hex()).into(),
        false => path.to_owned(),
    }
}
