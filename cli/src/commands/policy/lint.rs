//! `sealgate policy lint`: what is probably not meant.

use std::{path::PathBuf, time::Duration};

use policy::{Finding, Severity};
use rustls_pki_types::UnixTime;
use serde_json::{Value, json};

use super::{files, sarif};
use crate::{exit::Failure, output};

/// Looks for what is probably not meant: exit 0 nothing, 1 something, 2 a file does not load.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Policy files, or folders of policy files; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What to print
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// End with 1 for notes too
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    /// An object a line
    Json,
    /// One SARIF document
    Sarif,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let now = jiff::Timestamp::now().as_second();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or_default()));
    let findings = policy::lint(&files::read(&args.paths)?, now).map_err(files::unusable)?;
    match args.output {
        Output::Text => findings.iter().for_each(|finding| {
            output::line(finding);
            output::line(format_args!("  hint: {}", finding.hint()));
        }),
        Output::Json => findings.iter().map(object).for_each(output::line),
        Output::Sarif => output::line(format_args!("{:#}", sarif::document(&findings))),
    }
    summary(&findings, args.strict)
}

fn object(finding: &Finding) -> Value {
    json!({
        "file": finding.file(), "line": finding.line(), "column": finding.column(), "policy": finding.policy(),
        "rule": finding.rule().id, "severity": finding.rule().severity.to_string(), "quirk": finding.rule().quirk,
        "message": finding.message(), "hint": finding.hint(),
    })
}

/// Notes are no failure, unless they are asked to be.
fn summary(findings: &[Finding], strict: bool) -> Result<(), Failure> {
    let warnings = findings.iter().filter(|finding| finding.rule().severity == Severity::Warning).count();
    let notes = findings.len() - warnings;
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (warnings, notes) {
        (0, 0) => Ok(()),
        (0, _) if !strict => Ok(()),
        (0, _) => Err(Failure::failed(counted(notes, "note"))),
        (_, 0) => Err(Failure::failed(counted(warnings, "warning"))),
        (..) => Err(Failure::failed(format_args!("{}, {}", counted(warnings, "warning"), counted(notes, "note")))),
    }
}
