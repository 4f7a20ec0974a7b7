//! Image and key to a signature stored beside the image.

mod bundle;
mod key;
mod sign;
pub mod token;

pub use key::SigningKey;
pub use sign::{Format, SignError, Signed, Signer, Target};
