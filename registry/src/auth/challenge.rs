//! The `WWW-Authenticate` header, RFC 9110 section 11.6.1: several challenges, several parameters each, quoted strings.

use http::{HeaderMap, header};
use url::Url;

/// What a registry wants before it answers. Bearer is preferred where both are offered: a token is worth less than a
/// password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password.
    Basic,
    /// A token from this service.
    Bearer {
        /// The token service's address.
        realm: Url,
        /// The name by which the token service knows the registry.
        service: Option<String>,
        /// The scopes that the registry says are wanted.
        scope: Option<String>,
    },
}

impl Challenge {
    /// The challenge to answer, of all headers and all challenges in them; none if we know none of the schemes.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let offered: Vec<_> = texts.flat_map(parse).collect();
        let bearer = offered.iter().filter(|c| c.scheme.eq_ignore_ascii_case("bearer")).find_map(Offer::bearer);
        bearer.or_else(|| offered.iter().any(|c| c.scheme.eq_ignore_ascii_case("basic")).then_some(Self::Basic))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Offer {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Offer {
    fn bearer(&self) -> Option<Challenge> {
        let get = |name: &str| self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let realm = Url::parse(&get("realm")?).ok()?;
        Some(Challenge::Bearer { realm, service: get("service"), scope: get("scope") })
    }
}

/// Reads challenges as far as they are well-formed; what follows a fault is dropped.
fn parse(text: &str) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((word, after)) = token(rest) else { return offers };
        let after = after.trim_start_matches([' ', '\t']);
        match (after.strip_prefix('='), offers.last_mut()) {
            (Some(value), Some(offer)) => {
                let Some((value, after)) = parameter_value(value.trim_start_matches([' ', '\t'])) else {
                    return offers;
                };
                offer.parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            (Some(_), None) => return offers,
            (None, _) => {
                offers.push(Offer { scheme: word.to_owned(), parameters: Vec::new() });
                rest = after;
            }
        }
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !is_token_character(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        // registries write unquoted addresses too, which are no tokens: up to the next comma or blank
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(texts: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(header::WWW_AUTHENTICATE, text.parse().unwrap());
        }
        Challenge::from_headers(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let realm = Url::parse(realm).unwrap();
        Some(Challenge::Bearer { realm, service: service.map(Into::into), scope: scope.map(Into::into) })
    }

    #[test]
    fn commas_inside_quotes_do_not_separate() {
        let text = r#"Bearer realm="https://a.b/token",service="reg",scope="repository:x:pull,push""#;
        assert_eq!(challenge(&[text]), bearer("https://a.b/token", Some("reg"), Some("repository:x:pull,push")));
    }

    #[test]
    fn bearer_is_found_behind_other_challenges_and_headers() {
        let one = r#"Negotiate, Basic realm="x, Bearer y", bearer Realm = "https://a.b/t""#;
        assert_eq!(challenge(&[one]), bearer("https://a.b/t", None, None));
        assert_eq!(
            challenge(&["Basic realm=\"x\"", "Bearer realm=\"https://a.b/t\""]),
            bearer("https://a.b/t", None, None)
        );
    }

    #[test]
    fn escaped_quote_belongs_to_the_value() {
        assert_eq!(
            challenge(&[r#"Bearer service="a\"b",realm="https://a.b/""#]),
            bearer("https://a.b/", Some("a\"b"), None)
        );
    }

    #[test]
    fn basic_serves_where_bearer_has_no_usable_realm() {
        assert_eq!(challenge(&[r#"Basic realm="x", Bearer service="y""#]), Some(Challenge::Basic));
        assert_eq!(challenge(&[r#"Bearer realm="not an address""#]), None);
    }

    #[test]
    fn unknown_schemes_and_unclosed_quotes_are_no_challenge() {
        assert_eq!(challenge(&["Negotiate abc="]), None);
        assert_eq!(challenge(&[r#"Bearer realm="https://a.b/"#]), None);
        assert_eq!(challenge(&["", "="]), None);
    }
}
