//! The lines of a YAML document as a tree of blocks, as far as its indentation tells.
//!
//! It is a reading for layout alone: where it is wrong, what comes of it says something else, and is not used.

/// A line without its indentation and the blanks behind it, which are kept where they may matter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) indent: usize,
    pub(super) text: &'a str,
    /// As it stands in the file.
    pub(super) raw: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn of(raw: &'a str) -> Result<Self, String> {
        let text = raw.trim_start_matches(' ');
        if text.starts_with('\t') && !text.trim().is_empty() {
            return Err("a tab stands where blanks are wanted".to_owned());
        }
        Ok(Self { indent: raw.len() - text.len(), text: text.trim_end(), raw })
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it says nothing: blank, or a comment.
    fn is_aside(&self) -> bool {
        self.text.is_empty() || self.text.starts_with('#')
    }
}

/// A field or an entry of a list, with the comments above it.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) above: Vec<Line<'a>>,
    pub(super) head: Head<'a>,
    pub(super) body: Body<'a>,
}

#[derive(Debug)]
pub(super) enum Head<'a> {
    /// A field's name as it is written, and what stands behind its colon.
    Field(&'a str, &'a str),
    /// An entry of a list. What stands behind its dash is in its body.
    Item,
    /// Text.
    Text(&'a str),
}

#[derive(Debug)]
pub(super) enum Body<'a> {
    Nothing,
    /// Fields or entries, and the comments behind the last.
    Block(Block<'a>),
    /// Lines of a text or of something in brackets, to be moved as a whole. `true`: of a text whose blanks matter.
    Lines(Vec<Line<'a>>, bool),
}

#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) behind: Vec<Line<'a>>,
}

impl<'a> Block<'a> {
    /// Reads lines of which the first that says something gives the indentation.
    pub(super) fn read(lines: &[Line<'a>]) -> Result<Self, String> {
        let (mut entries, mut above) = (Vec::new(), Vec::new());
        let Some(base) = lines.iter().find(|line| !line.is_aside()).map(|line| line.indent) else {
            return Ok(Self { entries, behind: lines.to_vec() });
        };
        let mut rest = lines;
        while let [line, after @ ..] = rest {
            if line.is_aside() {
                above.push(*line);
                rest = after;
                continue;
            }
            if line.indent != base {
                return Err(format!("`{}` is not indented like what stands above it", oci::excerpt(line.text, 80)));
            }
            let length = body_length(line, after);
            entries.push(Entry::read(std::mem::take(&mut above), line, &after[..length])?);
            rest = &after[length..];
        }
        Ok(Self { entries, behind: above })
    }
}

/// How many lines belong to this one.
fn body_length(head: &Line<'_>, after: &[Line<'_>]) -> usize {
    let field = split_field(head.text).filter(|_| !is_item(head.text));
    let holds_text = starts_block_text(field.map_or(head.text, |(_, value)| value)) || item_text(head.text);
    // The entries of a field's list may stand below its name without being indented.
    let holds_list = field.is_some_and(|(_, value)| value.is_empty() || value.starts_with(['#', '&', '!']));
    let (mut length, mut asides) = (0, 0);
    for line in after {
        let closes = line.indent == head.indent && line.text.starts_with([']', '}']);
        let deeper =
            line.indent > head.indent || closes || (holds_list && line.indent == head.indent && is_item(line.text));
        match line {
            line if line.is_blank() => asides += 1,
            line if !deeper && line.text.starts_with('#') && !holds_text => asides += 1,
            _ if !deeper => break,
            _ => {
                length += asides + 1;
                asides = 0;
            }
        }
    }
    length
}

impl<'a> Entry<'a> {
    fn read(above: Vec<Line<'a>>, line: &Line<'a>, body: &[Line<'a>]) -> Result<Self, String> {
        if let Some(rest) = line.text.strip_prefix('-').filter(|_| is_item(line.text)) {
            return Self::item(above, line, rest, body);
        }
        if line.text.starts_with("? ") || line.text.starts_with('%') {
            return Err(format!("`{}` is of a kind that is not laid out", oci::excerpt(line.text, 80)));
        }
        let Some((name, value)) = split_field(line.text) else {
            return Ok(Self { above, head: Head::Text(line.text), body: Body::lines(body, false) });
        };
        let holds_block = value.is_empty() || value.starts_with(['#', '&', '!']);
        let body = match () {
            () if starts_block_text(value) => Body::lines(body, true),
            () if holds_block && !body.is_empty() => Body::Block(Block::read(body)?),
            () => Body::lines(body, false),
        };
        Ok(Self { above, head: Head::Field(name, value), body })
    }

    fn item(above: Vec<Line<'a>>, line: &Line<'a>, rest: &'a str, body: &[Line<'a>]) -> Result<Self, String> {
        let text = rest.trim_start_matches(' ');
        if text.is_empty() || text.starts_with('#') {
            return Err("a dash that stands alone is not laid out".to_owned());
        }
        if text.starts_with('\t') {
            return Err("a tab stands where blanks are wanted".to_owned());
        }
        let indent = line.indent + line.text.len() - text.len();
        let first = Line { indent, text, raw: text };
        if starts_block_text(text) {
            let body = Body::lines(body, true);
            let entry = Self { above: Vec::new(), head: Head::Text(text), body };
            return Ok(Self {
                above,
                head: Head::Item,
                body: Body::Block(Block { entries: vec![entry], behind: Vec::new() }),
            });
        }
        let inner: Vec<Line<'a>> = std::iter::once(first).chain(body.iter().copied()).collect();
        let body = match split_field(text).is_some() || is_item(text) {
            true => Block::read(&inner)?,
            false => {
                let entry = Self { above: Vec::new(), head: Head::Text(text), body: Body::lines(body, false) };
                Block { entries: vec![entry], behind: Vec::new() }
            }
        };
        Ok(Self { above, head: Head::Item, body: Body::Block(body) })
    }
}

impl<'a> Body<'a> {
    fn lines(lines: &[Line<'a>], exact: bool) -> Self {
        if lines.is_empty() { Self::Nothing } else { Self::Lines(lines.to_vec(), exact) }
    }
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// An entry of a list that begins a text whose blanks matter.
fn item_text(text: &str) -> bool {
    is_item(text) && {
        let inner = text[1..].trim_start();
        starts_block_text(split_field(inner).map_or(inner, |(_, value)| value))
    }
}

/// A field's name and what stands behind its colon.
fn split_field(text: &str) -> Option<(&str, &str)> {
    let end = match text.chars().next()? {
        quote @ ('"' | '\'') => 1 + text[1..].find(quote)? + 1,
        '{' | '[' | '#' | '&' | '*' | '!' | '|' | '>' | '%' | '@' | '`' | '?' => return None,
        _ => text.match_indices(':').map(|(at, _)| at).find(|at| {
            let after = text[at + 1..].chars().next();
            after.is_none_or(|c| c == ' ')
        })?,
    };
    let (name, rest) = text.split_at(end);
    let value = rest.strip_prefix(':')?;
    (value.is_empty() || value.starts_with(' ')).then_some((name, value.trim_start()))
}

/// Whether a text in lines of its own begins here: `|` or `>`, with what they take.
fn starts_block_text(value: &str) -> bool {
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    let properties = value.split(' ').take_while(|word| word.starts_with(['&', '!'])).map(|word| word.len() + 1).sum();
    let mut rest = value.get(properties..).unwrap_or_default().chars();
    matches!(rest.next(), Some('|' | '>')) && rest.all(|c| matches!(c, '+' | '-' | '0'..='9'))
}
