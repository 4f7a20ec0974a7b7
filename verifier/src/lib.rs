//! Is this signature genuine, by whom, and over what?
//!
//! [`examine()`] is pure and total: what a registry gave, in; [`Evidence`], out. Whether that evidence is enough is
//! another crate's question. What cannot be examined is said to be unexamined, never counted.

mod bundle;
mod evidence;
mod examine;
mod fault;
mod statement;
mod trust;
mod untrusted;

pub use bundle::{BundleError, Envelope, SIGN_PREDICATE};
pub use evidence::{Claim, Evidence, Format, Refused, Signer, Unexamined, VerifiedSignature};
pub use examine::examine;
pub use fault::Fault;
pub use statement::{Statement, StatementError, Subject};
pub use trust::TrustRoot;
pub use untrusted::{Found, Gap, Place, Source, UntrustedSignature};
