//! YAML and JSON as trees of values that know their line and column.
//!
//! A file is cut into its documents first, so that a broken one does not hide the images of the next. Documents without
//! content are skipped. Number, depth and expansion of aliases are bounded; a key that stands twice is an error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number};
use serde_saphyr::{Spanned, UserMessageFormatter, options::AliasLimits};

use super::{At, ManifestError, Problem};
use crate::error::excerpt;

/// A document of a file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    /// What Helm says in a comment that the document was rendered from.
    pub(super) source: Option<String>,
}

/// A value and where it stands in its file.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

/// What YAML and JSON can say.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// The documents of a file, in order, and what is wrong with those that cannot be read.
pub(super) fn documents(text: &str) -> (Vec<Document>, Vec<Problem>) {
    let chunks = chunks(text);
    if chunks.len() > MAX_DOCUMENTS {
        let why = ManifestError::TooManyDocuments { found: chunks.len(), most: MAX_DOCUMENTS };
        return (Vec::new(), vec![Problem { at: At::START, why }]);
    }
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    for (line, chunk) in chunks {
        match document(chunk, line) {
            Ok(root) => documents.push(Document { root, source: source(chunk) }),
            Err(problem) => problems.push(problem),
        }
    }
    (documents, problems)
}

impl Node {
    /// The value of this key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find_map(|(name, node)| (name == key).then_some(node))
    }

    /// The members of an object; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// What stands at a JSON pointer whose keys need no escaping, or as far towards it as there is something.
    pub(super) fn nearest(&self, pointer: &str) -> &Self {
        let step = |node: &'_ Self, key: &str| match &node.value {
            Value::List(items) => key.parse::<usize>().ok().filter(|index| *index < items.len()),
            Value::Object(members) => members.iter().position(|(name, _)| name == key),
            _ => None,
        };
        let mut node = self;
        for key in pointer.split('/').skip(1) {
            match (step(node, key), &node.value) {
                (Some(index), Value::List(items)) => node = &items[index],
                (Some(index), Value::Object(members)) => node = &members[index].1,
                _ => break,
            }
        }
        node
    }

    /// The same without places.
    pub(super) fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(truth) => (*truth).into(),
            Value::Number(number) => number.clone().into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::json).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, node)| (name.clone(), node.json())).collect::<Map<_, _>>().into()
            }
        }
    }

    fn move_down(&mut self, lines: u64) {
        self.at.line += lines;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_down(lines)),
            Value::Object(members) => members.iter_mut().for_each(|(_, node)| node.move_down(lines)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        }
    }
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
fn odd_break(chunk: &str) -> Option<At> {
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

/// Helm's comment, where it stands before anything else of the document.
fn source(chunk: &str) -> Option<String> {
    let mut comments = chunk.lines().take_while(|line| is_empty(line));
    comments.find_map(|line| line.strip_prefix("# Source: ")).map(|source| excerpt(source.trim_end()))
}

fn document(chunk: &str, line: u64) -> Result<Node, Problem> {
    if let Some(at) = odd_break(chunk) {
        return Err(Problem { at: At { line: at.line + line, ..at }, why: ManifestError::Yaml(ODD_BREAK.to_owned()) });
    }
    match serde_saphyr::from_str_with_options::<Node>(chunk, limits()) {
        Ok(mut node) => {
            node.move_down(line);
            Ok(node)
        }
        Err(error) => {
            let at = error.location().map_or(At::START, At::from);
            Err(Problem { at: At { line: at.line + line, ..at }, why: ManifestError::Yaml(words(&error)) })
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
            limits.max_total_replayed_events = MAX_REPLAYED;
            limits
        },
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_total_scalar_bytes: super::MAX_BYTES,
            max_depth: 100,
            max_aliases: 10_000,
            max_anchors: 10_000,
            enforce_alias_anchor_ratio: false,
        },
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

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that JSON does not have"))
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
        let mut members: Vec<(String, Node)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            members.push((name, map.next_value()?));
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => Err(A::Error::custom(format_args!("duplicate mapping key: {}", excerpt(twice[0])))),
            None => Ok(Value::Object(members)),
        }
    }
}

impl From<serde_saphyr::Location> for At {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

const ODD_BREAK: &str = "a line end found that parsers of YAML read in different ways, wanted a line feed";
const MAX_DOCUMENTS: usize = 10_000;
/// Of a document; a CustomResourceDefinition of a megabyte has some 50,000.
const MAX_NODES: usize = 1_000_000;
/// What aliases may add to that.
const MAX_REPLAYED: usize = 100_000;
