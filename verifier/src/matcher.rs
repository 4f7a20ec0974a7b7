//! Whom a signature is expected from.

use std::{collections::BTreeMap, fmt};

use crate::{Identity, pattern::Pattern};

/// Whom a signature is expected from: an issuer, and a name of that issuer's.
#[derive(Debug, Clone)]
pub struct IdentityMatcher {
    issuer: TextMatcher,
    subject: TextMatcher,
    extensions: BTreeMap<u8, String>,
}

impl IdentityMatcher {
    /// Expects both of this issuer and one of the names.
    #[must_use]
    pub fn new(issuer: TextMatcher, subject: TextMatcher) -> Self {
        Self { issuer, subject, extensions: BTreeMap::new() }
    }

    /// Expects this text in Fulcio's extension with this number as well.
    #[must_use]
    pub fn with_extension(mut self, number: u8, text: String) -> Self {
        self.extensions.insert(number, text);
        self
    }

    /// Whether this is who was expected. An identity without an issuer never is.
    #[must_use]
    pub fn matches(&self, identity: &Identity) -> bool {
        identity.issuer().is_some_and(|issuer| self.issuer.matches(issuer))
            && identity.names().iter().any(|name| self.subject.matches(name.as_str()))
            && self.extensions.iter().all(|(number, text)| identity.extension(*number) == Some(text))
    }
}

impl fmt::Display for IdentityMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.subject, self.issuer)
    }
}

/// Text that is expected, exactly or by pattern.
#[derive(Debug, Clone)]
pub struct TextMatcher(Expected);

#[derive(Debug, Clone)]
enum Expected {
    Exact(String),
    Pattern(Pattern),
}

impl TextMatcher {
    /// This text and no other.
    ///
    /// # Errors
    /// Fails on empty text, which would be nobody.
    pub fn exact(text: &str) -> Result<Self, MatcherError> {
        let text = Some(text).filter(|text| !text.is_empty()).ok_or(MatcherError::Empty)?;
        Ok(Self(Expected::Exact(text.to_owned())))
    }

    /// Any text in which this regular expression is found somewhere, as cosign's flags have it: `a.b` is found in
    /// `https://evil.example/a.b`. Write `^` and `$` where the ends are meant. As in Go, `\w`, `\d`, `\s` and `\b` are
    /// about ASCII.
    ///
    /// # Errors
    /// Fails on an empty expression, on one that is none, and on one that takes too much memory.
    pub fn found(expression: &str) -> Result<Self, MatcherError> {
        Self::pattern(expression, |expression| expression.to_owned())
    }

    /// Any text that this regular expression matches from end to end.
    ///
    /// # Errors
    /// As [`Self::found`].
    pub fn whole(expression: &str) -> Result<Self, MatcherError> {
        Self::pattern(expression, |expression| format!("^(?:{expression})$"))
    }

    fn pattern(expression: &str, make: impl Fn(&str) -> String) -> Result<Self, MatcherError> {
        if expression.is_empty() {
            return Err(MatcherError::Empty);
        }
        Pattern::new(expression, make).map(Expected::Pattern).map(Self)
    }

    /// Whether this text is expected.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Expected::Exact(wanted) => wanted == text,
            Expected::Pattern(pattern) => pattern.is_in(text),
        }
    }
}

impl fmt::Display for TextMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Expected::Exact(text) => f.write_str(text),
            Expected::Pattern(pattern) => write!(f, "/{}/", pattern.as_str()),
        }
    }
}

/// Why something cannot be expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// Empty: as text nobody, as a pattern everybody.
    #[error("expected identity is empty")]
    Empty,
    /// Not a regular expression.
    #[error("not a regular expression that can be used: {why}")]
    Pattern {
        /// The parser's words.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(issuer: Option<&str>, name: &str) -> Identity {
        Identity::for_test(issuer, name, [(5, "acme/app")])
    }

    fn exact(text: &str) -> TextMatcher {
        TextMatcher::exact(text).unwrap()
    }

    #[test]
    fn issuer_and_subject_must_both_match() {
        let matcher = IdentityMatcher::new(exact("https://i"), exact("a@b"));
        assert!(matcher.matches(&identity(Some("https://i"), "a@b")));
        assert!(!matcher.matches(&identity(Some("https://j"), "a@b")));
        assert!(!matcher.matches(&identity(Some("https://i"), "b@b")));
        assert!(!matcher.matches(&identity(None, "a@b")));
    }

    #[test]
    fn extension_is_compared_exactly() {
        let matcher =
            |number, text: &str| IdentityMatcher::new(exact("i"), exact("a")).with_extension(number, text.into());
        assert!(matcher(5, "acme/app").matches(&identity(Some("i"), "a")));
        assert!(!matcher(5, "acme/ap").matches(&identity(Some("i"), "a")));
        assert!(!matcher(6, "acme/app").matches(&identity(Some("i"), "a")));
    }

    #[test]
    fn pattern_is_found_anywhere_or_matches_the_whole() {
        assert!(TextMatcher::found("a.b").unwrap().matches("xa.by"));
        assert!(!TextMatcher::found("^a$").unwrap().matches("xa"));
        assert!(TextMatcher::whole("a|b").unwrap().matches("b"));
        assert!(!TextMatcher::whole("a|b").unwrap().matches("ab"));
        assert!(!TextMatcher::whole("a|b").unwrap().matches("b\n"));
    }

    #[test]
    fn empty_and_broken_expectations_are_refused() {
        assert_eq!(TextMatcher::exact("").unwrap_err(), MatcherError::Empty);
        assert_eq!(TextMatcher::found("").unwrap_err(), MatcherError::Empty);
        for bad in ["(", "a)|(b", "(?:x{1000}){1000}{1000}"] {
            assert!(matches!(TextMatcher::whole(bad), Err(MatcherError::Pattern { .. })), "{bad}");
        }
    }
}
