//! Where a token is at hand without a person: given outright, or provided by the place where the program runs.

use std::{
    io,
    io::Read as _,
    path::{Path, PathBuf},
};

use registry::Secret;
use rustls_pki_types::UnixTime;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    IdentityToken, Surroundings, TokenError, Web, WebError, google, identity, spiffe,
    web::{Body, Question, address, text},
};

/// A place that has a token, with all that is needed to get it.
#[derive(Debug, Clone)]
pub enum Source {
    /// The token itself.
    Text(Secret),
    /// A file with a token in it.
    File(PathBuf),
    /// GitHub's runners make tokens at this address, for who shows this secret.
    GitHub {
        /// The address, with a query already.
        url: String,
        /// What the job was given to show.
        secret: Secret,
    },
    /// Buildkite makes tokens for the jobs of its agents.
    Buildkite {
        /// Where the agents' service is.
        endpoint: String,
        /// The job.
        job: String,
        /// What the agent was given to show.
        secret: Secret,
    },
    /// A machine of Google's, with an account of its own.
    GoogleMachine {
        /// The host that knows about the machine.
        metadata: String,
    },
    /// An account of Google's that the machine's own account may speak for.
    GoogleAccount {
        /// The account.
        account: String,
        /// The host that knows about the machine.
        metadata: String,
        /// The service that makes tokens for accounts.
        tokens: String,
    },
    /// A SPIFFE workload API.
    Spiffe {
        /// Its socket.
        socket: PathBuf,
        /// Whether somebody named that socket. Otherwise root or this very user must serve it: whose token comes is
        /// whose name is signed in.
        named: bool,
    },
}

impl Source {
    /// What sources are called by, as cosign calls them, in the order in which they are looked for. `google` is one of
    /// the two.
    pub const NAMES: [&'static str; 8] = [
        "github-actions",
        "buildkite-agent",
        "envvar",
        "filesystem",
        "google-workload-identity",
        "google-impersonate",
        "google",
        "spiffe",
    ];

    /// The token that somebody gave: it, or the path of its file.
    #[must_use]
    pub fn given(token_or_path: &str) -> Self {
        match identity::looks_like_token(token_or_path) {
            true => Self::Text(Secret::new(token_or_path.to_owned())),
            false => Self::File(token_or_path.into()),
        }
    }

    /// The first source that these surroundings have. Only that one is asked: another one could sign in another name.
    #[must_use]
    pub fn ambient(surroundings: &Surroundings) -> Option<Self> {
        Self::NAMES.iter().find_map(|name| Self::found(name, surroundings))
    }

    /// The source of this name.
    ///
    /// # Errors
    /// Fails if there is no such source, and if these surroundings do not have it.
    pub fn named(name: &str, surroundings: &Surroundings) -> Result<Self, TokenError> {
        let known = Self::NAMES.into_iter().find(|known| *known == name);
        let source_name = known.ok_or_else(|| TokenError::UnknownSource { name: oci::excerpt(name, 60) })?;
        Self::found(name, surroundings).ok_or(TokenError::NotHere { source_name, wanted: sign_of(source_name) })
    }

    /// Gets the token.
    ///
    /// # Errors
    /// Fails if the file cannot be read, the service does not answer or refuses, and if what comes is no token.
    pub async fn token(&self, web: &Web) -> Result<IdentityToken, TokenError> {
        let text = match self {
            Self::Text(text) => Zeroizing::new(text.reveal().to_owned()),
            Self::File(path) => read(path)?,
            Self::GitHub { url, secret } => asking("GitHub", github(web, url, secret).await)?,
            Self::Buildkite { endpoint, job, secret } => {
                asking("Buildkite", buildkite(web, endpoint, job, secret).await)?
            }
            Self::GoogleMachine { metadata } => asking("Google", google::of_machine(web, metadata).await)?,
            Self::GoogleAccount { account, metadata, tokens } => {
                asking("Google", google::of_account(web, account, metadata, tokens).await)?
            }
            Self::Spiffe { socket, named } => asking("the SPIFFE workload API", spiffe::token(socket, *named).await)?,
        };
        IdentityToken::read(&text, UnixTime::now())
    }

    fn found(name: &str, here: &Surroundings) -> Option<Self> {
        let metadata = || here.google_metadata.clone();
        match name {
            "github-actions" => here.github.clone().map(|(url, secret)| Self::GitHub { url, secret }),
            "buildkite-agent" => {
                let (secret, job) = here.buildkite.clone().zip(here.buildkite_job.clone())?;
                Some(Self::Buildkite { endpoint: here.buildkite_endpoint.clone(), job, secret })
            }
            "envvar" => here.id_token.clone().map(Self::Text),
            "filesystem" => here.token_file.exists().then(|| Self::File(here.token_file.clone())),
            "google-workload-identity" => (here.is_google() && !here.google_credentials_elsewhere)
                .then(|| Self::GoogleMachine { metadata: metadata() }),
            "google-impersonate" => {
                let account = here.google_account.clone().filter(|_| !here.google_credentials_elsewhere)?;
                Some(Self::GoogleAccount { account, metadata: metadata(), tokens: here.google_tokens.clone() })
            }
            "google" => {
                ["google-impersonate", "google-workload-identity"].iter().find_map(|name| Self::found(name, here))
            }
            "spiffe" => {
                let (socket, named) = match &here.spiffe_socket {
                    Some(socket) => (socket.clone(), true),
                    None => (here.spiffe_default.clone(), false),
                };
                socket.exists().then_some(Self::Spiffe { socket, named })
            }
            _ => None,
        }
    }
}

/// By what a source is found.
fn sign_of(name: &str) -> &'static str {
    match name {
        "github-actions" => {
            "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, as jobs with the permission `id-token: write` have them"
        }
        "buildkite-agent" => "BUILDKITE_AGENT_ACCESS_TOKEN and BUILDKITE_JOB_ID",
        "envvar" => "SIGSTORE_ID_TOKEN",
        "filesystem" => "the file /var/run/sigstore/cosign/oidc-token",
        "google-impersonate" => "GOOGLE_SERVICE_ACCOUNT_NAME, and no GOOGLE_APPLICATION_CREDENTIALS",
        "spiffe" => "the socket that SPIFFE_ENDPOINT_SOCKET names",
        _ => "one of Google's machines, and no GOOGLE_APPLICATION_CREDENTIALS",
    }
}

fn asking<T>(who: &'static str, result: Result<T, WebError>) -> Result<T, TokenError> {
    result.map_err(|error| TokenError::Web { who, error })
}

fn read(path: &Path) -> Result<Zeroizing<String>, TokenError> {
    let failed = |why: io::Error| TokenError::File { path: path.to_owned(), why };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE));
    file.take(MAX_FILE as u64).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

async fn github(web: &Web, url: &str, secret: &Secret) -> Result<Zeroizing<String>, WebError> {
    let mut url = address(url)?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    value_of(web, "value", &Question::get(url).authorized("bearer", secret)).await
}

async fn buildkite(web: &Web, endpoint: &str, job: &str, secret: &Secret) -> Result<Zeroizing<String>, WebError> {
    let mut url = address(endpoint)?;
    let beyond = WebError::Address { found: oci::excerpt(endpoint, 200) };
    url.path_segments_mut().map_err(|()| beyond)?.pop_if_empty().extend(["jobs", job, "oidc", "tokens"]);
    let question = Question::post(url, Body::Json(json!({ "audience": AUDIENCE }))).authorized("Token", secret);
    value_of(web, "token", &question).await
}

/// The text of a field of the answer.
pub(super) async fn value_of(
    web: &Web,
    name: &'static str,
    question: &Question<'_>,
) -> Result<Zeroizing<String>, WebError> {
    let host = || question.url.host_str().map(|host| oci::excerpt(host, 200)).unwrap_or_default();
    let answer = web.object(question).await?;
    text(&answer, name)
        .map(|text| Zeroizing::new(text.to_owned()))
        .ok_or_else(|| WebError::Unusable { host: host(), wanted: name })
}

/// For whom tokens are: the certificate authority takes no others.
pub(super) const AUDIENCE: &str = "sigstore";
const MAX_FILE: usize = 64 * 1024;
