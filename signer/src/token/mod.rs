//! Identity tokens: who signs, as an identity provider says it.
//!
//! A token comes from where the program runs ([`Source`]), or from a person at a browser ([`Provider`]). Nothing here
//! checks a provider's signature: the certificate authority that the token is for does. Nothing here reads the
//! process's environment: [`Surroundings`] carry what counts.

mod browser;
mod device;
mod error;
mod google;
mod identity;
mod listener;
mod provider;
mod source;
mod spiffe;
mod surroundings;
mod tls;
pub(crate) mod web;

pub use error::{TokenError, WebError};
pub use identity::IdentityToken;
pub use provider::{Application, Provider};
pub use source::Source;
pub use surroundings::Surroundings;
pub use tls::Tls;
pub use web::Web;
