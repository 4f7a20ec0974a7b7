//! What a policy's text may look like before the parser sees it.
//!
//! The parser descends without looking how deep, and reads what stands in brackets twice at every level. Here the
//! text is read as tokens only: how deep its brackets and chains of operators go, and what reading it would cost.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::Span;

use super::edits::Range;
use super::error::RegoError;

/// A text that the parser can read at ease: as long as the one given and with the same lines, every character
/// outside ASCII written as an escape or, in a comment, as a question mark.
pub(super) struct Shape {
    /// The text.
    pub(super) text: String,
    /// Where each closing bracket's opening one is, by their offsets.
    pub(super) brackets: BTreeMap<usize, usize>,
    /// Behind every string that was written otherwise: the place in the new text and the one in the old.
    moved: Vec<[(u32, u32); 2]>,
    /// Where the insides of strings begin and end.
    strings: BTreeSet<usize>,
    /// Every `if` and `contains`, with its offset.
    pub(super) keywords: Vec<(&'static str, usize)>,
}

impl Shape {
    /// Reads a text's tokens.
    pub(super) fn of(text: &str) -> Result<Shape, RegoError> {
        let mut reader = Reader {
            rest: text,
            line: 1,
            column: 1,
            out: String::with_capacity(text.len()),
            frames: vec![Frame::default()],
            brackets: BTreeMap::new(),
            moved: Vec::new(),
            joined: 0,
            strings: BTreeSet::new(),
            keywords: Vec::new(),
            cost: 0,
            operator: true,
            newline: false,
        };
        while let Some(next) = reader.rest.chars().next() {
            reader.token(next)?;
        }
        let Reader { out, brackets, moved, strings, keywords, .. } = reader;
        Ok(Shape { text: out, brackets, moved, strings, keywords })
    }

    /// Line and column of an offset.
    pub(super) fn place(&self, offset: usize) -> (u32, u32) {
        let before = &self.text[..offset];
        let column = offset - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        (number(before.matches('\n').count() + 1), number(column))
    }

    /// Where a place of this text is in the one that it was made of.
    pub(super) fn original(&self, line: u32, column: u32) -> (u32, u32) {
        let last = self.moved.partition_point(|[here, _]| *here <= (line, column));
        match last.checked_sub(1).map(|last| self.moved[last]) {
            Some([here, there]) if here.0 == line => (there.0, column - here.1 + there.1),
            Some([here, there]) => (line - here.0 + there.0, column),
            None => (line, column),
        }
    }

    /// Where something is that the parser has read; it leaves out quotes where they come first or last.
    pub(super) fn range(&self, span: &Span) -> Range {
        let (start, end) = (span.start as usize, span.end as usize);
        (start - usize::from(self.strings.contains(&start)), end + usize::from(self.strings.contains(&end)))
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: u32,
    column: u32,
    out: String,
    frames: Vec<Frame>,
    brackets: BTreeMap<usize, usize>,
    moved: Vec<[(u32, u32); 2]>,
    /// How many ends of lines have been written as escapes.
    joined: u32,
    strings: BTreeSet<usize>,
    keywords: Vec<(&'static str, usize)>,
    cost: usize,
    /// The last token was an operator, which goes on in the next line.
    operator: bool,
    newline: bool,
}

/// What stands between two brackets, as far as it has been read.
#[derive(Default)]
struct Frame {
    start: usize,
    /// The highest of the items that are complete.
    height: usize,
    /// Operators of the item being read, and the highest bracket in it.
    chain: usize,
    within: usize,
}

impl Frame {
    fn item(&self) -> usize {
        self.chain + self.within
    }

    fn end_item(&mut self) {
        self.height = self.height.max(self.item());
        (self.chain, self.within) = (0, 0);
    }
}

impl Reader<'_> {
    fn token(&mut self, next: char) -> Result<(), RegoError> {
        match next {
            '\n' => {
                self.newline = true;
                self.copy(1);
                Ok(())
            }
            c if c.is_whitespace() => {
                self.copy(c.len_utf8());
                Ok(())
            }
            '#' => {
                self.comment();
                Ok(())
            }
            _ => self.meaningful(next),
        }
    }

    fn meaningful(&mut self, next: char) -> Result<(), RegoError> {
        let word_end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let operator = "+-*/%&|<>=!.".contains(next) || &self.rest[..word_end] == "in";
        if self.newline && !operator && !self.operator && next != '(' {
            self.frame().end_item();
        }
        self.newline = false;
        self.operator = operator;
        self.pay(1 << (self.frames.len() - 1).min(30))?;
        match next {
            '"' => self.string(),
            '`' => self.raw_string(),
            '(' | '[' | '{' => return self.open(),
            ')' | ']' | '}' => return self.close(),
            ',' | ';' | ':' => {
                self.frame().end_item();
                self.operator = true;
                self.copy(1);
            }
            _ if operator => {
                self.frame().chain += 1;
                self.copy(word_end.max(1));
                return self.check();
            }
            _ if word_end > 0 => self.word(word_end)?,
            _ => self.copy(next.len_utf8()),
        }
        Ok(())
    }

    fn word(&mut self, end: usize) -> Result<(), RegoError> {
        let word = &self.rest[..end];
        if word.starts_with(super::functions::PREFIX) {
            return Err(self.too_much("names that begin like those of the gate's own functions", 0));
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) && end > MOST_DIGITS {
            return Err(self.too_much("digits in a number", MOST_DIGITS));
        }
        if let Some(keyword) = ["if", "contains"].into_iter().find(|keyword| *keyword == word) {
            self.keywords.push((keyword, self.out.len()));
        }
        self.copy(end);
        Ok(())
    }

    fn open(&mut self) -> Result<(), RegoError> {
        self.frame().chain += 1;
        let start = self.out.len();
        self.frames.push(Frame { start, ..Frame::default() });
        self.operator = true;
        self.copy(1);
        self.check()
    }

    fn close(&mut self) -> Result<(), RegoError> {
        if let [.., outer, inner] = self.frames.as_mut_slice() {
            inner.end_item();
            outer.within = outer.within.max(inner.height + 1);
            self.brackets.insert(self.out.len(), inner.start);
            self.frames.pop();
        }
        self.copy(1);
        self.check()
    }

    fn check(&self) -> Result<(), RegoError> {
        let height = self.frames.iter().map(Frame::item).max().unwrap_or(0);
        if height.max(self.frames.len()) > MOST_HEIGHT {
            return Err(self.too_much("brackets and operators within each other", MOST_HEIGHT));
        }
        Ok(())
    }

    fn pay(&mut self, cost: usize) -> Result<(), RegoError> {
        self.cost += cost;
        if self.cost > MOST_COST {
            return Err(self.too_much("brackets within brackets", MOST_COST));
        }
        Ok(())
    }

    fn comment(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let ascii =
            self.rest[..end].chars().map(|c| if c.is_ascii() && c != '\0' { c } else { '?' }).collect::<String>();
        self.out.push_str(&ascii);
        self.skip(end);
    }

    /// A string without its end is left as it is: the parser says where it began.
    fn string(&mut self) {
        let before = self.out.len();
        let mut escaped = false;
        let end = self.rest[1..].find(|c: char| {
            let ends = !escaped && (c == '"' || c == '\n');
            escaped = !escaped && c == '\\';
            ends
        });
        let end = end.map_or(self.rest.len(), |end| end + 2);
        let text = &self.rest[..end];
        self.out.extend(text.chars().flat_map(escape));
        self.quoted_since(before);
        self.skip(end);
        self.moved_if(!text.is_ascii());
    }

    fn raw_string(&mut self) {
        let before = self.out.len();
        let end = self.rest[1..].find('`').map_or(self.rest.len(), |end| end + 2);
        let text = &self.rest[..end];
        let closed = end > 1 && text.ends_with('`');
        let rewritten = closed && !text.is_ascii();
        if rewritten {
            self.joined += u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
            self.out.push('"');
            self.out.extend(text[1..end - 1].chars().flat_map(quote));
            self.out.push('"');
        } else {
            self.out.push_str(text);
        }
        self.quoted_since(before);
        self.skip(end);
        self.moved_if(rewritten);
    }

    fn moved_if(&mut self, moved: bool) {
        if moved {
            let column = self.out.len() - self.out.rfind('\n').map_or(0, |end| end + 1) + 1;
            let here = (self.line - self.joined, u32::try_from(column).unwrap_or(u32::MAX));
            self.moved.push([here, (self.line, self.column)]);
        }
    }

    fn quoted_since(&mut self, start: usize) {
        self.strings.extend([start + 1, self.out.len() - 1]);
    }

    fn copy(&mut self, bytes: usize) {
        self.out.push_str(&self.rest[..bytes]);
        self.skip(bytes);
    }

    fn skip(&mut self, bytes: usize) {
        let (done, rest) = self.rest.split_at(bytes);
        for c in done.chars() {
            (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.rest = rest;
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the outermost frame is never closed")
    }

    fn too_much(&self, what: &'static str, most: usize) -> RegoError {
        RegoError::TooMuch { line: self.line, column: self.column, what, most }
    }
}

fn escape(c: char) -> Vec<char> {
    if c.is_ascii() { vec![c] } else { unicode(c) }
}

fn quote(c: char) -> Vec<char> {
    match c {
        '"' | '\\' => vec!['\\', c],
        c if c.is_ascii() && !c.is_ascii_control() => vec![c],
        c => unicode(c),
    }
}

fn unicode(c: char) -> Vec<char> {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().flat_map(|unit| format!("\\u{unit:04x}").into_bytes()).map(char::from).collect()
}

/// How high brackets and chains of operators stand on each other.
const MOST_HEIGHT: usize = 64;
/// Every token costs two for each bracket around it, multiplied.
const MOST_COST: usize = 4 << 20;
const MOST_DIGITS: usize = 100;
