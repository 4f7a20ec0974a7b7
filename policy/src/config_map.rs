//! The ConfigMap `config-policy-controller`: what happens where no policy has a say.

use crate::{
    cluster_image_policy::EmptyAuthorities,
    object::{Object, Text},
};

/// What is done about an image that no policy matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMatch {
    /// It is refused.
    Deny,
    /// It is let in with a warning.
    Warn,
    /// It is let in.
    Allow,
}

/// The settings; strict where the ConfigMap is absent or silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) no_match: NoMatch,
    pub(crate) empty: EmptyAuthorities,
}

impl Config {
    pub(crate) const STRICT: Self = Self { no_match: NoMatch::Deny, empty: EmptyAuthorities::Invalid };

    /// Reads the ConfigMap.
    pub(crate) fn read(top: &Object<'_>) -> Self {
        const KEYS: [&str; 4] = ["_example", "no-match-policy", "fail-on-empty-authorities", "enable-oci11"];
        let Some(data) = top.object("data", &KEYS) else { return Self::STRICT };
        data.text("_example");
        // Referrers are always looked at, and always verified, so that this setting changes nothing.
        if let Some(text) = data.text("enable-oci11") {
            boolean(&text);
        }
        let keep = data.text("fail-on-empty-authorities").is_some_and(|text| boolean(&text) == Some(false));
        Self {
            no_match: data.text("no-match-policy").map_or(NoMatch::Deny, |text| no_match(text.value)),
            empty: if keep { EmptyAuthorities::Unsatisfiable } else { EmptyAuthorities::Invalid },
        }
    }
}

/// An unknown word denies, as upstream.
fn no_match(word: &str) -> NoMatch {
    match word {
        "allow" => NoMatch::Allow,
        "warn" => NoMatch::Warn,
        _ => NoMatch::Deny,
    }
}

/// The spellings of Go's strconv.ParseBool.
fn boolean(text: &Text<'_>) -> Option<bool> {
    match text.value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => {
            text.expect(false, "true or false");
            None
        }
    }
}
