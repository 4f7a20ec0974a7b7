//! The Docker daemon's API: pull by digest, then tag.
//!
//! The tag is set only after the daemon has the judged digest, so at no time does the tag name anything else that
//! this pull brought.

use bollard::{
    API_DEFAULT_VERSION, Docker,
    auth::DockerCredentials,
    errors::Error,
    query_parameters::{CreateImageOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder},
};
use futures::StreamExt as _;
use oci::{ImageRef, PinnedRef};
use registry::Credential;

use crate::{DockerHost, Event, Transcript, events::printable};

const TIMEOUT_SECONDS: u64 = 600;

/// A connection to a daemon.
#[derive(Debug, Clone)]
pub struct Daemon(Docker);

impl Daemon {
    /// Connects and agrees on an API version.
    ///
    /// # Errors
    /// Fails if no daemon answers there.
    pub async fn connect(host: &DockerHost) -> Result<Self, DaemonError> {
        let (client, at) = match host {
            DockerHost::Socket(path) => {
                let path = path.to_string_lossy();
                (Docker::connect_with_unix(&path, TIMEOUT_SECONDS, API_DEFAULT_VERSION), format!("unix://{path}"))
            }
            DockerHost::Tcp(address) => {
                let url = format!("tcp://{address}");
                (Docker::connect_with_http(&url, TIMEOUT_SECONDS, API_DEFAULT_VERSION), url)
            }
        };
        let unreachable = |cause| DaemonError::Unreachable { at: at.clone(), cause };
        let client = client.map_err(unreachable)?;
        client.negotiate_version().await.map(Self).map_err(unreachable)
    }

    /// Has the daemon pull exactly this digest, and then gives it the tag that `asked` has, where it has one.
    ///
    /// # Errors
    /// Fails with the daemon's words, or if the daemon refuses the tag. Nothing is tagged then.
    pub async fn pull(
        &self,
        asked: &ImageRef,
        pinned: &PinnedRef,
        platform: Option<&str>,
        credential: Option<&Credential>,
        mut show: impl FnMut(Event),
    ) -> Result<(), DaemonError> {
        let repository = pinned.repository().familiar();
        let by_digest = format!("{repository}@{}", pinned.digest());
        let tag = asked.effective_tag();
        let shown = tag.as_ref().map_or_else(|| by_digest.clone(), |tag| format!("{repository}:{tag}"));
        let mut transcript = Transcript::new(&shown, &by_digest, tag.as_ref().map(|tag| tag.as_str()));
        let credential = credential.map(|credential| for_daemon(credential, pinned));
        let mut create = async || self.create(pinned, platform, credential.clone(), &mut transcript, &mut show).await;
        match create().await {
            Err(error) if tag.is_some() && is_digest_taken(&error) && self.forget(&by_digest).await => create().await?,
            result => result?,
        }
        match tag {
            Some(tag) => self.tag(&by_digest, &repository, tag.as_str()).await,
            None => Ok(()),
        }
    }

    async fn create(
        &self,
        pinned: &PinnedRef,
        platform: Option<&str>,
        credential: Option<DockerCredentials>,
        transcript: &mut Transcript,
        show: &mut impl FnMut(Event),
    ) -> Result<(), DaemonError> {
        let options = CreateImageOptionsBuilder::new()
            .from_image(&pinned.repository().to_string())
            .tag(&pinned.digest().to_string())
            .platform(platform.unwrap_or_default())
            .build();
        let mut messages = Box::pin(self.0.create_image(Some(options), None, credential));
        while let Some(message) = messages.next().await {
            let message = message?;
            let number = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
            let progress = message.progress_detail.and_then(|p| Some((number(p.current)?, number(p.total)?)));
            let status = message.status.unwrap_or_default();
            transcript.event(message.id.as_deref(), &status, progress).map(&mut *show);
        }
        Ok(())
    }

    /// Takes the digest from an image that keeps a tag; says whether it did. An image with no other name stays as it
    /// is: it would be gone.
    async fn forget(&self, by_digest: &str) -> bool {
        let image = self.0.inspect_image(by_digest).await;
        let tagged = image.is_ok_and(|image| image.repo_tags.is_some_and(|tags| !tags.is_empty()));
        let options = RemoveImageOptionsBuilder::new().noprune(true).build();
        tagged && self.0.remove_image(by_digest, Some(options), None).await.is_ok()
    }

    async fn tag(&self, image: &str, repository: &str, tag: &str) -> Result<(), DaemonError> {
        let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
        Ok(self.0.tag_image(image, Some(options)).await?)
    }
}

/// Docker's older store keeps one image for a digest. Of an index, that is the image of one platform, and it refuses
/// another platform's by digest, although it would take it by tag.
fn is_digest_taken(error: &DaemonError) -> bool {
    let (DaemonError::Response { message } | DaemonError::Stream { message }) = error else { return false };
    message.to_lowercase().contains("cannot overwrite digest")
}

/// The caller's credential as the daemon takes it, in `X-Registry-Auth`.
fn for_daemon(credential: &Credential, pinned: &PinnedRef) -> DockerCredentials {
    let serveraddress = Some(pinned.repository().domain().to_owned());
    let empty = DockerCredentials { serveraddress, ..DockerCredentials::default() };
    match credential {
        Credential::Password { user, password } => {
            DockerCredentials { username: Some(user.clone()), password: Some(password.reveal().to_owned()), ..empty }
        }
        Credential::IdentityToken(token) => {
            DockerCredentials { identitytoken: Some(token.reveal().to_owned()), ..empty }
        }
        Credential::RegistryToken(token) => {
            DockerCredentials { registrytoken: Some(token.reveal().to_owned()), ..empty }
        }
    }
}

/// Why the daemon did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// There is no daemon.
    #[error("cannot connect to the Docker daemon at {at}: {}", printable(&.cause.to_string()))]
    Unreachable {
        /// Its address.
        at: String,
        /// What happened.
        cause: Error,
    },
    /// The daemon answered with an error.
    #[error("Error response from daemon: {message}")]
    Response {
        /// Its words, cut and without control characters.
        message: String,
    },
    /// The daemon began, and failed.
    #[error("{message}")]
    Stream {
        /// Its words, cut and without control characters.
        message: String,
    },
    /// The connection broke.
    #[error("the Docker daemon stopped answering: {}", printable(&.0.to_string()))]
    Broken(Error),
}

impl From<Error> for DaemonError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { message, .. } => Self::Response { message: printable(&message) },
            Error::DockerStreamError { error } => Self::Stream { message: printable(&error) },
            other => Self::Broken(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> [String; 4] {
        let response = || Error::DockerResponseServerError { status_code: 500, message: words.to_owned() };
        [
            DaemonError::from(response()).to_string(),
            DaemonError::from(Error::DockerStreamError { error: words.to_owned() }).to_string(),
            DaemonError::from(Error::UnsupportedURISchemeError { uri: words.to_owned() }).to_string(),
            DaemonError::Unreachable { at: "x".to_owned(), cause: response() }.to_string(),
        ]
    }

    #[test]
    fn daemons_words_move_no_cursor_and_forge_no_line() {
        for text in said("no\nverified: a.b/c\r\u{1b}[2J\u{9b}1m") {
            assert!(!text.contains(char::is_control) && text.contains("no verified: a.b/c"), "{text:?}");
        }
    }

    #[test]
    fn daemons_words_are_cut() {
        for text in said(&"x".repeat(100_000)) {
            assert!(text.len() < 600, "{} bytes", text.len());
        }
    }

    #[test]
    fn what_the_daemon_says_is_still_told_apart() {
        let message = "cannot overwrite digest sha256:ab".to_owned();
        assert!(is_digest_taken(&Error::DockerResponseServerError { status_code: 500, message }.into()));
        assert!(!is_digest_taken(&Error::DockerStreamError { error: "no".to_owned() }.into()));
    }
}
