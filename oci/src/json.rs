//! JSON that can be read in one way only.
//!
//! Where bytes are signed or hashed, two programs must see the same document. [`parse`] refuses duplicate keys and
//! trailing bytes; [`exact_names`] refuses keys that differ from a known one only by case, since Go's decoder takes
//! them for the known one and others do not. Depth is bounded by `serde_json` (128), the number of values by
//! [`MAX_VALUES`].

mod skim;

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use self::skim::{OpenKeys, Skim};
use crate::excerpt;

/// The most values (numbers, strings, lists, objects…) in one document.
pub const MAX_VALUES: usize = 50_000;

const MAX_WORDS: usize = 200;
const MAX_KEY: usize = 60;

/// Why a text is not JSON that can be read in one way only. Built from the parser's words, which name line and column;
/// at most 200 bytes, at most 60 of them from a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

impl JsonError {
    fn new(mut words: String) -> Self {
        words.truncate(words.floor_char_boundary(MAX_WORDS));
        Self(words)
    }
}

/// Reads one JSON value, without duplicate keys and without anything but blanks after it.
///
/// # Errors
/// Fails if the bytes are not JSON, if a key stands twice in one object, if anything follows the value, or if the
/// document holds more than [`MAX_VALUES`] values or is nested deeper than 128.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    read(bytes, None)
}

/// Reads one JSON value as [`parse`] does, save that one member of the outermost object is checked and not kept: it is
/// null then, and may be of any size.
///
/// # Errors
/// As [`parse`]; in that member, on more than [`MAX_VALUES`] keys in objects that are open at one point.
pub fn parse_without(bytes: &[u8], unread: &str) -> Result<Value, JsonError> {
    read(bytes, Some(unread))
}

fn read(bytes: &[u8], unread: Option<&str>) -> Result<Value, JsonError> {
    let budget = Cell::new(MAX_VALUES);
    // at once for all of it, not for each string
    let text = std::str::from_utf8(bytes).map_err(|e| JsonError::new(e.to_string()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let strict = Strict { budget: &budget, unread };
    let value = strict.deserialize(&mut deserializer).map_err(|e| JsonError::new(e.to_string()))?;
    deserializer.end().map_err(|e| JsonError::new(e.to_string()))?;
    Ok(value)
}

/// Refuses an object whose keys include one that is spelled like a known name in other case.
///
/// # Errors
/// Names the key found and the name wanted.
pub fn exact_names(object: &Map<String, Value>, known: &[&str]) -> Result<(), JsonError> {
    for key in object.keys() {
        let folded = fold(key);
        if let Some(name) = known.iter().find(|name| fold(name) == folded && **name != key) {
            let found = excerpt(key, MAX_KEY);
            return Err(JsonError::new(format!("key `{found}` found, wanted exactly `{name}`")));
        }
    }
    Ok(())
}

/// Case folding as Go's decoder does it: ASCII, and the two other letters that fold into ASCII.
fn fold(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

struct Strict<'a> {
    budget: &'a Cell<usize>,
    /// The member of this object that is not kept.
    unread: Option<&'a str>,
}

impl Strict<'_> {
    /// For what is inside.
    fn inner(&self) -> Strict<'_> {
        Strict { budget: self.budget, unread: None }
    }

    fn spend<E: serde::de::Error>(&self) -> Result<(), E> {
        let left = self.budget.get().checked_sub(1);
        self.budget.set(left.ok_or_else(|| E::custom(format_args!("more than {MAX_VALUES} values")))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.spend()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
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
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self.inner())? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("key `{}` stands twice", excerpt(&key, MAX_KEY))));
            }
            let value = match self.unread {
                Some(unread) if unread == key => {
                    map.next_value_seed(Skim(&mut OpenKeys::default())).map(|()| Value::Null)?
                }
                _ => map.next_value_seed(self.inner())?,
            };
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_key_is_refused_at_any_depth() {
        assert!(parse(br#"{"a":1,"a":1}"#).is_err());
        assert!(parse(br#"[{"b":{"a":1,"\u0061":2}}]"#).is_err());
        assert!(parse(br#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert!(parse(b"{} {}").is_err());
        assert!(parse(b"{}x").is_err());
        assert!(parse(b" {} \n").is_ok());
    }

    #[test]
    fn too_many_values_are_refused() {
        let many = format!("[{}1]", "1,".repeat(MAX_VALUES));
        assert!(parse(many.as_bytes()).is_err());
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert!(parse("[".repeat(200_000).as_bytes()).is_err());
    }

    #[test]
    fn what_is_said_of_a_huge_key_is_short_and_harmless() {
        for key in ["k", "\u{1f980}", "\u{202e}\u{1b}"].map(|text| text.repeat(100_000)) {
            let member = format!("{}:1", Value::from(key.as_str()));
            let said = parse(format!("{{{member},{member}}}").as_bytes()).unwrap_err().to_string();
            assert!(said.len() <= 200, "{} bytes", said.len());
            assert!(said.contains("stands twice") && !said.contains(['\u{1b}', '\u{202e}']), "{said}");
        }
        let object = Map::from_iter([("K".repeat(100_000), Value::Null)]);
        let said = exact_names(&object, &["k".repeat(100_000).as_str()]).unwrap_err().to_string();
        assert!(said.len() <= 200 && said.starts_with("key `KKK"), "{said}");
    }

    #[test]
    fn huge_key_that_stands_twice_is_told_with_its_place() {
        let key = "k".repeat(1000);
        let text = parse(format!(r#"{{"{key}":1,"{key}":2}}"#).as_bytes()).unwrap_err().to_string();
        assert_eq!(text, format!("key `{}` stands twice at line 1 column 2008", &key[..60]));
    }

    #[test]
    fn names_in_other_case_are_refused() {
        let object = |text: &str| parse(text.as_bytes()).unwrap().as_object().unwrap().clone();
        assert!(exact_names(&object(r#"{"Type":1}"#), &["type"]).is_err());
        assert!(exact_names(&object("{\"\u{17f}ubject\":1}"), &["subject"]).is_err());
        assert!(exact_names(&object(r#"{"type":1,"other":2}"#), &["type"]).is_ok());
    }

    #[test]
    fn member_that_is_not_kept_is_checked_all_the_same() {
        let read = |text: &str| parse_without(text.as_bytes(), "b");
        assert_eq!(
            read(r#"{"a":{"b":[1]},"b":{"c":[{"d":1.5e3,"e":"x"},{"d":null}],"\u0065":true}}"#).unwrap(),
            serde_json::json!({ "a": { "b": [1] }, "b": null })
        );
        for bad in [
            r#"{"b":1,"b":1}"#,
            r#"{"b":{"a":1,"a":1}}"#,
            r#"{"b":[[{"a":1,"c":2,"\u0061":1}]]}"#,
            r#"{"b":1e999}"#,
            r#"{"b":{"a":}}"#,
            r#"{"b":1}x"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!(r#"{{"b":{}1{}}}"#, "[".repeat(200), "]".repeat(200))).is_err());
        let words = read(&format!(r#"{{"b":{{"{0}":1,"{0}":1}}}}"#, "k".repeat(9000))).unwrap_err().to_string();
        assert!(words.len() <= 200 && words.contains("stands twice"), "{words}");
    }

    #[test]
    fn member_that_is_not_kept_may_hold_any_number_of_values_but_not_of_keys_at_once() {
        let read = |text: &str| parse_without(text.as_bytes(), "b").map(|_| ());
        let values = vec!["{\"a\":0}"; MAX_VALUES + 1].join(",");
        assert_eq!(read(&format!(r#"{{"b":[{values}]}}"#)), Ok(()));
        assert!(read(&format!(r#"{{"a":[{values}]}}"#)).is_err());
        let keys = |count: usize| (0..count).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",");
        assert_eq!(read(&format!(r#"{{"b":{{{}}}}}"#, keys(MAX_VALUES))), Ok(()));
        assert!(read(&format!(r#"{{"b":{{{}}}}}"#, keys(MAX_VALUES + 1))).is_err());
    }
}
