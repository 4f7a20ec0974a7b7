//! Variables in texts, as compose files and Dockerfiles have them.
//!
//! What has no value is an error and never the empty text: an image that cannot be named cannot be judged.

use std::{iter::Peekable, str::Chars};

use super::ManifestError;
use crate::error::excerpt;

/// What is known of a variable.
pub(super) enum Variable {
    Set(String),
    /// It has no value, and everybody knows that.
    Unset,
    /// It may have a value elsewhere. A default counts all the same.
    Unknown,
    /// It has a value that cannot be told.
    Broken(ManifestError),
}

/// How a text says that something is to be taken as it is.
#[derive(Clone, Copy)]
pub(super) enum Quoting {
    /// `$$` is a dollar.
    Dollars,
    /// As a shell does, with this character to escape the next.
    Shell(char),
}

/// The text with its variables replaced.
pub(super) fn expand(text: &str, quoting: Quoting, lookup: &dyn Fn(&str) -> Variable) -> Result<String, ManifestError> {
    let mut expander = Expander { whole: text, chars: text.chars().peekable(), quoting, lookup, depth: 0 };
    let found = expander.until(None)?;
    found.lacks.map_or(Ok(found.text), Err)
}

struct Expander<'a> {
    whole: &'a str,
    chars: Peekable<Chars<'a>>,
    quoting: Quoting,
    lookup: &'a dyn Fn(&str) -> Variable,
    depth: u8,
}

/// A text, or why there is none. It may turn out that it was not needed.
#[derive(Default)]
struct Found {
    text: String,
    lacks: Option<ManifestError>,
}

impl Found {
    fn lacks(why: ManifestError) -> Self {
        Self { text: String::new(), lacks: Some(why) }
    }

    fn add(&mut self, other: Self) {
        self.text += &other.text;
        self.lacks = self.lacks.take().or(other.lacks);
    }

    /// Whether it is longer than the name of any image: values that hold values grow fast.
    fn is_long(&self) -> bool {
        self.text.len() > MAX_LENGTH
    }
}

impl Expander<'_> {
    /// Everything up to this character outside quotes, or to the end.
    fn until(&mut self, stop: Option<char>) -> Result<Found, ManifestError> {
        let mut found = Found::default();
        loop {
            match (self.chars.next(), self.quoting) {
                (None, _) if stop.is_none() => return Ok(found),
                (None, _) => return Err(self.strange()),
                _ if found.is_long() => return Err(self.strange()),
                (Some(c), _) if Some(c) == stop => return Ok(found),
                (Some('$'), _) => found.add(self.dollar()?),
                (Some('\''), Quoting::Shell(_)) => found.text += &self.single()?,
                (Some('"'), Quoting::Shell(escape)) => found.add(self.double(escape)?),
                (Some(c), Quoting::Shell(escape)) if c == escape => found.text.extend(self.chars.next()),
                (Some(c), _) => found.text.push(c),
            }
        }
    }

    fn single(&mut self) -> Result<String, ManifestError> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some('\'') => return Ok(text),
                Some(c) => text.push(c),
                None => return Err(self.strange()),
            }
        }
    }

    fn double(&mut self, escape: char) -> Result<Found, ManifestError> {
        let mut found = Found::default();
        loop {
            match self.chars.next() {
                Some('"') => return Ok(found),
                _ if found.is_long() => return Err(self.strange()),
                Some('$') => found.add(self.dollar()?),
                Some(c) if c == escape => {
                    let escaped = self.chars.next_if(|next| ['"', '$', escape].contains(next));
                    found.text.push(escaped.unwrap_or(c));
                }
                Some(c) => found.text.push(c),
                None => return Err(self.strange()),
            }
        }
    }

    /// What stands behind a dollar.
    fn dollar(&mut self) -> Result<Found, ManifestError> {
        match self.chars.peek() {
            Some('$') if matches!(self.quoting, Quoting::Dollars) => {
                self.chars.next();
                Ok(Found { text: "$".to_owned(), lacks: None })
            }
            Some('{') => {
                self.chars.next();
                self.braced()
            }
            _ => {
                let name = self.name()?;
                Ok(self.plain(&name))
            }
        }
    }

    fn braced(&mut self) -> Result<Found, ManifestError> {
        let name = self.name()?;
        let strict = self.chars.next_if_eq(&':').is_none();
        let operator = self.chars.next();
        if operator == Some('}') && strict {
            return Ok(self.plain(&name));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH || !matches!(operator, Some('-' | '+' | '?')) {
            return Err(self.strange());
        }
        let word = self.until(Some('}'))?;
        self.depth -= 1;
        let set = match (self.lookup)(&name) {
            Variable::Set(value) if strict || !value.is_empty() => Some(value),
            Variable::Broken(why) => return Ok(Found::lacks(why)),
            Variable::Unknown if operator == Some('+') => return Ok(Found::lacks(unset(&name))),
            Variable::Set(_) | Variable::Unset | Variable::Unknown => None,
        };
        Ok(match (operator, set) {
            (Some('+'), Some(_)) | (Some('-'), None) => word,
            (Some('+'), None) => Found::default(),
            (_, Some(value)) => Found { text: value, lacks: None },
            (_, None) => Found::lacks(unset(&name)),
        })
    }

    fn plain(&self, name: &str) -> Found {
        match (self.lookup)(name) {
            Variable::Set(text) => Found { text, lacks: None },
            Variable::Broken(why) => Found::lacks(why),
            Variable::Unset | Variable::Unknown => Found::lacks(unset(name)),
        }
    }

    fn name(&mut self) -> Result<String, ManifestError> {
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|c| *c == '_' || c.is_ascii_alphanumeric()) {
            name.push(c);
        }
        let named = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
        if named { Ok(name) } else { Err(self.strange()) }
    }

    fn strange(&self) -> ManifestError {
        ManifestError::Substitution(excerpt(self.whole))
    }
}

fn unset(name: &str) -> ManifestError {
    ManifestError::Unset(excerpt(name))
}

/// Of defaults in defaults.
const MAX_DEPTH: u8 = 16;
const MAX_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Variable {
        match name {
            "SET" => Variable::Set("value".to_owned()),
            "EMPTY" => Variable::Set(String::new()),
            "UNSET" => Variable::Unset,
            "BROKEN" => Variable::Broken(ManifestError::Unset("CAUSE".to_owned())),
            _ => Variable::Unknown,
        }
    }

    fn shell(text: &str) -> Result<String, ManifestError> {
        expand(text, Quoting::Shell('\\'), &lookup)
    }

    #[test]
    fn values_and_defaults_are_put_in() {
        let cases = [
            ("a:$SET", "a:value"),
            ("a:${SET}b", "a:valueb"),
            ("${SET:-x}${SET-x}", "valuevalue"),
            ("${EMPTY:-x}|${EMPTY-x}|", "x||"),
            ("${UNSET:-x}${ELSEWHERE-y}", "xy"),
            ("${UNSET:-${ELSEWHERE:-deep}}", "deep"),
            ("${SET:+x}${EMPTY:+y}${UNSET+z}", "x"),
            ("${SET:?must be set}", "value"),
            ("${SET:-$ELSEWHERE}", "value"),
        ];
        for (text, wanted) in cases {
            assert_eq!(shell(text).as_deref(), Ok(wanted), "{text}");
            assert_eq!(expand(text, Quoting::Dollars, &lookup).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_named_and_never_empty() {
        let cases = [
            ("a:$ELSEWHERE", "ELSEWHERE"),
            ("${UNSET}", "UNSET"),
            ("${EMPTY:?}", "EMPTY"),
            ("${ELSEWHERE:+x}", "ELSEWHERE"),
            ("${BROKEN:-x}", "CAUSE"),
            ("${UNSET:-$ELSEWHERE}", "ELSEWHERE"),
        ];
        for (text, name) in cases {
            assert_eq!(shell(text), Err(ManifestError::Unset(name.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let deep = format!("{}x{}", "${U:-".repeat(17), "}".repeat(17));
        let (long, quoted) = ("$SET".repeat(1_000), format!("\"{}\"", "$SET".repeat(1_000)));
        for text in [
            "${SET",
            "${SET/a/b}",
            "${SET%x}",
            "${SET:x}",
            "$",
            "$1",
            "${}",
            "${SET:}",
            "'a",
            "\"a",
            &deep,
            &long,
            &quoted,
        ] {
            assert!(matches!(shell(text), Err(ManifestError::Substitution(_))), "{text}");
        }
    }

    #[test]
    fn quotes_and_escapes_are_the_dialects() {
        assert_eq!(shell(r#"'$SET'"$SET"\$SET"\$\x""#).as_deref(), Ok(r"$SETvalue$SET$\x"));
        assert_eq!(expand("`$SET", Quoting::Shell('`'), &lookup).as_deref(), Ok("$SET"));
        assert_eq!(expand("$$SET'", Quoting::Dollars, &lookup).as_deref(), Ok("$SET'"));
    }
}
