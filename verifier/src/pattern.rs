//! Regular expressions as Go reads them, and cosign with it: `\w`, `\d`, `\s` and `\b` are about ASCII alone.
//!
//! Elsewhere they are about all of Unicode, and `^\w+@example\.com$` would expect a name whose first letter is Cyrillic.

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, ClassPerl, ClassPerlKind, ClassSetItem, Span, parse::Parser};

use crate::MatcherError;

/// A regular expression, and how it was written.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    written: String,
    regex: Regex,
}

impl Pattern {
    /// Reads an expression, and then the one that `make` makes of it: by itself first, so that no expression can close
    /// a group that anchors it.
    pub(crate) fn new(expression: &str, make: impl Fn(&str) -> String) -> Result<Self, MatcherError> {
        let build = |text: &str| {
            let regex = RegexBuilder::new(text).size_limit(MAX_PATTERN).build();
            regex.map_err(|why| MatcherError::Pattern { why: why.to_string() })
        };
        build(expression)?;
        let written = make(expression);
        let regex = build(&ascii(&written)?)?;
        Ok(Self { written, regex })
    }

    /// Whether it is found in this text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The expression as it was written, anchors included.
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }
}

/// The expression with every class and boundary that depends on what a letter is written out.
fn ascii(expression: &str) -> Result<String, MatcherError> {
    let why = |why: ast::Error| MatcherError::Pattern { why: why.to_string() };
    let ast = Parser::new().parse(expression).map_err(why)?;
    let places = ast::visit(&ast, Places(Vec::new())).map_err(why)?;
    let (mut text, mut read) = (String::new(), 0);
    for (span, instead) in places {
        text.push_str(&expression[read..span.start.offset]);
        match instead {
            Instead::Class(class) => text.push_str(class),
            Instead::Boundary => {
                text.push_str("(?-u:");
                text.push_str(&expression[span.start.offset..span.end.offset]);
                text.push(')');
            }
        }
        read = span.end.offset;
    }
    text.push_str(&expression[read..]);
    Ok(text)
}

/// What stands instead of a place in an expression.
enum Instead {
    Class(&'static str),
    Boundary,
}

/// The places to write out, in their order.
struct Places(Vec<(Span, Instead)>);

impl ast::Visitor for Places {
    type Output = Vec<(Span, Instead)>;
    type Err = ast::Error;

    fn finish(self) -> Result<Self::Output, Self::Err> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::ClassPerl(class) => self.0.push((class.span, Instead::Class(in_ascii(class)))),
            Ast::Assertion(assertion) if is_boundary(&assertion.kind) => {
                self.0.push((assertion.span, Instead::Boundary));
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        if let ClassSetItem::Perl(class) = item {
            self.0.push((class.span, Instead::Class(in_ascii(class))));
        }
        Ok(())
    }
}

/// Go's tables. A blank is written by its number, since an expression may say that its blanks mean nothing.
fn in_ascii(class: &ClassPerl) -> &'static str {
    match (&class.kind, class.negated) {
        (ClassPerlKind::Digit, false) => "[0-9]",
        (ClassPerlKind::Digit, true) => "[^0-9]",
        (ClassPerlKind::Space, false) => r"[\t\n\f\r\x20]",
        (ClassPerlKind::Space, true) => r"[^\t\n\f\r\x20]",
        (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
        (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
    }
}

fn is_boundary(kind: &ast::AssertionKind) -> bool {
    use ast::AssertionKind as Kind;
    !matches!(kind, Kind::StartLine | Kind::EndLine | Kind::StartText | Kind::EndText)
}

const MAX_PATTERN: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expression: &str, text: &str) -> bool {
        Pattern::new(expression, str::to_owned).unwrap().is_in(text)
    }

    #[test]
    fn letters_digits_and_blanks_are_those_of_ascii() {
        for (expression, ascii, other) in [
            (r"^\w+@a\.test$", "admin_1@a.test", "аdmin@a.test"),
            (r"^alice\d@a\.test$", "alice1@a.test", "alice１@a.test"),
            (r"^a\sb$", "a b", "a\u{2003}b"),
            (r"^[\w.-]+$", "a.b-c", "é"),
            (r"^[\d\s_]+$", "1 _", "１"),
            (r"^(?x) a \s b$", "a b", "a\u{a0}b"),
        ] {
            assert!(found(expression, ascii), "{expression}");
            assert!(!found(expression, other), "{expression}");
        }
    }

    #[test]
    fn what_is_no_letter_of_ascii_is_none_at_all() {
        for (expression, other, ascii) in
            [(r"^\W$", "é", "e"), (r"^\D$", "１", "1"), (r"^\S$", "\u{2003}", " "), (r"^[^\w]$", "é", "e")]
        {
            assert!(found(expression, other), "{expression}");
            assert!(!found(expression, ascii), "{expression}");
        }
    }

    #[test]
    fn word_ends_where_ascii_does() {
        assert!(found(r"^a\bé$", "aé"));
        assert!(!found(r"^a\bb$", "ab"));
        assert!(!found(r"^é\b$", "é"));
        assert!(found(r"^é\B$", "é"));
        assert!(!found(r"^a\B$", "a"));
    }

    #[test]
    fn all_else_stays_as_it_was_written() {
        assert!(found("^é.$", "éa"));
        assert!(!found("^é.$", "éab"));
        assert!(found(r"^\\w$", r"\w"));
        assert!(!found(r"^\\w$", r"\a"));
        assert_eq!(Pattern::new(r"\w", |text| format!("^(?:{text})$")).unwrap().as_str(), r"^(?:\w)$");
    }
}
