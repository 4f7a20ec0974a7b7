//! Regular expressions, read as Go reads them: what Go and this crate's engine could read differently is refused.
//! `\w`, `\d`, `\s` and `\b` are about ASCII alone.

use std::collections::HashMap;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, Flag, FlagsItemKind, HexLiteralKind,
    Literal, LiteralKind, RepetitionKind, RepetitionRange, Span, parse::Parser,
};

use crate::limits::{MAX_EXPRESSION, MAX_PATTERN};

/// The expressions that were compiled so far, and those that are none.
#[derive(Default)]
pub(crate) struct Patterns(HashMap<Rc<str>, Result<Compiled, String>>);

/// An expression that can be matched.
#[derive(Clone)]
pub(crate) struct Compiled {
    pub(crate) regex: Regex,
    /// How many characters and classes it has, repetitions written out: at worst each is tried at each place of a text.
    pub(crate) parts: usize,
}

impl Patterns {
    /// Whether the expression was compiled before.
    pub(crate) fn knows(&self, expression: &str) -> bool {
        self.0.contains_key(expression)
    }

    /// The compiled expression, or why it is none.
    pub(crate) fn compiled(&mut self, expression: &str) -> Result<&Compiled, String> {
        if !self.0.contains_key(expression) {
            self.0.insert(Rc::from(expression), compile(expression));
        }
        self.0[expression].as_ref().map_err(String::clone)
    }
}

/// Compiles an expression.
fn compile(expression: &str) -> Result<Compiled, String> {
    if expression.len() > MAX_EXPRESSION {
        return Err(format!("an expression of more than {MAX_EXPRESSION} bytes"));
    }
    let ast = Parser::new().parse(expression).map_err(|why| why.kind().to_string())?;
    let parts = parts(&ast, 1, true)?;
    let places = ast::visit(&ast, Places { expression, found: Vec::new() })?;
    let (mut text, mut read) = (String::new(), 0);
    for (span, instead) in places {
        text.push_str(&expression[read..span.start.offset]);
        text.push_str(instead);
        read = span.end.offset;
    }
    text.push_str(&expression[read..]);
    let built = RegexBuilder::new(&text).size_limit(MAX_PATTERN).build();
    let regex = built.map_err(|why| why.to_string().lines().last().unwrap_or_default().to_owned())?;
    Ok(Compiled { regex, parts })
}

/// Walks over an expression: refuses what is read differently, collects what is to be written out.
struct Places<'e> {
    expression: &'e str,
    found: Vec<(Span, &'static str)>,
}

impl Places<'_> {
    fn literal(literal: &Literal) -> Result<(), String> {
        match literal.kind {
            LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous | LiteralKind::Special(_) => Ok(()),
            LiteralKind::HexFixed(HexLiteralKind::X) | LiteralKind::HexBrace(HexLiteralKind::X) => Ok(()),
            LiteralKind::Octal | LiteralKind::HexFixed(_) | LiteralKind::HexBrace(_) => Err(unsupported("this escape")),
        }
    }

    fn flags(items: &[ast::FlagsItem]) -> Result<(), String> {
        let known = items.iter().all(|item| match &item.kind {
            FlagsItemKind::Negation => true,
            FlagsItemKind::Flag(flag) => {
                matches!(flag, Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine)
            }
        });
        if known { Ok(()) } else { Err(unsupported("this flag")) }
    }

    /// Braces that are no count are themselves in Go.
    fn repetition(&self, repetition: &ast::Repetition) -> Result<(), String> {
        let written = &self.expression[repetition.op.span.start.offset..repetition.op.span.end.offset];
        let is_count = |c: char| c.is_ascii_digit() || matches!(c, '{' | '}' | ',' | '?');
        if matches!(repetition.op.kind, RepetitionKind::Range(_))
            && (!written.chars().all(is_count) || written.starts_with("{,"))
        {
            return Err(unsupported("this repetition"));
        }
        Ok(())
    }
}

impl ast::Visitor for Places<'_> {
    type Output = Vec<(Span, &'static str)>;
    type Err = String;

    fn finish(self) -> Result<Self::Output, String> {
        Ok(self.found)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::Literal(literal) => Self::literal(literal),
            Ast::ClassPerl(class) => {
                self.found.push((class.span, in_ascii(class)));
                Ok(())
            }
            Ast::Assertion(assertion) => {
                let instead = match assertion.kind {
                    AssertionKind::WordBoundary => r"(?-u:\b)",
                    AssertionKind::NotWordBoundary => return Err(unsupported(r"`\B`")),
                    AssertionKind::StartLine | AssertionKind::EndLine => return Ok(()),
                    AssertionKind::StartText | AssertionKind::EndText => return Ok(()),
                    _ => return Err(unsupported("this boundary")),
                };
                self.found.push((assertion.span, instead));
                Ok(())
            }
            Ast::Repetition(repetition) => self.repetition(repetition),
            Ast::Flags(flags) => Self::flags(&flags.flags.items),
            Ast::Group(group) => group.flags().map_or(Ok(()), |flags| Self::flags(&flags.items)),
            Ast::ClassUnicode(_) => Err(unsupported("a class of Unicode")),
            Ast::ClassBracketed(class) => match &class.kind {
                ClassSet::BinaryOp(_) => Err(unsupported("an operation on classes")),
                ClassSet::Item(_) => Ok(()),
            },
            Ast::Empty(_) | Ast::Dot(_) | Ast::Alternation(_) | Ast::Concat(_) => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), String> {
        match item {
            ClassSetItem::Perl(class) => {
                self.found.push((class.span, in_ascii(class)));
                Ok(())
            }
            ClassSetItem::Literal(literal) => Self::literal(literal),
            ClassSetItem::Range(range) => Self::literal(&range.start).and_then(|()| Self::literal(&range.end)),
            ClassSetItem::Unicode(_) => Err(unsupported("a class of Unicode")),
            ClassSetItem::Bracketed(_) => Err(unsupported("a class inside a class")),
            ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) | ClassSetItem::Union(_) => Ok(()),
        }
    }
}

/// Go refuses a repetition of a repetition, and more than a thousand repetitions in one another.
fn parts(ast: &Ast, times: u32, bare: bool) -> Result<usize, String> {
    match ast {
        Ast::Repetition(repetition) => {
            if !bare {
                return Err(unsupported("a repetition of a repetition"));
            }
            let count = match &repetition.op.kind {
                RepetitionKind::Range(RepetitionRange::Exactly(count)) => *count,
                RepetitionKind::Range(RepetitionRange::AtLeast(count)) => *count,
                RepetitionKind::Range(RepetitionRange::Bounded(_, count)) => *count,
                _ => 1,
            };
            let times = times.saturating_mul(count.max(1));
            if times > 1000 {
                return Err(unsupported("more than a thousand repetitions"));
            }
            parts(&repetition.ast, times, false)
        }
        Ast::Group(group) => parts(&group.ast, times, true),
        Ast::Concat(all) => all.asts.iter().map(|part| parts(part, times, true)).sum(),
        Ast::Alternation(all) => all.asts.iter().map(|part| parts(part, times, true)).sum(),
        _ => Ok(times as usize),
    }
}

fn unsupported(what: &str) -> String {
    format!("{what} is not supported in regular expressions")
}

/// Go's tables.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expression: &str, text: &str) -> bool {
        compile(expression).unwrap().regex.is_match(text)
    }

    #[test]
    fn classes_are_those_of_ascii() {
        for (expression, ascii, other) in
            [(r"^\w$", "a", "é"), (r"^\d$", "1", "１"), (r"^a\sb$", "a b", "a\u{a0}b"), (r"^[\w.]+$", "a.b", "é")]
        {
            assert!(found(expression, ascii), "{expression}");
            assert!(!found(expression, other), "{expression}");
        }
    }

    #[test]
    fn a_line_end_is_not_the_end() {
        assert!(!found("^a$", "a\n"));
        assert!(found("(?m)^a$", "a\n"));
    }

    #[test]
    fn what_go_reads_differently_is_refused() {
        for expression in [
            r"\<a",
            "a{,5}",
            "a**",
            "a{1001}",
            "(a{100}){100}",
            "[a&&b]",
            "[[a]b]",
            r"\pL",
            "(?x)a b",
            "(?u)a",
            r"\u0041",
            "a{ 2 }",
            "(",
            r"\1",
            "[z-a]",
            "[a--b]",
            r"\B",
        ] {
            assert!(compile(expression).is_err(), "{expression}");
        }
    }
}
