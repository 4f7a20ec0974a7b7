//! What is wrong with policy files: every problem, each with its place and the offending line.
//!
//! Objections to a policy's contents have the words that its upstream admission webhook uses.

use std::{cell::RefCell, fmt};

use crate::{glob::GlobError, place::within};

/// All problems of all files; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadErrors(Vec<Problem>);

impl LoadErrors {
    /// Some problems, in the order of files and lines, or nothing where there is none.
    pub(crate) fn of(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        // what several policies refer to is read for each
        problems.dedup();
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// The problems, by file, line and column; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadErrors {}

/// One problem at one place. Display shows the offending line under the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    file: String,
    line: u64,
    column: u64,
    objection: Objection,
    shown: String,
    caret: usize,
}

impl Problem {
    /// The objection at a place of a file with these lines.
    pub(crate) fn new(file: &str, lines: &[&str], at: At, objection: Objection) -> Self {
        let line = usize::try_from(at.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let column = usize::try_from(at.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let (shown, caret) = window(lines.get(line).copied().unwrap_or_default(), column);
        Self { file: excerpt(file), line: at.line, column: at.column, objection, shown, caret }
    }

    /// An objection to all the files together, which has no place.
    pub(crate) fn nowhere(objection: Objection) -> Self {
        Self { file: String::new(), line: 1, column: 1, objection, shown: String::new(), caret: 0 }
    }

    /// The name of the file; empty where the problem lies with all files together.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from one.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The column, counted in characters from one.
    #[must_use]
    pub fn column(&self) -> u64 {
        self.column
    }

    /// What is wrong.
    #[must_use]
    pub fn objection(&self) -> &Objection {
        &self.objection
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, objection, shown, caret } = self;
        if file.is_empty() {
            return write!(f, "{objection}");
        }
        write!(f, "{file}:{line}:{column}: {objection}")?;
        if shown.trim().is_empty() {
            return Ok(());
        }
        let number = line.to_string();
        let blank = " ".repeat(number.len());
        write!(f, "\n{blank} |\n{number} | {shown}\n{blank} | {}^", " ".repeat(*caret))
    }
}

/// The part of a line around a column, and where that column stands in it.
fn window(line: &str, column: usize) -> (String, usize) {
    let before: Vec<char> = plain(&line.chars().take(column).collect::<String>()).chars().collect();
    let cut = before.len().saturating_sub(MAX_BEFORE);
    let mut shown: String = if cut > 0 { "…".to_owned() } else { String::new() };
    shown.extend(&before[cut..]);
    let caret = shown.chars().count();
    shown += &excerpt(&line.chars().skip(column).collect::<String>());
    (shown, caret)
}

/// What can be wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// The document is not YAML, or exceeds a limit on what it may hold.
    #[error("not readable as YAML: {why}")]
    Yaml {
        /// What the parser says.
        why: String,
    },
    /// The file is too large.
    #[error("file of {found} bytes found, wanted at most {most}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// The file has too many documents.
    #[error("more than {most} documents found")]
    TooManyDocuments {
        /// The limit.
        most: usize,
    },
    /// No policy in all the files: nothing would ever be checked.
    #[error("no ClusterImagePolicy found in {files} files, wanted at least one")]
    NoPolicy {
        /// How many files there were.
        files: usize,
    },
    /// An object of a kind that does not belong among policies.
    #[error(
        "`{kind}` of `{api_version}` found, wanted a ClusterImagePolicy (policy.sigstore.dev/v1alpha1 or v1beta1), an ImagePolicy (sealgate.dev/v1), a TrustRoot (policy.sigstore.dev/v1alpha1), the ConfigMap `config-policy-controller`, or a ConfigMap or Secret that a policy refers to"
    )]
    ForeignKind {
        /// `kind` as found.
        kind: String,
        /// `apiVersion` as found.
        api_version: String,
    },
    /// A ConfigMap, but not the one with the settings, nor one that a policy refers to.
    #[error("ConfigMap `{name}` found, wanted `config-policy-controller` or one that a policy refers to")]
    ForeignConfigMap {
        /// Its name.
        name: String,
    },
    /// A Secret that no policy refers to.
    #[error("Secret `{name}` found, wanted only those that a policy refers to")]
    ForeignSecret {
        /// Its name.
        name: String,
    },
    /// Several objects could be meant by one name.
    #[error(
        "{kind} `{name}` found in the namespaces {}, wanted one, or one in `cosign-system`, where policies look",
        .namespaces.join(", ")
    )]
    Ambiguous {
        /// The kind.
        kind: &'static str,
        /// The name.
        name: String,
        /// The namespaces; `none` for an object without one.
        namespaces: Vec<String>,
    },
    /// Two objects of one kind and name: which one counts would depend on their order.
    #[error("{kind} `{name}` found twice, the first in {first}")]
    Duplicate {
        /// The kind.
        kind: &'static str,
        /// The name.
        name: String,
        /// File and line of the first.
        first: String,
    },
    /// A field that the format does not have.
    #[error("validation failed: unknown field: {path}")]
    UnknownField {
        /// Its path.
        path: String,
    },
    /// A value of the wrong kind.
    #[error("validation failed: invalid type: {found} found, wanted {wanted}: {path}")]
    WrongType {
        /// The field's path.
        path: String,
        /// The kind found.
        found: &'static str,
        /// The kind wanted.
        wanted: &'static str,
    },
    /// A required field is absent, or one of several.
    #[error("validation failed: missing field(s): {}", .paths.join(", "))]
    Missing {
        /// The paths.
        paths: Vec<String>,
    },
    /// A list that may not be absent.
    #[error("validation failed: {path}: Invalid value: \"null\": must be of type array, with at least one entry")]
    MissingList {
        /// The path.
        path: String,
    },
    /// None of several fields is given.
    #[error("validation failed: expected exactly one, got neither: {}", .paths.join(", "))]
    Neither {
        /// The paths.
        paths: Vec<String>,
    },
    /// More than one of several fields is given.
    #[error("validation failed: expected exactly one, got both: {}", .paths.join(", "))]
    Both {
        /// The paths.
        paths: Vec<String>,
    },
    /// Fields that may not be given here.
    #[error("validation failed: must not set the field(s): {}", .paths.join(", "))]
    Disallowed {
        /// The paths.
        paths: Vec<String>,
    },
    /// A value that the field cannot have.
    #[error("validation failed: invalid value: {value}: {path}: {why}")]
    Invalid {
        /// The field's path.
        path: String,
        /// The value, shortened and escaped.
        value: String,
        /// What is wrong with it.
        why: Why,
    },
}

impl Objection {
    /// An invalid value, shortened and escaped.
    pub(crate) fn invalid(value: &str, path: String, why: Why) -> Self {
        Self::Invalid { value: excerpt(value.trim_end()), path, why }
    }
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Not one of the values that the field has.
    #[error("unsupported, wanted {0}")]
    Wanted(&'static str),
    /// Not a glob of the dialect.
    #[error("{0}")]
    Glob(GlobError),
    /// Not one public key.
    #[error("{0}")]
    Key(keys::KeyError),
    /// Not a regular expression.
    #[error("regex is invalid: {0}")]
    Regex(String),
    /// Not a condition in CUE or Rego.
    #[error("{0}")]
    Language(String),
    /// More than one source.
    #[error("only single source is supported")]
    Sources,
    /// Another authority of this policy has the name: one would answer for the other.
    #[error("another authority has this name")]
    AuthorityName,
    /// An authority that `require` does not ask for: it would be read as if it meant something.
    #[error("nothing asks for the authority of this name")]
    Unused,
    /// Not an expression in CEL that can be evaluated.
    #[error("{0}")]
    Expression(String),
}

/// A place in a file, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl At {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// The objections of one file, gathered while it is read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    file: String,
    text: String,
    found: RefCell<Vec<(At, Objection)>>,
}

impl Problems {
    /// None yet, of a file of this name and text.
    pub(crate) fn of(file: &str, text: &str) -> Self {
        Self { file: excerpt(file), text: text.to_owned(), found: RefCell::default() }
    }

    /// The name of the file.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The place of what stands at a line and column of a text that begins at `at`, if the file has it as it is.
    pub(crate) fn within(&self, at: At, text: &str, place: (u32, u32)) -> Option<At> {
        within(&self.text.lines().collect::<Vec<_>>(), at, text, place)
    }

    /// Adds an objection.
    pub(crate) fn add(&self, at: At, objection: Objection) {
        self.found.borrow_mut().push((at, objection));
    }

    /// The objections so far, which are then forgotten.
    pub(crate) fn take(&self) -> Vec<(At, Objection)> {
        self.found.take()
    }
}

/// At most 200 bytes, on one line, without anything that moves a terminal's cursor.
pub(crate) fn excerpt(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| plain(c.encode_utf8(&mut [0; 4]))) {
        if out.len() + c.len() > MAX_SHOWN {
            return out + "…";
        }
        out += &c;
    }
    out
}

/// Text on one line, without anything that moves a terminal's cursor.
pub(crate) fn plain(text: &str) -> String {
    let escape = |c| if matches!(c, '"' | '\'' | '\\') { String::from(c) } else { c.escape_debug().to_string() };
    text.chars().map(escape).collect()
}

const MAX_BEFORE: usize = 100;
const MAX_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offending_line_stands_under_its_message() {
        let text = ["spec:", "  mode: garbage"];
        let objection = Objection::invalid("garbage", "spec.mode".into(), Why::Wanted("enforce or warn"));
        let problem = Problem::new("a.yaml", &text, At { line: 2, column: 9 }, objection);
        let wanted = "a.yaml:2:9: validation failed: invalid value: garbage: spec.mode: unsupported, wanted enforce or warn\n  |\n2 |   mode: garbage\n  |         ^";
        assert_eq!(problem.to_string(), wanted);
    }

    #[test]
    fn excerpts_are_short_and_harmless() {
        assert_eq!(excerpt("a\u{1b}[2J\"b\"\r\u{202e}"), "a\\u{1b}[2J\"b\"\\r\\u{202e}");
        let long = excerpt(&"ü".repeat(500));
        assert!(long.ends_with('…') && long.len() <= MAX_SHOWN + '…'.len_utf8());
    }

    #[test]
    fn a_long_line_is_shown_around_its_column() {
        let text = "x".repeat(1_000) + "\t!" + &"y".repeat(1_000);
        let problem =
            Problem::new("a.json", &[&text], At { line: 1, column: 1_002 }, Objection::TooManyDocuments { most: 1 });
        let shown = problem.to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[2].len() < 400, "{shown}");
        assert_eq!(lines[2].chars().position(|c| c == '!'), lines[3].chars().position(|c| c == '^'));
    }

    #[test]
    fn no_problem_is_no_error() {
        assert_eq!(LoadErrors::of(Vec::new()), None);
    }
}
