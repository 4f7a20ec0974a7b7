//! Text to tokens, as CUE cuts it: newlines become commas where a declaration can end, comments vanish.
//! Attributes are refused where they would change what the policy means. Identifiers are ASCII.

use crate::error::Problem;
use crate::limits::MAX_NESTING;
use crate::literal::{self, Quote};
use crate::number::Number;
use crate::syntax::Place;

/// A token and where it begins.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) place: Place,
    pub(crate) kind: TokenKind,
}

/// The kinds of token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    Identifier(String),
    Number(String),
    /// A text without values in it; `true` for bytes.
    Text(Vec<u8>, bool),
    /// A text with values in it, each as its own tokens.
    Interpolation(Vec<TextPart>, bool),
    /// An operator or a bracket.
    Sign(&'static str),
    /// `true` where it was written, `false` where a newline stands for it.
    Comma(bool),
    /// `@name(…)`, whose content does not matter.
    Attribute,
    End,
}

/// A part of a text with values in it.
#[derive(Debug, Clone)]
pub(crate) enum TextPart {
    Text(Vec<u8>),
    Tokens(Vec<Token>),
}

impl PartialEq for TextPart {
    /// Parts are never compared; only signs and commas are.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// What is wrong and where.
pub(crate) type At = (Problem, Place);

/// Cuts a whole policy.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, At> {
    let mut scanner = Scanner { text, at: 0, place: Place { line: 1, column: 1 }, depth: 0 };
    let tokens = scanner.until(None)?;
    Ok(tokens)
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    place: Place,
    depth: usize,
}

impl Scanner<'_> {
    /// Tokens up to the end, or, within an interpolation, up to the bracket that closes it.
    fn until(&mut self, closing: Option<&str>) -> Result<Vec<Token>, At> {
        let mut found: Vec<Token> = Vec::new();
        let mut brackets = 0_usize;
        loop {
            let ends = found.last().is_some_and(|token| ends_a_declaration(&token.kind));
            let newline = self.skip_blanks(ends);
            let place = self.place;
            if newline {
                found.push(Token { place, kind: TokenKind::Comma(false) });
                continue;
            }
            if closing.is_some() && brackets == 0 && self.rest().starts_with(')') {
                self.advance(1);
                found.push(Token { place, kind: TokenKind::End });
                return Ok(found);
            }
            let kind = match self.peek() {
                None if closing.is_some() => return Err((unexpected("the end", "`)`"), place)),
                None => {
                    if found.last().is_some_and(|token| ends_a_declaration(&token.kind)) {
                        found.push(Token { place, kind: TokenKind::Comma(false) });
                    }
                    found.push(Token { place, kind: TokenKind::End });
                    return Ok(found);
                }
                Some('@') => self.attribute()?,
                Some(_) => self.token()?,
            };
            match kind {
                TokenKind::Sign("(") => brackets += 1,
                TokenKind::Sign(")") => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            found.push(Token { place, kind });
        }
    }

    /// Skips blanks and comments; tells whether a newline was among them that ends a declaration.
    fn skip_blanks(&mut self, ends_declaration: bool) -> bool {
        loop {
            match self.peek() {
                Some('\n') => {
                    self.advance(1);
                    if ends_declaration {
                        return true;
                    }
                }
                Some(' ' | '\t' | '\r') => self.advance(1),
                Some('/') if self.rest().starts_with("//") => {
                    let line = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.advance(line);
                }
                _ => return false,
            }
        }
    }

    fn token(&mut self) -> Result<TokenKind, At> {
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or(' ');
        if first == ',' {
            self.advance(1);
            return Ok(TokenKind::Comma(true));
        }
        if rest.starts_with("_|_") {
            self.advance(3);
            return Ok(TokenKind::Sign("_|_"));
        }
        if rest.starts_with("<-") {
            return Err((unexpected("`<-`", "a blank after `<`"), self.place));
        }
        if rest.starts_with("_|") {
            return Err((unexpected("`_|`", "`_|_`, or a blank before `|`"), self.place));
        }
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if matches!(first, '"' | '\'') || (hashes > 0 && rest[hashes..].starts_with(['"', '\''])) {
            return self.quoted(hashes);
        }
        if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            return self.number();
        }
        if first.is_ascii_alphabetic() || matches!(first, '_' | '$' | '#') {
            return self.identifier();
        }
        let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
            return Err((unexpected(&format!("`{}`", first.escape_default()), "an expression"), self.place));
        };
        self.advance(sign.len());
        Ok(TokenKind::Sign(sign))
    }

    fn identifier(&mut self) -> Result<TokenKind, At> {
        let place = self.place;
        let rest = self.rest();
        let sigil = ["_#", "#"].into_iter().find(|sigil| rest.starts_with(sigil)).unwrap_or("");
        let end = rest[sigil.len()..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
        let end = end.map_or(rest.len(), |end| sigil.len() + end);
        let name = rest[..end].to_owned();
        if rest[end..].starts_with('#') {
            return Err((unexpected("`#` inside a name", "a name"), place));
        }
        if rest[end..].chars().next().is_some_and(char::is_alphanumeric) {
            return Err((Problem::Unsupported("a name outside ASCII".to_owned()), place));
        }
        let bare = name.trim_start_matches(['_', '#']);
        if name.starts_with("__") || bare.starts_with(|c: char| c.is_ascii_digit()) || (bare.is_empty() && name != "_")
        {
            return Err((Problem::Unsupported(format!("the name `{name}`")), place));
        }
        self.advance(end);
        Ok(TokenKind::Identifier(name))
    }

    fn number(&mut self) -> Result<TokenKind, At> {
        let place = self.place;
        let rest = self.rest();
        let mut end = 0;
        let bytes = rest.as_bytes();
        while end < bytes.len() {
            let signed =
                matches!(bytes[end], b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E') && !rest.starts_with("0x");
            let point = bytes[end] == b'.' && bytes.get(end + 1) != Some(&b'.');
            if !(bytes[end].is_ascii_alphanumeric() || bytes[end] == b'_' || point || signed) {
                break;
            }
            end += 1;
        }
        let text = rest[..end].to_owned();
        if literal::number(&text).is_none() {
            return Err((Problem::Unsupported(format!("the number `{text}`")), place));
        }
        self.advance(end);
        Ok(TokenKind::Number(text))
    }

    fn quoted(&mut self, hashes: usize) -> Result<TokenKind, At> {
        let place = self.place;
        let rest = &self.rest()[hashes..];
        let mark = if rest.starts_with('"') { '"' } else { '\'' };
        let tripled: String = [mark; 3].iter().collect();
        // `""` is empty unless a third quote follows
        let multiline = rest.starts_with(&tripled);
        let quote = Quote { mark, hashes, multiline };
        self.advance(hashes + if multiline { 3 } else { 1 });
        let (parts, closing_indent) = self.quoted_parts(&quote, place)?;
        let parts = literal::decode(&quote, parts, &closing_indent).map_err(|problem| (problem, place))?;
        let bytes = mark == '\'';
        match <[TextPart; 1]>::try_from(parts) {
            Ok([TextPart::Text(text)]) => Ok(TokenKind::Text(text, bytes)),
            Ok(parts) => Ok(TokenKind::Interpolation(parts.into(), bytes)),
            Err(parts) => Ok(TokenKind::Interpolation(parts, bytes)),
        }
    }

    /// The raw parts of a text, and for one of many lines the blanks before its closing quotes.
    fn quoted_parts(&mut self, quote: &Quote, opened: Place) -> Result<(Vec<TextPart>, String), At> {
        let (closing, escape) = (quote.closing(), quote.escape());
        let mut parts = Vec::new();
        let mut raw = String::new();
        loop {
            let rest = self.rest();
            let Some(next) = rest.chars().next() else {
                return Err((unexpected("the end", "a closing quote"), opened));
            };
            if rest.starts_with(&closing) {
                self.advance(closing.len());
                let indent = raw.rsplit_once('\n').map_or("", |(_, indent)| indent).to_owned();
                parts.push(TextPart::Text(raw.into_bytes()));
                return Ok((parts, indent));
            }
            if rest.starts_with(&escape) {
                if rest[escape.len()..].starts_with('(') {
                    self.advance(escape.len() + 1);
                    parts.push(TextPart::Text(std::mem::take(&mut raw).into_bytes()));
                    parts.push(TextPart::Tokens(self.nested()?));
                    continue;
                }
                // the escaped character must not be taken for a closing quote
                let escaped = rest[escape.len()..].chars().next().map_or(0, char::len_utf8);
                raw.push_str(&rest[..escape.len() + escaped]);
                self.advance(escape.len() + escaped);
                continue;
            }
            if (next == '\n' && !quote.multiline) || next == '\r' || next == '\0' {
                return Err((unexpected("a line's end inside a text", "a closing quote"), self.place));
            }
            raw.push(next);
            self.advance(next.len_utf8());
        }
    }

    fn nested(&mut self) -> Result<Vec<Token>, At> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err((Problem::TooLarge { what: "levels", limit: MAX_NESTING }, self.place));
        }
        let tokens = self.until(Some(")"));
        self.depth -= 1;
        tokens
    }

    fn attribute(&mut self) -> Result<TokenKind, At> {
        let place = self.place;
        self.advance(1);
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        if name.is_empty() || !rest[end..].starts_with('(') {
            return Err((Problem::Unsupported("an attribute that is not as `@name()`".to_owned()), place));
        }
        if MEANINGFUL_ATTRIBUTES.contains(&name.as_str()) {
            return Err((Problem::Unsupported(format!("the attribute `@{name}`")), place));
        }
        let body = &rest[end + 1..];
        let close = body.find(')').unwrap_or(body.len());
        if close == body.len() || !body[..close].chars().all(is_plain_in_attribute) {
            return Err((Problem::Unsupported("an attribute with brackets, quotes or many lines".to_owned()), place));
        }
        if has_odd_number(&body[..close]) {
            return Err((Problem::Unsupported("an attribute with a number that is not plain".to_owned()), place));
        }
        self.advance(end + 1 + close + 1);
        Ok(TokenKind::Attribute)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self, bytes: usize) {
        for c in self.text[self.at..self.at + bytes].chars() {
            if c == '\n' {
                self.place = Place { line: self.place.line + 1, column: 1 };
            } else {
                self.place.column += 1;
            }
        }
        self.at += bytes;
    }
}

/// The number that a token's text stands for; it was checked when it was cut.
pub(crate) fn number(text: &str) -> Number {
    literal::number(text).expect("a number was checked when it was cut")
}

fn is_plain_in_attribute(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ' ' | ',' | '=' | '.' | '-' | '_' | '/' | ':')
}

/// Whether a number in an attribute, which CUE reads as it does elsewhere, is anything but decimal digits.
fn has_odd_number(body: &str) -> bool {
    let words = body.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
    let numbers = words.filter(|word| word.contains(|c: char| c.is_ascii_digit()));
    let is_name = |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !word.contains('.');
    let is_plain = |word: &str| word.bytes().all(|b| b.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    numbers.into_iter().any(|word| !is_name(word) && !is_plain(word))
}

/// A syntax error.
pub(crate) fn unexpected(found: &str, wanted: &str) -> Problem {
    Problem::Syntax { found: found.to_owned(), wanted: wanted.to_owned() }
}

fn ends_a_declaration(kind: &TokenKind) -> bool {
    match kind {
        TokenKind::Identifier(_) | TokenKind::Number(_) | TokenKind::Text(..) | TokenKind::Interpolation(..) => true,
        TokenKind::Attribute => true,
        TokenKind::Sign(sign) => matches!(*sign, "_|_" | ")" | "]" | "}" | "?" | "..."),
        TokenKind::Comma(_) | TokenKind::End => false,
    }
}

/// Longest first, where one begins another.
const SIGNS: &[&str] = &[
    "...", "||", "&&", "==", "!=", "<=", ">=", "=~", "!~", "|", "&", "=", "<", ">", "!", "+", "-", "*", "/", "(", ")",
    "[", "]", "{", "}", ":", ".", "?", "~",
];

/// Attributes that change what a file means, or whether it counts.
const MEANINGFUL_ATTRIBUTES: &[&str] = &["experiment", "extern", "embed", "if", "ignore"];
