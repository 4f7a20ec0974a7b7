//! One change to a JSON document, as the fuzzer chooses it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use serde_json::{Map, Value};

use crate::pointers::{paths, remove};

/// What to change, and where: the place is counted over all members and items.
#[derive(Debug, Arbitrary)]
pub(crate) struct Alteration {
    place: u16,
    change: Change,
}

/// What the place of a member ends in that nobody knows.
pub(crate) const STRANGER: &str = "/?";

#[derive(Debug, Arbitrary)]
enum Change {
    /// One bit of the bytes, or of the text itself.
    Bit(u16),
    /// Bytes in place of the bytes that are there.
    Bytes(Vec<u8>),
    Text(String),
    Number(u32),
    /// What is at another place.
    CopyOf(u16),
    Remove,
    /// One more member with this name, or the last item once more.
    Add(String),
    Null,
}

impl Alteration {
    /// Changes the document, and says where. Nothing, where it would stay as it is.
    pub(crate) fn apply(&self, document: &mut Value) -> Option<String> {
        let places = paths(document, String::new());
        let place = places.get(usize::from(self.place) % places.len().max(1))?.clone();
        let before = document.clone();
        match &self.change {
            Change::Remove => remove(document, &place),
            Change::CopyOf(other) => {
                let copy = before.pointer(&places[usize::from(*other) % places.len()])?.clone();
                *document.pointer_mut(&place)? = copy;
            }
            change => change.apply(document.pointer_mut(&place)?),
        }
        let stranger = before.pointer(&place)?.is_object() && matches!(self.change, Change::Add(_));
        (*document != before).then(|| if stranger { place + STRANGER } else { place })
    }
}

impl Change {
    fn apply(&self, value: &mut Value) {
        *value = match (self, &*value) {
            (Self::Bit(bit), Value::String(text)) => flipped(text, usize::from(*bit)).into(),
            (Self::Bytes(bytes), _) => BASE64_STANDARD.encode(bytes).into(),
            (Self::Text(text), _) => text.clone().into(),
            (Self::Number(number), Value::String(_)) => number.to_string().into(),
            (Self::Number(number), _) => (*number).into(),
            (Self::Add(name), Value::Object(map)) => with_member(map, name).into(),
            (Self::Add(_), Value::Array(items)) => items.iter().chain(items.last()).cloned().collect(),
            _ => Value::Null,
        };
    }
}

fn flipped(text: &str, bit: usize) -> String {
    match BASE64_STANDARD.decode(text) {
        Ok(mut bytes) if !bytes.is_empty() => {
            let at = (bit / 8) % bytes.len();
            bytes[at] ^= 1 << (bit % 8);
            BASE64_STANDARD.encode(bytes)
        }
        _ => format!("{text}{bit}"),
    }
}

fn with_member(map: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let mut map = map.clone();
    map.entry(name).or_insert(Value::Bool(true));
    map
}
