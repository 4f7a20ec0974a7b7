//! Why something was not signed.

use keys::SigningFailed;
use oci::ImageRef;
use registry::RegistryError;

use crate::{CertificateFault, CheckFault, PredicateError, Purpose, ServiceError, target::MAX_TARGETS};

/// Why something was not signed. Nothing was stored then, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// There is no such image, or an index names a manifest that is not there.
    #[error("image `{image}` does not exist in its registry")]
    Absent {
        /// The image.
        image: Box<ImageRef>,
    },
    /// What was there a moment ago cannot be had now.
    #[error("{place} is gone, wanted the signature that was there")]
    Gone {
        /// Where it was.
        place: verifier::Place,
    },
    /// The index has too much below it.
    #[error("more than {MAX_TARGETS} manifests to sign")]
    TooMany,
    /// The file's signature would count for something else.
    #[error("file is {0}, wanted one whose signature counts for the file alone")]
    Purpose(Purpose),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] SigningFailed),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The certificate that was given is no good.
    #[error(transparent)]
    Certificate(CertificateFault),
    /// A service.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Nobody certifies.
    #[error("no certificate authority, wanted one to sign by identity")]
    NoAuthority,
    /// Nothing would tell later on that the certificate was in force.
    #[error(
        "neither a timestamp authority nor a log whose entries have a time: \
         nothing would tell that the signature was made while its certificate was in force"
    )]
    NoClock,
    /// The certificate is not in force, so nothing can be signed with it.
    #[error("certificate is not in force: it ends at {until}, now is {}", crate::clock::stamp())]
    NotInForce {
        /// When it ends.
        until: String,
    },
    /// Legacy signatures carry a log's promise, and version 2 makes none.
    #[error("transparency log of version 2 promises nothing, wanted one of version 1 for the legacy format")]
    LegacyLog,
    /// The predicate is not what its type wants.
    #[error(transparent)]
    Predicate(#[from] PredicateError),
    /// The signature that was made would be refused. It was not stored, but a log may have recorded it.
    #[error("not stored, since verifiers would refuse what was made: {0}")]
    Check(#[from] CheckFault),
}
