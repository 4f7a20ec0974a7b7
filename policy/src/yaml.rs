//! Policy files as trees of values that know their line and column.
//!
//! A file is cut into its documents first, so that a broken one does not hide the problems of the next. Documents
//! without content are skipped. Size, number, depth and expansion of aliases are bounded.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, UserMessageFormatter, options::AliasLimits};

use crate::problem::{At, Objection, Problems, excerpt};

/// A value and where it stands in its file.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// What YAML and JSON can say.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// A number; which one is known where it is a whole one that is not negative.
    Number(Option<u64>),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// One entry of an object.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) at: At,
    pub(crate) node: Node,
}

impl Value {
    /// The kind of value, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// The documents of a file, in order; what could not be read is among the problems.
pub(crate) fn documents(text: &str, problems: &Problems) -> Vec<Node> {
    if text.len() > MAX_FILE {
        problems.add(At::START, Objection::TooLarge { found: text.len(), most: MAX_FILE });
        return Vec::new();
    }
    let chunks = chunks(text);
    if chunks.len() > MAX_DOCUMENTS {
        problems.add(At::START, Objection::TooManyDocuments { most: MAX_DOCUMENTS });
        return Vec::new();
    }
    chunks.into_iter().filter_map(|(line, chunk)| document(chunk, line, problems)).collect()
}

/// Cuts at `---` and `...`; YAML allows neither at the start of a line within a document, not even inside a string.
fn chunks(text: &str) -> Vec<(u64, &str)> {
    let mut chunks = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 0, 0);
    for (number, line) in (0..).zip(text.split_inclusive('\n')) {
        if is_marker(line, "---") {
            chunks.push((start_line, &text[start..offset]));
            (start, start_line) = (offset, number);
        }
        offset += line.len();
        if is_marker(line, "...") {
            chunks.push((start_line, &text[start..offset]));
            (start, start_line) = (offset, number + 1);
        }
    }
    chunks.push((start_line, &text[start..]));
    chunks.retain(|(_, chunk)| !is_empty(chunk));
    chunks
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Whether there is nothing but blank lines, comments and document markers.
fn is_empty(chunk: &str) -> bool {
    odd_break(chunk).is_none() && has_no_content(chunk)
}

/// Where something ends a line to some parsers of YAML and not to others, so that they differ in what is a comment.
pub(crate) fn odd_break(chunk: &str) -> Option<At> {
    let bytes = chunk.as_bytes();
    let ends = |(at, c): &(usize, char)| match c {
        '\r' => bytes.get(at + 1) != Some(&b'\n'),
        c => matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'),
    };
    let (end, _) = chunk.char_indices().find(ends)?;
    let before = chunk[..end].rsplit('\n').next().unwrap_or_default();
    let line = chunk[..end].bytes().filter(|byte| *byte == b'\n').count() as u64;
    Some(At { line: line + 1, column: before.chars().count() as u64 + 1 })
}

fn has_no_content(chunk: &str) -> bool {
    chunk.trim_start_matches('\u{feff}').lines().all(|line| {
        let marker = is_marker(line, "---") || is_marker(line, "...");
        let content = if marker { &line[3..] } else { line }.trim_start();
        content.is_empty() || content.starts_with('#')
    })
}

fn document(chunk: &str, line: u64, problems: &Problems) -> Option<Node> {
    if let Some(at) = odd_break(chunk) {
        problems.add(At { line: at.line + line, ..at }, Objection::Yaml { why: ODD_BREAK.to_owned() });
        return None;
    }
    match serde_saphyr::from_str_with_options::<Node>(chunk, limits()) {
        Ok(mut node) => {
            node.move_down(line);
            Some(node)
        }
        Err(error) => {
            let at = error.location().map_or(At { line: 1, column: 1 }, At::from);
            problems.add(At { line: at.line + line, ..at }, Objection::Yaml { why: words(&error) });
            None
        }
    }
}

/// What the parser says, without the place, which it counts within the document.
fn words(error: &serde_saphyr::Error) -> String {
    let text = error.render_with_formatter(&UserMessageFormatter);
    let line = text.lines().next().unwrap_or_default();
    excerpt(line.rsplit_once(" at line ").map_or(line, |(words, _)| words))
}

fn limits() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        reject_unsupported_tags: true,
        alias_limits: {
            let mut limits = AliasLimits::default();
            limits.max_total_replayed_events = MAX_NODES;
            limits
        },
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_depth: 40,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
    }
}

impl Node {
    fn move_down(&mut self, lines: u64) {
        self.at.line += lines;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_down(lines)),
            Value::Object(members) => members.iter_mut().for_each(|member| {
                member.at.line += lines;
                member.node.move_down(lines);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { at: spanned.referenced.into(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.try_into().ok()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(Some(number)))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Value, E> {
        Ok(Value::Number(None))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::Number(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Number(None))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<Spanned<String>>()? {
            members.push(Member { at: name.referenced.into(), name: name.value, node: map.next_value()? });
        }
        Ok(Value::Object(members))
    }
}

impl From<serde_saphyr::Location> for At {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

/// The API server accepts objects up to 1.5 MiB; a file may hold a few of them.
const MAX_FILE: usize = 4 << 20;
/// What [`odd_break`] finds, in words.
pub(crate) const ODD_BREAK: &str = "a line end found that parsers of YAML read in different ways, wanted a line feed";
const MAX_DOCUMENTS: usize = 1_000;
const MAX_NODES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, Vec<(At, Objection)>) {
        let problems = Problems::default();
        let nodes = documents(text, &problems);
        (nodes, problems.take())
    }

    #[test]
    fn places_are_counted_in_the_file_not_in_the_document() {
        let (nodes, problems) = read("# only a comment\n---\na: 1\n---\n# b\nlist:\n- x: {y: no}\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(nodes.len(), 2);
        let Value::Object(top) = &nodes[1].value else { panic!("{nodes:?}") };
        assert_eq!(top[0].at, At { line: 6, column: 1 });
        let Value::List(items) = &top[0].node.value else { panic!("{top:?}") };
        let Value::Object(item) = &items[0].value else { panic!("{items:?}") };
        assert_eq!(item[0].at, At { line: 7, column: 3 });
    }

    #[test]
    fn a_broken_document_does_not_hide_the_next() {
        let (nodes, problems) = read("a: [1\n---\nb: 2\n---\nc: {\n...\n");
        assert_eq!(nodes.len(), 1);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[1].0.line >= 5, "{problems:?}");
    }

    #[test]
    fn comments_markers_and_blank_lines_are_no_document() {
        let (nodes, problems) = read("\u{feff}# x\n\n--- # y\r\n...\n---\n   # z\n");
        assert!(nodes.is_empty() && problems.is_empty(), "{nodes:?} {problems:?}");
    }

    #[test]
    fn a_line_end_that_hides_an_object_from_some_parsers_is_refused() {
        for end in ["\r", "\u{85}", "\u{2028}", "\u{2029}"] {
            let (nodes, problems) = read(&format!("# x\n---\n# \u{e9}{end}a: 1\n---\nb: 1\r\n"));
            assert_eq!(nodes.len(), 1, "{end:?}");
            assert_eq!(
                problems,
                [(At { line: 3, column: 4 }, Objection::Yaml { why: ODD_BREAK.to_owned() })],
                "{end:?}"
            );
        }
    }

    #[test]
    fn duplicate_keys_and_foreign_tags_are_refused() {
        for text in ["a: 1\na: 2\n", "{\"a\": 1, \"a\": 1}", "a: !secret x\n"] {
            let (nodes, problems) = read(text);
            assert!(nodes.is_empty(), "{text}");
            assert!(matches!(problems[..], [(_, Objection::Yaml { .. })]), "{problems:?}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let ten = format!("*a{}, ", i - 1).repeat(10);
            aliases += &format!("a{i}: &a{i} [{ten}]\n");
        }
        let deep = "[".repeat(500) + &"]".repeat(500);
        let wide = format!("[{}1]", "1,".repeat(200_000));
        for text in [aliases, deep, wide, "x".repeat(MAX_FILE + 1), "--- 1\n".repeat(1_500)] {
            let (nodes, problems) = read(&text);
            assert!(nodes.is_empty() && problems.len() == 1, "{:.40}", text);
        }
    }

    #[test]
    fn a_quoted_word_is_text_and_a_bare_one_is_what_it_means() {
        let (nodes, _) = read("[\"true\", true, \"1\", 1, ~, 1.5, yes]");
        let Value::List(items) = &nodes[0].value else { panic!("{nodes:?}") };
        let kinds: Vec<_> = items.iter().map(|item| item.value.kind()).collect();
        let wanted = ["a string", "a boolean", "a string", "a number", "null", "a number", "a boolean"];
        assert_eq!(kinds, wanted);
    }
}
