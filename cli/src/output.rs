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

/// A long line in pieces: broken after each digest with a colon behind it, what follows a little further in.
pub(crate) fn folded(line: &str) -> Vec<String> {
    let indent = line.len() - line.trim_start_matches([' ', '-']).len();
    let mut pieces = vec![String::new()];
    let mut rest = line;
    while line.chars().count() > WIDE
        && let Some(end) = rest.find("@sha256:").map(|at| at + "@sha256:".len() + 64)
        && rest.get(end..).is_some_and(|rest| rest.starts_with(": "))
    {
        pieces.last_mut().expect("there is one from the start").push_str(&rest[..=end]);
        pieces.push(" ".repeat(indent + 2));
        rest = &rest[end + 2..];
    }
    pieces.last_mut().expect("there is one from the start").push_str(rest);
    pieces
}

/// Says why a command failed.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    note(format_args!("error: {}", failure.message));
    for detail in failure.details.iter().take(MAX_DETAILS) {
        folded(&format!("  - {detail}")).into_iter().for_each(note);
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
            ExitCode::from(foreign_flags::usage_code(error))
        }
    }
}

const MAX_DETAILS: usize = 8;
/// Columns of a line that is left as it is.
const WIDE: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_line_is_broken_behind_a_digest_and_nowhere_else() {
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        let line = format!("  - {} for {digest}: no signature: none", "word ".repeat(8).trim());
        let [first, second] = &folded(&line)[..] else { panic!("{:?}", folded(&line)) };
        assert!(first.starts_with("  - word") && first.ends_with("000:"), "{first}");
        assert_eq!(second, "      no signature: none");
        let words = "word: ".repeat(40);
        assert_eq!(folded(&words), [words]);
        let short = format!("{digest}: no");
        assert_eq!(folded(&short), [short]);
    }

    #[test]
    fn digest_that_is_cut_off_or_followed_by_other_letters_breaks_no_line() {
        for tail in ["", "é", &"é".repeat(64), &"0".repeat(64)] {
            let line = format!("{}@sha256:{tail}", "x".repeat(WIDE));
            assert_eq!(folded(&line), [line]);
        }
    }
}
