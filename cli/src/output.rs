//! What is written to a person or a script. A closed pipe ends the program quietly, as it ends `cat`.

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::error::ErrorKind;

use crate::{exit::Failure, foreign_flags};

/// A line on standard output.
pub(crate) fn line(text: impl fmt::Display) {
    write(&mut io::stdout().lock(), &format!("{text}\n"));
}

/// Bytes on standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    if io::stdout().lock().write_all(bytes).is_err() {
        std::process::exit(0);
    }
}

/// A line for people, on standard error.
pub(crate) fn note(text: impl fmt::Display) {
    write(&mut io::stderr().lock(), &format!("{text}\n"));
}

/// A warning, on standard error.
pub(crate) fn warn(text: impl fmt::Display) {
    note(format_args!("WARNING: {text}"));
}

fn write(out: &mut dyn io::Write, text: &str) {
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Says why a command failed.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    note(format_args!("error: {}", failure.message));
    for detail in failure.details.iter().take(MAX_DETAILS) {
        note(format_args!("  - {detail}"));
    }
    if failure.details.len() > MAX_DETAILS {
        note(format_args!("  … and {} more; `-o json` shows all", failure.details.len() - MAX_DETAILS));
    }
    if let Some(hint) = &failure.hint {
        note(format_args!("hint: {hint}"));
    }
    ExitCode::from(failure.exit as u8)
}

/// Says what is wrong with a command line, or shows the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            write(&mut io::stdout().lock(), &error.render().to_string());
            ExitCode::SUCCESS
        }
        _ => {
            match foreign_flags::explain(error) {
                Some(text) => note(text),
                None => write(&mut io::stderr().lock(), &error.render().to_string()),
            }
            ExitCode::from(foreign_flags::usage_code())
        }
    }
}

const MAX_DETAILS: usize = 8;
