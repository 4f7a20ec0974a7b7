//! What the place where the program runs says about itself: its variables, and the files that show what it is.

use std::path::PathBuf;

use registry::Secret;

/// Where the program runs, as far as identity tokens go. The paths are those of a real machine unless they are changed.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub github: Option<(String, Secret)>,
    /// `BUILDKITE_AGENT_ACCESS_TOKEN`.
    pub buildkite: Option<Secret>,
    /// `BUILDKITE_AGENT_ENDPOINT`, or where that is by default.
    pub buildkite_endpoint: String,
    /// `BUILDKITE_JOB_ID`.
    pub buildkite_job: Option<String>,
    /// `SIGSTORE_ID_TOKEN`, which GitLab's jobs have.
    pub id_token: Option<Secret>,
    /// Where Kubernetes may mount a token.
    pub token_file: PathBuf,
    /// `GOOGLE_SERVICE_ACCOUNT_NAME`.
    pub google_account: Option<String>,
    /// Whether `GOOGLE_APPLICATION_CREDENTIALS` names credentials other than the machine's own.
    pub google_credentials_elsewhere: bool,
    /// `GCE_METADATA_HOST`, or where that is by default.
    pub google_metadata: String,
    /// The service that makes tokens for Google's accounts.
    pub google_tokens: String,
    /// Names the maker of the machine.
    pub product_file: PathBuf,
    /// `SPIFFE_ENDPOINT_SOCKET`.
    pub spiffe_socket: Option<PathBuf>,
    /// Where that is by default: a place where anybody may put a socket.
    pub spiffe_default: PathBuf,
}

impl Surroundings {
    /// Takes what counts from an environment. Empty variables are none.
    #[must_use]
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|text| !text.is_empty());
        let secret = |name: &str| set(name).map(Secret::new);
        let or = |name: &str, default: &str| set(name).unwrap_or_else(|| default.to_owned());
        let path = |socket: String| socket.strip_prefix("unix://").unwrap_or(&socket).into();
        Self {
            github: set("ACTIONS_ID_TOKEN_REQUEST_URL").zip(secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
            buildkite: secret("BUILDKITE_AGENT_ACCESS_TOKEN"),
            buildkite_endpoint: or("BUILDKITE_AGENT_ENDPOINT", BUILDKITE),
            buildkite_job: set("BUILDKITE_JOB_ID"),
            id_token: secret("SIGSTORE_ID_TOKEN"),
            token_file: TOKEN_FILE.into(),
            google_account: set("GOOGLE_SERVICE_ACCOUNT_NAME"),
            google_credentials_elsewhere: set("GOOGLE_APPLICATION_CREDENTIALS").is_some(),
            google_metadata: or("GCE_METADATA_HOST", GOOGLE_METADATA),
            google_tokens: GOOGLE_TOKENS.to_owned(),
            product_file: PRODUCT_FILE.into(),
            spiffe_socket: set("SPIFFE_ENDPOINT_SOCKET").map(path),
            spiffe_default: SPIFFE_SOCKET.into(),
        }
    }

    /// Whether this is one of Google's machines.
    pub(super) fn is_google(&self) -> bool {
        let product = std::fs::read_to_string(&self.product_file).unwrap_or_default();
        matches!(product.trim(), "Google" | "Google Compute Engine")
    }
}

const BUILDKITE: &str = "https://agent.buildkite.com/v3";
const TOKEN_FILE: &str = "/var/run/sigstore/cosign/oidc-token";
const GOOGLE_METADATA: &str = "169.254.169.254";
const GOOGLE_TOKENS: &str = "https://iamcredentials.googleapis.com";
const PRODUCT_FILE: &str = "/sys/class/dmi/id/product_name";
const SPIFFE_SOCKET: &str = "/tmp/spire-agent/public/api.sock";
