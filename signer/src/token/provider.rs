//! An OpenID Connect provider, as it describes itself, and what it is asked for.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use oci::Digest;
use registry::Secret;
use rustls_pki_types::UnixTime;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{
    IdentityToken, TokenError, Web, WebError, browser, device,
    web::{Answer, Body, Question, address, is_loopback, is_near, text},
};

/// A provider that was found under its address, and calls itself by it.
#[derive(Debug)]
pub struct Provider<'a> {
    pub(super) web: &'a Web,
    pub(super) issuer: String,
    pub(super) authorization: Option<Url>,
    pub(super) device: Option<Url>,
    pub(super) token: Url,
}

/// The application that a person lets sign in their name, as the provider knows it.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its name there.
    pub id: String,
    /// What shows that it is that application, if it can keep a secret.
    pub secret: Option<Secret>,
    /// Where the browser is sent back to: a port of this machine; any port where this is none.
    pub redirect: Option<String>,
}

impl<'a> Provider<'a> {
    /// Reads the provider's description of itself.
    ///
    /// # Errors
    /// Fails if there is none, if it is another provider's, and if it would have secrets sent unprotected, or to this
    /// machine although it is none of its own.
    pub async fn discover(web: &'a Web, issuer: &str) -> Result<Self, TokenError> {
        let url = address(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')));
        let url = url.map_err(asking)?;
        let description = web.object(&Question::get(url.clone())).await.map_err(asking)?;
        Self::described(web, issuer, is_near(&url), &description)
    }

    fn described(web: &'a Web, issuer: &str, near: bool, description: &Value) -> Result<Self, TokenError> {
        let wrong = |found: &str, wanted| TokenError::Provider {
            issuer: oci::excerpt(issuer, 200),
            found: oci::excerpt(found, 200),
            wanted,
        };
        let found = text(description, "issuer").unwrap_or_default();
        if found != issuer {
            return Err(wrong(found, "the address that was asked"));
        }
        if !challenges(description) {
            return Err(wrong("no code_challenge_methods_supported", "S256 among them"));
        }
        let endpoint = |name| {
            let Some(found) = text(description, name) else { return Ok(None) };
            match protected(found) {
                None => Err(wrong(found, "an https address")),
                Some(url) if is_near(&url) && !near => Err(wrong(found, "an address that is not this machine's")),
                url => Ok(url),
            }
        };
        let token = endpoint("token_endpoint")?.ok_or_else(|| wrong("no token_endpoint", "one"))?;
        let (authorization, device) = (endpoint("authorization_endpoint")?, endpoint("device_authorization_endpoint")?);
        Ok(Self { web, issuer: issuer.to_owned(), authorization, device, token })
    }

    /// Lets a person log in with a browser on this machine, at the address that `show` gets.
    ///
    /// # Errors
    /// Fails if nobody does in time, if person or provider refuse, and if the token is for another request.
    pub async fn browser(
        &self,
        application: &Application,
        patience: Duration,
        show: impl FnOnce(&str),
    ) -> Result<IdentityToken, TokenError> {
        browser::login(self, application, patience, show).await
    }

    /// Lets a person log in with a browser on any machine: `show` gets the code to be typed there, and the address.
    ///
    /// # Errors
    /// Fails if nobody does as long as the code lasts, if person or provider refuse, and if the token is for another
    /// application.
    pub async fn device(
        &self,
        application: &Application,
        show: impl FnOnce(&str, &str),
    ) -> Result<IdentityToken, TokenError> {
        device::login(self, application, show).await
    }

    /// A token for the application itself, which needs no person.
    ///
    /// # Errors
    /// Fails if the provider refuses, and if the token is for another application.
    pub async fn client_credentials(&self, application: &Application) -> Result<IdentityToken, TokenError> {
        let answer = self.exchange(application, &[("grant_type", "client_credentials"), ("scope", SCOPE)]).await?;
        self.token_of(application, &answer.succeeded().map_err(asking)?)
    }

    /// Asks the token endpoint. Its refusals are answers too.
    pub(super) async fn exchange(
        &self,
        application: &Application,
        grant: &[(&'static str, &str)],
    ) -> Result<Answer, TokenError> {
        let secret = application.secret.iter().map(|secret| ("client_secret", secret.reveal()));
        let form: Vec<_> = [("client_id", application.id.as_str())].into_iter().chain(secret).collect();
        let form = [grant, &form].concat();
        let question = Question::post(self.token.clone(), Body::Form(&form));
        let answer = self.web.ask(&question).await.map_err(asking)?;
        match denial(&answer) {
            Some(why) if !answer.status.is_success() => Err(TokenError::Denied { why }),
            _ => Ok(answer),
        }
    }

    /// The token in the answer, if it is this provider's, for this application.
    pub(super) fn token_of(&self, application: &Application, answer: &Answer) -> Result<IdentityToken, TokenError> {
        let value = answer.json().map_err(asking)?;
        let unusable = WebError::Unusable { host: answer.host.clone(), wanted: "id_token" };
        let token = text(&value, "id_token").ok_or_else(|| asking(unusable))?;
        IdentityToken::read(token, UnixTime::now())?.demand("iss", &self.issuer)?.demand("aud", &application.id)
    }
}

/// A secret that is shown later, so that who saw its digest first can tell that the same program asks.
pub(super) struct Proof {
    pub(super) secret: Zeroizing<String>,
    pub(super) challenge: String,
}

impl Proof {
    pub(super) fn new() -> Result<Self, TokenError> {
        let secret = random()?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Digest::of(secret.as_bytes()).as_bytes());
        Ok(Self { secret, challenge })
    }
}

/// 256 bits that nobody can guess, as text.
pub(super) fn random() -> Result<Zeroizing<String>, TokenError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| TokenError::NoRandomness)?;
    Ok(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

/// The provider's word for why there is no token. Words that only ask for patience are none.
fn denial(answer: &Answer) -> Option<String> {
    let value = answer.json().ok()?;
    let error = text(&value, "error").filter(|error| !PATIENCE_WORDS.contains(error))?;
    let words = match text(&value, "error_description") {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    };
    Some(oci::excerpt(&words, 200))
}

pub(super) fn asking(error: WebError) -> TokenError {
    TokenError::Web { who: "the identity provider", error }
}

/// An address to which secrets may be sent.
fn protected(found: &str) -> Option<Url> {
    address(found).ok().filter(|url| url.scheme() == "https" || is_loopback(url))
}

/// Whether the provider understands proofs. Microsoft's does, but does not say so.
fn challenges(description: &Value) -> bool {
    let methods = description.get("code_challenge_methods_supported").and_then(Value::as_array);
    let microsoft = |url: &str| MICROSOFT.iter().any(|start| url.starts_with(start));
    methods.is_some_and(|methods| methods.iter().any(|method| method == "S256"))
        || text(description, "authorization_endpoint").is_some_and(microsoft)
}

pub(super) const SCOPE: &str = "openid email";
pub(super) const PENDING: &str = "authorization_pending";
pub(super) const SLOW_DOWN: &str = "slow_down";
const PATIENCE_WORDS: [&str; 2] = [PENDING, SLOW_DOWN];
const MICROSOFT: [&str; 2] = ["https://login.microsoftonline.com/", "https://login.microsoftonline.us/"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What comes of a description in which this endpoint is at this address.
    fn described(issuer: &str, endpoint: &str, place: &str) -> Result<(), String> {
        let mut description = json!({
            "issuer": issuer, "token_endpoint": "https://a.test/token", "code_challenge_methods_supported": ["S256"],
        });
        description[endpoint] = place.into();
        let web = Web::default();
        let near = is_near(&address(issuer).unwrap());
        let provider = Provider::described(&web, issuer, near, &description);
        provider.map(|_| ()).map_err(|error| error.to_string().split_once("`: ").unwrap().1.to_owned())
    }

    #[test]
    fn remote_provider_that_names_this_machine_is_refused() {
        for endpoint in ["token_endpoint", "authorization_endpoint", "device_authorization_endpoint"] {
            for place in [
                "http://localhost:80/",
                "http://127.1/",
                "https://localhost./",
                "https://x.LOCALHOST/",
                "http://[::1]/",
                "https://[::ffff:127.0.0.1]/",
                "https://169.254.169.254/",
                "https://[fe80::1]/",
                "https://0/",
                "https://[::]/",
            ] {
                let refused = format!("`{place}` found, wanted an address that is not this machine's");
                assert_eq!(described("https://a.test", endpoint, place), Err(refused), "{endpoint}");
            }
            for place in ["https://b.test/", "https://localhost.a.test/", "https://192.168.0.1/", "https://[fd00::1]/"]
            {
                assert_eq!(described("https://a.test", endpoint, place), Ok(()), "{endpoint}");
            }
        }
    }

    #[test]
    fn provider_on_this_machine_may_name_it() {
        assert_eq!(described("http://localhost:5556", "token_endpoint", "http://127.0.0.1:5556/token"), Ok(()));
    }
}
