//! Conditional requests (RFC 9110, section 13) on entities whose strong tag is their digest in quotes.
//!
//! A condition that cannot be read is never taken for one that is met: the writer believed to be guarded.

use http::{
    HeaderMap, HeaderName,
    header::{IF_MATCH, IF_NONE_MATCH},
};
use oci::AnyDigest;

use super::problem::Problem;

/// The strong entity tag of some content.
pub(super) fn entity_tag(digest: &AnyDigest) -> String {
    format!("\"{digest}\"")
}

/// What must hold of the present state for a write to be done.
pub(super) struct Precondition {
    matches: Option<Tags>,
    none_matches: Option<Tags>,
}

impl Precondition {
    /// Reads `If-Match` and `If-None-Match`.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        Self { matches: Tags::read(headers, &IF_MATCH), none_matches: Tags::read(headers, &IF_NONE_MATCH) }
    }

    /// Whether a write may replace `current`.
    pub(super) fn check(&self, current: Option<&AnyDigest>) -> Result<(), Problem> {
        let matched = match &self.matches {
            None => true,
            Some(Tags::Unreadable) => false,
            Some(tags) => tags.name(current, Comparison::Strong),
        };
        let unmatched = match &self.none_matches {
            None => true,
            Some(Tags::Unreadable) => false,
            Some(tags) => !tags.name(current, Comparison::Weak),
        };
        if matched && unmatched { Ok(()) } else { Err(Problem::Condition) }
    }
}

/// Whether the reader has this content already (`304`).
pub(super) fn is_known_to(headers: &HeaderMap, digest: &AnyDigest) -> bool {
    Tags::read(headers, &IF_NONE_MATCH).is_some_and(|tags| tags.name(Some(digest), Comparison::Weak))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

enum Tags {
    Any,
    /// Each with whether it is weak, in quotes.
    Listed(Vec<(bool, String)>),
    Unreadable,
}

impl Tags {
    fn read(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let values: Vec<&[u8]> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
        if values.is_empty() {
            return None;
        }
        let text = String::from_utf8(values.join(b",".as_slice())).unwrap_or_default();
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        Some(text.split(',').map(tag).collect::<Option<_>>().map_or(Self::Unreadable, Self::Listed))
    }

    fn name(&self, current: Option<&AnyDigest>, comparison: Comparison) -> bool {
        let Some(current) = current else { return false };
        match self {
            Self::Any => true,
            Self::Unreadable => false,
            Self::Listed(tags) => {
                let wanted = entity_tag(current);
                tags.iter().any(|(weak, tag)| *tag == wanted && (!weak || comparison == Comparison::Weak))
            }
        }
    }
}

/// One entity tag. A comma inside one would split it into two that are no tags, hence unreadable: ours have none.
fn tag(text: &str) -> Option<(bool, String)> {
    let text = text.trim();
    let (weak, quoted) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then(|| (weak, quoted.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: HeaderName, value: &str, current: Option<&AnyDigest>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Precondition::read(&headers).check(current).is_ok()
    }

    fn digest(text: &str) -> AnyDigest {
        oci::Digest::of(text.as_bytes()).into()
    }

    #[test]
    fn if_match_wants_the_present_digest() {
        let (old, new) = (digest("old"), digest("new"));
        assert!(check(IF_MATCH, &entity_tag(&old), Some(&old)));
        assert!(check(IF_MATCH, &format!("\"x\", {}", entity_tag(&old)), Some(&old)));
        assert!(check(IF_MATCH, "*", Some(&old)));
        assert!(!check(IF_MATCH, &entity_tag(&old), Some(&new)));
        assert!(!check(IF_MATCH, &entity_tag(&old), None));
        assert!(!check(IF_MATCH, "*", None));
        assert!(!check(IF_MATCH, &format!("W/{}", entity_tag(&old)), Some(&old)));
    }

    #[test]
    fn if_none_match_wants_another_digest_or_none() {
        let (old, new) = (digest("old"), digest("new"));
        assert!(check(IF_NONE_MATCH, "*", None));
        assert!(check(IF_NONE_MATCH, &entity_tag(&old), Some(&new)));
        assert!(!check(IF_NONE_MATCH, "*", Some(&old)));
        assert!(!check(IF_NONE_MATCH, &entity_tag(&old), Some(&old)));
        assert!(!check(IF_NONE_MATCH, &format!("W/{}", entity_tag(&old)), Some(&old)));
    }

    #[test]
    fn unreadable_conditions_are_not_met() {
        let old = digest("old");
        for text in [old.to_string().as_str(), "", "\"", "\"a\"b\"", "*, *"] {
            assert!(!check(IF_MATCH, text, Some(&old)), "{text}");
            assert!(!check(IF_NONE_MATCH, text, None), "{text}");
        }
    }
}
