//! In whose name to sign without a key: a token at hand, one of the place where the program runs, or a person's login.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ValueEnum, builder::NonEmptyStringValueParser};
use registry::Secret;
use signer::token::{Application, IdentityToken, Provider, Source, Surroundings, TokenError, Web};

use super::boolean;
use crate::{bounded_file, exit::Failure, output};

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Identity")]
pub(crate) struct LoginFlags {
    /// An identity token, or the path of a file with one
    #[arg(long, value_name = "TOKEN|FILE", value_parser = secret, env = "COSIGN_IDENTITY_TOKEN", hide_env_values = true)]
    identity_token: Option<Secret>,
    /// How a person logs in; without it: device where nobody is at a terminal, else normal, in a browser
    #[arg(long, value_enum, value_name = "FLOW", env = "COSIGN_FULCIO_AUTH_FLOW")]
    fulcio_auth_flow: Option<Flow>,
    /// Where to get a token from: github-actions, buildkite-agent, envvar, filesystem, google-workload-identity,
    /// google-impersonate, google, spiffe; without it: the first of them that is here
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_OIDC_PROVIDER", conflicts_with = "oidc_disable_ambient_providers")]
    oidc_provider: Option<String>,
    /// Look for no token here, but let a person log in
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_OIDC_DISABLE_AMBIENT_PROVIDERS")]
    oidc_disable_ambient_providers: bool,
    /// The identity provider where a person logs in
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_OIDC_ISSUER")]
    oidc_issuer: Option<String>,
    /// By which name the identity provider knows this program
    #[arg(long, value_name = "ID", default_value = "sigstore", env = "COSIGN_OIDC_CLIENT_ID")]
    oidc_client_id: String,
    /// A file with the secret that goes with that name
    #[arg(long, value_name = "FILE", env = "COSIGN_OIDC_CLIENT_SECRET_FILE")]
    oidc_client_secret_file: Option<PathBuf>,
    /// Where the identity provider sends the browser back to: a port of this machine
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_OIDC_REDIRECT_URL")]
    oidc_redirect_url: Option<String>,
}

/// How a person logs in, by cosign's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Flow {
    Normal,
    Device,
    Token,
    #[value(name = "client_credentials")]
    ClientCredentials,
}

/// What a provider is asked for.
enum Login {
    Browser,
    Code,
    Application,
}

impl LoginFlags {
    /// The identity provider that was named.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.oidc_issuer.as_deref()
    }

    /// The token of who signs. `issuer` is where a person would log in.
    pub(crate) async fn token(&self, issuer: &str) -> Result<IdentityToken, Failure> {
        let web = Web::default();
        if let Some(source) = self.source()? {
            return source.token(&web).await.map_err(|error| failure(&error));
        }
        let flow = self.flow()?;
        let provider = Provider::discover(&web, issuer).await.map_err(|error| failure(&error))?;
        let application = self.application()?;
        let token = match flow {
            Login::Browser => provider.browser(&application, PATIENCE, show_page).await,
            Login::Code => provider.device(&application, show_code).await,
            Login::Application => provider.client_credentials(&application).await,
        };
        token.map_err(|error| failure(&error))
    }

    /// Where a token is at hand without a person.
    fn source(&self) -> Result<Option<Source>, Failure> {
        if let Some(given) = &self.identity_token {
            return Ok(Some(Source::given(given.reveal())));
        }
        let here = Surroundings::of(|name| std::env::var(name).ok());
        match (&self.oidc_provider, self.oidc_disable_ambient_providers) {
            (Some(name), _) => Source::named(name, &here).map(Some).map_err(|error| failure(&error)),
            (None, true) => Ok(None),
            (None, false) => Ok(Source::ambient(&here)),
        }
    }

    /// As cosign chooses it.
    fn flow(&self) -> Result<Login, Failure> {
        match self.fulcio_auth_flow {
            Some(Flow::Normal) => Ok(Login::Browser),
            Some(Flow::Device) => Ok(Login::Code),
            Some(Flow::ClientCredentials) => Ok(Login::Application),
            Some(Flow::Token) => Err(Failure::failed("--fulcio-auth-flow=token: there is no identity token")
                .hint("--identity-token names one")),
            None if std::io::stdin().is_terminal() => Ok(Login::Browser),
            None => {
                output::note("Non-interactive mode detected, using device flow.");
                Ok(Login::Code)
            }
        }
    }

    fn application(&self) -> Result<Application, Failure> {
        Ok(Application {
            id: self.oidc_client_id.clone(),
            secret: self.oidc_client_secret_file.as_deref().map(client_secret).transpose()?,
            redirect: self.oidc_redirect_url.clone(),
        })
    }
}

fn client_secret(path: &Path) -> Result<Secret, Failure> {
    let reading = |why: &dyn std::fmt::Display| Failure::failed(format_args!("reading OIDC client secret: {why}"));
    let bytes = bounded_file::read(path, MAX_KIB).map_err(|why| reading(&why))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(_) => Err(reading(&format_args!("{}: it is no text", path.display()))),
    }
}

/// Empty text is refused: a variable that a pipeline forgot to set must not have somebody else sign.
fn secret(text: &str) -> Result<Secret, &'static str> {
    match text.is_empty() {
        true => Err("it is empty, wanted a token or a file"),
        false => Ok(Secret::new(text.to_owned())),
    }
}

/// The page is only shown: an address that a browser were started with could be read by every user of the machine.
fn show_page(page: &str) {
    output::note(format_args!("Open this page in a browser on this machine, and log in:\n{page}"));
}

fn show_code(code: &str, address: &str) {
    output::note(format_args!("Enter the verification code {code} in your browser at: {address}"));
}

fn failure(error: &TokenError) -> Failure {
    let hint = match error {
        TokenError::Expired { .. } => Some("a new token is needed; those of CI jobs last for minutes"),
        TokenError::Web { who, .. } if *who != "the identity provider" => {
            Some("--oidc-disable-ambient-providers lets a person log in instead")
        }
        _ => None,
    };
    Failure { hint: hint.map(str::to_owned), ..Failure::failed(format_args!("getting an identity token: {error}")) }
}

/// What a person has to log in.
const PATIENCE: Duration = Duration::from_secs(120);
const MAX_KIB: u64 = 64;
