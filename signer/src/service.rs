//! The services that a signature may need: where they are, and what went wrong with one.

use std::fmt;

use url::Url;

use crate::{
    CertificateFault,
    token::{
        WebError,
        web::{Answer, Body, Question, address, is_loopback},
    },
};

/// A kind of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// It certifies who holds a key (Fulcio).
    CertificateAuthority,
    /// It records signatures (Rekor).
    Log,
    /// It says what time it is (RFC 3161).
    TimestampAuthority,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateAuthority => "certificate authority",
            Self::Log => "transparency log",
            Self::TimestampAuthority => "timestamp authority",
        })
    }
}

/// Where a service is. Plain HTTP is spoken with one whose address says so; with a certificate authority, which gets a
/// token, on loopback alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    service: Service,
    url: Url,
}

impl Address {
    pub(crate) fn new(service: Service, text: &str) -> Result<Self, ServiceError> {
        let failed = |error| ServiceError::Web { service, error };
        let url = address(text).map_err(failed)?;
        let overheard = url.scheme() != "https" && !is_loopback(&url);
        let here = Self { service, url };
        match service == Service::CertificateAuthority && overheard {
            true => Err(failed(WebError::PlainHttp { host: here.host() })),
            false => Ok(here),
        }
    }

    /// The host, for messages.
    pub(crate) fn host(&self) -> String {
        oci::excerpt(self.whole_host(), 100)
    }

    /// The host as it is asked: in lower case, without escapes.
    pub(crate) fn whole_host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// What trusted roots call a log at this address: the host, and the port if it is given.
    pub(crate) fn place(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", self.whole_host())
    }

    /// A question to what is below this address.
    pub(crate) fn get(&self, below: &[&str]) -> Question<'static> {
        self.question(Question::get(self.below(below)))
    }

    /// The same, with a body.
    pub(crate) fn post<'a>(&self, below: &[&str], body: Body<'a>) -> Question<'a> {
        self.question(Question::post(self.below(below), body))
    }

    fn question<'a>(&self, question: Question<'a>) -> Question<'a> {
        Question { on_this_machine: self.url.scheme() == "http", ..question }
    }

    fn below(&self, below: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let (false, Ok(mut path)) = (below.is_empty(), url.path_segments_mut()) {
            path.pop_if_empty().extend(below);
        }
        url
    }

    pub(crate) fn failed(&self, error: WebError) -> ServiceError {
        ServiceError::Web { service: self.service, error }
    }

    /// The answer lacks something.
    pub(crate) fn lacks(&self, wanted: &'static str) -> ServiceError {
        self.failed(WebError::Unusable { host: self.host(), wanted })
    }

    /// The answer, if it is a success.
    pub(crate) fn succeeded(&self, answer: Result<Answer, WebError>) -> Result<Answer, ServiceError> {
        answer.and_then(Answer::succeeded).map_err(|error| self.failed(error))
    }
}

/// What went wrong with a service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It cannot be asked, or said no, or its answer is no such answer.
    #[error("{service}: {error}")]
    Web {
        /// Which.
        service: Service,
        /// What came of it.
        error: WebError,
    },
    /// The certificate that came is not one for the key that was sent.
    #[error("certificate authority {host}: {fault}")]
    Certificate {
        /// Its host.
        host: String,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// The entry that came is of something else than what was sent.
    #[error("transparency log {host} answered with an entry of another {what}: `{found}` found, wanted `{wanted}`")]
    OtherEntry {
        /// Its host.
        host: String,
        /// The part that differs.
        what: &'static str,
        /// The entry's, the beginning of it.
        found: String,
        /// What was sent.
        wanted: String,
    },
    /// The log has this very signature already. Its entry can be fetched only from a log that is trusted.
    #[error("transparency log {host} has this signature already, as entry {index}, and is not one that is trusted")]
    AlreadyLogged {
        /// Its host.
        host: String,
        /// The entry.
        index: u64,
    },
    /// The log does not take signatures by such keys.
    #[error("transparency log {host} takes no {what} by a key of kind {kind}")]
    Unloggable {
        /// Its host.
        host: String,
        /// What it was to take.
        what: &'static str,
        /// The kind of key.
        kind: keys::KeyKind,
    },
    /// The timestamp authority refused.
    #[error("timestamp authority {host} refused with status {status}")]
    Refused {
        /// Its host.
        host: String,
        /// The status of RFC 3161.
        status: u64,
    },
    /// The timestamp is of something else than what was sent.
    #[error("timestamp authority {host} stamped something else: wanted {wanted}")]
    OtherTimestamp {
        /// Its host.
        host: String,
        /// The hash that was sent.
        wanted: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_gets_a_token_and_is_not_asked_in_plain_http_off_loopback() {
        let address = |service, text| Address::new(service, text).map(|_| ()).map_err(|error| error.to_string());
        let refused = "certificate authority: a.test is to be asked by plain http, wanted https";
        assert_eq!(address(Service::CertificateAuthority, "http://a.test"), Err(refused.to_owned()));
        for service in [Service::CertificateAuthority, Service::Log, Service::TimestampAuthority] {
            assert_eq!(address(service, "https://a.test"), Ok(()), "{service}");
            assert_eq!(address(service, "http://127.0.0.1:1"), Ok(()), "{service}");
        }
        assert_eq!(address(Service::Log, "http://a.test"), Ok(()));
        assert_eq!(address(Service::TimestampAuthority, "http://a.test"), Ok(()));
    }
}
