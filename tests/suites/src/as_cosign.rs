//! Our own program, run as its users run it: the same questions that [`peers::Cosign`] answers.
//!
//! Passwords go in by standard input, so that each call has its own.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use peers::{Client, Format, KeyPair, Outcome};

/// The program with a private home.
#[derive(Debug)]
pub struct AsCosign {
    program: String,
    client: Client,
}

impl AsCosign {
    /// The program at this path: `env!("CARGO_BIN_EXE_sealgate")`.
    #[must_use]
    pub fn new(program: &str) -> Self {
        Self { program: program.to_owned(), client: Client::new() }
    }

    /// The home it runs from, to give it a registry's password or a variable.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Makes a P-256 key pair.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn generate_key_pair(&self, prefix: &Path, password: &str) -> KeyPair {
        let args = ["generate-key-pair".as_ref(), "--output-key-prefix".as_ref(), prefix.as_os_str()];
        self.with_password(password, args).success();
        KeyPair::named(prefix, password)
    }

    /// Takes over a plain private key.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn import_key_pair(&self, pem: &Path, prefix: &Path, password: &str) -> KeyPair {
        let [import, key, output] = ["import-key-pair", "--key", "--output-key-prefix"].map(OsStr::new);
        self.with_password(password, [import, key, pem.as_os_str(), output, prefix.as_os_str()]).success();
        KeyPair::named(prefix, password)
    }

    /// The public half of a key file.
    pub fn public_key(&self, key: &KeyPair) -> Outcome {
        self.with_password(&key.password, ["public-key".as_ref(), "--key".as_ref(), key.private.as_os_str()])
    }

    /// Signs an image, best named by its digest.
    pub fn sign(&self, format: Format, key: &KeyPair, image: &str, annotations: &[(&str, &str)]) -> Outcome {
        let format = match format {
            Format::Legacy => "legacy",
            Format::Bundle => "bundle",
        };
        let mut args: Vec<OsString> = ["sign", "--yes", "--format", format, "--key"].map(Into::into).into();
        args.push(key.private.clone().into());
        args.extend(annotations.iter().flat_map(|(name, value)| ["-a".into(), format!("{name}={value}").into()]));
        args.push(image.into());
        self.with_password(&key.password, args)
    }

    /// Verifies an image's signatures, of either format, by key and without a log. `extra` are more flags.
    pub fn verify(&self, public: &Path, image: &str, extra: &[&str]) -> Outcome {
        self.verify_as(&["verify"], public, image, extra)
    }

    /// Verifies an image's attestations of that type, of either format, by key and without a log.
    pub fn verify_attestation(&self, public: &Path, image: &str, kind: &str, extra: &[&str]) -> Outcome {
        self.verify_as(&["verify-attestation", "--type", kind], public, image, extra)
    }

    fn verify_as(&self, command: &[&str], public: &Path, image: &str, extra: &[&str]) -> Outcome {
        let mut args: Vec<OsString> = command.iter().map(Into::into).collect();
        args.extend(["--private-infrastructure", "--key"].map(Into::into));
        args.push(public.into());
        args.extend(extra.iter().map(Into::into));
        args.push(image.into());
        self.run(args)
    }

    /// Runs any other command.
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.client.run(&self.program, args)
    }

    fn with_password(&self, password: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.client.run_with_input(&self.program, args, password.as_bytes())
    }
}
