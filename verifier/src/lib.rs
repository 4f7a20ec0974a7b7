//! Is this signature genuine, by whom, over what, since when?
//!
//! [`examine()`] is pure and total: what a registry gave, in; [`Evidence`], out. Whether that evidence is enough is
//! another crate's question. What cannot be examined is said to be unexamined, never counted.

mod asn1;
mod attestation;
mod authority;
mod blob;
mod bundle;
mod certificate;
mod checkpoint;
mod description;
mod envelope;
mod evidence;
mod examine;
mod fault;
mod fields;
mod hearsay;
mod identity;
mod legacy;
mod log_entry;
mod log_fault;
mod logs;
mod maker;
mod matcher;
mod merkle;
mod path;
mod pattern;
mod proofs;
mod recorded;
mod sct;
mod signed;
mod statement;
mod timestamp;
mod token;
mod trust;
mod trusted_root;
mod untrusted;
mod untrusted_bundle;
mod window;

pub use attestation::VerifiedAttestation;
pub use authority::{CertificateAuthority, TimestampAuthority};
pub use blob::{Artifact, VerifiedBlob, examine_blob};
pub use bundle::{BundleError, SIGN_PREDICATE};
pub use certificate::CertificateError;
pub use checkpoint::CheckpointFault;
pub use description::{
    BundleDescription, Claimed, ClaimedCertificate, ClaimedContent, ClaimedEntry, ClaimedSigner, ClaimedStatement,
    ClaimedTimestamp,
};
pub use envelope::{Envelope, EnvelopeError};
pub use evidence::{Claim, Evidence, Format, Refused, Signer, Unexamined, VerifiedSignature};
pub use examine::examine;
pub use fault::Fault;
pub use fields::FieldError;
pub use hearsay::{ClaimedPayload, Hearsay};
pub use identity::{Identity, SubjectName};
pub use log_entry::LogProof;
pub use log_fault::LogFault;
pub use logs::{CertificateLog, TransparencyLog};
pub use matcher::{IdentityMatcher, MatcherError, TextMatcher};
pub use path::ChainFault;
pub use proofs::{Clock, Proofs, SetAside, VerifiedTime};
pub use sct::{CertificateLogFault, CertificateLogProof};
pub use statement::{Statement, StatementError, Subject};
pub use timestamp::{TimestampFault, TimestampProof};
pub use trust::{Demands, TrustRoot};
pub use trusted_root::TrustedRootError;
pub use untrusted::{Found, Gap, Place, Source, UntrustedSignature};
pub use untrusted_bundle::{BundleMaker, RebuildError, UntrustedBundle};
pub use window::Window;
