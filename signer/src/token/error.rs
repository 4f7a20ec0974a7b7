//! Why there is no identity token. No error holds one.

use std::{fmt, io, path::PathBuf, time::Duration};

use rustls_pki_types::UnixTime;

/// Why there is no identity token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The text is no token.
    #[error("identity token is malformed, wanted {wanted}")]
    Malformed {
        /// What a token has.
        wanted: &'static str,
    },
    /// The token does not say what it must.
    #[error("identity token has no claim `{claim}`")]
    NoClaim {
        /// The claim's name.
        claim: &'static str,
    },
    /// The token was made for another request or another application.
    #[error("identity token has not the claim `{claim}` that was asked for")]
    OtherClaim {
        /// The claim's name.
        claim: &'static str,
    },
    /// The token was good once.
    #[error("identity token expired at {expired}, now is {now}")]
    Expired {
        /// Until when it was good.
        expired: Moment,
        /// When it was read.
        now: Moment,
    },
    /// Anybody may write an address that nobody has verified.
    #[error("identity token names `{email}`, an address that its issuer has not verified")]
    EmailNotVerified {
        /// The address.
        email: String,
    },
    /// There is no source of that name.
    #[error("`{name}` provides no identity tokens, wanted one of {}", super::Source::NAMES.join(", "))]
    UnknownSource {
        /// The name.
        name: String,
    },
    /// The source that was named is not here.
    #[error("`{source_name}` is not here, wanted {wanted}")]
    NotHere {
        /// The source.
        source_name: &'static str,
        /// What would show that it is here.
        wanted: &'static str,
    },
    /// A file cannot be read.
    #[error("reading the file of the identity token: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
    /// A service was asked, and gave none.
    #[error("asking {who} for an identity token: {error}")]
    Web {
        /// The service.
        who: &'static str,
        /// What came of it.
        error: WebError,
    },
    /// The provider is not the one that was asked for, or lacks what is needed.
    #[error("identity provider `{issuer}`: `{found}` found, wanted {wanted}")]
    Provider {
        /// The provider's address.
        issuer: String,
        /// What its description says.
        found: String,
        /// What it was to say.
        wanted: &'static str,
    },
    /// The person or the provider said no.
    #[error("identity provider refused: {why}")]
    Denied {
        /// The provider's word for it.
        why: String,
    },
    /// Nobody answered.
    #[error("nobody logged in within {0:?}")]
    Late(Duration),
    /// The address to which the browser is sent back is no good.
    #[error("redirect address `{found}`, wanted http://localhost:PORT/PATH")]
    Redirect {
        /// The address.
        found: String,
    },
    /// The port to which the browser is sent back is taken.
    #[error("listening for the browser: {0}")]
    Listen(io::Error),
    /// The system has no randomness to give.
    #[error("the system has no randomness to give")]
    NoRandomness,
}

/// A time as messages show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(UnixTime);

impl From<UnixTime> for Moment {
    fn from(time: UnixTime) -> Self {
        Self(time)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_second(seconds) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "second {seconds}"),
        }
    }
}

/// What came of one request.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address cannot be asked.
    #[error("`{found}` is not an address of the web")]
    Address {
        /// The beginning of it.
        found: String,
    },
    /// What is asked for must not be overheard.
    #[error("{host} is to be asked by plain http, wanted https")]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// The socket is in a place where anybody may put one, and somebody else did.
    #[error(
        "{host} is served by user {found}, wanted root or user {own}, or SPIFFE_ENDPOINT_SOCKET to name a socket that is \
         meant"
    )]
    Stranger {
        /// What is asked.
        host: String,
        /// Whose process answers there.
        found: u32,
        /// Whose process this is.
        own: u32,
    },
    /// No certificates to trust, or no client.
    #[error("cannot speak TLS: {why}")]
    Setup {
        /// Why.
        why: String,
    },
    /// No connection, or it broke.
    #[error("no answer from {host}: {why}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
    /// No answer in time.
    #[error("no answer from {host} within {after:?}")]
    Late {
        /// The host.
        host: String,
        /// How long it had.
        after: Duration,
    },
    /// The service said no.
    #[error("{host} answered {status}: {words}")]
    Refused {
        /// The host.
        host: String,
        /// The HTTP or gRPC status.
        status: u16,
        /// The beginning of its words, escaped.
        words: String,
    },
    /// The answer is larger than any such answer is.
    #[error("answer of {host} is over {most} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit.
        most: usize,
    },
    /// The answer holds no such thing.
    #[error("answer of {host} has no {wanted}")]
    Unusable {
        /// The host.
        host: String,
        /// What was wanted.
        wanted: &'static str,
    },
}
