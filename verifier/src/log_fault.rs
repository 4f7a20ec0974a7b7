//! Why an entry of a transparency log proves nothing, with what was found and what was wanted.

use oci::json::JsonError;

use crate::{CheckpointFault, FieldError};

/// Why a log entry proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// The entry is not JSON that can be read in one way only.
    #[error("log entry is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is unknown, missing or of the wrong kind.
    #[error("log entry: {0}")]
    Field(#[from] FieldError),
    /// It is of a log that is not trusted.
    #[error("log entry is of unknown log {id}")]
    Foreign {
        /// The log's id.
        id: String,
    },
    /// It is of a kind that is not known.
    #[error("log entry of kind `{found}` found, which is not known")]
    Kind {
        /// Kind and version.
        found: String,
    },
    /// The body is of another kind than the entry says.
    #[error("log entry's body is of kind `{found}`, which is not what the entry says")]
    OtherKind {
        /// Kind and version of the body.
        found: String,
    },
    /// The body is not what a log of version 2 writes.
    #[error("log entry's body is not canonical JSON")]
    NotCanonical,
    /// The body names a signer in a way that cannot be read.
    #[error("log entry names its signer by neither one certificate nor one key")]
    Signer,
    /// The body uses a hash function that is not accepted.
    #[error("log entry hashes with `{found}`, wanted SHA-256, SHA-384 or SHA-512")]
    Hash {
        /// The function's name.
        found: String,
    },
    /// The hash in the body is none of the function it names.
    #[error("log entry has a hash of {found} bytes, wanted {wanted}")]
    HashLength {
        /// How many bytes.
        found: usize,
        /// How many the function yields.
        wanted: usize,
    },
    /// It records a signature over something else.
    #[error("log entry is about {found}, signature is over {wanted}")]
    OtherDigest {
        /// The hash recorded.
        found: String,
        /// The hash of what was signed.
        wanted: String,
    },
    /// It records another signature.
    #[error("log entry records another signature")]
    OtherSignature,
    /// It records another signer.
    #[error("log entry records another signer")]
    OtherSigner,
    /// The log's promise is not by the log over this entry.
    #[error("log entry's signed timestamp is not the log's")]
    Promise,
    /// The promise that this format needs is missing.
    #[error("log entry lacks the log's signed timestamp")]
    NoPromise,
    /// The proof that this format needs is missing.
    #[error("log entry lacks a proof of inclusion")]
    NoProof,
    /// The proof does not lead from the entry to the root.
    #[error("log entry's proof of inclusion does not lead to its root")]
    Proof,
    /// The entry claims another place than its proof.
    #[error("log entry claims index {found}, its proof is for {wanted}")]
    Index {
        /// The index claimed.
        found: u64,
        /// The index proven.
        wanted: u64,
    },
    /// The proof's root is not one that the log signed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointFault),
    /// The log was not trusted at that time.
    #[error("log entry is of {at}, its log is trusted from {window}")]
    Outside {
        /// When.
        at: String,
        /// When the log is trusted.
        window: String,
    },
    /// It is from the future.
    #[error("log entry is of {at}, which is in the future")]
    Future {
        /// When.
        at: String,
    },
    /// The same entry stands in the list already.
    #[error("log entry is repeated")]
    Repeated,
}
