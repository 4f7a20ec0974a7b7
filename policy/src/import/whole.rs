//! Regular expressions that are found anywhere, as ones that match from end to end.
//!
//! In a ClusterImagePolicy they are found, in an ImagePolicy they match whole.

use regex_syntax::hir::Look;
use serde_json::{Value, json};
use verifier::TextMatcher;

/// Rewrites those of an authority's identities.
pub(super) fn identities(authority: &mut Value) -> Result<(), String> {
    let Some(identities) = authority.pointer_mut("/keyless/identities").and_then(Value::as_array_mut) else {
        return Ok(());
    };
    for identity in identities {
        for name in ["issuerRegExp", "subjectRegExp"] {
            if let Some(text) = identity.get(name).and_then(Value::as_str) {
                identity[name] = json!(whole(text)?);
            }
        }
    }
    Ok(())
}

/// An expression that matches a text from end to end where this one is found in it.
fn whole(found: &str) -> Result<String, String> {
    let unreadable = |_| format!("`{found}` cannot be matched from end to end");
    let properties = regex_syntax::parse(found).map_err(|_| unreadable(()))?.properties().clone();
    let before = if properties.look_set_prefix().contains(Look::Start) { "" } else { ANYTHING };
    let after = if properties.look_set_suffix().contains(Look::End) { "" } else { ANYTHING };
    let whole = match (before, after) {
        ("", "") => found.to_owned(),
        _ => format!("{before}(?:{found}){after}"),
    };
    TextMatcher::whole(&whole).map_err(|_| unreadable(()))?;
    Ok(whole)
}

const ANYTHING: &str = "(?s:.*)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_is_where_it_is_found_and_nowhere_else() {
        let texts = ["", "a", "b", "ab", "ba", "xab", "abx", "x\nab\nx", "AB", "aa"];
        for found in ["ab", "^ab", "ab$", "^ab$", "^a|b$", "(?i)ab", "(?m)^ab$", ".*", "a(b|$)", "^(a|b)+$", r"\Aab"] {
            let (here, there) =
                (TextMatcher::whole(&whole(found).unwrap()).unwrap(), TextMatcher::found(found).unwrap());
            for text in texts {
                assert_eq!(here.matches(text), there.matches(text), "{found} {text:?}");
            }
        }
    }

    #[test]
    fn anchored_expressions_stay_as_they_are() {
        assert_eq!(whole("^https://github\\.com/acme/.*$").unwrap(), "^https://github\\.com/acme/.*$");
        assert_eq!(whole("^https").unwrap(), "(?:^https)(?s:.*)");
    }

    #[test]
    fn comments_that_would_swallow_the_end_are_refused() {
        assert!(whole("(?x)ab # comment").is_err());
    }
}
