//! Lists of names of people, services and namespaces, in which a star stands for any text.

use crate::{object::Object, problem::Objection};

/// Some names, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// Reads a list, where there is one: an empty one would be about nobody.
    pub(crate) fn read(object: &Object<'_>, list: &str) -> Option<Self> {
        if !object.has(list) {
            return None;
        }
        let texts = object.texts(list);
        if !object.given(list) {
            object.object_to(object.at_field(list), Objection::Missing { paths: vec![object.path_of(list)] });
        }
        for text in &texts {
            let good =
                !text.value.is_empty() && text.value.len() <= MAX_LENGTH && !text.value.contains(char::is_control);
            text.expect(good, "a name of at most 253 bytes, in which a star stands for any text");
        }
        Some(Self(texts.into_iter().map(|text| text.value.to_owned()).collect()))
    }

    /// Whether this name is among them, from its first character to its last.
    pub(crate) fn include(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, name))
    }
}

/// The parts between the stars, in order, each where it is found first; the last one at the end.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

/// No name of Kubernetes is longer.
const MAX_LENGTH: usize = 253;

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn star_stands_for_any_text() {
        for (pattern, name) in [
            ("ci-*", "ci-build"),
            ("ci-*", "ci-"),
            ("*", ""),
            ("*", "system:serviceaccount:shop:builder"),
            ("system:serviceaccount:*:builder", "system:serviceaccount:shop:builder"),
            ("a*b*c", "abc"),
            ("a*b*c", "a-b-b-c-c"),
            ("*ü", "Jürgen-ü"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn the_whole_name_must_match() {
        for (pattern, name) in [
            ("ci-*", "xci-build"),
            ("ci-*", "CI-build"),
            ("ci", "ci-build"),
            ("*-prod", "x-prod2"),
            ("a*b*c", "acb"),
            ("ab*ba", "aba"),
            ("ci-?", "ci-x"),
            ("system:serviceaccount:*:builder", "system:serviceaccount:builder"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
