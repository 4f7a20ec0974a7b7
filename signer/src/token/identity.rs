//! A JSON web token of OpenID Connect, read but not verified: the one who gets it does that.

use std::{fmt, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use oci::json;
use registry::Secret;
use rustls_pki_types::UnixTime;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::TokenError;

/// An identity token that was not expired when it was read.
///
/// Whoever holds it can sign in its subject's name as long as it lasts: it is never shown, and wiped when dropped. What
/// it says is believed by nobody before its provider's signature is verified.
#[derive(Clone)]
pub struct IdentityToken {
    text: Secret,
    claims: Map<String, Value>,
    subject: String,
    issuer: String,
}

impl IdentityToken {
    /// Reads a token.
    ///
    /// # Errors
    /// Fails if the text is no signed token, if it is expired, and if it does not say by whom it was issued, to whom
    /// and until when; also if it names an e-mail address that its issuer has not verified.
    pub fn read(text: &str, now: UnixTime) -> Result<Self, TokenError> {
        let text = text.trim();
        let claims = claims(text)?;
        let (issuer, subject) = (required(&claims, "iss")?.to_owned(), subject(&claims)?);
        let expires = claims.get("exp").and_then(Value::as_f64).ok_or(TokenError::NoClaim { claim: "exp" })?;
        let expires = UnixTime::since_unix_epoch(Duration::from_secs(expires.clamp(0.0, MAX_TIME) as u64));
        match now < expires {
            true => Ok(Self { text: Secret::new(text.to_owned()), claims, subject, issuer }),
            false => Err(TokenError::Expired { expired: expires.into(), now: now.into() }),
        }
    }

    /// Whom the token is about, as a certificate authority wants it signed for a proof of possession: the e-mail
    /// address if there is one, else the subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who issued the token.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether one of the claims, at any depth, is this text.
    pub(crate) fn says(&self, wanted: &str) -> bool {
        self.claims.values().any(|claim| holds(claim, wanted))
    }

    /// The token itself, for a header.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.text.reveal()
    }

    /// That a claim is what was asked for.
    pub(super) fn demand(self, claim: &'static str, wanted: &str) -> Result<Self, TokenError> {
        let found = match self.claims.get(claim) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(|found| found == wanted),
            Some(Value::String(found)) => found == wanted,
            _ => false,
        };
        match found {
            true => Ok(self),
            false => Err(TokenError::OtherClaim { claim }),
        }
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityToken(… of {:?} by {:?})", self.subject, self.issuer)
    }
}

fn holds(claim: &Value, wanted: &str) -> bool {
    match claim {
        Value::String(text) => text == wanted,
        Value::Array(list) => list.iter().any(|claim| holds(claim, wanted)),
        Value::Object(members) => members.values().any(|claim| holds(claim, wanted)),
        _ => false,
    }
}

/// Whether a text has the looks of a token: three parts of base64 with dots between, the first a JSON object.
pub(super) fn looks_like_token(text: &str) -> bool {
    claims(text.trim()).is_ok()
}

fn claims(text: &str) -> Result<Map<String, Value>, TokenError> {
    if text.len() > MAX_TOKEN {
        return Err(TokenError::Malformed { wanted: "at most 32 KiB" });
    }
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err(TokenError::Malformed { wanted: "three parts with dots between" });
    };
    let header = object(header)?;
    if signature.is_empty() || header.get("alg").and_then(Value::as_str).is_none_or(|name| name == "none") {
        return Err(TokenError::Malformed { wanted: "a signature" });
    }
    object(payload)
}

fn object(part: &str) -> Result<Map<String, Value>, TokenError> {
    let wanted = TokenError::Malformed { wanted: "JSON objects in base64url" };
    let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(part).map(Zeroizing::new) else { return Err(wanted) };
    match json::parse(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(wanted),
    }
}

/// As sigstore's clients and its certificate authority choose it. Some providers write booleans as texts.
fn subject(claims: &Map<String, Value>) -> Result<String, TokenError> {
    match claims.get("email").and_then(Value::as_str).filter(|email| !email.is_empty()) {
        None => required(claims, "sub").map(str::to_owned),
        Some(email) => match claims.get("email_verified") {
            Some(Value::Bool(true)) => Ok(email.to_owned()),
            Some(Value::String(text)) if text == "true" => Ok(email.to_owned()),
            _ => Err(TokenError::EmailNotVerified { email: oci::excerpt(email, 200) }),
        },
    }
}

fn required<'a>(claims: &'a Map<String, Value>, claim: &'static str) -> Result<&'a str, TokenError> {
    claims.get(claim).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(TokenError::NoClaim { claim })
}

const MAX_TOKEN: usize = 32 * 1024;
/// The year 9999: what comes later is no time.
const MAX_TIME: f64 = 253_402_300_799.0;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const NOW: u64 = 1_800_000_000;

    pub(crate) fn now() -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(NOW))
    }

    /// A token with these claims and a signature that nobody checks here.
    pub(crate) fn token(claims: &Value) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()))
    }

    fn claims() -> Value {
        serde_json::json!({ "iss": "https://issuer.test", "sub": "repo:a/b", "exp": NOW + 600 })
    }

    fn with(name: &str, value: impl Into<Value>) -> Result<IdentityToken, TokenError> {
        let mut claims = claims();
        claims[name] = value.into();
        IdentityToken::read(&token(&claims), now())
    }

    #[test]
    fn subject_is_the_address_if_there_is_one() {
        assert_eq!(IdentityToken::read(&format!("{}\n", token(&claims())), now()).unwrap().subject(), "repo:a/b");
        let mut both = claims();
        both["email"] = "a@b.test".into();
        for verified in [Value::Bool(true), "true".into()] {
            both["email_verified"] = verified;
            assert_eq!(IdentityToken::read(&token(&both), now()).unwrap().subject(), "a@b.test");
        }
    }

    #[test]
    fn unverified_addresses_are_refused() {
        for verified in [Value::Null, Value::Bool(false), "false".into(), 1.into()] {
            let mut claims = claims();
            claims["email"] = "a@b.test".into();
            claims["email_verified"] = verified;
            let result = IdentityToken::read(&token(&claims), now());
            assert!(matches!(result, Err(TokenError::EmailNotVerified { .. })), "{result:?}");
        }
    }

    #[test]
    fn expired_tokens_are_refused_with_both_times() {
        let found = with("exp", NOW).unwrap_err().to_string();
        assert_eq!(found, "identity token expired at 2027-01-15T08:00:00Z, now is 2027-01-15T08:00:00Z");
        assert!(with("exp", NOW + 1).is_ok());
        for never in [Value::Null, "soon".into()] {
            assert!(matches!(with("exp", never), Err(TokenError::NoClaim { claim: "exp" })));
        }
    }

    #[test]
    fn tokens_without_issuer_or_subject_are_refused() {
        for claim in ["iss", "sub"] {
            for value in [Value::Null, "".into(), 5.into()] {
                assert!(matches!(with(claim, value), Err(TokenError::NoClaim { claim: named }) if named == claim));
            }
        }
    }

    #[test]
    fn texts_that_are_no_signed_tokens_are_refused() {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let payload = part(&claims().to_string());
        let unsigned = format!("{}.{payload}.", part(r#"{"alg":"RS256"}"#));
        let none = format!("{}.{payload}.c2ln", part(r#"{"alg":"none"}"#));
        let list = format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part("[]"));
        let twice = format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(r#"{"sub":"a","sub":"b"}"#));
        let long = format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(&" ".repeat(MAX_TOKEN)));
        for text in ["", "a.b", "a.b.c", "a.b.c.d", &unsigned, &none, &list, &twice, &long] {
            let result = IdentityToken::read(text, now());
            assert!(matches!(result, Err(TokenError::Malformed { .. })), "{text:.60}: {result:?}");
        }
    }

    #[test]
    fn claims_are_demanded_exactly() {
        let read = |aud: Value| with("aud", aud).unwrap().demand("aud", "sigstore");
        assert!(read("sigstore".into()).is_ok());
        assert!(read(vec!["other", "sigstore"].into()).is_ok());
        for other in [Value::Null, "sigstore2".into(), vec!["other"].into(), Value::Array(vec![])] {
            assert!(matches!(read(other), Err(TokenError::OtherClaim { claim: "aud" })));
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let token = IdentityToken::read(&token(&claims()), now()).unwrap();
        let shown = format!("{token:?}");
        assert!(shown.contains("repo:a/b") && !shown.contains(&token.reveal()[..20]), "{shown}");
    }
}
