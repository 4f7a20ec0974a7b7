//! A person logs in with a browser on another machine, and types a code there (RFC 8628).

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::{
    Application, IdentityToken, Provider, TokenError, WebError,
    provider::{PENDING, Proof, SCOPE, SLOW_DOWN, asking},
    web::{Answer, Body, Question, text},
};

/// What the provider says about a login that has begun.
struct Begun {
    device_code: Zeroizing<String>,
    user_code: String,
    address: String,
    lasts: Duration,
    interval: Duration,
}

/// Shows the code, and asks until it was typed.
pub(super) async fn login(
    provider: &Provider<'_>,
    application: &Application,
    show: impl FnOnce(&str, &str),
) -> Result<IdentityToken, TokenError> {
    let page = provider.device.clone().ok_or_else(|| TokenError::Provider {
        issuer: oci::excerpt(&provider.issuer, 200),
        found: "no device_authorization_endpoint".to_owned(),
        wanted: "one",
    })?;
    let proof = Proof::new()?;
    let begun = begin(provider, application, page, &proof).await?;
    show(&begun.user_code, &begun.address);
    let until = Instant::now() + begun.lasts;
    let answer = timeout_at(until, poll(provider, application, &begun, &proof));
    let answer = answer.await.map_err(|_| TokenError::Late(begun.lasts))??;
    provider.token_of(application, &answer)
}

async fn begin(
    provider: &Provider<'_>,
    application: &Application,
    page: Url,
    proof: &Proof,
) -> Result<Begun, TokenError> {
    let mut form = vec![
        ("client_id", application.id.as_str()),
        ("scope", SCOPE),
        ("code_challenge_method", "S256"),
        ("code_challenge", &proof.challenge),
    ];
    form.extend(application.secret.iter().map(|secret| ("client_secret", secret.reveal())));
    let answer = provider.web.ask(&Question::post(page, Body::Form(&form))).await.map_err(asking)?;
    let answer = answer.succeeded().map_err(asking)?;
    let missing = |wanted| asking(WebError::Unusable { host: answer.host.clone(), wanted });
    begun(&answer.json().map_err(asking)?).map_err(missing)
}

/// Asks at the pace that the provider wants, until it has the token.
async fn poll(
    provider: &Provider<'_>,
    application: &Application,
    begun: &Begun,
    proof: &Proof,
) -> Result<Answer, TokenError> {
    let mut pace = begun.interval;
    loop {
        let grant = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", begun.device_code.as_str()),
            ("code_verifier", proof.secret.as_str()),
        ];
        let answer = provider.exchange(application, &grant).await?;
        match slower(&answer, pace) {
            Some(next) => pace = next,
            None => return answer.succeeded().map_err(asking),
        }
        sleep(pace).await;
    }
}

/// The pace from here on, if the answer is to be patient.
fn slower(answer: &Answer, pace: Duration) -> Option<Duration> {
    let value = answer.json().ok()?;
    match text(&value, "error") {
        Some(PENDING) => Some(pace),
        Some(SLOW_DOWN) => Some((pace + SLOWER).min(MAX_INTERVAL)),
        _ => None,
    }
}

fn begun(answer: &Value) -> Result<Begun, &'static str> {
    let required = |name| text(answer, name).ok_or(name);
    let seconds = |name| answer.get(name).and_then(Value::as_u64).map(Duration::from_secs);
    let address = text(answer, "verification_uri_complete");
    Ok(Begun {
        device_code: Zeroizing::new(required("device_code")?.to_owned()),
        user_code: oci::excerpt(required("user_code")?, 60),
        address: oci::excerpt(address.map_or_else(|| required("verification_uri"), Ok)?, 1000),
        lasts: seconds("expires_in").ok_or("expires_in")?.min(MAX_LASTS),
        interval: seconds("interval").unwrap_or(INTERVAL).min(MAX_INTERVAL),
    })
}

/// What the standard says where the provider does not.
const INTERVAL: Duration = Duration::from_secs(5);
/// What the standard adds when the provider asks for patience.
const SLOWER: Duration = Duration::from_secs(5);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
const MAX_LASTS: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    fn answer(value: &Value) -> Answer {
        let bytes = Zeroizing::new(value.to_string().into_bytes());
        Answer { host: "a.test".to_owned(), status: StatusCode::BAD_REQUEST, location: None, bytes }
    }

    #[test]
    fn pace_slows_down_when_told_to_and_only_then() {
        let pace = |error: &str, pace| slower(&answer(&json!({ "error": error })), Duration::from_secs(pace));
        assert_eq!(pace("authorization_pending", 7), Some(Duration::from_secs(7)));
        assert_eq!(pace("slow_down", 7), Some(Duration::from_secs(12)));
        assert_eq!(pace("slow_down", 58), Some(MAX_INTERVAL));
        assert_eq!(pace("expired_token", 7), None);
        assert_eq!(slower(&answer(&json!({ "id_token": "x" })), INTERVAL), None);
    }

    #[test]
    fn beginnings_without_codes_are_refused_and_times_are_bounded() {
        let whole = json!({
            "device_code": "d", "user_code": "u\u{1b}", "verification_uri": "https://a.test",
            "expires_in": 1_000_000, "interval": 1_000_000,
        });
        let read = begun(&whole).ok().unwrap();
        assert_eq!((read.lasts, read.interval), (MAX_LASTS, MAX_INTERVAL));
        assert_eq!(read.user_code, "u\\u{1b}");
        for name in ["device_code", "user_code", "verification_uri", "expires_in"] {
            let mut without = whole.clone();
            without[name] = Value::Null;
            assert_eq!(begun(&without).err(), Some(name));
        }
        let mut silent = whole;
        silent["interval"] = Value::Null;
        assert_eq!(begun(&silent).ok().unwrap().interval, INTERVAL);
    }
}
