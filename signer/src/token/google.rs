//! Google's machines, which know an account of their own, and the accounts that it may speak for.

use registry::Secret;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::{
    Web, WebError,
    source::{AUDIENCE, value_of},
    web::{Body, Question, address},
};

/// A token of the machine's own account.
pub(super) async fn of_machine(web: &Web, metadata: &str) -> Result<Zeroizing<String>, WebError> {
    let mut url = about_account(metadata, "identity")?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE).append_pair("format", "full");
    let answer = web.ask(&asked_here(url)).await?.succeeded()?;
    let unusable = || WebError::Unusable { host: answer.host.clone(), wanted: "identity token" };
    std::str::from_utf8(&answer.bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| unusable())
}

/// A token of another account, which the machine's own may make.
pub(super) async fn of_account(
    web: &Web,
    account: &str,
    metadata: &str,
    tokens: &str,
) -> Result<Zeroizing<String>, WebError> {
    let access = value_of(web, "access_token", &asked_here(about_account(metadata, "token")?)).await?;
    let access = Secret::new(access.to_string());
    let mut url = address(tokens)?;
    let beyond = WebError::Address { found: oci::excerpt(tokens, 200) };
    let action = format!("{account}:generateIdToken");
    url.path_segments_mut().map_err(|()| beyond)?.extend(["v1", "projects", "-", "serviceAccounts", &action]);
    let body = Body::Json(json!({ "audience": AUDIENCE, "includeEmail": true }));
    value_of(web, "token", &Question::post(url, body).authorized("Bearer", &access)).await
}

fn about_account(metadata: &str, what: &str) -> Result<Url, WebError> {
    address(&format!("http://{metadata}/computeMetadata/v1/instance/service-accounts/default/{what}"))
}

fn asked_here(url: Url) -> Question<'static> {
    let headers = vec![("metadata-flavor", Zeroizing::new("Google".to_owned()))];
    Question { headers, on_this_machine: true, ..Question::get(url) }
}
