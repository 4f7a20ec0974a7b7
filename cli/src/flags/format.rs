//! In which format signatures are written.

use clap::ValueEnum;
use signer::Format;

use super::boolean;
use crate::exit::Failure;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FormatFlags {
    /// In which format: bundle (cosign 3), legacy (cosign 1 and 2), or both
    #[arg(long, value_enum)]
    format: Option<Written>,
    /// cosign's way to ask for a format: =false means --format legacy
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, conflicts_with = "format", env = "COSIGN_NEW_BUNDLE_FORMAT")]
    new_bundle_format: Option<bool>,
    /// Bundles always say when they were stored; legacy signatures cannot yet
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_RECORD_CREATION_TIMESTAMP")]
    record_creation_timestamp: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    Bundle,
    Legacy,
    Both,
}

impl FormatFlags {
    /// The format.
    pub(crate) fn format(&self) -> Result<Format, Failure> {
        let format = match (self.format, self.new_bundle_format) {
            (Some(Written::Legacy), _) | (None, Some(false)) => Format::Legacy,
            (Some(Written::Both), _) => Format::Both,
            (Some(Written::Bundle), _) | (None, _) => Format::Bundle,
        };
        match self.record_creation_timestamp && format != Format::Bundle {
            true => Err(Failure::failed("--record-creation-timestamp is not here yet for the legacy format")),
            false => Ok(format),
        }
    }
}
