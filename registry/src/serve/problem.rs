//! What can go wrong: at start ([`ServeError`]), and in a request ([`Problem`], told to the client with the code that
//! the distribution specification has for it).

use std::{io, net::SocketAddr, path::PathBuf};

use axum::response::{IntoResponse, Response};
use http::{
    HeaderName, StatusCode,
    header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE, WWW_AUTHENTICATE},
};
use oci::{AnyDigest, DigestError, ManifestError, ReferenceError};
use serde_json::json;

/// Why the registry does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Everybody who can reach the address could push.
    #[error("a registry at {address} would be open to everybody: an account, or a loopback address, wanted")]
    OpenToStrangers {
        /// The listener's address.
        address: SocketAddr,
    },
    /// Another process has the directory.
    #[error("directory `{}` is in use by another registry", .directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory holds what this registry would not have written.
    #[error("`{}` is damaged: {why}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The directory or the listener cannot be used.
    #[error("`{}`: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The listener failed.
    #[error("listener: {0}")]
    Listener(io::Error),
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("user name and password wanted")]
    Unauthorized,
    #[error("no such endpoint")]
    NoEndpoint,
    #[error("this endpoint has no such method")]
    Method,
    #[error("the referrers API is switched off")]
    NoReferrers,
    #[error("{0}")]
    NameInvalid(ReferenceError),
    #[error("no such repository")]
    NameUnknown,
    #[error("{0}")]
    TagInvalid(ReferenceError),
    #[error("{0}")]
    DigestInvalid(#[from] DigestError),
    #[error("no digest given")]
    DigestMissing,
    #[error("content has digest {found}, wanted {wanted}")]
    DigestMismatch { found: Box<AnyDigest>, wanted: AnyDigest },
    #[error("no such manifest")]
    ManifestUnknown,
    #[error("{0}")]
    ManifestInvalid(#[from] ManifestError),
    #[error("manifest is `{found}`, Content-Type says otherwise")]
    ContentType { found: String },
    #[error("manifest is larger than {most} bytes")]
    ManifestTooLarge { most: usize },
    #[error("blob {digest} is not in this repository")]
    ManifestBlobUnknown { digest: AnyDigest },
    #[error("the tag or manifest is not as the condition wants it")]
    Condition,
    #[error("no such blob")]
    BlobUnknown,
    #[error("blob is larger than {most} bytes")]
    BlobTooLarge { most: u64 },
    #[error("range lies outside the blob's {size} bytes")]
    OutsideBlob { size: u64 },
    #[error("no such upload")]
    UploadUnknown,
    #[error("the upload is being written to by another request")]
    UploadBusy,
    #[error("more than {most} uploads are open")]
    TooManyUploads { most: usize },
    #[error("Content-Range wanted as `<first>-<last>`, with the length of the body")]
    ContentRange,
    #[error("upload has {size} bytes, the chunk does not begin there")]
    OutOfOrder { location: String, size: u64 },
    #[error("the registry is full: {most} bytes")]
    Full { most: u64 },
    #[error("`n` is not a number")]
    PageSize,
    #[error("the body ended early")]
    Interrupted,
    #[error("the body did not arrive in time")]
    Stalled,
    #[error("the registry's storage failed")]
    Storage(#[from] io::Error),
}

impl Problem {
    /// Status and code: distribution specification 1.1, "Error Codes"; the last three codes are Docker's.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Unauthorized => (S::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::NoEndpoint | Self::NoReferrers => (S::NOT_FOUND, "UNSUPPORTED"),
            Self::Method => (S::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::NameInvalid(_) => (S::BAD_REQUEST, "NAME_INVALID"),
            Self::NameUnknown => (S::NOT_FOUND, "NAME_UNKNOWN"),
            Self::DigestInvalid(_) | Self::DigestMissing | Self::DigestMismatch { .. } => {
                (S::BAD_REQUEST, "DIGEST_INVALID")
            }
            Self::ManifestUnknown => (S::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::ManifestInvalid(_) | Self::ContentType { .. } => (S::BAD_REQUEST, "MANIFEST_INVALID"),
            Self::ManifestTooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::ManifestBlobUnknown { .. } => (S::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN"),
            Self::Condition => (S::PRECONDITION_FAILED, "DENIED"),
            Self::BlobUnknown => (S::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::BlobTooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::OutsideBlob { .. } | Self::OutOfOrder { .. } => (S::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            Self::UploadUnknown => (S::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Self::UploadBusy => (S::CONFLICT, "BLOB_UPLOAD_INVALID"),
            Self::TooManyUploads { .. } => (S::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            Self::ContentRange | Self::Interrupted => (S::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            Self::Stalled => (S::REQUEST_TIMEOUT, "BLOB_UPLOAD_INVALID"),
            Self::Full { .. } => (S::INSUFFICIENT_STORAGE, "DENIED"),
            Self::TagInvalid(_) => (S::BAD_REQUEST, "TAG_INVALID"),
            Self::PageSize => (S::BAD_REQUEST, "PAGINATION_NUMBER_INVALID"),
            Self::Storage(_) => (S::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        }
    }

    /// The header that tells the client how to go on.
    fn headers(&self) -> Vec<(HeaderName, String)> {
        match self {
            Self::Unauthorized => vec![(WWW_AUTHENTICATE, r#"Basic realm="sealgate""#.to_owned())],
            Self::OutsideBlob { size } => vec![(CONTENT_RANGE, format!("bytes */{size}"))],
            Self::OutOfOrder { location, size } => {
                vec![(LOCATION, location.clone()), (RANGE, format!("0-{}", size.saturating_sub(1)))]
            }
            _ => Vec::new(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::Storage(error) = &self {
            tracing::error!(%error, "storage failed");
        }
        let (status, code) = self.status_and_code();
        let body = json!({ "errors": [{ "code": code, "message": self.to_string() }] });
        let mut response = (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response();
        for (name, value) in self.headers() {
            let value = value.parse().expect("paths, numbers and fixed text are header values");
            response.headers_mut().insert(name, value);
        }
        response
    }
}
