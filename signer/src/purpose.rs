//! What a file's bytes are, if a signature of them would count for something else than the file.
//!
//! A signature covers bytes, and does not say for what they were signed. Read here as the most lenient verifier reads:
//! in any case of letters, with names that occur twice, and with text that is none.

use std::{cell::Cell, fmt};

use oci::simple_signing::IMAGE_SIGNATURE;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// For what else a file's signature would count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The bytes are the payload of an image's signature.
    ImageSignature,
    /// The bytes are those that the signature of an envelope (DSSE) covers.
    Attestation,
}

impl Purpose {
    /// What else a signature of these bytes would be; nothing, for most files.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(PAE) {
            return Some(Self::Attestation);
        }
        let found = Cell::new(false);
        let look = Look { at: Place::Top, found: &found };
        // whatever is wrong with the rest, what was seen was seen
        let _ = look.deserialize(&mut serde_json::Deserializer::from_slice(bytes));
        found.get().then_some(Self::ImageSignature)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImageSignature => "the payload of an image's signature",
            Self::Attestation => "what the signature of an attestation covers (DSSE)",
        })
    }
}

/// Reads a value at a place of a payload, and remembers what gives it away.
#[derive(Clone, Copy)]
struct Look<'a> {
    at: Place,
    found: &'a Cell<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Critical,
    Image,
    Type,
    Elsewhere,
}

impl Place {
    fn below(self, name: &[u8]) -> Self {
        let name = folded(name);
        match (self, name.as_str()) {
            (Self::Top, "critical") => Self::Critical,
            (Self::Critical, "image") => Self::Image,
            (Self::Critical, "type") => Self::Type,
            _ => Self::Elsewhere,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        match self.at {
            Place::Elsewhere => IgnoredAny::deserialize(value).map(drop),
            Place::Type => {
                let text = Option::<Text>::deserialize(value)?;
                let known = |text: Text| TYPES.iter().any(|known| known.as_bytes() == text.0);
                self.found.set(self.found.get() || text.is_some_and(known));
                Ok(())
            }
            Place::Top | Place::Critical | Place::Image => value.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = members.next_key()? {
            let digest = self.at == Place::Image && folded(&name) == DIGEST;
            self.found.set(self.found.get() || digest);
            members.next_value_seed(Look { at: self.at.below(&name), ..self })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("a list is no payload"))
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Text, or what stands in its place.
struct Text(Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(bytes.to_vec()))
    }
}

/// A name without regard to case, as Go compares names: two signs that are no ASCII are letters of it there.
fn folded(name: &[u8]) -> String {
    let plain = |letter| match letter {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        other => other.to_ascii_lowercase(),
    };
    String::from_utf8_lossy(name).chars().map(plain).collect()
}

/// How the bytes begin that an envelope's signature covers.
const PAE: &[u8] = b"DSSEv1 ";
const DIGEST: &str = "docker-manifest-digest";
/// The second is that of signatures by GPG, which some verifiers of cosign's take as well.
const TYPES: [&str; 2] = [IMAGE_SIGNATURE, "atomic container signature"];

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: &str = r#"{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"sha256:00"},"type":"cosign container image signature"},"optional":null}"#;

    #[test]
    fn payload_of_an_image_signature_is_told_by_its_type_or_by_its_digest() {
        for text in [
            PAYLOAD,
            r#"{"critical":{"type":"cosign container image signature"}}"#,
            r#"{"critical":{"type":"atomic container signature"}}"#,
            r#"{"critical":{"image":{"docker-manifest-digest":""}}}"#,
            "\n{\"critical\":{\"type\":\"\\u0063osign container image signature\"}}",
        ] {
            assert_eq!(Purpose::of(text.as_bytes()), Some(Purpose::ImageSignature), "{text}");
        }
    }

    #[test]
    fn what_a_lenient_reader_takes_for_a_payload_is_one() {
        let with = |old: &str, new: &str| PAYLOAD.replace(old, new);
        for text in [
            with("{\"critical", "{\"\\ud800\":[[]],\"Critical"),
            with("{\"critical", "{\"critical\":null,\"critical\":{},\"critical"),
            with("\"optional\"", "\"critical\":7,\"optional\""),
            with("docker-manifest", "doc\u{212a}er-manife\u{17f}t").replace("cosign container", ""),
            with("cosign container image signature", "\\ud800"),
            with("\"cosign container image signature\"", "null"),
            with("\"optional\":null", "\"optional\":1e999"),
        ] {
            assert_eq!(Purpose::of(text.as_bytes()), Some(Purpose::ImageSignature), "{text}");
        }
        let invalid = [b"{\"\xff\":\"\xff\",", &PAYLOAD.as_bytes()[1..]].concat();
        assert_eq!(Purpose::of(&invalid), Some(Purpose::ImageSignature));
    }

    #[test]
    fn bytes_that_an_envelopes_signature_covers_are_told_by_their_beginning() {
        assert_eq!(Purpose::of(b"DSSEv1 28 application/vnd.in-toto+json 2 {}"), Some(Purpose::Attestation));
        for other in ["DSSEv1", "DSSEv10 ", " DSSEv1 28"] {
            assert_eq!(Purpose::of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn other_files_are_themselves_alone() {
        for text in [
            "",
            "hello",
            "{}",
            r#"{"critical":{"type":"threshold","image":"a.png"},"warning":{"type":"atomic container signature"}}"#,
            r#"{"critical":[{"type":"cosign container image signature"}]}"#,
            r#"{"critical":{"image":[{"docker-manifest-digest":""}]}}"#,
            r#"[{"critical":{"type":"cosign container image signature"}}]"#,
            r#"{"payload":{"critical":{"type":"cosign container image signature"}}}"#,
            r#""critical""#,
        ] {
            assert_eq!(Purpose::of(text.as_bytes()), None, "{text}");
        }
    }
}
