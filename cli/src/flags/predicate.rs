//! What is said of an image or a file.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use signer::{Attestation, PredicateType};

use crate::{bounded_file, exit::Failure, output};

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Statement")]
#[group(id = "said", required = true, multiple = false)]
pub(crate) struct Said {
    /// What is said, in a file, or `-` for standard input
    #[arg(long, value_name = "FILE", env = "COSIGN_PREDICATE")]
    predicate: Option<PathBuf>,
    /// The whole statement, which names what it is about, in a file
    #[arg(long, value_name = "FILE", env = "COSIGN_STATEMENT")]
    statement: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Statement")]
pub(crate) struct PredicateFlags {
    #[command(flatten)]
    said: Said,
    /// The predicate's type: custom, slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson,
    /// cyclonedx, vuln, openvex, or an address
    #[arg(long = "type", value_name = "TYPE", default_value = "custom", value_parser = parse, env = "COSIGN_TYPE")]
    kind: PredicateType,
}

impl PredicateFlags {
    /// Reads what is said.
    pub(crate) fn read(&self) -> Result<Attestation, Failure> {
        match (&self.said.predicate, &self.said.statement) {
            (_, Some(path)) => {
                output::note(format_args!("Using statement from: {}", path.display()));
                bounded_file::read(path, MAX_KIB)
                    .map(|bytes| Attestation::Statement(bytes.to_vec()))
                    .map_err(|why| Failure::failed(format_args!("could not read statement: {why}")))
            }
            (Some(path), None) => Ok(Attestation::Predicate(self.kind.clone(), predicate(path)?)),
            (None, None) => Err(Failure::failed("one of --predicate or --statement must be set")),
        }
    }
}

fn predicate(path: &Path) -> Result<Vec<u8>, Failure> {
    if path != Path::new("-") {
        output::note(format_args!("Using payload from: {}", path.display()));
        return bounded_file::read(path, MAX_KIB)
            .map(|bytes| bytes.to_vec())
            .map_err(|why| Failure::failed(format_args!("reading predicate: {why}")));
    }
    output::note("Using payload from: standard input");
    let mut bytes = Vec::new();
    std::io::stdin().take(MAX_KIB * 1024 + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_KIB * 1024 {
        true => Err(Failure::failed(format_args!("reading predicate: it is larger than {MAX_KIB} KiB"))),
        false => Ok(bytes),
    }
}

pub(crate) fn parse(text: &str) -> Result<PredicateType, signer::UnknownPredicate> {
    text.parse()
}

/// Bills of material grow to megabytes; registries and verifiers take no more than this.
const MAX_KIB: u64 = 64 * 1024;
