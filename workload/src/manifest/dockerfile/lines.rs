//! The instructions of a Dockerfile, as BuildKit cuts them: directives, comments, continued lines, here-documents.
//!
//! What a builder takes for the text of a here-document must not be taken for an instruction, and the other way round
//! even less: where the two cannot be told apart for certain, that is a problem.

use super::super::{At, ManifestError, Problem};
use crate::error::excerpt;

/// An instruction, continued lines joined.
#[derive(Debug)]
pub(super) struct Instruction {
    /// The lines that it stands in, counted from 1, without here-documents.
    pub(super) lines: (u64, u64),
    pub(super) body: Body,
}

/// An instruction without its place.
#[derive(Debug)]
pub(super) struct Body {
    /// In lower case.
    pub(super) word: String,
    /// What begins with two dashes, quotes taken away.
    pub(super) flags: Vec<String>,
    pub(super) rest: String,
}

impl Body {
    /// Reads a line without continuations.
    pub(super) fn of(line: &str) -> Self {
        let line = line.trim();
        let (word, behind) = line.split_once(['\t', '\u{b}', '\u{c}', '\r', ' ']).unwrap_or((line, ""));
        let (flags, rest) = flags(behind);
        Self { word: word.to_lowercase(), flags, rest: rest.trim().to_owned() }
    }

    fn may_have_here_documents(&self) -> bool {
        match self.word.as_str() {
            "add" | "copy" | "run" => true,
            "onbuild" => Self::of(&self.rest).may_have_here_documents(),
            _ => false,
        }
    }

    /// Whether what it runs or copies is a list and no text for a shell; none where builders may differ.
    fn is_list(&self) -> Option<bool> {
        if self.word == "onbuild" {
            return Self::of(&self.rest).is_list();
        }
        // As upstream: what stands behind the list does not count.
        let first = serde_json::Deserializer::from_str(&self.rest).into_iter::<Vec<String>>().next();
        match first {
            Some(Ok(_)) => Some(true),
            Some(Err(_)) if self.rest.starts_with('[') && self.rest.contains("\\u") => None,
            _ => Some(false),
        }
    }
}

/// The value of a directive at the top, and its line. `syntax` may also be written in the ways of other languages.
pub(super) fn syntax(text: &str) -> Option<(String, u64)> {
    let text = text.trim_start_matches('\u{feff}');
    let (skipped, text) = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => (1, rest),
        _ => (0, text),
    };
    let found = ["#", "//"].into_iter().find_map(|mark| directives(text, mark).find(|(name, ..)| name == "syntax"));
    found.map(|(_, value, line)| (value.split(' ').next().unwrap_or_default().to_owned(), line + skipped))
}

/// The character that continues a line.
pub(super) fn escape(text: &str) -> Result<char, Problem> {
    let mut escapes = directives(text, "#").filter(|(name, ..)| name == "escape");
    match (escapes.next(), escapes.next()) {
        (None, _) => Ok('\\'),
        (Some((_, value, _)), None) if value == "\\" || value == "`" => Ok(value.chars().next().unwrap_or('\\')),
        (Some((.., line)), None) => Err(problem(line, ManifestError::Directive("escape: wanted \\ or `"))),
        (_, Some((.., line))) => Err(problem(line, ManifestError::Directive("escape found twice, wanted it once"))),
    }
}

/// Directives stand above everything else, comments and empty lines included.
fn directives<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = (String, String, u64)> + use<'a> {
    let lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    lines.map_while(move |(number, line)| {
        let (name, value) = line.trim_start().strip_prefix(mark)?.split_once('=')?;
        let name = name.trim().to_lowercase();
        let known = ["syntax", "escape", "check"].contains(&name.as_str()) && !value.trim().is_empty();
        known.then(|| (name, value.trim().to_owned(), number))
    })
}

/// The instructions, up to the first whose lines cannot be told.
pub(super) fn instructions(text: &str, escape: char) -> (Vec<Instruction>, Option<Problem>) {
    let mut lines = Lines { lines: text.trim_start_matches('\u{feff}').lines(), number: 0 };
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let start = lines.number;
        let line = line.trim_start();
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let line = lines.continued(line, escape);
        let instruction = Instruction { lines: (start, lines.number), body: Body::of(&line) };
        if let Err(why) = lines.skip_here_documents(&line, &instruction.body) {
            return (found, Some(problem(start, why)));
        }
        found.push(instruction);
    }
    (found, None)
}

struct Lines<'a> {
    lines: std::str::Lines<'a>,
    number: u64,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        self.lines.next()
    }

    /// The line with those that continue it; comments and empty lines among them do not end it.
    fn continued(&mut self, line: &str, escape: char) -> String {
        let (mut whole, mut open) = continuation(line, escape);
        while open && let Some(next) = self.next() {
            let content = next.trim_start();
            if !content.is_empty() && !content.starts_with('#') {
                let (more, still_open) = continuation(next, escape);
                whole += &more;
                open = still_open;
            }
        }
        whole
    }

    fn skip_here_documents(&mut self, line: &str, body: &Body) -> Result<(), ManifestError> {
        if !body.may_have_here_documents() || !line.contains("<<") {
            return Ok(());
        }
        let documents = here_documents(line)?;
        match body.is_list() {
            _ if documents.is_empty() => return Ok(()),
            Some(true) => return Ok(()),
            Some(false) => {}
            None => return Err(ManifestError::Ambiguous),
        }
        for HereDocument { name, indented } in documents {
            loop {
                let Some(line) = self.next() else { return Err(ManifestError::HereDocument(excerpt(&name))) };
                let line = if indented { line.trim_start_matches('\t') } else { line };
                if line.trim_end_matches('\r') == name {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The line without the mark that continues it, and whether it had one. Doubled, it is no mark.
fn continuation(line: &str, escape: char) -> (String, bool) {
    let content = line.trim_end_matches([' ', '\t']);
    match content.strip_suffix(escape) {
        Some(before) if !before.ends_with(escape) => (before.to_owned(), true),
        _ => (line.to_owned(), false),
    }
}

/// Words in front that begin with two dashes, and what stands behind them.
fn flags(text: &str) -> (Vec<String>, &str) {
    let (mut found, mut rest) = (Vec::new(), text.trim_start());
    while rest.starts_with("--") {
        let (word, behind) = flag(rest);
        rest = behind;
        if word == "--" {
            break;
        }
        found.push(word);
        rest = rest.trim_start();
    }
    (found, rest)
}

fn flag(text: &str) -> (String, &str) {
    let (mut word, mut quote, mut chars) = (String::new(), None, text.char_indices());
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            (c, None) if c.is_whitespace() => return (word, &text[at..]),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', _) => word.extend(chars.next().map(|(_, escaped)| escaped)),
            (c, _) => word.push(c),
        }
    }
    (word, "")
}

struct HereDocument {
    name: String,
    /// Tabs in front of its end do not count.
    indented: bool,
}

/// The here-documents that begin in a line: its words of the form `<<NAME`, `3<<-NAME`, `<<"NAME"`.
fn here_documents(line: &str) -> Result<Vec<HereDocument>, ManifestError> {
    let words = words(line).ok_or(ManifestError::Ambiguous)?;
    words.iter().filter_map(|word| here_document(word)).collect()
}

fn here_document(word: &str) -> Option<Result<HereDocument, ManifestError>> {
    let behind = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (indented, name) = behind.strip_prefix('-').map_or((false, behind), |name| (true, name));
    if name.is_empty() || name.contains('<') {
        return None;
    }
    if name.contains(['$', '\\']) {
        return Some(Err(ManifestError::Ambiguous));
    }
    Some(Ok(HereDocument { name: name.replace(['\'', '"'], ""), indented }))
}

/// The words of a line for a shell, quotes kept; none where it is not certain how it is cut.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote, mut chars) = (Vec::new(), String::new(), None, line.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, None) if c.is_whitespace() => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            ('\'' | '"', None) => {
                quote = Some(c);
                word.push(c);
            }
            (c, Some(open)) if c == open => {
                quote = None;
                word.push(c);
            }
            ('\\', None | Some('"')) => {
                word.push(c);
                word.extend(chars.next());
            }
            ('$', None | Some('"')) if chars.peek() == Some(&'{') => {
                let (braced, whole) = braced(&mut chars);
                if !whole {
                    return None;
                }
                word += &braced;
            }
            (c, _) => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    quote.is_none().then_some(words)
}

/// `${NAME}`, or with a simple word behind an operator; whether it is one of these.
fn braced(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (String, bool) {
    let mut text = String::from("$");
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || "{_:-+?.,/=@".contains(*c)) {
        text.push(c);
    }
    let name = text.strip_prefix("${").unwrap_or_default();
    let operator = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let named = operator.len() < name.len() && !name.contains('{');
    let simple = operator.is_empty() || operator.trim_start_matches(':').starts_with(['-', '+', '?']);
    let closed = chars.next_if_eq(&'}').is_some();
    text.push('}');
    (text, named && simple && closed)
}

fn problem(line: u64, why: ManifestError) -> Problem {
    Problem { at: At { line, column: 1 }, why }
}
