//! A person logs in with a browser on this machine: authorization code with a proof (RFC 7636), over loopback (RFC 8252).

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::{
    Application, IdentityToken, Provider, TokenError,
    listener::Listener,
    provider::{Proof, SCOPE, asking, random},
};

/// Waits for the person to come back from the provider's pages, and gets the token.
pub(super) async fn login(
    provider: &Provider<'_>,
    application: &Application,
    patience: Duration,
    show: impl FnOnce(&str),
) -> Result<IdentityToken, TokenError> {
    let page = provider.authorization.clone().ok_or_else(|| TokenError::Provider {
        issuer: oci::excerpt(&provider.issuer, 200),
        found: "no authorization_endpoint".to_owned(),
        wanted: "one",
    })?;
    let listener = Listener::bind(application.redirect.as_deref()).await?;
    let (state, nonce, proof) = (random()?, random()?, Proof::new()?);
    let redirect = listener.address().to_string();
    show(
        login_page(
            page,
            application,
            &[("redirect_uri", &redirect), ("state", &state), ("nonce", &nonce), ("code_challenge", &proof.challenge)],
        )
        .as_str(),
    );
    let code = timeout(patience, listener.code(&state)).await.map_err(|_| TokenError::Late(patience))??;
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &redirect),
        ("code_verifier", &proof.secret),
    ];
    let answer = provider.exchange(application, &grant).await?.succeeded().map_err(asking)?;
    provider.token_of(application, &answer)?.demand("nonce", &nonce)
}

fn login_page(mut page: Url, application: &Application, own: &[(&str, &str)]) -> Url {
    page.query_pairs_mut()
        .extend_pairs([("response_type", "code"), ("client_id", &application.id), ("scope", SCOPE)])
        .extend_pairs(own)
        .append_pair("code_challenge_method", "S256");
    page
}
