//! What is written to a person or a script.
//!
//! What cannot be written to standard output ends the program, a closed pipe quietly as it ends `cat`, and never with
//! 0: a pipeline must not take an answer that nobody has read for a yes. What cannot be written to standard error is
//! lost, and changes nothing.

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::error::ErrorKind;

use crate::{
    bounded_file,
    exit::{Exit, Failure},
    foreign_flags,
};

/// A line on standard output.
pub(crate) fn line(text: impl fmt::Display) {
    bytes(format!("{text}\n").as_bytes());
}

/// Bytes on standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        lost(&error);
    }
}

/// A line for people, on standard error.
pub(crate) fn note(text: impl fmt::Display) {
    to_stderr(&format!("{text}\n"));
}

/// A warning, on standard error.
pub(crate) fn warn(text: impl fmt::Display) {
    note(format_args!("WARNING: {text}"));
}

/// A question to a person, on standard error; the answer is typed behind it.
pub(crate) fn prompt(text: &str) {
    to_stderr(text);
}

fn to_stderr(text: &str) {
    // there is nobody left to tell
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

fn lost(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(SIGPIPE);
    }
    note(format_args!("error: standard output: {}", bounded_file::plain(error)));
    std::process::exit(Exit::Failed as i32)
}

/// A long line in pieces: broken after each digest with a colon behind it, what follows a little further in.
pub(crate) fn folded(line: &str) -> Vec<String> {
    let indent = line.len() - line.trim_start_matches([' ', '-']).len();
    let mut pieces = vec![String::new()];
    let mut rest = line;
    let wide = line.chars().count() > WIDE;
    while wide
        && pieces.len() < MAX_PIECES
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
        note(format_args!("  … and {} more", failure.details.len() - MAX_DETAILS));
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
            bytes(error.render().to_string().as_bytes());
            ExitCode::SUCCESS
        }
        _ => {
            match foreign_flags::explain(error) {
                Some(text) => note(text),
                None => to_stderr(&error.render().to_string()),
            }
            ExitCode::from(foreign_flags::usage_code(error))
        }
    }
}

const MAX_DETAILS: usize = 8;
/// What shells say of a program that the signal of this name has ended.
const SIGPIPE: i32 = 128 + 13;
/// Pieces of a line that is folded; a stranger's words get no more lines.
const MAX_PIECES: usize = 4;
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
