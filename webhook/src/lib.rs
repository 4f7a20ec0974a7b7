//! AdmissionReview in, AdmissionReview out.
//!
//! The Kubernetes door. [`router`] answers the API server's two calls: before an object is written as asked, where
//! judged images get their digest, and once it is what it will be, where everything is judged again and what is still
//! unpinned is refused. [`serve()`] puts it on a socket. The gate decides; this crate reads, asks and writes.

mod answer;
mod authority;
mod body;
mod deadline;
mod finding;
mod http;
mod judge;
mod metrics;
mod review;
mod scope;
mod serve;
mod tls;
mod wire;
mod words;

pub use http::{Webhook, router};
pub use serve::serve;
pub use tls::{Tls, TlsError};
