//! What literals stand for: numbers with multipliers, texts with escapes, texts of many lines.
//! Whatever CUE's two readers of literals could read differently is refused.

use crate::error::Problem;
use crate::number::Number;
use crate::scan::TextPart;

/// How a text is quoted.
pub(crate) struct Quote {
    /// `"` for text, `'` for bytes.
    pub(crate) mark: char,
    /// How many `#` stand around the quotes, and after each backslash that escapes.
    pub(crate) hashes: usize,
    /// Whether the quotes are tripled.
    pub(crate) multiline: bool,
}

impl Quote {
    /// What ends the text.
    pub(crate) fn closing(&self) -> String {
        let quotes = self.mark.to_string().repeat(if self.multiline { 3 } else { 1 });
        quotes + &"#".repeat(self.hashes)
    }

    /// What begins an escape.
    pub(crate) fn escape(&self) -> String {
        format!("\\{}", "#".repeat(self.hashes))
    }
}

/// The number that a literal stands for, if it is one.
pub(crate) fn number(text: &str) -> Option<Number> {
    let bad_underscore = text.starts_with('_') || text.ends_with('_') || text.contains("__") || text.contains("_.");
    if bad_underscore || text.contains("._") {
        return None;
    }
    let text = text.replace('_', "");
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let value = i128::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']))?;
            return Number::new(value, 0, true).ok();
        }
    }
    let (digits, factor) = split_multiplier(&text);
    let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if leading_zero || digits.matches('.').count() > 1 {
        return None;
    }
    match factor {
        Some(factor) if plain && digits.starts_with(|c: char| c.is_ascii_digit()) && !digits.ends_with('.') => {
            Number::parse(digits).ok()?.multiply(Number::integer(factor)).ok()?.into_integer()
        }
        None if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => Number::parse(digits).ok(),
        _ => None,
    }
}

fn split_multiplier(text: &str) -> (&str, Option<i64>) {
    for (place, unit) in ["K", "M", "G", "T", "P"].into_iter().enumerate() {
        let power = u32::try_from(place + 1).unwrap_or(1);
        if let Some(digits) = text.strip_suffix(&format!("{unit}i")) {
            return (digits, Some(1024_i64.pow(power)));
        }
        if let Some(digits) = text.strip_suffix(unit) {
            return (digits, Some(1000_i64.pow(power)));
        }
    }
    (text, None)
}

/// Decodes a text's parts: takes a block's indentation away, then replaces escapes.
pub(crate) fn decode(quote: &Quote, parts: Vec<TextPart>, indent: &str) -> Result<Vec<TextPart>, Problem> {
    let last = parts.len() - 1;
    let mut decoded = Vec::with_capacity(parts.len());
    for (position, part) in parts.into_iter().enumerate() {
        let TextPart::Text(raw) = part else {
            decoded.push(part);
            continue;
        };
        let raw = String::from_utf8(raw).expect("a text's raw parts are cut from a string");
        let raw = if quote.multiline { unindent(&raw, indent, position == 0, position == last)? } else { raw };
        let bytes = unescape(quote, &raw)?;
        if quote.mark == '"' && std::str::from_utf8(&bytes).is_err() {
            return Err(Problem::Unsupported("a text that is not UTF-8".to_owned()));
        }
        decoded.push(TextPart::Text(bytes));
    }
    Ok(decoded)
}

/// A block's text begins after the first newline and ends before the last; each line loses the closing quotes' indent.
fn unindent(raw: &str, indent: &str, first: bool, last: bool) -> Result<String, Problem> {
    let misplaced = || Problem::Unsupported("a text of many lines that is not indented as its end".to_owned());
    if !indent.chars().all(|c| matches!(c, ' ' | '\t')) {
        return Err(misplaced());
    }
    let mut lines: Vec<&str> = raw.split('\n').collect();
    if first && !lines.remove(0).is_empty() {
        return Err(misplaced());
    }
    if last && lines.pop() != Some(indent) && !(first && raw.is_empty()) {
        return Err(misplaced());
    }
    let mut stripped = Vec::with_capacity(lines.len());
    for (position, line) in lines.into_iter().enumerate() {
        let continues = position == 0 && !first;
        let line = match line.strip_prefix(indent) {
            _ if continues => line,
            Some(line) => line,
            None if line.is_empty() => "",
            None => return Err(misplaced()),
        };
        stripped.push(line);
    }
    Ok(stripped.join("\n"))
}

fn unescape(quote: &Quote, raw: &str) -> Result<Vec<u8>, Problem> {
    let escape = quote.escape();
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once(&escape) {
        decoded.extend_from_slice(before.as_bytes());
        rest = unescape_one(quote, after, &mut decoded)?;
    }
    decoded.extend_from_slice(rest.as_bytes());
    Ok(decoded)
}

/// Appends what the escape stands for; returns what follows it.
fn unescape_one<'t>(quote: &Quote, after: &'t str, decoded: &mut Vec<u8>) -> Result<&'t str, Problem> {
    let unknown = || Problem::Unsupported(format!("the escape `\\{}`", after.chars().next().unwrap_or(' ')));
    let code = after.chars().next().ok_or_else(unknown)?;
    let rest = &after[code.len_utf8()..];
    let plain = match code {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '/' => b'/',
        '\\' => b'\\',
        '"' | '\'' if code == quote.mark => code as u8,
        'u' => return unescape_character(rest, 4, decoded).ok_or_else(unknown),
        'U' => return unescape_character(rest, 8, decoded).ok_or_else(unknown),
        'x' if quote.mark == '\'' => {
            let digits = rest.get(..2).ok_or_else(unknown)?;
            decoded.push(u8::from_str_radix(digits, 16).map_err(|_| unknown())?);
            return Ok(&rest[2..]);
        }
        _ => return Err(unknown()),
    };
    decoded.push(plain);
    Ok(rest)
}

fn unescape_character<'t>(rest: &'t str, digits: usize, decoded: &mut Vec<u8>) -> Option<&'t str> {
    let code = rest.get(..digits).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let character = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
    decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest.get(digits..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(literal: &str) -> Option<i64> {
        number(literal).and_then(Number::to_i64)
    }

    #[test]
    fn multipliers_make_integers() {
        assert_eq!(text("1Ki"), Some(1024));
        assert_eq!(text("1.5G"), Some(1_500_000_000));
        assert_eq!(text("0x_f"), Some(15));
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for literal in ["01", "1__0", "1_", "1.0001Ki", "1e5K", "1x", "0x", "0b2", "1.2.3"] {
            assert!(number(literal).is_none(), "{literal}");
        }
    }
}
