//! The services that one signing uses, as they were chosen, and what they are asked for, in order.

use std::{sync::Arc, time::Duration};

use verifier::{Format, TransparencyLog};

use crate::{
    Chain, Credential, EnvelopeKind, LogVersion, ServiceError, SignError, SigningKey,
    content::{Content, envelope_json},
    fulcio::Fulcio,
    log_entry::LogEntry,
    rekor::{Rekor, Submission},
    service::Address,
    timestamp::TimestampServer,
    token::{IdentityToken, Web},
};

/// Where certificates, log entries and timestamps come from. Without any, a signature is by a key alone and nobody
/// but its holder knows when it was made.
#[derive(Debug, Clone, Default)]
pub struct Services {
    web: Arc<Web>,
    stamping: Option<Arc<Web>>,
    authority: Option<Fulcio>,
    logs: Vec<Rekor>,
    timestamps: Vec<TimestampServer>,
    envelopes: EnvelopeKind,
}

impl Services {
    /// No services.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same, with certificates from the authority at this address (Fulcio's base).
    ///
    /// # Errors
    /// Fails if the text is no address.
    pub fn with_authority(self, url: &str) -> Result<Self, ServiceError> {
        Ok(Self { authority: Some(Fulcio::new(url)?), ..self })
    }

    /// The same, and the log at this address (Rekor's base).
    ///
    /// # Errors
    /// Fails if the text is no address.
    pub fn with_log(mut self, url: &str, version: LogVersion) -> Result<Self, ServiceError> {
        self.logs.push(Rekor::new(url, version)?);
        Ok(self)
    }

    /// The same, and the timestamp authority at this address (of the page that stamps).
    ///
    /// # Errors
    /// Fails if the text is no address.
    pub fn with_timestamps(mut self, url: &str) -> Result<Self, ServiceError> {
        self.timestamps.push(TimestampServer::new(url)?);
        Ok(self)
    }

    /// The same, with envelopes recorded as this where a log has the choice.
    #[must_use]
    pub fn recording(self, envelopes: EnvelopeKind) -> Self {
        Self { envelopes, ..self }
    }

    /// The same, waiting this long for each answer, all tries together.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { web: Arc::new(Web::new(patience)), ..self }
    }

    /// The same, with timestamp authorities asked in this way.
    #[must_use]
    pub fn stamping_over(self, web: Web) -> Self {
        Self { stamping: Some(Arc::new(web)), ..self }
    }

    /// Whether signatures are written to a log.
    #[must_use]
    pub fn has_log(&self) -> bool {
        !self.logs.is_empty()
    }

    /// The hosts of the logs, for people who want to know where a signature will be seen.
    #[must_use]
    pub fn log_hosts(&self) -> Vec<String> {
        self.logs.iter().map(|log| log.address().host()).collect()
    }

    /// Where the logs are, by the names that trusted roots give them.
    pub(crate) fn log_places(&self) -> Vec<String> {
        self.logs.iter().map(|log| log.address().place()).collect()
    }

    /// The hosts of all services as they are asked, in lower case and without escapes, for people who want to know who
    /// learns of a signature.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        let authority = self.authority.iter().map(Fulcio::address);
        let logs = self.logs.iter().map(Rekor::address);
        let timestamps = self.timestamps.iter().map(TimestampServer::address);
        authority.chain(logs).chain(timestamps).map(Address::whole_host).collect()
    }

    /// Whether signatures are timestamped.
    #[must_use]
    pub fn has_timestamps(&self) -> bool {
        !self.timestamps.is_empty()
    }

    /// Whether one of them says when a signature was made, in a way that verifiers believe.
    #[must_use]
    pub fn tell_the_time(&self) -> bool {
        self.has_timestamps() || self.logs.iter().any(|log| log.version() == LogVersion::One)
    }

    /// Whether there is an authority to certify keys.
    #[must_use]
    pub fn has_authority(&self) -> bool {
        self.authority.is_some()
    }

    pub(crate) async fn certify(&self, token: &IdentityToken, key: &SigningKey) -> Result<Chain, SignError> {
        match &self.authority {
            Some(authority) => authority.certify(&self.web, token, key).await,
            None => Err(SignError::NoAuthority),
        }
    }

    /// What can be known to fail before anything is signed.
    pub(crate) fn can_serve(&self, by: &Credential, content: Content<'_>, format: Format) -> Result<(), SignError> {
        if by.lives_briefly() && !self.tell_the_time() {
            return Err(SignError::NoClock);
        }
        if format == Format::Legacy && self.logs.iter().any(|log| log.version() == LogVersion::Two) {
            return Err(SignError::LegacyLog);
        }
        self.logs.iter().try_for_each(|log| log.takes(by, content)).map_err(Into::into)
    }

    /// Signs, has the signature stamped, then recorded.
    ///
    /// A log of version 2 that has the signature already does not hand its entry out, which happens if an answer of it
    /// was lost: another signature is made then. Where signing again makes the same one, the entry is put together
    /// from the log's tiles, if the log is one of those that are known.
    pub(crate) async fn seal(
        &self,
        by: &Credential,
        content: Content<'_>,
        format: Format,
        known: &[TransparencyLog],
    ) -> Result<Sealed, SignError> {
        self.can_serve(by, content, format)?;
        if !by.signs_differently() {
            return self.seal_once(by, content, format, known).await;
        }
        match self.seal_once(by, content, format, &[]).await {
            Err(SignError::Service(ServiceError::AlreadyLogged { .. })) => {
                self.seal_once(by, content, format, &[]).await
            }
            result => result,
        }
    }

    async fn seal_once(
        &self,
        by: &Credential,
        content: Content<'_>,
        format: Format,
        known: &[TransparencyLog],
    ) -> Result<Sealed, SignError> {
        let signature = by.sign(&content.to_be_signed()).await?;
        let stamped = match (format, content) {
            // verifiers of cosign 1 and 2 look at what is stored, since a layer has no signature of an envelope
            (Format::Legacy, Content::Statement(payload)) => {
                envelope_json(payload, &signature).to_string().into_bytes()
            }
            _ => signature.clone(),
        };
        let mut timestamps = Vec::new();
        let stamping = self.stamping.as_ref().unwrap_or(&self.web);
        for server in &self.timestamps {
            timestamps.push(server.stamp(stamping, &stamped, format == Format::Legacy).await?);
        }
        let submission = Submission { by, content, signature: &signature, envelopes: self.envelopes, known };
        let mut log_entries = Vec::new();
        for log in &self.logs {
            log_entries.push(log.record(&self.web, &submission).await?);
        }
        Ok(Sealed { signature, timestamps, log_entries })
    }
}

/// A signature, and all that vouches for it beside its signer's certificate.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) signature: Vec<u8>,
    pub(crate) timestamps: Vec<Vec<u8>>,
    pub(crate) log_entries: Vec<LogEntry>,
}
